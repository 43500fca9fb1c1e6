//! A report for whoever helps: text that its reader sees before sharing it. In English, for those who help read that.

use std::fmt::Write;

use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Page, problems, render};
use crate::http::AGENT_VERSION;
use crate::http::context::Context;
use crate::http::language::{Language, machine_time};
use crate::node::command::Refusal;
use crate::node::operation::{Progress, Task};
use crate::node::rights::Right;
use crate::node::snapshot::{Snapshot, Systemd};

/// Operations that are told.
const OPERATIONS: usize = 20;

#[derive(Template)]
#[template(path = "report.html")]
struct Report {
    frame: Frame,
    text: String,
    lines: usize,
}

/// The report, to look at and to copy.
pub fn report(context: &Context) -> Page {
    if !context.who.may(Right::Node) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let text = report_text(context);
    let lines = text.lines().count() + 1;
    render(StatusCode::OK, &Report { frame: Frame::new(context, "/logs/report"), text, lines })
}

/// Names nobody: no person, no address, and the node itself is called `NODE`. Nothing that was typed is in it.
pub fn report_text(context: &Context) -> String {
    let snapshot = &context.snapshot;
    let mut text = String::new();
    // Writing to a string cannot fail.
    write(&mut text, context, snapshot).ok();
    if snapshot.name.is_empty() { text } else { text.replace(&snapshot.name, "NODE") }
}

fn write(text: &mut String, context: &Context, snapshot: &Snapshot) -> std::fmt::Result {
    let english = Language::ENGLISH;
    writeln!(text, "Nuvol support report, {}", machine_time(context.unix_s))?;
    writeln!(text, "image: {} {}", snapshot.image.profile, snapshot.image.version)?;
    writeln!(text, "agent: {AGENT_VERSION}")?;
    writeln!(text, "up for: {}", english.duration(context.uptime.as_secs()))?;
    writeln!(text, "people: {}", snapshot.people.people.len())?;
    match &snapshot.systemd {
        Systemd::Answers => writeln!(text, "systemd: answers")?,
        Systemd::Asking => writeln!(text, "systemd: not heard yet")?,
        Systemd::Away { why, .. } => writeln!(text, "systemd: away: {why}")?,
    }
    for disk in &snapshot.disks {
        let place = english.place(disk.place);
        writeln!(text, "{place}: {} of {} free", english.bytes(disk.free), english.bytes(disk.total))?;
    }
    writeln!(text, "\nProblems: {}", snapshot.problems.len())?;
    for problem in &snapshot.problems {
        writeln!(text, "- {:?}: {}", problem.effect, problem.cause)?;
    }
    writeln!(text, "\nServices: {}", snapshot.services.len())?;
    for report in &snapshot.services {
        write!(text, "- {}: {}", &*report.service.name, report.state.as_str())?;
        if let Some(usage) = report.usage {
            write!(text, ", keeps {}", english.bytes(usage.bytes))?;
        }
        if let Some(why) = &report.why {
            write!(text, "; {}", english.why(why))?;
        }
        writeln!(text)?;
        for unit in &report.units {
            if let Some(known) = &unit.unit {
                writeln!(text, "  {}: {} {} {}", unit.name, known.load, known.active, known.sub)?;
            }
        }
    }
    writeln!(text, "\nDone lately:")?;
    for operation in snapshot.operations.list.iter().rev().take(OPERATIONS) {
        // A name is what somebody typed.
        let task = match &operation.task {
            Task::Rename { .. } => "Rename the node".to_owned(),
            task => english.task(task, snapshot),
        };
        write!(text, "- {} {task}: {}", machine_time(operation.since_s), english.progress(operation))?;
        if let Progress::Failed(trouble) = &operation.progress {
            write!(text, "; {}", english.trouble(trouble))?;
        }
        writeln!(text)?;
    }
    Ok(())
}
