//! The node in its network: its name, its addresses, what is open, how to know it.

use askama::Template;

use super::addresses::picture;
use super::parts::{Field, summary};
use super::service::SCOPES;
use super::{Frame, Page, problems, render, status};
use crate::http::context::{Context, Form};
use crate::node::command::Refusal;
use crate::node::rights::Right;
use crate::node::service::Scope;
use crate::node::unit::State;

#[derive(Template)]
#[template(path = "network.html")]
struct Network<'a> {
    frame: Frame,
    refusal: Option<String>,
    name: Field,
    may_rename: bool,
    pages: Vec<String>,
    picture: Option<String>,
    groups: Vec<Group>,
    fingerprint: &'a str,
    key: &'a str,
}

/// Ports that the same people can reach.
struct Group {
    title: String,
    text: String,
    ports: Vec<Open>,
}

/// An open port.
struct Open {
    port: String,
    service: String,
    title: String,
}

/// Name, addresses, open ports, fingerprint.
pub fn network(context: &Context, form: &Form) -> Page {
    let (t, snapshot) = (context.language, &context.snapshot);
    if !context.who.may(Right::Look) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let own = format!("https://{}.local/", snapshot.name);
    let here = context.address("/");
    let groups = SCOPES.iter().filter(|scope| **scope != Scope::Loopback).map(|scope| Group {
        title: t.port_scope(*scope),
        text: t.say(match scope {
            Scope::Loopback | Scope::Lan => "scope-lan-means",
            Scope::Mesh => "scope-mesh-means",
            Scope::Internet => "scope-internet-means",
        }),
        ports: open(context, *scope),
    });
    let page = Network {
        frame: Frame::live(context, "/network"),
        refusal: summary(t, form),
        name: Field::text(t, form, "name", "field-node-name-label")
            .or(&snapshot.name)
            .hint(t.say("field-node-name-hint"))
            .limit(63),
        may_rename: context.who.may(Right::Node) && snapshot.trial.is_none(),
        picture: picture(&own),
        pages: if own == here { vec![own] } else { vec![own, here] },
        groups: groups.filter(|group| !group.ports.is_empty()).collect(),
        fingerprint: &context.fingerprint,
        key: &context.key,
    };
    render(status(form), &page)
}

/// The ports of the services that are on. Those of others are shut.
fn open(context: &Context, scope: Scope) -> Vec<Open> {
    let t = context.language;
    let on = context
        .snapshot
        .services
        .iter()
        .filter(|report| matches!(report.state, State::Running | State::Starting));
    let ports = on.flat_map(|report| report.service.ports.iter().map(move |port| (report, port)));
    let mut open: Vec<_> = ports.filter(|(_, port)| port.scope.has(scope)).collect();
    open.sort_by_key(|(_, port)| port.port);
    let view = open.into_iter().map(|(report, port)| Open {
        port: format!("{} {}", port.port, t.protocol(port.protocol)),
        service: report.service.name.to_string(),
        title: t.service_title(report),
    });
    view.collect()
}
