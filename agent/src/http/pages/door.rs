//! The pages before one is in: signing in, claiming a new node, taking up an invitation.

use askama::Template;

use super::parts::{Field, refusal};
use super::{Frame, Page, problems, render, status};
use crate::http::context::{Context, Form};
use crate::node::command::Refusal;
use crate::node::people::access::Purpose;
use crate::node::people::names::{NAME_LIMIT, PASSWORD_LEAST};
use crate::node::snapshot::Ownership;

/// How far somebody is who claims the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// They give the claim code.
    Code,
    /// The code was right: they give a name and a password.
    Owner,
}

#[derive(Template)]
#[template(path = "door.html")]
struct Door<'a> {
    frame: Frame,
    title: String,
    /// How far one is: `Step 1 of 2`.
    step: Option<String>,
    text: Vec<String>,
    refusal: Option<String>,
    action: String,
    fields: Vec<Field>,
    button: String,
    /// Shown so that it can be compared with what the node's screen shows.
    fingerprint: Option<&'a str>,
    after: Option<String>,
}

/// Asks for name and password.
pub fn sign_in(context: &Context, form: &Form) -> Page {
    let t = context.language;
    let door = Door {
        frame: Frame::new(context, "/sign-in"),
        title: t.with("sign-in-title", "node", &context.snapshot.name),
        step: None,
        text: Vec::new(),
        refusal: refusal(t, form),
        action: "/sign-in".to_owned(),
        fields: vec![
            Field::text(t, form, "name", "field-name").complete("username").limit(NAME_LIMIT),
            Field::password(t, form, "password", "field-password"),
        ],
        button: t.say("sign-in-button"),
        fingerprint: None,
        after: Some(t.say("sign-in-forgotten")),
    };
    render(status(form), &door)
}

/// Makes somebody the owner of a node that has none.
pub fn claim(context: &Context, form: &Form, step: Step) -> Page {
    let t = context.language;
    let lost = context.snapshot.ownership == Ownership::Lost;
    if context.snapshot.ownership == Ownership::Claimed {
        return problems::refused(context, &Refusal::Claimed);
    }
    let door = match step {
        Step::Code => Door {
            frame: Frame::new(context, "/claim"),
            title: t.say(if lost { "claim-lost-title" } else { "claim-title" }),
            step: Some(t.say("claim-step-1")),
            text: vec![t.say(if lost { "claim-lost-text" } else { "claim-text" }), t.say("claim-where")],
            refusal: refusal(t, form),
            action: "/claim/code".to_owned(),
            fields: vec![
                Field::text(t, form, "code", "field-code")
                    .hint(t.say("field-code-hint"))
                    .complete("one-time-code"),
            ],
            button: t.say("claim-next"),
            fingerprint: Some(&context.fingerprint),
            after: None,
        },
        Step::Owner => Door {
            frame: Frame::new(context, "/claim"),
            title: t.say("claim-owner-title"),
            step: Some(t.say("claim-step-2")),
            text: vec![t.say("claim-owner-text")],
            refusal: refusal(t, form),
            action: "/claim".to_owned(),
            fields: new_person(context, form),
            button: t.say("claim-button"),
            fingerprint: (!context.secure).then_some(&context.fingerprint),
            // What comes next is encrypted.
            after: (!context.secure).then(|| t.say("claim-warning")),
        },
    };
    render(status(form), &door)
}

/// Takes up an invitation, or sets a new password for one who has forgotten theirs.
pub fn join(context: &Context, form: &Form, secret: &str, purpose: Purpose) -> Page {
    let t = context.language;
    let node = &context.snapshot.name;
    let door = |title: String, text: String, fields: Vec<Field>, button: String| Door {
        frame: Frame::new(context, &format!("/join/{secret}")),
        title,
        step: None,
        text: vec![text],
        refusal: refusal(t, form),
        action: format!("/join/{secret}"),
        fields,
        button,
        fingerprint: None,
        after: None,
    };
    let page = match purpose {
        Purpose::Join { role } => door(
            t.with("join-title", "node", node),
            t.both("join-text", ("role", &t.role(role)), ("means", &t.role_means(role))),
            new_person(context, form),
            t.say("join-button"),
        ),
        Purpose::Password { person } => {
            let Some(person) = context.snapshot.people.person(person) else {
                return problems::refused(context, &Refusal::NoSuch);
            };
            let mut fields = new_person(context, form);
            if let Some(name) = fields.first_mut() {
                // Theirs already. It stays in the form: password managers file the password under it.
                *name = Field { kind: "hidden", value: person.name.to_string(), ..name.clone() };
            }
            let title = t.with("join-password-title", "name", &*person.name);
            door(title, t.say("join-password-text"), fields, t.say("join-password-button"))
        }
    };
    render(status(form), &page)
}

fn new_person(context: &Context, form: &Form) -> Vec<Field> {
    let t = context.language;
    vec![
        Field::text(t, form, "name", "field-your-name")
            .hint(t.say("field-your-name-hint"))
            .complete("username")
            .limit(NAME_LIMIT),
        Field::password(t, form, "password", "field-new-password").hint(t.with(
            "field-password-hint",
            "least",
            PASSWORD_LEAST,
        )),
        Field::password(t, form, "again", "field-again"),
    ]
}
