//! People, and one's own account.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};

use super::{Number, Typed, go};
use crate::http::acts::{self, Failure};
use crate::http::context::{Form, Wrong};
use crate::http::pages::{self, Question, Sure};
use crate::http::session::Visit;
use crate::node::command::{Command, Refusal, Reply};
use crate::node::people::access::{Purpose, Scope};
use crate::node::people::{PersonId, Role, Unfit};
use crate::node::rights::Right;

fn role_of(word: &str) -> Option<Role> {
    match word {
        "owner" => Some(Role::Owner),
        "member" => Some(Role::Member),
        "guest" => Some(Role::Guest),
        _ => None,
    }
}

fn people_page(visit: &Visit, form: &Form) -> Response {
    pages::people(&visit.context, form).into_response()
}

/// The page with a link that is shown this one time, or with what is wrong.
fn with_link(visit: &Visit, typed: &Typed, link: Result<String, Failure>) -> Response {
    match link {
        Ok(path) => {
            let fresh = Some(visit.context.address(&path));
            people_page(visit, &Form { fresh, ..Form::default() })
        }
        Err(Failure::Refused(refusal @ (Refusal::SignInFirst | Refusal::NotAllowed))) => {
            visit.refused(&refusal)
        }
        Err(failure) => people_page(visit, &typed.failed(failure)),
    }
}

pub(super) async fn invite(mut visit: Visit, typed: Typed) -> Response {
    let Some(role) = role_of(typed.get("role")) else {
        return people_page(&visit, &typed.failed(Failure::field("role", Wrong::NothingChosen)));
    };
    let link = acts::people::invite(&mut visit, Purpose::Join { role }, typed.get("note")).await;
    with_link(&visit, &typed, link)
}

pub(super) async fn reset(mut visit: Visit, Number(person): Number, typed: Typed) -> Response {
    let purpose = Purpose::Password { person: PersonId(person) };
    let link = acts::people::invite(&mut visit, purpose, "").await;
    with_link(&visit, &typed, link)
}

pub(super) async fn uninvite(mut visit: Visit, Path(invitation): Path<String>) -> Response {
    visit.and_go(Command::Uninvite(invitation), "/people").await
}

/// Whether this is who asks.
fn is_self(visit: &Visit, person: PersonId) -> bool {
    visit.context.who.actor.person() == Some(person)
}

pub(super) async fn role(mut visit: Visit, Number(person): Number, typed: Typed) -> Response {
    let Some(role) = role_of(typed.get("role")) else {
        return role_page(&visit, person, Wrong::NothingChosen);
    };
    let person = PersonId(person);
    if visit.context.who.may(Right::People)
        && is_self(&visit, person)
        && role != Role::Owner
        && !typed.is_sure()
    {
        let sure = Sure {
            question: Question::OwnRole,
            action: format!("/people/{}/role", person.0),
            values: vec![("role".to_owned(), typed.get("role").to_owned())],
            back: "/people".to_owned(),
        };
        return pages::confirm(&visit.context, &sure).into_response();
    }
    match visit.ask(Command::SetRole(person, role)).await {
        Err(Refusal::Unfit(Unfit::LastOwner)) => role_page(&visit, person.0, Wrong::LastOwner),
        answer => changed(&visit, answer, &typed),
    }
}

pub(super) async fn remove(mut visit: Visit, Number(person): Number, typed: Typed) -> Response {
    if let Err(refusal) = visit.must(Right::People) {
        return refusal;
    }
    let Some(known) = visit.context.snapshot.people.person(PersonId(person)) else {
        return pages::not_found(&visit.context).into_response();
    };
    if !typed.is_sure() {
        let sure = Sure {
            question: Question::Remove { name: known.name.to_string() },
            action: format!("/people/{person}/remove"),
            values: Vec::new(),
            back: "/people".to_owned(),
        };
        return pages::confirm(&visit.context, &sure).into_response();
    }
    let answer = visit.ask(Command::Remove(PersonId(person))).await;
    changed(&visit, answer, &typed)
}

/// The page with what is wrong with one person's role.
fn role_page(visit: &Visit, person: u32, wrong: Wrong) -> Response {
    let mut form = Form::default();
    form.mark(&format!("role-{person}"), wrong);
    people_page(visit, &form)
}

fn changed(visit: &Visit, answer: Result<Reply, Refusal>, typed: &Typed) -> Response {
    match answer {
        Ok(_) => go("/people"),
        Err(refusal @ (Refusal::SignInFirst | Refusal::NotAllowed)) => visit.refused(&refusal),
        Err(refusal) => people_page(visit, &typed.failed(refusal)),
    }
}

/// The account's page with what is wrong.
fn account_page(visit: &Visit, typed: &Typed, failure: Failure) -> Response {
    match failure {
        Failure::Refused(refusal @ (Refusal::SignInFirst | Refusal::NotAllowed)) => visit.refused(&refusal),
        failure => pages::account(&visit.context, &typed.failed(failure)).into_response(),
    }
}

pub(super) async fn password(mut visit: Visit, typed: Typed) -> Response {
    let (old, new, again) = (typed.get("old"), typed.get("password"), typed.get("again"));
    match acts::entry::set_password(&mut visit, old, new, Some(again)).await {
        Ok(()) => go("/account?changed=password"),
        Err(failure) => account_page(&visit, &typed, failure),
    }
}

pub(super) async fn end_session(mut visit: Visit, Path(session): Path<String>) -> Response {
    visit.and_go(Command::EndSession(session), "/account").await
}

pub(super) async fn make_token(mut visit: Visit, typed: Typed) -> Response {
    let scopes =
        Scope::ALL.into_iter().filter(|scope| typed.all("scopes").any(|word| word == scope.as_str()));
    match acts::people::make_token(&mut visit, typed.get("title"), scopes.collect(), typed.get("days")).await
    {
        Ok(token) => {
            let form = Form { fresh: Some(token), ..Form::default() };
            pages::account(&visit.context, &form).into_response()
        }
        Err(failure) => account_page(&visit, &typed, failure),
    }
}

pub(super) async fn revoke_token(mut visit: Visit, Path(token): Path<String>) -> Response {
    visit.and_go(Command::RevokeToken(token), "/account").await
}
