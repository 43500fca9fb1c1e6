//! The API: JSON under `/api/v1`, described by its own OpenAPI document. These types are a promise: keys are added,
//! never changed.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Handle;
use super::acts::Failure;
use super::context::{Form, Wrong};
use super::language::Language;
use super::session::Visit;
use crate::node::command::Refusal;
use crate::node::operation::Trouble;
use crate::node::people::Unfit;

mod account;
mod community;
mod entry;
mod health;
mod node;
mod people;
mod services;

#[derive(OpenApi)]
#[openapi(
    info(title = "Nuvol node", description = "All that a node's pages can do."),
    modifiers(&Keys),
    components(schemas(Failed))
)]
struct Document;

/// The two ways of saying who asks.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let cookie = ApiKey::Cookie(ApiKeyValue::new("__Host-nuvol"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    }
}

fn routes() -> OpenApiRouter<Handle> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(node::node))
        .routes(routes!(node::rename))
        .routes(routes!(node::keep))
        .routes(routes!(node::go_back))
        .routes(routes!(node::power))
        .routes(routes!(node::report))
        .routes(routes!(node::operations))
        .routes(routes!(node::operation))
        .routes(routes!(services::services))
        .routes(routes!(services::service, services::switch))
        .routes(routes!(services::restart))
        .routes(routes!(services::settings))
        .routes(routes!(services::log))
        .routes(routes!(people::people))
        .routes(routes!(people::set_role, people::remove))
        .routes(routes!(people::reset))
        .routes(routes!(people::invitations, people::invite))
        .routes(routes!(people::uninvite))
        .routes(routes!(community::community, community::found, community::leave))
        .routes(routes!(community::offers))
        .routes(routes!(community::join, community::stop_joining))
        .routes(routes!(community::invite_node))
        .routes(routes!(community::uninvite_node))
        .routes(routes!(community::decide))
        .routes(routes!(community::expel))
        .routes(routes!(community::places))
        .routes(routes!(community::foreign::foreign, community::foreign::set_foreign))
        .routes(routes!(community::publish))
        .routes(routes!(community::knock))
        .routes(routes!(account::account))
        .routes(routes!(account::password))
        .routes(routes!(account::sessions))
        .routes(routes!(account::end_session))
        .routes(routes!(account::tokens, account::make_token))
        .routes(routes!(account::revoke_token))
        .routes(routes!(entry::claim))
        .routes(routes!(entry::invited, entry::join))
        .routes(routes!(entry::sign_in, entry::sign_out))
}

/// All of it, with the document at `openapi.json`.
pub(super) fn router() -> Router<Handle> {
    let (router, document) = routes().split_for_parts();
    let document = std::sync::Arc::new(document);
    let show = move || {
        let document = document.clone();
        async move { Json((*document).clone()) }
    };
    router
        .route("/openapi.json", axum::routing::get(show))
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
}

async fn nothing() -> Response {
    failed(&Refusal::NoSuch, Language::ENGLISH)
}

async fn not_so() -> Response {
    let failed =
        Failed { code: "method-not-allowed", message: "This cannot be asked here.".to_owned(), fields: None };
    (StatusCode::METHOD_NOT_ALLOWED, Json(failed)).into_response()
}

/// Why nothing was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failed {
    /// For programs.
    code: &'static str,
    /// For people.
    message: String,
    /// What is wrong with each field, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<BTreeMap<String, String>>,
}

/// A body that is JSON and fits, or an answer that says what does not.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(bad_body(rejection.status(), rejection.body_text())),
        }
    }
}

/// A name in the path. What cannot be read names nothing.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<Handle> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, handle: &Handle) -> Result<Self, Response> {
        let read = Path::<String>::from_request_parts(parts, handle).await;
        read.map(|Path(name)| Self(name)).map_err(|_| failed(&Refusal::NoSuch, Language::ENGLISH))
    }
}

/// Somebody who is known. Comes before a body, so that strangers hear nothing about what it should be.
pub(super) struct Signed(pub(super) Visit);

impl FromRequestParts<Handle> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, handle: &Handle) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, handle).await?;
        if visit.context.who.person.is_none() {
            return Err(failed(&Refusal::SignInFirst, visit.context.language));
        }
        Ok(Self(visit))
    }
}

/// A body as each type that a body can be.
#[cfg(fuzzing)]
pub(super) fn fuzz(bytes: &[u8]) {
    fn read<T: DeserializeOwned>(bytes: &[u8]) {
        drop(serde_json::from_slice::<T>(bytes));
    }
    read::<entry::Claim>(bytes);
    read::<entry::Join>(bytes);
    read::<entry::SignIn>(bytes);
    read::<account::Password>(bytes);
    read::<account::NewToken>(bytes);
    read::<node::Name>(bytes);
    read::<node::Power>(bytes);
    read::<people::NewRole>(bytes);
    read::<people::Invite>(bytes);
    read::<services::Switch>(bytes);
    read::<services::Settings>(bytes);
    read::<community::NewCommunity>(bytes);
    read::<community::JoinCommunity>(bytes);
    read::<community::InviteNode>(bytes);
    read::<community::Decide>(bytes);
    read::<community::Places>(bytes);
    read::<community::foreign::ForeignServices>(bytes);
    read::<community::NewAudience>(bytes);
}

