//! The community's forms.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use nuvol_community::object::Role;

use super::{Typed, go};
use crate::http::acts::Failure;
use crate::http::acts::community as acts;
use crate::http::context::{Form, Wrong};
use crate::http::pages::{self, Question, Sure};
use crate::http::session::Visit;
use crate::node::command::Refusal;
use crate::node::community::CommunityAct;
use crate::node::rights::Right;

/// The page again, with what is wrong; or on to it where nothing is.
fn then(visit: &Visit, typed: &Typed, done: Result<(), Failure>) -> Response {
    let Err(failure) = done else { return go("/community") };
    // Whoever may not hears nothing of what they asked for.
    if let Err(refusal) = visit.must(Right::Node) {
        return refusal;
    }
    match failure {
        Failure::Refused(refusal @ (Refusal::SignInFirst | Refusal::NotAllowed | Refusal::NoSuch)) => {
            visit.refused(&refusal)
        }
        failure => pages::community(&visit.context, &typed.failed(failure)).into_response(),
    }
}

pub(super) async fn found(mut visit: Visit, typed: Typed) -> Response {
    let done = acts::found(&mut visit, typed.get("name")).await;
    then(&visit, &typed, done)
}

pub(super) async fn join(mut visit: Visit, typed: Typed) -> Response {
    let done = acts::join(&mut visit, typed.get("invitation")).await;
    then(&visit, &typed, done)
}

pub(super) async fn stop_joining(mut visit: Visit, typed: Typed) -> Response {
    let done = acts::simply(&mut visit, CommunityAct::StopJoining).await;
    then(&visit, &typed, done)
}

pub(super) async fn leave(mut visit: Visit, typed: Typed) -> Response {
    if let Err(refusal) = visit.must(Right::Node) {
        return refusal;
    }
    if !typed.is_sure() {
        let name = visit.context.snapshot.belonging.view.as_ref().map(|view| view.name.to_string());
        let sure = Sure {
            question: Question::Leave { community: name.unwrap_or_default() },
            action: "/community/leave".to_owned(),
            values: Vec::new(),
            back: "/community".to_owned(),
        };
        return pages::confirm(&visit.context, &sure).into_response();
    }
    let done = acts::simply(&mut visit, CommunityAct::Leave).await;
    then(&visit, &typed, done)
}

pub(super) async fn invite(mut visit: Visit, typed: Typed) -> Response {
    let role = match typed.get("role") {
        "guest" => Role::Guest,
        "member" => Role::Member,
        "steward" => Role::Steward,
        _ => return then(&visit, &typed, Err(Failure::field("role", Wrong::NothingChosen))),
    };
    // What is no number is none that fits.
    let number = |name: &str| typed.get(name).trim().parse().unwrap_or(0);
    let wish = acts::Wish {
        role,
        uses: number("uses"),
        days: number("days"),
        approve: typed.get("approve") == "yes",
        note: typed.get("note").to_owned(),
    };
    match acts::invite(&mut visit, wish).await {
        Ok(text) => {
            pages::community(&visit.context, &Form { fresh: Some(text), ..Form::default() }).into_response()
        }
        Err(failure) => then(&visit, &typed, Err(failure)),
    }
}

pub(super) async fn uninvite(mut visit: Visit, Path(invitation): Path<String>, typed: Typed) -> Response {
    let done = acts::simply(&mut visit, CommunityAct::Uninvite(invitation)).await;
    then(&visit, &typed, done)
}

pub(super) async fn admit(mut visit: Visit, Path(node): Path<String>, typed: Typed) -> Response {
    let done = acts::to_node(&mut visit, &node, |node| CommunityAct::Decide { node, admit: true }).await;
    then(&visit, &typed, done)
}

pub(super) async fn decline(mut visit: Visit, Path(node): Path<String>, typed: Typed) -> Response {
    let done = acts::to_node(&mut visit, &node, |node| CommunityAct::Decide { node, admit: false }).await;
    then(&visit, &typed, done)
}

pub(super) async fn expel(mut visit: Visit, Path(node): Path<String>, typed: Typed) -> Response {
    if let Err(refusal) = visit.must(Right::Node) {
        return refusal;
    }
    let known = acts::node_of(&node);
    let known = known.and_then(|id| visit.context.snapshot.belonging.view.as_ref()?.member(&id).cloned());
    let Some(member) = known else { return pages::not_found(&visit.context).into_response() };
    let with_invited = typed.get("with-invited") == "yes";
    if !typed.is_sure() {
        let values =
            if with_invited { vec![("with-invited".to_owned(), "yes".to_owned())] } else { Vec::new() };
        let sure = Sure {
            question: Question::Expel { name: member.name.to_string() },
            action: format!("/community/members/{node}/expel"),
            values,
            back: format!("/community/{node}"),
        };
        return pages::confirm(&visit.context, &sure).into_response();
    }
    let expel = |node| CommunityAct::Expel { node, spare: !with_invited };
    let done = acts::to_node(&mut visit, &node, expel).await;
    then(&visit, &typed, done)
}

/// Places are written one after the other, with blanks between them.
pub(super) async fn places(mut visit: Visit, typed: Typed) -> Response {
    let done = acts::set_places(&mut visit, typed.get("places").split([' ', ',', '\n'])).await;
    then(&visit, &typed, done)
}

pub(super) async fn publish(mut visit: Visit, Path(service): Path<String>, typed: Typed) -> Response {
    match acts::publish(&mut visit, &service, typed.get("audience")).await {
        Ok(()) => go(&format!("/services/{service}")),
        Err(Failure::Refused(refusal @ (Refusal::SignInFirst | Refusal::NotAllowed | Refusal::NoSuch))) => {
            visit.refused(&refusal)
        }
        Err(failure) => match visit.must(Right::Services) {
            Ok(()) => pages::service(&visit.context, &typed.failed(failure), &service).into_response(),
            Err(refusal) => refusal,
        },
    }
}
