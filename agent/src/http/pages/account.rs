//! What belongs to oneself: password, places where one is signed in, keys for programs.

use askama::Template;

use super::parts::{Field, When, summary};
use super::{Frame, Page, SCOPES, problems, render, status};
use crate::http::context::{Context, Form};
use crate::node::command::Refusal;
use crate::node::people::access::{Scope, Session, Token};
use crate::node::people::names::PASSWORD_LEAST;
use crate::node::rights::{Actor, Right};

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    refusal: Option<String>,
    name: String,
    initial: String,
    role: String,
    role_means: String,
    fresh: Option<String>,
    /// The password was just changed.
    changed: bool,
    password: Vec<Field>,
    sessions: Vec<SessionView>,
    tokens: Vec<TokenView>,
    title: Field,
    scopes: Vec<ScopeChoice>,
    scopes_error: Option<String>,
    days: Vec<Days>,
    days_error: Option<String>,
}

struct SessionView {
    id: String,
    browser: String,
    from: String,
    seen: When,
    current: bool,
}

struct TokenView {
    id: String,
    title: String,
    scopes: String,
    until: Option<When>,
    open: bool,
}

struct ScopeChoice {
    word: &'static str,
    title: String,
    chosen: bool,
}

struct Days {
    value: &'static str,
    title: String,
    chosen: bool,
}

/// One's own account.
pub fn account(context: &Context, form: &Form) -> Page {
    let t = context.language;
    let Some(person) = context.who.person.as_ref().filter(|_| context.who.may(Right::Own)) else {
        return problems::refused(context, &Refusal::SignInFirst);
    };
    let people = &context.snapshot.people;
    let sessions = people.sessions.iter().filter(|it| it.person == person.id && it.is_open(context.unix_s));
    let tokens = people.tokens.iter().filter(|it| it.person == person.id);
    let mut sessions: Vec<_> = sessions.collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.seen_s));
    let page = Account {
        frame: Frame::new(context, "/account"),
        refusal: summary(t, form),
        name: person.name.to_string(),
        initial: super::people::initial(&person.name),
        role: t.role(person.role),
        role_means: t.role_means(person.role),
        fresh: form.fresh.clone(),
        changed: form.value("changed") == "password",
        password: vec![
            Field::password(t, form, "old", "field-old-password"),
            Field::password(t, form, "password", "field-new-password").hint(t.with(
                "field-password-hint",
                "least",
                PASSWORD_LEAST,
            )),
            Field::password(t, form, "again", "field-again"),
        ],
        sessions: sessions.into_iter().map(|session| SessionView::new(context, session)).collect(),
        tokens: tokens.map(|token| TokenView::new(context, token)).collect(),
        title: Field::text(t, form, "title", "field-token-title")
            .hint(t.say("field-token-title-hint"))
            .limit(80),
        scopes: scopes(context, form),
        scopes_error: form.wrong.get("scopes").map(|wrong| t.wrong(wrong)),
        days: days(context, form),
        days_error: form.wrong.get("days").map(|wrong| t.wrong(wrong)),
    };
    render(status(form), &page)
}

/// What a token may do: of what its person may.
fn scopes(context: &Context, form: &Form) -> Vec<ScopeChoice> {
    let may = |scope: &Scope| match scope {
        Scope::Read => true,
        Scope::Services => context.who.may(Right::Services),
        Scope::People => context.who.may(Right::People),
        Scope::Node => context.who.may(Right::Node),
    };
    let typed = form.values.get("scopes");
    let is_chosen = |scope: Scope| match typed {
        Some(typed) => typed.split([',', ' ']).any(|word| word == scope.as_str()),
        None => scope == Scope::Read,
    };
    let choice = |scope: Scope| ScopeChoice {
        word: scope.as_str(),
        title: context.language.token_scope(scope),
        chosen: is_chosen(scope),
    };
    SCOPES.into_iter().filter(may).map(choice).collect()
}

fn days(context: &Context, form: &Form) -> Vec<Days> {
    let t = context.language;
    let wanted = form.values.get("days").map_or("90", String::as_str);
    let choice = |value: &'static str| {
        let title = match value.parse::<u64>() {
            Ok(days) => t.with("time-days", "n", days),
            Err(_) => t.say("token-no-end"),
        };
        Days { value, title, chosen: value == wanted }
    };
    ["30", "90", "365", ""].into_iter().map(choice).collect()
}

impl SessionView {
    fn new(context: &Context, session: &Session) -> Self {
        let current = matches!(&context.who.actor, Actor::Person { session: id, .. } if *id == session.id);
        let browser = if session.browser.is_empty() {
            context.language.say("session-nameless")
        } else {
            session.browser.to_string()
        };
        let seen = When::new(context, session.seen_s);
        Self { id: session.id.clone(), browser, from: session.from.clone(), seen, current }
    }
}

impl TokenView {
    fn new(context: &Context, token: &Token) -> Self {
        let scopes = token.scopes.iter().map(|scope| context.language.token_scope(*scope));
        Self {
            id: token.id.clone(),
            title: token.title.to_string(),
            scopes: scopes.collect::<Vec<_>>().join(", "),
            until: token.until_s.map(|until_s| When::new(context, until_s)),
            open: token.is_open(context.unix_s),
        }
    }
}
