//! What is done with a service.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};

use super::Typed;
use crate::http::pages::{self, Question, Sure};
use crate::http::session::Visit;
use crate::node::command::Command;
use crate::node::rights::Right;
use crate::node::service::Start;

/// On or off.
pub(super) async fn switch(mut visit: Visit, Path(service): Path<String>, typed: Typed) -> Response {
    if let Err(refusal) = visit.must(Right::Services) {
        return refusal;
    }
    let on = match typed.get("on") {
        "on" => true,
        "off" => false,
        _ => return pages::not_found(&visit.context).into_response(),
    };
    // What always runs may be the way by which one is here.
    let known = visit.context.snapshot.services.iter().find(|report| *report.service.name == *service);
    let vital = known.is_some_and(|report| report.service.start == Start::Always);
    if !on && vital && !typed.is_sure() {
        let sure = Sure {
            question: Question::SwitchOff { service: service.clone() },
            action: format!("/services/{service}/switch"),
            values: vec![("on".to_owned(), "off".to_owned())],
            back: format!("/services/{service}"),
        };
        return pages::confirm(&visit.context, &sure).into_response();
    }
    act(&mut visit, Command::Switch { service: service.clone(), on }, &service, &typed).await
}

pub(super) async fn restart(mut visit: Visit, Path(service): Path<String>, typed: Typed) -> Response {
    act(&mut visit, Command::Restart { service: service.clone() }, &service, &typed).await
}

/// Every field of the form is a setting.
pub(super) async fn settings(mut visit: Visit, Path(service): Path<String>, typed: Typed) -> Response {
    let settings = typed.0.iter().cloned().collect();
    act(&mut visit, Command::Configure { service: service.clone(), settings }, &service, &typed).await
}

async fn act(visit: &mut Visit, command: Command, service: &str, typed: &Typed) -> Response {
    visit.begin(command, |context, form| pages::service(context, form, service), typed).await
}
