//! Ways in for programs: claiming a node and taking up an invitation. They sign in with tokens.

use axum::Json;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Body, Failed, Named};
use crate::http::acts::entry::{self, NewPerson};
use crate::http::session::{Visit, no_session_cookie, session_cookie};
use crate::node::command::Command;
use crate::node::people::Role;
use crate::node::people::access::Purpose;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    /// The code on the node's screen.
    code: String,
    /// The owner's name.
    name: String,
    /// The owner's password, 10 letters at least.
    password: String,
}

/// Makes whoever knows the claim code the owner of a node that has none. From the node's own network only.
#[utoipa::path(post, path = "/claim", tag = "entry", request_body = Claim,
    responses((status = 204), (status = 400, body = Failed), (status = 403, body = Failed),
        (status = 409, body = Failed), (status = 415, body = Failed), (status = 422, body = Failed),
        (status = 429, body = Failed), (status = 507, body = Failed)))]
pub(in crate::http) async fn claim(mut visit: Visit, Body(claim): Body<Claim>) -> Answer<StatusCode> {
    let ticket = entry::open_setup(&mut visit, &claim.code).await.map_err(|failure| visit.failed(failure))?;
    let person = NewPerson { name: &claim.name, password: &claim.password, again: None };
    entry::claim(&mut visit, &ticket, &person).await.map_err(|failure| visit.failed(failure))?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an invitation is for.
#[derive(Serialize, ToSchema)]
pub(super) struct Invited {
    /// `join`: a new account; `password`: a new password for somebody who has one.
    #[schema(pattern = "^(join|password)$")]
    kind: &'static str,
    /// The role of the new account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// Who gets the new password.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Looks at an invitation. One that is not there counts as a guess.
#[utoipa::path(get, path = "/join/{invitation}", tag = "entry", params(("invitation" = String, Path)),
    responses((status = 200, body = Invited), (status = 404, body = Failed), (status = 429, body = Failed)))]
pub(in crate::http) async fn invited(mut visit: Visit, Named(invitation): Named) -> Answer<Json<Invited>> {
    let purpose = entry::invitation(&mut visit, &invitation).await;
    Ok(Json(match purpose.map_err(|failure| visit.failed(failure))? {
        Purpose::Join { role } => Invited { kind: "join", role: Some(role), name: None },
        Purpose::Password { person } => {
            let person = visit.context.snapshot.people.person(person);
            Invited { kind: "password", role: None, name: person.map(|person| person.name.to_string()) }
        }
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    /// The new person's name; of no account where the invitation is for a new password.
    #[serde(default)]
    name: String,
    /// Their password, 10 letters at least.
    password: String,
}

/// Takes up an invitation.
#[utoipa::path(post, path = "/join/{invitation}", tag = "entry", params(("invitation" = String, Path)),
    request_body = Join,
    responses((status = 204), (status = 400, body = Failed), (status = 404, body = Failed),
        (status = 409, body = Failed), (status = 415, body = Failed), (status = 422, body = Failed),
        (status = 429, body = Failed), (status = 507, body = Failed)))]
pub(in crate::http) async fn join(
    mut visit: Visit,
    Named(invitation): Named,
    Body(join): Body<Join>,
) -> Answer<StatusCode> {
    let person = NewPerson { name: &join.name, password: &join.password, again: None };
    entry::join(&mut visit, &invitation, person).await.map_err(|failure| visit.failed(failure))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The person's name.
    name: String,
    /// Their password.
    password: String,
}

/// Signs in: the session is in the cookie that comes back.
#[utoipa::path(post, path = "/session", tag = "entry", request_body = SignIn,
    responses((status = 204), (status = 400, body = Failed), (status = 404, body = Failed),
        (status = 415, body = Failed), (status = 422, body = Failed), (status = 429, body = Failed),
        (status = 507, body = Failed)))]
pub(in crate::http) async fn sign_in(
    mut visit: Visit,
    Body(SignIn { name, password }): Body<SignIn>,
) -> Answer<(StatusCode, [(HeaderName, HeaderValue); 1])> {
    let secret =
        entry::sign_in(&mut visit, &name, &password).await.map_err(|failure| visit.failed(failure))?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, session_cookie(&secret))]))
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "entry",
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed), (status = 507, body = Failed)),
    security(("session" = [])))]
pub(in crate::http) async fn sign_out(
    mut visit: Visit,
) -> Answer<(StatusCode, [(HeaderName, HeaderValue); 1])> {
    let status = visit.done(Command::SignOut).await?;
    Ok((status, [(SET_COOKIE, no_session_cookie())]))
}
