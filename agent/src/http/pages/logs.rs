//! Logs and diagnosis: what is wrong, what was done, what services write.

use askama::Template;
use axum::http::StatusCode;

use super::parts::{When, Work, refusal, system_words};
use super::{Frame, Page, problems, render, status};
use crate::http::context::{Context, Form};
use crate::node::command::{Line, Refusal};
use crate::node::operation::OperationId;
use crate::node::rights::Right;

#[derive(Template)]
#[template(path = "logs.html")]
struct Logs {
    frame: Frame,
    problems: Vec<(String, String)>,
    disks: Vec<DiskView>,
    kept: Vec<Kept>,
    work: Vec<Work>,
    services: Vec<(String, String)>,
    may_read: bool,
}

/// A disk and the room on it.
struct DiskView {
    title: String,
    text: String,
    used_percent: u64,
    tight: bool,
}

/// What a service keeps.
struct Kept {
    title: String,
    size: String,
}

/// What is wrong, the room on the disks, what was done, whose log can be read.
pub fn logs(context: &Context, form: &Form) -> Page {
    let (t, snapshot) = (context.language, &context.snapshot);
    if !context.who.may(Right::Look) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let may_read = context.who.may(Right::Services);
    let disks = snapshot.disks.iter().map(|disk| DiskView {
        title: t.place(disk.place),
        text: t.both("disk-left", ("free", &t.bytes(disk.free)), ("total", &t.bytes(disk.total))),
        used_percent: (disk.total.saturating_sub(disk.free)).saturating_mul(100) / disk.total.max(1),
        tight: disk.is_tight(),
    });
    let mut kept: Vec<_> =
        snapshot.services.iter().filter_map(|report| Some((report.usage?, report))).collect();
    kept.sort_by_key(|(usage, _)| std::cmp::Reverse(usage.bytes));
    let kept = kept
        .into_iter()
        .filter(|(usage, _)| usage.bytes > 0)
        .map(|(usage, report)| Kept { title: t.service_title(report), size: t.bytes(usage.bytes) });
    let services = snapshot.services.iter().filter(|_| may_read);
    let page = Logs {
        frame: Frame::live(context, "/logs"),
        problems: snapshot
            .problems
            .iter()
            .map(|it| (t.effect(&it.effect), system_words(&it.cause)))
            .collect(),
        disks: disks.collect(),
        kept: kept.collect(),
        work: snapshot.operations.list.iter().rev().map(|it| Work::new(context, it)).collect(),
        services: services.map(|report| (report.service.name.to_string(), t.service_title(report))).collect(),
        may_read,
    };
    render(status(form), &page)
}

#[derive(Template)]
#[template(path = "operation.html")]
struct OneWork {
    frame: Frame,
    work: Work,
    service: Option<(String, String)>,
}

/// One thing that is or was done.
pub fn operation(context: &Context, id: OperationId) -> Page {
    if !context.who.may(Right::Look) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let Some(operation) = context.snapshot.operations.get(id) else { return problems::not_found(context) };
    let about = operation.task.service();
    let report = context.snapshot.services.iter().find(|report| Some(&*report.service.name) == about);
    let page = OneWork {
        frame: Frame::live(context, &format!("/operations/{}", id.0)),
        work: Work::new(context, operation),
        service: report.map(|it| (it.service.name.to_string(), context.language.service_title(it))),
    };
    render(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "service_log.html")]
struct ServiceLog {
    frame: Frame,
    name: String,
    title: String,
    refusal: Option<String>,
    lines: Vec<LineView>,
    several: bool,
}

/// A line that a service wrote.
struct LineView {
    when: When,
    unit: String,
    /// A class: how bad it is.
    level: &'static str,
    word: Option<String>,
    text: String,
}

/// What a service wrote lately, the newest last.
pub fn service_log(context: &Context, form: &Form, name: &str, lines: &[Line]) -> Page {
    let t = context.language;
    if !context.who.may(Right::Services) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let Some(report) = context.snapshot.services.iter().find(|report| *report.service.name == *name) else {
        return problems::not_found(context);
    };
    let view = |line: &Line| {
        let (level, word) = match line.level {
            0..=3 => ("bad", Some(t.say("level-error"))),
            4 => ("warn", Some(t.say("level-warning"))),
            _ => ("plain", None),
        };
        let when = When::new(context, line.time_s);
        LineView { when, unit: line.unit.clone(), level, word, text: line.text.to_string() }
    };
    let page = ServiceLog {
        frame: Frame::new(context, &format!("/services/{name}/log")),
        name: name.to_owned(),
        title: t.service_title(report),
        refusal: refusal(t, form),
        lines: lines.iter().map(view).collect(),
        several: lines.windows(2).any(|two| two[0].unit != two[1].unit),
    };
    render(status(form), &page)
}
