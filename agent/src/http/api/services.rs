//! Services: how they are, and what their owner does with them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::node::{Operation, Started};
use super::{Answer, Body, Failed, Named, Signed};
use crate::http::language::Language;
use crate::http::session::Visit;
use crate::node::command::{Command, Line, Reply};
use crate::node::rights::Right;
use crate::node::service::{Port, Start};
use crate::node::snapshot::{ServiceReport, UnitReport};
use crate::node::unit::Unit;

/// Lines of a log that are sent where the number is not given.
const LINES: u16 = 100;

#[derive(Serialize, ToSchema)]
pub(super) struct Services {
    services: Vec<Service>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Service {
    /// Its name in the catalogue.
    name: String,
    title: String,
    summary: String,
    role: String,
    #[schema(value_type = String)]
    start: Start,
    /// `running`, `starting`, `stopping`, `stopped`, `failed`, `missing` or `unknown`.
    state: &'static str,
    /// Whether its owner should look at it.
    needs_attention: bool,
    /// Present and true where `starting` means: it ended badly and is started again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restarting: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    units: Vec<UnitState>,
    #[schema(value_type = Vec<Object>)]
    ports: Vec<Port>,
    /// Each setting's value; absent where that is not known, and for those who may not set them.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<BTreeMap<String, String>>,
    /// What it drew for itself, such as passwords; only for those who may set it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<BTreeMap<String, String>>,
    /// Who sees it: `me`, `household` or `community`; absent where it is nothing that others could be offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'static str>,
    /// What it keeps on the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_bytes: Option<u64>,
    /// Memory of its programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    /// What was done with it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
}

#[derive(Serialize, ToSchema)]
struct UnitState {
    name: String,
    load: String,
    active: String,
    sub: String,
}

/// Every service of the catalogue and its state.
#[utoipa::path(get, path = "/services", tag = "services",
    responses((status = 200, body = Services), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn services(visit: Visit) -> Answer<Json<Services>> {
    visit.need(Right::See)?;
    let all = visit.context.snapshot.services.iter().map(|report| Service::of(report, &visit));
    Ok(Json(Services { services: all.collect() }))
}

/// One service.
#[utoipa::path(get, path = "/services/{service}", tag = "services", params(("service" = String, Path)),
    responses((status = 200, body = Service), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn service(visit: Visit, Named(name): Named) -> Answer<Json<Service>> {
    visit.need(Right::See)?;
    let report = visit.context.snapshot.services.iter().find(|report| *report.service.name == *name);
    let report = report
        .ok_or_else(|| super::failed(&crate::node::command::Refusal::NoSuch, visit.context.language))?;
    Ok(Json(Service::of(report, &visit)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    /// On or off.
    on: bool,
}

/// Switches a service on or off, now and after the next boot. One by which people may be reaching the node is off for
/// two minutes at first: then it comes back unless that is kept.
#[utoipa::path(put, path = "/services/{service}", tag = "services", params(("service" = String, Path)),
    request_body = Switch,
    responses((status = 202, body = Started), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 404, body = Failed), (status = 409, body = Failed),
        (status = 415, body = Failed), (status = 422, body = Failed), (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn switch(
    Signed(mut visit): Signed,
    Named(service): Named,
    Body(Switch { on }): Body<Switch>,
) -> Answer<(StatusCode, Json<Started>)> {
    visit.start(Command::Switch { service, on }).await
}

/// Stops and starts a service.
#[utoipa::path(post, path = "/services/{service}/restart", tag = "services", params(("service" = String, Path)),
    responses((status = 202, body = Started), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 409, body = Failed), (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn restart(
    mut visit: Visit,
    Named(service): Named,
) -> Answer<(StatusCode, Json<Started>)> {
    visit.start(Command::Restart { service }).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Values by name; a setting that is not named stays as it is. Switches are `on` or `off`.
    settings: BTreeMap<String, String>,
}

/// Gives a service other settings.
#[utoipa::path(put, path = "/services/{service}/settings", tag = "services", params(("service" = String, Path)),
    request_body = Settings,
    responses((status = 202, body = Started), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 404, body = Failed), (status = 409, body = Failed),
        (status = 415, body = Failed), (status = 422, body = Failed), (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn settings(
    Signed(mut visit): Signed,
    Named(service): Named,
    Body(Settings { settings }): Body<Settings>,
) -> Answer<(StatusCode, Json<Started>)> {
    visit.start(Command::Configure { service, settings }).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct HowMany {
    /// So many lines, the last ones; 100 where it is not given, 500 at most.
    #[param(minimum = 1, maximum = 500)]
    lines: Option<u16>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Log {
    lines: Vec<LogLine>,
}

#[derive(Serialize, ToSchema)]
struct LogLine {
    /// Unix time.
    time_s: u64,
    unit: String,
    /// syslog's level, 0 the worst, 6 usual.
    level: u8,
    text: String,
}

impl From<Line> for LogLine {
    fn from(Line { time_s, unit, level, text }: Line) -> Self {
        Self { time_s, unit, level, text: text.to_string() }
    }
}

/// The last lines that a service wrote.
#[utoipa::path(get, path = "/services/{service}/log", tag = "services", params(("service" = String, Path), HowMany),
    responses((status = 200, body = Log), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 404, body = Failed), (status = 503, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn log(
    Signed(mut visit): Signed,
    Named(service): Named,
    query: Result<Query<HowMany>, axum::extract::rejection::QueryRejection>,
) -> Answer<Json<Log>> {
    let lines = match query {
        Ok(Query(HowMany { lines })) => lines.unwrap_or(LINES),
        Err(rejection) => return Err(super::bad_query(rejection.body_text())),
    };
    if !(1..=500).contains(&lines) {
        return Err(super::bad_query("`lines` must be a number from 1 to 500".to_owned()));
    }
    let reply = visit.ask(Command::Logs { service, lines }).await;
    match reply.map_err(|refusal| super::failed(&refusal, visit.context.language))? {
        Reply::Lines(lines) => Ok(Json(Log { lines: lines.into_iter().map(LogLine::from).collect() })),
        _ => Ok(Json(Log { lines: Vec::new() })),
    }
}

impl Service {
    fn of(report: &ServiceReport, visit: &Visit) -> Self {
        let ServiceReport { service, state, restarting, settings, usage, operation, .. } = report;
        let (look, may) = (visit.context.who.may(Right::Look), visit.context.who.may(Right::Services));
        Self {
            name: service.name.to_string(),
            title: service.title.to_string(),
            summary: service.summary.to_string(),
            role: service.role.to_string(),
            start: service.start,
            state: state.as_str(),
            needs_attention: report.needs_attention(),
            restarting: *restarting,
            why: Language::ENGLISH.report(report),
            units: report.units.iter().map(UnitState::from).collect(),
            ports: service.ports.clone(),
            settings: settings.clone().filter(|_| may).map(|it| it.values),
            shown: report.settings.clone().filter(|it| may && !it.shown.is_empty()).map(|it| it.shown),
            audience: service.announce.as_ref().filter(|_| look).map(|_| {
                let published = &visit.context.snapshot.belonging.own.published;
                published.get(&*service.name).map_or("me", |it| it.as_str())
            }),
            disk_bytes: usage.map(|usage| usage.bytes).filter(|_| look),
            memory_bytes: report.memory().filter(|_| look),
            operation: operation.as_ref().filter(|_| look).map(Operation::from),
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
