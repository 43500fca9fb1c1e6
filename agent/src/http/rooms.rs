//! The pages that one looks at.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::Handle;
use super::acts::entry;
use super::context::Form;
use super::forms::Number;
use super::pages::{self, Step};
use super::session::Visit;
use crate::node::command::{Command, Refusal, Reply};
use crate::node::operation::OperationId;
use crate::node::rights::Right;
use crate::node::snapshot::Ownership;

/// Lines of a service's log on its page.
const LINES: u16 = 200;

/// Every page.
pub(super) fn router() -> Router<Handle> {
    Router::new()
        .route("/", get(home))
        .route("/services", get(services))
        .route("/services/{service}", get(service))
        .route("/services/{service}/log", get(service_log))
        .route("/community", get(community))
        .route("/community/machines", get(foreign))
        .route("/community/export", get(export))
        .route("/community/{node}", get(member))
        .route("/people", get(people))
        .route("/account", get(account))
        .route("/network", get(network))
        .route("/logs", get(logs))
        .route("/logs/report", get(report))
        .route("/settings", get(settings))
        .route("/operations/{operation}", get(operation))
        .route("/sign-in", get(sign_in))
        .route("/claim", get(claim))
        .route("/join/{secret}", get(join))
        .route("/events", get(super::events::events))
        .route("/assets/{name}", get(super::assets::asset))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
}

/// A page for those who may see it.
fn room(visit: &Visit, right: Right, page: impl FnOnce() -> pages::Page) -> Response {
    match visit.must(right) {
        Ok(()) => page().into_response(),
        Err(refusal) => refusal,
    }
}

async fn home(visit: Visit) -> Response {
    if matches!(visit.context.snapshot.ownership, Ownership::Free | Ownership::Lost) {
        return Redirect::to("/claim").into_response();
    }
    room(&visit, Right::See, || pages::home(&visit.context, &Form::default()))
}

async fn services(visit: Visit) -> Response {
    room(&visit, Right::See, || pages::services(&visit.context, &Form::default()))
}

async fn service(visit: Visit, Path(name): Path<String>) -> Response {
    room(&visit, Right::See, || pages::service(&visit.context, &Form::default(), &name))
}

async fn service_log(mut visit: Visit, Path(name): Path<String>) -> Response {
    if let Err(refusal) = visit.must(Right::Services) {
        return refusal;
    }
    let (form, lines) = match visit.ask(Command::Logs { service: name.clone(), lines: LINES }).await {
        Ok(Reply::Lines(lines)) => (Form::default(), lines),
        Ok(_) => (Form::default(), Vec::new()),
        Err(Refusal::NoSuch) => return pages::not_found(&visit.context).into_response(),
        Err(refusal) => (Form { refusal: Some(refusal), ..Form::default() }, Vec::new()),
    };
    pages::service_log(&visit.context, &form, &name, &lines).into_response()
}

/// `q` and `type` say what is looked for.
async fn community(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> Response {
    let values = given.into_iter().filter(|(name, _)| ["q", "type"].contains(&name.as_str())).collect();
    room(&visit, Right::See, || pages::community(&visit.context, &Form { values, ..Form::default() }))
}

async fn member(visit: Visit, Path(node): Path<String>) -> Response {
    room(&visit, Right::See, || pages::member(&visit.context, &Form::default(), &node))
}

async fn foreign(visit: Visit) -> Response {
    room(&visit, Right::Node, || pages::foreign(&visit.context, &Form::default()))
}

/// A file to keep.
async fn export(visit: Visit) -> Response {
    if let Err(refusal) = visit.must(Right::See) {
        return refusal;
    }
    let head =
        [(CONTENT_TYPE, "application/json"), (CONTENT_DISPOSITION, "attachment; filename=\"cloudy.json\"")];
    (head, pages::cloudy_records(&visit.context)).into_response()
}

async fn people(visit: Visit) -> Response {
    room(&visit, Right::People, || pages::people(&visit.context, &Form::default()))
}

async fn account(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> Response {
    let values = given.into_iter().filter(|(name, _)| name == "changed").collect();
    room(&visit, Right::Own, || pages::account(&visit.context, &Form { values, ..Form::default() }))
}

async fn network(visit: Visit) -> Response {
    room(&visit, Right::Look, || pages::network(&visit.context, &Form::default()))
}

async fn logs(visit: Visit) -> Response {
    room(&visit, Right::Look, || pages::logs(&visit.context, &Form::default()))
}

async fn report(visit: Visit) -> Response {
    room(&visit, Right::Look, || pages::report(&visit.context))
}

async fn settings(visit: Visit) -> Response {
    room(&visit, Right::Look, || pages::settings(&visit.context, &Form::default()))
}

async fn operation(visit: Visit, Number(id): Number) -> Response {
    room(&visit, Right::Look, || pages::operation(&visit.context, OperationId(id)))
}

async fn sign_in(visit: Visit) -> Response {
    match visit.context.snapshot.ownership {
        Ownership::Free | Ownership::Lost => Redirect::to("/claim").into_response(),
        _ if visit.context.who.person.is_some() => Redirect::to("/").into_response(),
        _ => pages::sign_in(&visit.context, &Form::default()).into_response(),
    }
}

/// Where the code was given already, the next step; it can be left and taken up again.
async fn claim(mut visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> Response {
    let step = match visit.setup.clone() {
        Some(secret) if entry::is_setup_open(&mut visit, &secret).await => Step::Owner,
        _ => Step::Code,
    };
    // The QR code on the node's screen brings the code along.
    let values = given.into_iter().filter(|(name, _)| name == "code").collect();
    pages::claim(&visit.context, &Form { values, ..Form::default() }, step).into_response()
}

async fn join(mut visit: Visit, Path(secret): Path<String>) -> Response {
    match entry::invitation(&mut visit, &secret).await {
        Ok(purpose) => pages::join(&visit.context, &Form::default(), &secret, purpose).into_response(),
        Err(super::acts::Failure::Refused(refusal)) => visit.refused(&refusal),
        Err(_) => visit.refused(&Refusal::NoSuch),
    }
}

async fn not_found(visit: Visit) -> Response {
    pages::not_found(&visit.context).into_response()
}
