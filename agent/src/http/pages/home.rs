//! The first page: how the node is, and what there is to use.

use askama::Template;

use super::parts::{Card, Tone, Work, system_words};
use super::{Frame, Page, problems, render, status};
use crate::http::context::{Context, Form};
use crate::node::command::Refusal;
use crate::node::rights::Right;
use crate::node::snapshot::{Summary, Systemd};
use crate::node::unit::State;
use crate::node::{Disk, Effect};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    tone: Tone,
    headline: String,
    detail: String,
    cause: Option<String>,
    attention: Vec<Thing>,
    work: Vec<Work>,
    services: Vec<Card>,
    may_look: bool,
    may_switch: bool,
    refusal: Option<String>,
}

/// Something that somebody has to look at.
struct Thing {
    title: String,
    text: String,
    cause: Option<String>,
    link: Option<String>,
}

/// How the node is, what needs somebody, what is being done, what is on.
pub fn home(context: &Context, form: &Form) -> Page {
    let (t, snapshot) = (context.language, &context.snapshot);
    if !context.who.may(Right::See) {
        return problems::refused(context, &Refusal::SignInFirst);
    }
    let may_look = context.who.may(Right::Look);
    let tone = match snapshot.summary() {
        _ if !may_look => Tone::Good,
        Summary::Fine => Tone::Good,
        Summary::Moving { .. } | Summary::Asking => Tone::Moving,
        Summary::Trouble { .. } | Summary::Blind => Tone::Bad,
    };
    let cause = match &snapshot.systemd {
        Systemd::Away { why, .. } if may_look => Some(system_words(why)),
        _ => None,
    };
    let page = Home {
        frame: Frame::live(context, "/"),
        tone,
        headline: headline(context),
        // Guests cannot mend anything and need not worry.
        detail: if may_look { t.detail(snapshot, context.uptime) } else { String::new() },
        cause,
        attention: if may_look { attention(context) } else { Vec::new() },
        work: snapshot.operations.running().filter(|_| may_look).map(|it| Work::new(context, it)).collect(),
        services: ready(context),
        may_look,
        may_switch: context.who.may(Right::Services),
        refusal: super::parts::refusal(t, form),
    };
    render(status(form), &page)
}

/// The node in one sentence; for guests, what there is for them.
pub(super) fn headline(context: &Context) -> String {
    let (t, snapshot) = (context.language, &context.snapshot);
    if context.who.may(Right::Look) {
        return t.headline(snapshot);
    }
    t.with("headline-guest", "services", ready(context).len())
}

/// The services that are on and can be opened.
fn ready(context: &Context) -> Vec<Card> {
    let on = context.snapshot.services.iter().filter(|report| report.state == State::Running);
    on.map(|report| Card::new(context, report)).filter(|card| !card.addresses.is_empty()).collect()
}

/// What needs somebody, each with the way to where it is mended.
fn attention(context: &Context) -> Vec<Thing> {
    let (t, snapshot) = (context.language, &context.snapshot);
    let services = snapshot.services.iter().filter(|report| report.needs_attention()).map(|report| Thing {
        title: t.service_title(report),
        text: super::parts::explain(t, report).unwrap_or_else(|| t.state(report)),
        cause: None,
        link: Some(format!("/services/{}", &*report.service.name)),
    });
    let disks = snapshot.disks.iter().filter(|disk| disk.is_tight()).map(|disk| disk_thing(context, disk));
    let problems = snapshot.problems.iter().map(|problem| Thing {
        title: t.effect(&problem.effect),
        text: String::new(),
        cause: Some(system_words(&problem.cause)),
        link: mended(context, &problem.effect),
    });
    problems.chain(disks).chain(services).collect()
}

fn disk_thing(context: &Context, disk: &Disk) -> Thing {
    let t = context.language;
    let title = t.with(if disk.is_full() { "disk-full" } else { "disk-tight" }, "disk", t.place(disk.place));
    let text = t.both("disk-left", ("free", &t.bytes(disk.free)), ("total", &t.bytes(disk.total)));
    Thing {
        title,
        text: format!("{text} {}", t.say("remedy-disk-full")),
        cause: None,
        link: Some("/logs#room".to_owned()),
    }
}

/// Where a problem is mended, or at least explained.
fn mended(context: &Context, effect: &Effect) -> Option<String> {
    let path = match effect {
        Effect::PeopleLost if context.who.may(Right::People) => "/people",
        Effect::FirewallStuck | Effect::HttpsOff | Effect::NoIdentity => "/network",
        Effect::ServiceHidden(_) | Effect::ServicesUnknown => "/services",
        _ => "/logs",
    };
    Some(path.to_owned())
}
