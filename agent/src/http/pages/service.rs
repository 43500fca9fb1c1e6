//! The services of the node: all of them, and each by itself.

use std::collections::BTreeMap;

use askama::Template;

use super::addresses::{Address, addresses, mesh_address};
use super::parts::{Card, Work, refusal, summary};
use super::{Frame, Page, problems, render, status};
use crate::http::context::{Context, Form};
use crate::http::language::kind_order;
use crate::node::command::Refusal;
use crate::node::community::Audience;
use crate::node::rights::Right;
use crate::node::service::{Port, Scope, Service, Shown};
use crate::node::setting::{Kind, Setting};
use crate::node::snapshot::ServiceReport;
use crate::node::unit::State;

#[derive(Template)]
#[template(path = "services.html")]
struct Services {
    frame: Frame,
    refusal: Option<String>,
    groups: Vec<Group>,
    may_switch: bool,
}

/// Services of one kind.
struct Group {
    title: String,
    cards: Vec<Card>,
}

/// Every service of the node.
pub fn services(context: &Context, form: &Form) -> Page {
    if !context.who.may(Right::Look) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let mut groups: BTreeMap<(usize, String), Vec<Card>> = BTreeMap::new();
    for report in &context.snapshot.services {
        let kind = report.service.role.to_string();
        groups.entry((kind_order(&kind), kind)).or_default().push(Card::new(context, report));
    }
    let groups =
        groups.into_iter().map(|((_, kind), cards)| Group { title: context.language.kind(&kind), cards });
    let page = Services {
        frame: Frame::live(context, "/services"),
        refusal: refusal(context.language, form),
        groups: groups.collect(),
        may_switch: context.who.may(Right::Services),
    };
    render(status(form), &page)
}

#[derive(Template)]
#[template(path = "service.html")]
struct One {
    frame: Frame,
    refusal: Option<String>,
    card: Card,
    kind: String,
    addresses: Vec<Address>,
    /// Where the community reaches it, where it is published there.
    on_mesh: Option<Address>,
    work: Option<Work>,
    usage: Option<String>,
    memory: Option<String>,
    shown: Vec<ShownView>,
    ports: Vec<PortView>,
    units: Vec<UnitView>,
    settings: Vec<SettingView>,
    may_switch: bool,
    may_restart: bool,
    audience: Option<AudienceView>,
}

/// Who sees the service.
struct AudienceView {
    choices: Vec<AudienceChoice>,
    error: Option<String>,
    /// Whether there is a community to offer it to.
    community: bool,
}

struct AudienceChoice {
    word: &'static str,
    title: String,
    means: String,
    chosen: bool,
    free: bool,
}

/// Something that the service drew for itself, such as a password.
struct ShownView {
    title: String,
    value: String,
}

/// A port of the service.
struct PortView {
    number: u16,
    protocol: &'static str,
    scopes: String,
}

/// One of its units, in systemd's words.
struct UnitView {
    name: String,
    state: String,
}

/// A setting with what it is now.
struct SettingView {
    name: String,
    title: String,
    hint: String,
    value: String,
    error: Option<String>,
    unit: String,
    kind: Input,
}

/// How a setting is put in.
enum Input {
    Text { limit: u16, secret: bool },
    Number { min: i64 },
    Choice(Vec<Chosen>),
}

/// One of several values.
struct Chosen {
    name: String,
    title: String,
    chosen: bool,
}

/// One service: how it is, where it is, and what can be set.
pub fn service(context: &Context, form: &Form, name: &str) -> Page {
    let t = context.language;
    if !context.who.may(Right::Look) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let Some(report) = context.snapshot.services.iter().find(|report| *report.service.name == *name) else {
        return problems::not_found(context);
    };
    let may_switch = context.who.may(Right::Services);
    let card = Card::new(context, report);
    let settings = report.service.settings.iter().filter(|_| may_switch);
    let page = One {
        frame: Frame::live(context, &format!("/services/{name}")),
        refusal: summary(t, form),
        kind: t.kind(&report.service.role),
        addresses: if report.state == State::Running {
            addresses(context, &report.service)
        } else {
            Vec::new()
        },
        on_mesh: published(context, report).then(|| mesh_address(context, &report.service)).flatten(),
        work: report.operation.as_ref().map(|operation| Work::new(context, operation)),
        usage: report.usage.map(|usage| {
            let size = t.bytes(usage.bytes);
            if usage.at_least { t.with("usage-at-least", "size", size) } else { size }
        }),
        memory: memory(context, report),
        shown: if may_switch { shown(context, report) } else { Vec::new() },
        ports: report.service.ports.iter().map(|port| PortView::new(context, port)).collect(),
        units: units(context, report),
        settings: settings.map(|setting| SettingView::new(context, form, report, setting)).collect(),
        may_switch,
        may_restart: may_switch && card.switch.free && card.switch.on,
        audience: AudienceView::new(context, form, report).filter(|_| may_switch),
        card,
    };
    render(status(form), &page)
}

