//! The snapshot in words for people. English only for now; every sentence of the pages is here or in `templates/`.

use std::time::Duration;

use crate::node::service::Start;
use crate::node::snapshot::{ServiceReport, Snapshot, Summary, Systemd};
use crate::node::unit::State;

/// Roles in the order of the page, with their headings. Others follow under their own name.
const ROLES: [(&str, &str); 8] = [
    ("mesh", "Mesh"),
    ("discovery", "Discovery"),
    ("storage", "Storage"),
    ("sharing", "Sharing"),
    ("streaming", "Streaming"),
    ("voice", "Voice"),
    ("web", "Web"),
    ("access", "Access"),
];

/// Where a role stands on the page.
pub(super) fn role_order(role: &str) -> usize {
    ROLES.iter().position(|(name, _)| *name == role).unwrap_or(ROLES.len())
}

/// The heading of a role.
pub(super) fn role_title(role: &str) -> String {
    let known = ROLES.iter().find(|(name, _)| *name == role).map(|(_, title)| (*title).to_owned());
    known.unwrap_or_else(|| {
        let mut letters = role.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    })
}

/// The state of a service in a word or two.
pub(super) fn state(report: &ServiceReport) -> &'static str {
    match (report.state, report.service.start) {
        (State::Starting, _) if report.restarting => "Restarting",
        (State::Running, _) => "Running",
        (State::Starting, _) => "Starting",
        (State::Stopping, _) => "Stopping",
        (State::Stopped, Start::OnDemand) => "Off",
        (State::Stopped, Start::Always) => "Stopped",
        (State::Failed, _) => "Failed",
        (State::Missing, _) => "Not installed",
        (State::Unknown, _) => "Not known",
    }
}

/// What there is to explain about a service.
pub(super) fn why(report: &ServiceReport) -> Option<String> {
    let stopped = || report.needs_attention().then(|| "It should run and does not.".to_owned());
    report.why.clone().or_else(stopped)
}

/// The node in one sentence.
pub(super) fn headline(snapshot: &Snapshot) -> String {
    match snapshot.summary() {
        Summary::Asking => "Looking at the services".to_owned(),
        Summary::Blind => "The node cannot see its services".to_owned(),
        Summary::Trouble { things: 1 } => "One thing needs attention".to_owned(),
        Summary::Trouble { things } => format!("{things} things need attention"),
        Summary::Moving { services: 1 } => "One service is on its way".to_owned(),
        Summary::Moving { services } => format!("{services} services are on their way"),
        Summary::Fine if snapshot.services.is_empty() => "This node carries no services".to_owned(),
        Summary::Fine if snapshot.count(State::Running) == 0 => "Everything is ready".to_owned(),
        Summary::Fine => "Everything runs".to_owned(),
    }
}

/// The sentence below it.
pub(super) fn detail(snapshot: &Snapshot, uptime: Duration) -> String {
    if let Systemd::Away { since, .. } = &snapshot.systemd {
        let ago = duration(uptime.saturating_sub(*since));
        return format!("systemd has not answered for {ago}. It is asked again every few seconds.");
    }
    let on = snapshot.count(State::Running);
    let off = snapshot
        .services
        .iter()
        .filter(|report| report.state == State::Stopped && report.service.start == Start::OnDemand);
    let on = match on {
        0 => None,
        1 => Some("1 service is on".to_owned()),
        many => Some(format!("{many} services are on")),
    };
    let off = match off.count() {
        0 => None,
        many => Some(format!("{many} can be switched on")),
    };
    match (on, off) {
        (Some(on), Some(off)) => format!("{on}, {off}."),
        (Some(one), None) | (None, Some(one)) => format!("{one}."),
        (None, None) => String::new(),
    }
}

/// What came back instead of an answer from systemd.
pub(super) fn cause(snapshot: &Snapshot) -> Option<String> {
    match &snapshot.systemd {
        Systemd::Away { why, .. } => Some(why.clone()),
        Systemd::Asking | Systemd::Answers => None,
    }
}

/// A time span in its two largest units.
pub(super) fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let many = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match (days, hours, minutes) {
        (0, 0, 0) => many(seconds, "second"),
        (0, 0, _) => many(minutes, "minute"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{} {hours} h", many(days, "day")),
    }
}