/// An answer, or why there is none.
pub(super) type Answer<T> = Result<T, Response>;

impl Visit {
    /// Nothing but that it is done, or why not.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer")]
    fn empty(&self, done: Result<(), Failure>) -> Answer<StatusCode> {
        done.map(|()| StatusCode::NO_CONTENT).map_err(|failure| self.failed(failure))
    }

    /// The answer for programs.
    fn failed(&self, failure: Failure) -> Response {
        let language = self.context.language;
        match failure {
            Failure::Refused(refusal) => failed(&refusal, language),
            Failure::Wrong(wrong) => wrong_fields(wrong, language),
            Failure::Broken(why) => failed(&Refusal::NotSaved(why), language),
        }
    }

    /// Refuses whoever may not.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer")]
    fn need(&self, right: crate::node::rights::Right) -> Result<(), Response> {
        if self.context.who.may(right) {
            return Ok(());
        }
        let known = self.context.who.person.is_some();
        let refusal = if known { Refusal::NotAllowed } else { Refusal::SignInFirst };
        Err(failed(&refusal, self.context.language))
    }
}

/// The answer to a body that does not fit.
fn bad_body(status: StatusCode, message: String) -> Response {
    (status, Json(Failed { code: "body", message, fields: None })).into_response()
}

/// The answer to a query that does not fit.
fn bad_query(message: String) -> Response {
    (StatusCode::BAD_REQUEST, Json(Failed { code: "query", message, fields: None })).into_response()
}

fn wrong_fields(wrong: BTreeMap<String, Wrong>, language: Language) -> Response {
    let fields = wrong.into_iter().map(|(name, wrong)| (name, language.wrong(&wrong))).collect();
    let message = language.refusal(&Refusal::Fields(BTreeMap::new()));
    (StatusCode::UNPROCESSABLE_ENTITY, Json(Failed { code: "fields", message, fields: Some(fields) }))
        .into_response()
}

/// The answer to what the node refuses.
pub(super) fn failed(refusal: &Refusal, language: Language) -> Response {
    if let Refusal::Fields(_) = refusal {
        let mut form = Form::default();
        Failure::Refused(refusal.clone()).mark(&mut form);
        return wrong_fields(form.wrong, language);
    }
    let failed = Failed { code: code(refusal), message: language.refusal(refusal), fields: None };
    let mut response = (status(refusal), Json(failed)).into_response();
    match refusal {
        Refusal::Wait { seconds } => {
            response.headers_mut().insert("retry-after", HeaderValue::from(*seconds));
        }
        Refusal::SignInFirst => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}

/// The status of a refusal.
pub(super) fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::SignInFirst => StatusCode::UNAUTHORIZED,
        Refusal::NotAllowed | Refusal::NoTicket => StatusCode::FORBIDDEN,
        Refusal::Wait { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Claimed | Refusal::Unfit(_) | Refusal::Busy(_) | Refusal::Full | Refusal::Already => {
            StatusCode::CONFLICT
        }
        Refusal::NoSuch => StatusCode::NOT_FOUND,
        Refusal::NoCommunity | Refusal::NotOffered => StatusCode::CONFLICT,
        Refusal::Fields(_) | Refusal::Invitation(_) | Refusal::Expired => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::NotSaved(_) => StatusCode::INSUFFICIENT_STORAGE,
        Refusal::Trouble(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::SignInFirst => "sign-in-first",
        Refusal::NotAllowed => "not-allowed",
        Refusal::NoTicket => "setup-not-open",
        Refusal::Wait { .. } => "wait",
        Refusal::Claimed => "claimed",
        Refusal::Unfit(Unfit::NameTaken) => "name-taken",
        Refusal::Unfit(Unfit::LastOwner) => "last-owner",
        Refusal::Unfit(Unfit::Full) | Refusal::Full => "full",
        Refusal::Unfit(Unfit::Gone) | Refusal::NoSuch => "no-such",
        Refusal::Busy(_) => "busy",
        Refusal::Already => "already",
        Refusal::NoCommunity => "no-community",
        Refusal::Invitation(_) => "no-invitation",
        Refusal::Expired => "expired",
        Refusal::NotOffered => "not-offered",
        Refusal::Fields(_) => "fields",
        Refusal::NotSaved(_) => "not-saved",
        Refusal::Trouble(Trouble::HelperAway { .. }) => "helper-away",
        Refusal::Trouble(_) => "trouble",
    }
}
