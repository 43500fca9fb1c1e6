//! The API: the snapshot as JSON. These types are a promise; keys are added, never changed.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::{AGENT_VERSION, Handle};
use crate::node::service::{Port, Start};
use crate::node::snapshot::{ServiceReport, Snapshot, UnitReport};
use crate::node::unit::Unit;

#[derive(Serialize)]
pub(super) struct Health {
    /// `ok`, or `degraded` where the agent cannot do all of its work.
    status: &'static str,
    name: String,
    version: String,
    profile: String,
    agent_version: &'static str,
    uptime_s: u64,
}

/// How the agent itself is.
pub(super) async fn health(State(handle): State<Handle>) -> Json<Health> {
    let Snapshot { name, image, .. } = &*handle.now();
    Json(Health {
        status: if handle.now().is_healthy() { "ok" } else { "degraded" },
        name: name.clone(),
        version: image.version.clone(),
        profile: image.profile.clone(),
        agent_version: AGENT_VERSION,
        uptime_s: (handle.uptime)().as_secs(),
    })
}

#[derive(Serialize)]
pub(super) struct Services {
    services: Vec<Service>,
}

#[derive(Serialize)]
struct Service {
    name: String,
    title: String,
    summary: String,
    role: String,
    start: Start,
    state: &'static str,
    /// Present and true where `starting` means: it ended badly and is started again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restarting: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    units: Vec<UnitState>,
    ports: Vec<Port>,
}

#[derive(Serialize)]
struct UnitState {
    name: String,
    load: String,
    active: String,
    sub: String,
}

/// Every service of the catalogue and its state.
pub(super) async fn services(State(handle): State<Handle>) -> Json<Services> {
    Json(Services { services: handle.now().services.iter().map(Service::from).collect() })
}

impl From<&ServiceReport> for Service {
    fn from(report: &ServiceReport) -> Self {
        let ServiceReport { service, state, restarting, why, units } = report;
        Self {
            name: service.name.to_string(),
            title: service.title.to_string(),
            summary: service.summary.to_string(),
            role: service.role.to_string(),
            start: service.start,
            state: state.as_str(),
            restarting: *restarting,
            why: why.clone(),
            units: units.iter().map(UnitState::from).collect(),
            ports: service.ports.clone(),
        }
    }
}

impl From<&UnitReport> for UnitState {
    fn from(UnitReport { name, unit }: &UnitReport) -> Self {
        let told = unit.is_some();
        let Unit { load, active, sub, .. } = unit.clone().unwrap_or_default();
        let or_unknown = |word: String| if told { word } else { "unknown".to_owned() };
        Self { name: name.clone(), load: or_unknown(load), active: or_unknown(active), sub: or_unknown(sub) }
    }
}
