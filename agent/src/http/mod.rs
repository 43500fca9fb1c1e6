//! Door to people and programs: pages and JSON, both made from the same snapshot and by the same acts.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tokio::sync::watch;
use tower_http::csrf::CsrfLayer;

use crate::node::snapshot::Snapshot;

mod acts;
mod api;
pub mod ask;
pub mod assets;
pub mod context;
mod events;
mod forms;
#[cfg(fuzzing)]
pub mod fuzz;
mod guard;
pub mod language;
pub mod pages;
pub mod password;
pub mod peer;
mod rooms;
mod secret;
pub mod server;
mod session;
pub mod tls;
mod whole;

/// The version of this program.
const AGENT_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Forms and JSON are small.
const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// What a request has: how the node is, and the way to ask for something.
#[derive(Clone)]
pub struct Handle {
    /// How the node is.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// The way to the heart.
    pub asker: ask::Asker,
    /// Hashes passwords.
    pub hasher: password::Hasher,
    /// Time since boot.
    pub uptime: fn() -> Duration,
    /// Unix time in seconds.
    pub unix_s: fn() -> u64,
    /// Tells this run of the agent from those before: it counts its states from the beginning.
    pub run: Arc<str>,
    /// SHA-256 of the node's certificate as browsers show it.
    pub fingerprint: Arc<str>,
    /// The node's public key in hexadecimal digits; empty where it has none.
    pub key: Arc<str>,
}

impl Handle {
    fn now(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }
}

/// Every page and answer, behind the guard. Needs no socket; each request carries its [`peer::Peer`] as an extension.
pub fn router(handle: Handle) -> Router {
    let pages = rooms::router().merge(forms::router());
    let rooms = pages.nest("/api/v1", api::router()).with_state(handle.clone());
    // Around the router, not within: a layer of `rooms` would stand behind its choice of path and method.
    Router::new()
        .fallback_service(rooms)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(handle, guard::check))
        .layer(middleware::from_fn(whole::read))
}
