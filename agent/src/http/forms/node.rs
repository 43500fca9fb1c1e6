//! What is done with the node itself.

use axum::response::{IntoResponse, Response};

use super::Typed;
use crate::http::pages::{self, Question, Sure};
use crate::http::session::Visit;
use crate::node::command::{Command, Power};
use crate::node::rights::Right;

/// Another name, on trial.
pub(super) async fn name(mut visit: Visit, typed: Typed) -> Response {
    let name = typed.get("name").trim().to_ascii_lowercase();
    visit.begin(Command::Rename { name }, pages::network, &typed).await
}

/// The change on trial works.
pub(super) async fn keep(mut visit: Visit) -> Response {
    visit.and_go(Command::Keep, "/").await
}

/// It does not.
pub(super) async fn back(mut visit: Visit) -> Response {
    visit.and_go(Command::GoBack, "/").await
}

/// Restart or switch off; asks first.
pub(super) async fn power(mut visit: Visit, typed: Typed) -> Response {
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
    visit.begin(Command::Power(power), pages::settings, &typed).await
}
