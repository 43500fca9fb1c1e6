//! Door to people and programs: pages and JSON, both made from the same snapshot.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use tokio::sync::watch;

use crate::node::snapshot::Snapshot;

mod api;
mod assets;
mod guard;
pub mod guests;
mod page;
pub mod server;
pub mod tls;
mod words;

/// The version of this program.
const AGENT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a request may look at. It can look and never change.
#[derive(Clone)]
pub struct Handle {
    /// How the node is.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// Time since boot.
    pub uptime: fn() -> Duration,
}

impl Handle {
    fn now(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }
}

/// Every page and answer, behind the guard. Needs no socket.
pub fn router(handle: Handle) -> Router {
    let rooms = Router::new()
        .route("/", get(page::home))
        .route("/api/v1/health", get(api::health))
        .route("/api/v1/services", get(api::services))
        .route("/assets/nuvol.css", get(assets::style))
        .route("/assets/nuvol.svg", get(assets::mark))
        .fallback(page::not_found)
        .with_state(handle.clone());
    // Around the router, not within: a layer of `rooms` would stand behind its choice of path and method.
    Router::new().fallback_service(rooms).layer(middleware::from_fn_with_state(handle, guard::check))
}
