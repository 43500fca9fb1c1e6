//! The node itself, and what is being done on it.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Body, Failed, Named, Signed, failed};
use crate::http::AGENT_VERSION;
use crate::http::pages::report_text;
use crate::http::session::Visit;
use crate::node::command::{self, Command, Refusal, Reply};
use crate::node::operation::{self, OperationId, Progress, Standing, Step};
use crate::node::pending::Change;
use crate::node::rights::Right;
use crate::node::{Disk, Place};

#[derive(Serialize, ToSchema)]
pub(super) struct Node {
    name: String,
    profile: String,
    /// Version of the image.
    version: String,
    agent_version: &'static str,
    uptime_s: u64,
    /// The node's public key in hexadecimal digits.
    key: String,
    /// SHA-256 of its certificate.
    fingerprint: String,
    disks: Vec<DiskRoom>,
    /// What only its owner can mend.
    problems: Vec<ProblemText>,
    /// A change that goes back by itself unless it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<Trial>,
}

#[derive(Serialize, ToSchema)]
struct DiskRoom {
    /// `system` or `data`.
    place: &'static str,
    free_bytes: u64,
    total_bytes: u64,
    /// Whether little room is left.
    tight: bool,
}

#[derive(Serialize, ToSchema)]
struct ProblemText {
    /// What does not work because of it.
    effect: String,
    /// What is wrong.
    cause: String,
}

#[derive(Serialize, ToSchema)]
struct Trial {
    /// `name` or `service`.
    #[schema(pattern = "^(name|service)$")]
    change: &'static str,
    /// The service that is off on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    /// What the name was, or `on`.
    from: String,
    /// What the name is, or `off`.
    to: String,
    /// Seconds until it goes back.
    left_s: u64,
}

impl From<&Disk> for DiskRoom {
    fn from(disk: &Disk) -> Self {
        let place = match disk.place {
            Place::System => "system",
            Place::Data => "data",
        };
        Self { place, free_bytes: disk.free, total_bytes: disk.total, tight: disk.is_tight() }
    }
}

/// The node.
#[utoipa::path(get, path = "/node", tag = "node",
    responses((status = 200, body = Node), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn node(visit: Visit) -> Answer<Json<Node>> {
    visit.need(Right::Look)?;
    let context = &visit.context;
    let snapshot = &context.snapshot;
    let problems = snapshot.problems.iter().map(|problem| ProblemText {
        effect: context.language.effect(&problem.effect),
        cause: problem.cause.clone(),
    });
    let trial = snapshot.trial.as_ref().map(|trial| {
        let left_s = trial.until.saturating_sub(context.uptime).as_secs();
        match trial.change.clone() {
            Change::Name { from, to } => Trial { change: "name", service: None, from, to, left_s },
            Change::Service { service } => {
                let (from, to) = ("on".to_owned(), "off".to_owned());
                Trial { change: "service", service: Some(service), from, to, left_s }
            }
        }
    });
    Ok(Json(Node {
        name: snapshot.name.clone(),
        profile: snapshot.image.profile.clone(),
        version: snapshot.image.version.clone(),
        agent_version: AGENT_VERSION,
        uptime_s: context.uptime.as_secs(),
        key: context.key.to_string(),
        fingerprint: context.fingerprint.to_string(),
        disks: snapshot.disks.iter().map(DiskRoom::from).collect(),
        problems: problems.collect(),
        trial,
    }))
}

/// What has begun.
#[derive(Serialize, ToSchema)]
pub(super) struct Started {
    /// Number of the operation.
    operation: u32,
}

impl Visit {
    /// Begins work that takes a while.
    pub(super) async fn start(&mut self, command: Command) -> Answer<(StatusCode, Json<Started>)> {
        match self.ask(command).await {
            Ok(Reply::Started(OperationId(operation))) => {
                Ok((StatusCode::ACCEPTED, Json(Started { operation })))
            }
            Ok(_) => Err(failed(&Refusal::NoSuch, self.context.language)),
            Err(refusal) => Err(failed(&refusal, self.context.language)),
        }
    }

    /// Does what is done at once.
    pub(super) async fn done(&mut self, command: Command) -> Answer<StatusCode> {
        let reply = self.ask(command).await;
        reply.map(|_| StatusCode::NO_CONTENT).map_err(|refusal| failed(&refusal, self.context.language))
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    /// Lower-case letters, digits and `-`, 63 at most, and not only digits.
    #[schema(
        min_length = 1,
        max_length = 63,
        pattern = "^([0-9]*[a-z]|[0-9]+-[a-z0-9-]*[a-z0-9])([a-z0-9-]*[a-z0-9])?$"
    )]
    name: String,
}