/// Whether the community sees it now.
fn published(context: &Context, report: &ServiceReport) -> bool {
    let published = &context.snapshot.belonging.own.published;
    report.state == State::Running && published.get(&*report.service.name) == Some(&Audience::Community)
}

/// Each audience: its word in forms, what it is called, what it means.
const CHOICES: [(&str, &str, &str); 3] = [
    ("me", "audience-me", "audience-me-means"),
    ("household", "audience-household", "audience-household-means"),
    ("community", "audience-community", "audience-community-means"),
];

impl AudienceView {
    /// The three choices; nothing where others have no use for the service.
    fn new(context: &Context, form: &Form, report: &ServiceReport) -> Option<Self> {
        report.service.announce.as_ref()?;
        let t = context.language;
        let belonging = &context.snapshot.belonging;
        let community = belonging.view.as_ref().is_some_and(|view| view.role.is_some());
        let now = belonging.own.published.get(&*report.service.name).map_or("me", |it| it.as_str());
        let choice = |(word, title, means): (&'static str, &str, &str)| AudienceChoice {
            word,
            title: t.say(title),
            means: t.say(means),
            chosen: word == now,
            free: word != "community" || community,
        };
        Some(Self {
            choices: CHOICES.into_iter().map(choice).collect(),
            error: form.wrong.get("audience").map(|wrong| t.wrong(wrong)),
            community,
        })
    }
}

impl PortView {
    fn new(context: &Context, port: &Port) -> Self {
        let t = context.language;
        let scopes = SCOPES.iter().filter(|scope| port.scope.has(**scope)).map(|scope| t.port_scope(*scope));
        Self {
            number: port.port.get(),
            protocol: t.protocol(port.protocol),
            scopes: scopes.collect::<Vec<_>>().join(", "),
        }
    }
}

/// Who may reach a port, those who are closest first.
pub(super) const SCOPES: [Scope; 4] = [Scope::Loopback, Scope::Lan, Scope::Mesh, Scope::Internet];

/// The memory that all its programs use, where systemd counts it.
fn memory(context: &Context, report: &ServiceReport) -> Option<String> {
    let counted: Vec<u64> = report.units.iter().filter_map(|unit| unit.unit.as_ref()?.memory).collect();
    (!counted.is_empty())
        .then(|| context.language.bytes(counted.iter().fold(0, |sum, one| sum.saturating_add(*one))))
}

fn shown(context: &Context, report: &ServiceReport) -> Vec<ShownView> {
    let known = report.settings.as_ref().map(|settings| &settings.shown);
    let view = |shown: &Shown| {
        let value = known?.get(&*shown.name)?.clone();
        let title = context.language.shown_title(&report.service.name, shown);
        Some(ShownView { title, value })
    };
    report.service.shown.iter().filter_map(view).collect()
}

fn units(context: &Context, report: &ServiceReport) -> Vec<UnitView> {
    let unknown = || context.language.say("state-unknown");
    let state = |unit: &crate::node::snapshot::UnitReport| match &unit.unit {
        Some(known) if known.active == known.sub => known.active.clone(),
        Some(known) => format!("{} ({})", known.active, known.sub),
        None => unknown(),
    };
    report.units.iter().map(|unit| UnitView { name: unit.name.clone(), state: state(unit) }).collect()
}

impl SettingView {
    fn new(context: &Context, form: &Form, report: &ServiceReport, setting: &Setting) -> Self {
        let t = context.language;
        let Service { name: service, .. } = &report.service;
        let now = report.settings.as_ref().and_then(|all| all.values.get(&*setting.name)).cloned();
        let typed = form.values.get(&*setting.name).cloned();
        let value = typed.or(now).unwrap_or_else(|| setting.default().to_string());
        let unit = match &setting.kind {
            Kind::Number { unit: Some(unit), .. } => unit.to_string(),
            _ => String::new(),
        };
        let kind = match &setting.kind {
            Kind::Text { max_length, .. } => Input::Text { limit: *max_length, secret: setting.is_secret() },
            Kind::Number { min, .. } => Input::Number { min: *min },
            Kind::Switch { .. } => Input::Choice(vec![
                Chosen { name: "on".to_owned(), title: t.say("yes"), chosen: is_on(&value) },
                Chosen { name: "off".to_owned(), title: t.say("no"), chosen: !is_on(&value) },
            ]),
            Kind::Choice { choices, .. } => Input::Choice(
                choices
                    .iter()
                    .map(|choice| Chosen {
                        name: choice.name.to_string(),
                        title: t.choice_title(service, setting, choice),
                        chosen: *choice.name == *value,
                    })
                    .collect(),
            ),
        };
        Self {
            name: setting.name.to_string(),
            title: t.setting_title(service, setting),
            hint: t.setting_hint(service, setting),
            error: form.wrong.get(&*setting.name).map(|wrong| t.wrong(wrong)),
            value,
            unit,
            kind,
        }
    }
}

fn is_on(value: &str) -> bool {
    matches!(value, "on" | "yes" | "true")
}
