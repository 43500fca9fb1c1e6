//! How the agent itself is: for watchers, without a session and without encryption.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{AGENT_VERSION, Handle};
use crate::node::snapshot::{Ownership, Snapshot};

#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`, or `degraded` where the agent cannot do all of its work.
    status: &'static str,
    name: String,
    /// Version of the image.
    version: String,
    profile: String,
    agent_version: &'static str,
    /// Whether the node has an owner.
    claimed: bool,
    uptime_s: u64,
}

/// How the agent itself is.
#[utoipa::path(get, path = "/health", tag = "node", responses((status = 200, body = Health)))]
pub(in crate::http) async fn health(State(handle): State<Handle>) -> Json<Health> {
    let Snapshot { name, image, ownership, .. } = &*handle.now();
    Json(Health {
        status: if handle.now().is_healthy() { "ok" } else { "degraded" },
        name: name.clone(),
        version: image.version.clone(),
        profile: image.profile.clone(),
        agent_version: AGENT_VERSION,
        claimed: *ownership == Ownership::Claimed,
        uptime_s: (handle.uptime)().as_secs(),
    })
}