/// Gives the node another name, for two minutes at first: then it goes back unless it is kept.
#[utoipa::path(put, path = "/node/name", tag = "node", request_body = Name,
    responses((status = 202, body = Started), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 415, body = Failed),
        (status = 422, body = Failed), (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn rename(
    Signed(mut visit): Signed,
    Body(Name { name }): Body<Name>,
) -> Answer<(StatusCode, Json<Started>)> {
    visit.start(Command::Rename { name }).await
}

/// Keeps the change that is on trial.
#[utoipa::path(post, path = "/node/trial/keep", tag = "node",
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn keep(mut visit: Visit) -> Answer<StatusCode> {
    visit.done(Command::Keep).await
}

/// Undoes the change that is on trial.
#[utoipa::path(post, path = "/node/trial/back", tag = "node",
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn go_back(mut visit: Visit) -> Answer<StatusCode> {
    visit.done(Command::GoBack).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Power {
    /// What becomes of the node.
    how: How,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    /// It starts anew.
    Reboot,
    /// It goes off.
    Off,
}

/// Restarts the node or switches it off.
#[utoipa::path(post, path = "/node/power", tag = "node", request_body = Power,
    responses((status = 202, body = Started), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 415, body = Failed),
        (status = 422, body = Failed), (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn power(
    Signed(mut visit): Signed,
    Body(Power { how }): Body<Power>,
) -> Answer<(StatusCode, Json<Started>)> {
    let how = match how {
        How::Reboot => command::Power::Reboot,
        How::Off => command::Power::Off,
    };
    visit.start(Command::Power(how)).await
}

#[derive(Serialize, ToSchema)]
pub(super) struct Report {
    /// The text, in English. It names nobody.
    report: String,
}

/// What whoever helps wants to know.
#[utoipa::path(get, path = "/report", tag = "node",
    responses((status = 200, body = Report), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn report(visit: Visit) -> Answer<Json<Report>> {
    visit.need(Right::Node)?;
    Ok(Json(Report { report: report_text(&visit.context) }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Operations {
    /// The newest first.
    operations: Vec<Operation>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Operation {
    id: u32,
    /// What is done, and with what.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    task: operation::Task,
    /// Who asked for it.
    by: String,
    /// Unix time.
    since_s: u64,
    /// Unix time; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_s: Option<u64>,
    /// `state` is `doing` (with `step`), `done` or `failed` (with `cause`).
    #[schema(value_type = Object)]
    progress: Progress,
    /// Each step in its order, those to come too. Empty where an earlier version of the agent did it.
    steps: Vec<StepState>,
}

/// A step of an operation.
#[derive(Serialize, ToSchema)]
struct StepState {
    /// What is done.
    #[schema(value_type = String, pattern = "^(waiting|checking|writing|enabling|starting|stopping|firewall|undoing)$")]
    step: Step,
    /// How it stands; `left-out` was not needed, or never come to.
    #[schema(value_type = String, pattern = "^(done|now|to-come|failed|left-out)$")]
    state: Standing,
    /// Unix time of its beginning; absent where it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    since_s: Option<u64>,
}

impl From<&operation::Operation> for Operation {
    fn from(it: &operation::Operation) -> Self {
        let steps = it.steps().into_iter();
        let steps = steps.map(|(step, state, since_s)| StepState { step, state, since_s });
        Self {
            id: it.id.0,
            task: it.task.clone(),
            by: it.by.clone(),
            since_s: it.since_s,
            until_s: it.until_s,
            progress: it.progress.clone(),
            steps: steps.collect(),
        }
    }
}

/// What is being done and was done lately.
#[utoipa::path(get, path = "/operations", tag = "node",
    responses((status = 200, body = Operations), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn operations(visit: Visit) -> Answer<Json<Operations>> {
    visit.need(Right::Look)?;
    let list = visit.context.snapshot.operations.list.iter().rev();
    Ok(Json(Operations { operations: list.map(Operation::from).collect() }))
}

/// One of them.
#[utoipa::path(get, path = "/operations/{operation}", tag = "node", params(("operation" = u32, Path)),
    responses((status = 200, body = Operation), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn operation(visit: Visit, Named(id): Named) -> Answer<Json<Operation>> {
    visit.need(Right::Look)?;
    // What is no number names no operation either.
    let found = id.parse().ok().and_then(|id| visit.context.snapshot.operations.get(OperationId(id)));
    let found = found.ok_or_else(|| failed(&Refusal::NoSuch, visit.context.language))?;
    Ok(Json(Operation::from(found)))
}
