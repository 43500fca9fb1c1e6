//! One's own account: password, sessions, tokens. With a session only: a token cannot make tokens.

use std::collections::BTreeSet;

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Body, Failed, Named, Signed};
use crate::http::acts;
use crate::http::session::Visit;
use crate::node::command::Command;
use crate::node::people::access::Scope;
use crate::node::people::{PersonId, Role};
use crate::node::rights::{Actor, Right};

#[derive(Serialize, ToSchema)]
pub(super) struct Account {
    id: u32,
    name: String,
    #[schema(value_type = String)]
    role: Role,
}

/// Who asks.
#[utoipa::path(get, path = "/account", tag = "account",
    responses((status = 200, body = Account), (status = 401, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn account(visit: Visit) -> Answer<Json<Account>> {
    match &visit.context.who.person {
        Some(person) => {
            Ok(Json(Account { id: person.id.0, name: person.name.to_string(), role: person.role }))
        }
        None => Err(super::failed(&crate::node::command::Refusal::SignInFirst, visit.context.language)),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Password {
    /// The present one.
    old: String,
    /// The new one, 10 letters at least.
    new: String,
}

/// Changes one's password. All other sessions end, and all tokens.
#[utoipa::path(put, path = "/account/password", tag = "account", request_body = Password,
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 415, body = Failed), (status = 422, body = Failed),
        (status = 429, body = Failed), (status = 507, body = Failed)),
    security(("session" = [])))]
pub(in crate::http) async fn password(
    Signed(mut visit): Signed,
    Body(Password { old, new }): Body<Password>,
) -> Answer<StatusCode> {
    visit.need(Right::Own)?;
    let set = acts::entry::set_password(&mut visit, &old, &new, None).await;
    set.map(|()| StatusCode::NO_CONTENT).map_err(|failure| visit.failed(failure.under("password", "new")))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Sessions {
    sessions: Vec<Session>,
}

#[derive(Serialize, ToSchema)]
struct Session {
    id: String,
    /// Whether it is the one that asks.
    this: bool,
    since_s: u64,
    /// To the hour.
    seen_s: u64,
    from: String,
    browser: String,
}

/// Where one is signed in.
#[utoipa::path(get, path = "/account/sessions", tag = "account",
    responses((status = 200, body = Sessions), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("session" = [])))]
pub(in crate::http) async fn sessions(visit: Visit) -> Answer<Json<Sessions>> {
    visit.need(Right::Own)?;
    let who = &visit.context.who.actor;
    let this = |id: &str| matches!(who, Actor::Person { session, .. } if session == id);
    let mine = visit.context.snapshot.people.sessions.iter().filter(|it| Some(it.person) == who.person());
    let all = mine.map(|it| Session {
        id: it.id.clone(),
        this: this(&it.id),
        since_s: it.since_s,
        seen_s: it.seen_s,
        from: it.from.clone(),
        browser: it.browser.to_string(),
    });
    Ok(Json(Sessions { sessions: all.collect() }))
}

/// Signs out elsewhere, or here.
#[utoipa::path(delete, path = "/account/sessions/{session}", tag = "account", params(("session" = String, Path)),
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 507, body = Failed)),
    security(("session" = [])))]
pub(in crate::http) async fn end_session(mut visit: Visit, Named(session): Named) -> Answer<StatusCode> {
    visit.done(Command::EndSession(session)).await
}

#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    tokens: Vec<Token>,
}

#[derive(Serialize, ToSchema)]
struct Token {
    id: String,
    title: String,
    #[schema(value_type = Vec<String>)]
    scopes: BTreeSet<Scope>,
    since_s: u64,
    /// Unix time at which it runs out; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_s: Option<u64>,
}

fn own(visit: &Visit) -> Option<PersonId> {
    visit.context.who.actor.person()
}

/// One's tokens for programs.
#[utoipa::path(get, path = "/account/tokens", tag = "account",
    responses((status = 200, body = Tokens), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("session" = [])))]
pub(in crate::http) async fn tokens(visit: Visit) -> Answer<Json<Tokens>> {
    visit.need(Right::Own)?;
    let mine = visit.context.snapshot.people.tokens.iter().filter(|it| Some(it.person) == own(&visit));
    let all = mine.map(|it| Token {
        id: it.id.clone(),
        title: it.title.to_string(),
        scopes: it.scopes.clone(),
        since_s: it.since_s,
        until_s: it.until_s,
    });
    Ok(Json(Tokens { tokens: all.collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is for.
    #[schema(min_length = 1, max_length = 80)]
    title: String,
    /// What it may do.
    #[schema(min_items = 1)]
    scopes: Vec<ScopeWord>,
    /// For how many days, ten years at most; for ever where it is not given.
    #[schema(minimum = 1, maximum = 3660)]
    days: Option<u32>,
}

/// What a token may do.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ScopeWord {
    Read,
    Services,
    People,
    Node,
}

impl From<ScopeWord> for Scope {
    fn from(word: ScopeWord) -> Self {
        match word {
            ScopeWord::Read => Self::Read,
            ScopeWord::Services => Self::Services,
            ScopeWord::People => Self::People,
            ScopeWord::Node => Self::Node,
        }
    }
}

/// A token, shown this one time.
#[derive(Serialize, ToSchema)]
pub(super) struct FreshToken {
    /// For the header `Authorization: Bearer ...`.
    token: String,
}

/// Makes a token for a program.
#[utoipa::path(post, path = "/account/tokens", tag = "account", request_body = NewToken,
    responses((status = 201, body = FreshToken), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 415, body = Failed),
        (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("session" = [])))]
pub(in crate::http) async fn make_token(
    Signed(mut visit): Signed,
    Body(NewToken { title, scopes, days }): Body<NewToken>,
) -> Answer<(StatusCode, Json<FreshToken>)> {
    visit.need(Right::Own)?;
    let scopes = scopes.into_iter().map(Scope::from).collect();
    let days = days.map_or_else(String::new, |days| days.to_string());
    let token = acts::people::make_token(&mut visit, &title, scopes, &days).await;
    let token = token.map_err(|failure| visit.failed(failure))?;
    Ok((StatusCode::CREATED, Json(FreshToken { token })))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/account/tokens/{token}", tag = "account", params(("token" = String, Path)),
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 507, body = Failed)),
    security(("session" = [])))]
pub(in crate::http) async fn revoke_token(mut visit: Visit, Named(token): Named) -> Answer<StatusCode> {
    visit.done(Command::RevokeToken(token)).await
}
