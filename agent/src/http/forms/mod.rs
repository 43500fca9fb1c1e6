//! What browsers send: each form ends in an act, and then in a page. Where something does not fit, the form comes
//! back with what was typed and what is wrong with it, and nothing has changed.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use super::Handle;
use super::acts::Failure;
use super::context::{Context, Form};
use super::pages::{self, Page};
use super::session::Visit;
use crate::node::command::{Command, Refusal, Reply};
use crate::node::operation::OperationId;
use crate::node::rights::Right;

mod community;
mod entry;
mod foreign;
mod node;
mod people;
mod services;

/// Every form.
pub(super) fn router() -> Router<Handle> {
    let upload = DefaultBodyLimit::max(foreign::UPLOAD_LIMIT_BYTES);
    Router::new()
        .route("/claim/code", post(entry::code))
        .route("/claim", post(entry::claim))
        .route("/sign-in", post(entry::sign_in))
        .route("/sign-out", post(entry::sign_out))
        .route("/join/{secret}", post(entry::join))
        .route("/language", post(entry::language))
        .route("/services/{service}/switch", post(services::switch))
        .route("/services/{service}/restart", post(services::restart))
        .route("/services/{service}/settings", post(services::settings))
        .route("/people/invite", post(people::invite))
        .route("/people/invitations/{invitation}/revoke", post(people::uninvite))
        .route("/people/{person}/role", post(people::role))
        .route("/people/{person}/remove", post(people::remove))
        .route("/people/{person}/reset", post(people::reset))
        .route("/community/found", post(community::found))
        .route("/community/join", post(community::join))
        .route("/community/join/stop", post(community::stop_joining))
        .route("/community/leave", post(community::leave))
        .route("/community/invite", post(community::invite))
        .route("/community/invitations/{invitation}/revoke", post(community::uninvite))
        .route("/community/waiting/{node}/admit", post(community::admit))
        .route("/community/waiting/{node}/decline", post(community::decline))
        .route("/community/members/{node}/expel", post(community::expel))
        .route("/community/places", post(community::places))
        .route("/community/machines", post(foreign::offer))
        .route("/community/machines/withdraw", post(foreign::withdraw))
        .route("/community/machines/import", post(foreign::import).layer(upload))
        .route("/services/{service}/audience", post(community::publish))
        .route("/account/password", post(people::password))
        .route("/account/sessions/{session}/end", post(people::end_session))
        .route("/account/tokens", post(people::make_token))
        .route("/account/tokens/{token}/revoke", post(people::revoke_token))
        .route("/settings/name", post(node::name))
        .route("/trial/keep", post(node::keep))
        .route("/trial/back", post(node::back))
        .route("/power", post(node::power))
}

/// A number in the path. What is none names nothing.
pub(super) struct Number(pub(super) u32);

impl FromRequestParts<Handle> for Number {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, handle: &Handle) -> Result<Self, Response> {
        if let Ok(Path(number)) = Path::from_request_parts(parts, handle).await {
            return Ok(Self(number));
        }
        let visit = Visit::from_request_parts(parts, handle).await?;
        Err(pages::not_found(&visit.context).into_response())
    }
}

/// What was typed: fields in their order; one name may come several times.
pub(super) struct Typed(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Typed {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let form = axum::Form::<Vec<(String, String)>>::from_request(request, state).await;
        form.map(|axum::Form(fields)| Self(fields)).map_err(IntoResponse::into_response)
    }
}

impl Typed {
    /// The last value of a field, which is what browsers mean by it; empty where there is none.
    fn get(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Each value of a field.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether somebody has said once more that they want it.
    fn is_sure(&self) -> bool {
        self.get("sure") == "yes"
    }

    /// What the page shows again: everything but passwords.
    fn form(&self) -> Form {
        let secret = |name: &str| ["password", "again", "old"].contains(&name);
        let shown = self.0.iter().filter(|(name, _)| !secret(name));
        Form { values: shown.cloned().collect::<BTreeMap<_, _>>(), ..Form::default() }
    }

    /// The form with what is wrong with it.
    fn failed(&self, failure: impl Into<Failure>) -> Form {
        let mut form = self.form();
        failure.into().mark(&mut form);
        form
    }
}

/// Goes on to another page of this node.
fn go(path: &str) -> Response {
    Redirect::to(path).into_response()
}

impl Visit {
    /// Begins work and shows it, or the refusal.
    async fn begin(
        &mut self,
        command: Command,
        page: impl FnOnce(&Context, &Form) -> Page,
        typed: &Typed,
    ) -> Response {
        match self.ask(command).await {
            Ok(Reply::Started(OperationId(id))) => go(&format!("/operations/{id}")),
            Ok(_) => go("/"),
            Err(refusal @ (Refusal::SignInFirst | Refusal::NotAllowed)) => self.refused(&refusal),
            Err(refusal) => page(&self.context, &typed.failed(refusal)).into_response(),
        }
    }

    /// Does something at once and goes on, or shows the refusal.
    async fn and_go(&mut self, command: Command, path: &str) -> Response {
        match self.ask(command).await {
            Ok(_) => go(path),
            Err(refusal) => self.refused(&refusal),
        }
    }

    /// The page of a refusal; whoever is not signed in gets to where one signs in.
    pub(super) fn refused(&self, refusal: &Refusal) -> Response {
        match refusal {
            Refusal::SignInFirst => go("/sign-in"),
            refusal => pages::refused(&self.context, refusal).into_response(),
        }
    }

    /// Refuses whoever may not.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer")]
    pub(super) fn must(&self, right: Right) -> Result<(), Response> {
        if self.context.who.may(right) {
            return Ok(());
        }
        let known = self.context.who.person.is_some();
        Err(self.refused(if known { &Refusal::NotAllowed } else { &Refusal::SignInFirst }))
    }
}
