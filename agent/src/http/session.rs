//! Who asks: the cookie of a browser, the token of a program.

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

use super::Handle;
use super::ask::Question;
use super::context::{Context, Who};
use super::guard::Host;
use super::language::Language;
use super::peer::Peer;
use super::secret::digest;
use crate::node::command::{Command, Refusal, Reply};
use crate::node::people::access::Session;
use crate::node::rights::Actor;

/// `__Host-` binds it to this very host and to encryption (RFC 6265bis).
const SESSION: &str = "__Host-nuvol";
/// The secret of a setup that was opened by the claim code; it may be on a plain connection.
const SETUP: &str = "nuvol-setup";
/// Seconds that a browser keeps the cookie of a session; the node ends it by its own rules.
const SESSION_AGE_S: u32 = 180 * 24 * 60 * 60;
/// A session is noted as used when its last use is so long ago.
const SEEN_EVERY_S: u64 = 60 * 60;

/// One request: who, from where, and the way to the heart.
pub struct Visit {
    /// All that a page is made from.
    pub context: Context,
    /// The other end of the connection.
    pub peer: Peer,
    /// The way to the heart.
    pub handle: Handle,
    /// The secret of the setup, where there is one.
    pub setup: Option<String>,
    /// What the browser calls itself.
    pub browser: String,
}

impl Visit {
    /// Asks the heart on behalf of whoever asks. What is looked at afterwards is the node as it is then.
    pub async fn ask(&mut self, command: Command) -> Result<Reply, Refusal> {
        let from = self.peer.household.to_string();
        let answer = self.handle.asker.ask(self.context.who.actor.clone(), from, command).await;
        self.context.look(self.handle.now());
        answer
    }
}

impl FromRequestParts<Handle> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, handle: &Handle) -> Result<Self, Response> {
        let (Some(host), Some(peer)) =
            (parts.extensions.get::<Host>().cloned(), parts.extensions.get::<Peer>().copied())
        else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let snapshot = handle.now();
        let headers = &parts.headers;
        let who = if peer.secure { who(handle, headers)? } else { Who::visitor() };
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let browser = headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self {
            context: Context {
                snapshot,
                who,
                language: Language::choose(cookie(headers, "language"), accepted),
                host: host.name,
                // Without encryption it is the port of something else.
                port: host.port.filter(|_| peer.secure),
                path: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
                secure: peer.secure,
                uptime: (handle.uptime)(),
                unix_s: (handle.unix_s)(),
                run: handle.run.clone(),
                fingerprint: handle.fingerprint.clone(),
                key: handle.key.clone(),
            },
            peer,
            handle: handle.clone(),
            setup: cookie(headers, SETUP).map(str::to_owned),
            browser: browser.chars().take(200).collect(),
        })
    }
}

/// A wrong token is told; a cookie that opens nothing any more is as good as none.
#[expect(clippy::result_large_err, reason = "the refusal is the answer")]
fn who(handle: &Handle, headers: &HeaderMap) -> Result<Who, Response> {
    let snapshot = handle.now();
    let unix_s = (handle.unix_s)();
    if let Some(value) = headers.get(AUTHORIZATION) {
        let secret = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).map(digest);
        let found = secret.and_then(|secret| {
            snapshot.people.token(&secret, unix_s).map(|(token, person)| {
                Who::new(Actor::Program { person: person.id, scopes: token.scopes.clone() }, person.clone())
            })
        });
        return found.ok_or_else(|| super::api::failed(&Refusal::SignInFirst, Language::ENGLISH));
    }
    let Some(secret) = cookie(headers, SESSION).map(digest) else { return Ok(Who::visitor()) };
    let Some((session, person)) = snapshot.people.session(&secret, unix_s) else { return Ok(Who::visitor()) };
    let actor = Actor::Person { person: person.id, session: session.id.clone() };
    note(handle, session, &actor, unix_s);
    Ok(Who::new(actor, person.clone()))
}

/// Nobody waits for the answer.
fn note(handle: &Handle, session: &Session, actor: &Actor, unix_s: u64) {
    if session.seen_s + SEEN_EVERY_S <= unix_s {
        let (answer, _) = oneshot::channel();
        let question = Question { actor: actor.clone(), from: String::new(), command: Command::Seen, answer };
        // Where the heart has too much to do, the next request notes it.
        handle.asker.0.try_send(question).ok();
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The cookie of a new session.
pub fn session_cookie(secret: &str) -> HeaderValue {
    header(&format!("{SESSION}={secret}; Max-Age={SESSION_AGE_S}; Path=/; Secure; HttpOnly; SameSite=Strict"))
}

/// Ends the session's cookie.
pub fn no_session_cookie() -> HeaderValue {
    header(&format!("{SESSION}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict"))
}

/// The cookie of a setup that the claim code has opened.
pub fn setup_cookie(secret: &str) -> HeaderValue {
    header(&format!("{SETUP}={secret}; Max-Age=1800; Path=/claim; HttpOnly; SameSite=Strict"))
}

/// Ends the setup's cookie.
pub fn no_setup_cookie() -> HeaderValue {
    header(&format!("{SETUP}=; Max-Age=0; Path=/claim; HttpOnly; SameSite=Strict"))
}

/// Only hexadecimal digits and our own words go in: it is always a header.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
