//! What is done with the node itself.

use axum::response::{IntoResponse, Response};

use super::Typed;
use crate::http::pages::{self, Question, Sure};
use crate::http::session::Visit;
use crate::node::command::{Command, Power};
use crate::node::rights::Right;

/// Another name, on trial.
pub(super) async fn name(visit: Visit, typed: Typed) -> Response {
    let name = typed.get("name").trim().to_ascii_lowercase();
    let page = |form| pages::network(&visit.context, &form).into_response();
    visit.begin(Command::Rename { name }, page, &typed).await
}

/// The change on trial works.
pub(super) async fn keep(visit: Visit) -> Response {
    visit.and_go(Command::Keep, "/").await
}

/// It does not.
pub(super) async fn back(visit: Visit) -> Response {
    visit.and_go(Command::GoBack, "/").await
}

/// Restart or switch off; asks first.
pub(super) async fn power(visit: Visit, typed: Typed) -> Response {
    if let Err(refusal) = visit.must(Right::Node) {
        return refusal;
    }
    let power = match typed.get("power") {
        "reboot" => Power::Reboot,
        "off" => Power::Off,
        _ => return pages::not_found(&visit.context).into_response(),
    };
    if !typed.is_sure() {
        let sure = Sure {
            question: Question::Power(power),
            action: "/power".to_owned(),
            values: vec![("power".to_owned(), typed.get("power").to_owned())],
            back: "/settings".to_owned(),
        };
        return pages::confirm(&visit.context, &sure).into_response();
    }
    let page = |form| pages::settings(&visit.context, &form).into_response();
    visit.begin(Command::Power(power), page, &typed).await
}
