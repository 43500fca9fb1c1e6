//! Pages for what is not there or not allowed.

use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Page, render};
use crate::http::context::Context;
use crate::node::command::Refusal;
use crate::node::rights::Right;

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    frame: Frame,
    title: String,
    text: String,
    link: &'static str,
    link_text: String,
}

/// There is no such page.
pub fn not_found(context: &Context) -> Page {
    let t = context.language;
    problem(context, StatusCode::NOT_FOUND, t.say("not-found-title"), t.say("not-found-text"))
}

/// Somebody gets nothing, and reads why.
pub fn refused(context: &Context, refusal: &Refusal) -> Page {
    let t = context.language;
    let title = match refusal {
        Refusal::SignInFirst | Refusal::NotAllowed => "refused-not-yours",
        Refusal::NoSuch => "refused-gone",
        Refusal::Wait { .. } => "refused-wait",
        Refusal::Claimed => "refused-claimed",
        _ => "refused-title",
    };
    problem(context, status(refusal), t.say(title), t.refusal(refusal))
}

/// How HTTP calls a refusal.
pub(super) fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::SignInFirst => StatusCode::UNAUTHORIZED,
        Refusal::NotAllowed | Refusal::NoTicket => StatusCode::FORBIDDEN,
        Refusal::Wait { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::NoSuch => StatusCode::NOT_FOUND,
        Refusal::NoCommunity | Refusal::NotOffered => StatusCode::CONFLICT,
        Refusal::Fields(_) | Refusal::Invitation(_) | Refusal::Expired => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Claimed | Refusal::Unfit(_) | Refusal::Busy(_) | Refusal::Full | Refusal::Already => {
            StatusCode::CONFLICT
        }
        Refusal::NotSaved(_) => StatusCode::INSUFFICIENT_STORAGE,
        Refusal::Trouble(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn problem(context: &Context, status: StatusCode, title: String, text: String) -> Page {
    let (link, link_text) =
        if context.who.may(Right::See) { ("/", "problem-home") } else { ("/sign-in", "problem-sign-in") };
    let link_text = context.language.say(link_text);
    render(status, &Problem { frame: Frame::new(context, link), title, text, link, link_text })
}
