//! Ways in: claiming, signing in and out, joining, and the language, which needs none.

use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};

use super::{Typed, go};
use crate::http::acts::entry::{self, NewPerson};
use crate::http::language::Language;
use crate::http::pages::{self, Step};
use crate::http::session::{self, Visit};
use crate::node::command::{Command, Refusal};

/// A year.
const LANGUAGE_AGE_S: u32 = 365 * 24 * 60 * 60;

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

/// The claim code.
pub(super) async fn code(mut visit: Visit, typed: Typed) -> Response {
    match entry::open_setup(&mut visit, typed.get("code")).await {
        Ok(secret) => with_cookie(go("/claim"), session::setup_cookie(&secret)),
        Err(failure) => pages::claim(&visit.context, &typed.failed(failure), Step::Code).into_response(),
    }
}

fn new_person(typed: &Typed) -> NewPerson<'_> {
    NewPerson { name: typed.get("name"), password: typed.get("password"), again: Some(typed.get("again")) }
}

/// Name and password of the owner. They sign in by https afterwards: there the session begins.
pub(super) async fn claim(mut visit: Visit, typed: Typed) -> Response {
    let setup = visit.setup.clone().unwrap_or_default();
    match entry::claim(&mut visit, &setup, &new_person(&typed)).await {
        Ok(()) => with_cookie(go("/sign-in"), session::no_setup_cookie()),
        Err(failure) => {
            let form = typed.failed(failure);
            // Too long ago: the code is asked for again.
            let step = if form.refusal == Some(Refusal::NoTicket) { Step::Code } else { Step::Owner };
            pages::claim(&visit.context, &form, step).into_response()
        }
    }
}

pub(super) async fn sign_in(mut visit: Visit, typed: Typed) -> Response {
    match entry::sign_in(&mut visit, typed.get("name"), typed.get("password")).await {
        Ok(secret) => with_cookie(go("/"), session::session_cookie(&secret)),
        Err(failure) => pages::sign_in(&visit.context, &typed.failed(failure)).into_response(),
    }
}

pub(super) async fn sign_out(mut visit: Visit) -> Response {
    let gone = visit.ask(Command::SignOut).await;
    match gone {
        // Whoever is signed out already wants nothing else.
        Ok(_) | Err(Refusal::SignInFirst) => with_cookie(go("/sign-in"), session::no_session_cookie()),
        Err(refusal) => visit.refused(&refusal),
    }
}

/// Name and password of one who was invited.
pub(super) async fn join(mut visit: Visit, Path(secret): Path<String>, typed: Typed) -> Response {
    let failure = match entry::join(&mut visit, &secret, new_person(&typed)).await {
        Ok(()) => return go("/sign-in"),
        Err(failure) => failure,
    };
    match entry::invitation(&mut visit, &secret).await {
        Ok(purpose) => pages::join(&visit.context, &typed.failed(failure), &secret, purpose).into_response(),
        Err(_) => visit.refused(&Refusal::NoSuch),
    }
}

/// The language of the pages, in this browser.
pub(super) async fn language(visit: Visit, typed: Typed) -> Response {
    let back = typed.get("back");
    // A path of this node, and nothing that a browser could take for another host.
    let own = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\n', '\r', '\t']);
    let response = go(if own { back } else { "/" });
    let Some(language) = Language::of(typed.get("language")) else { return response };
    let secure = if visit.peer.secure { "; Secure" } else { "" };
    let cookie =
        format!("language={}; Max-Age={LANGUAGE_AGE_S}; Path=/; SameSite=Lax{secure}", language.code());
    match HeaderValue::from_str(&cookie) {
        Ok(cookie) => with_cookie(response, cookie),
        Err(_) => response,
    }
}
