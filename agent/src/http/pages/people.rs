//! The people of the node, and those who are invited.

use askama::Template;

use super::addresses::picture;
use super::parts::{Field, When, summary};
use super::{Frame, Page, ROLES, problems, render, role_word, status};
use crate::http::context::{Context, Form};
use crate::node::command::Refusal;
use crate::node::people::access::{Invitation, Purpose};
use crate::node::people::{Person, Role};
use crate::node::rights::Right;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    frame: Frame,
    refusal: Option<String>,
    fresh: Option<Fresh>,
    people: Vec<PersonView>,
    invitations: Vec<InvitationView>,
    roles: Vec<RoleChoice>,
    role_error: Option<String>,
    note: Field,
}

/// A link that is shown this one time.
pub(super) struct Fresh {
    pub(super) text: String,
    pub(super) picture: Option<String>,
}

struct PersonView {
    id: u32,
    name: String,
    initial: String,
    role: String,
    is_self: bool,
    since: When,
    roles: Vec<RoleChoice>,
    error: Option<String>,
}

struct RoleChoice {
    word: &'static str,
    title: String,
    means: String,
    chosen: bool,
}

struct InvitationView {
    id: String,
    title: String,
    purpose: String,
    until: When,
    open: bool,
}

/// Everybody with their role, and the invitations that are open.
pub fn people(context: &Context, form: &Form) -> Page {
    let (t, people) = (context.language, &context.snapshot.people);
    if !context.who.may(Right::People) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let wanted = match form.value("role") {
        "" => "member",
        word => word,
    };
    let page = PeoplePage {
        frame: Frame::new(context, "/people"),
        refusal: summary(t, form),
        fresh: form.fresh.clone().map(|text| Fresh { picture: picture(&text), text }),
        people: people.people.iter().map(|person| PersonView::new(context, form, person)).collect(),
        invitations: people.invitations.iter().map(|it| InvitationView::new(context, it)).collect(),
        roles: choices(context, |role| role_word(role) == wanted),
        role_error: form.wrong.get("role").map(|wrong| t.wrong(wrong)),
        note: Field::text(t, form, "note", "field-note").hint(t.say("field-note-hint")).limit(80).optional(),
    };
    render(status(form), &page)
}

fn choices(context: &Context, is_chosen: impl Fn(Role) -> bool) -> Vec<RoleChoice> {
    let t = context.language;
    let choice = |role: Role| RoleChoice {
        word: role_word(role),
        title: t.role(role),
        means: t.role_means(role),
        chosen: is_chosen(role),
    };
    ROLES.into_iter().map(choice).collect()
}

impl PersonView {
    fn new(context: &Context, form: &Form, person: &Person) -> Self {
        let wrong = form.wrong.get(&format!("role-{}", person.id.0));
        let own = context.who.person.as_ref().map(|person| person.id);
        Self {
            id: person.id.0,
            initial: initial(&person.name),
            name: person.name.to_string(),
            role: context.language.role(person.role),
            is_self: own == Some(person.id),
            since: When::new(context, person.since_s),
            roles: choices(context, |role| role == person.role),
            error: wrong.map(|wrong| context.language.wrong(wrong)),
        }
    }
}

/// The letter that stands for a person.
pub(super) fn initial(name: &str) -> String {
    name.chars()
        .find(|letter| letter.is_alphanumeric())
        .map(|letter| letter.to_uppercase().collect())
        .unwrap_or_default()
}

impl InvitationView {
    fn new(context: &Context, invitation: &Invitation) -> Self {
        let t = context.language;
        let purpose = match invitation.purpose {
            Purpose::Join { role } => t.with("invitation-role", "role", t.role(role)),
            Purpose::Password { person } => {
                let name = context.snapshot.people.person(person).map(|person| person.name.to_string());
                t.with("invitation-password", "name", name.unwrap_or_default())
            }
        };
        let title = if invitation.note.is_empty() {
            t.say("invitation-nameless")
        } else {
            invitation.note.to_string()
        };
        Self {
            id: invitation.id.clone(),
            title,
            purpose,
            until: When::new(context, invitation.until_s),
            open: invitation.is_open(context.unix_s),
        }
    }
}
