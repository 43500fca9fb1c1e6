//! The pages, made on the node: they need no script.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::guard::Host;
use super::{AGENT_VERSION, Handle, words};
use crate::node::Problem;
use crate::node::service::{Port, Protocol, Scope, Service};
use crate::node::snapshot::{ServiceReport, Snapshot, Summary};
use crate::node::unit::State as UnitState;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: Frame,
    tone: Tone,
    headline: String,
    detail: String,
    cause: Option<String>,
    attention: Vec<Card>,
    problems: &'a [Problem],
    groups: Vec<Group>,
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFound {
    frame: Frame,
}

/// What stands around every page.
struct Frame {
    name: String,
    profile: String,
    version: String,
    agent_version: &'static str,
    uptime: String,
}

/// Services of one role.
struct Group {
    title: String,
    cards: Vec<Card>,
}

/// One service.
#[derive(Clone)]
struct Card {
    name: String,
    title: String,
    summary: String,
    tone: Tone,
    state: &'static str,
    why: Option<String>,
    addresses: Vec<Address>,
}

/// Where a service can be reached; a browser can open it where there is a link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    text: String,
    link: Option<String>,
}

/// What a state means: each has its own shape and its own colour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Good,
    Off,
    Moving,
    Bad,
    Unknown,
}

impl Tone {
    fn of(report: &ServiceReport) -> Self {
        match report.state {
            _ if report.needs_attention() => Self::Bad,
            UnitState::Running => Self::Good,
            UnitState::Starting | UnitState::Stopping => Self::Moving,
            UnitState::Stopped => Self::Off,
            UnitState::Failed | UnitState::Missing => Self::Bad,
            UnitState::Unknown => Self::Unknown,
        }
    }

    /// Its class in the style sheet.
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Off => "off",
            Self::Moving => "moving",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }
}

impl Frame {
    fn new(handle: &Handle, snapshot: &Snapshot) -> Self {
        Self {
            name: snapshot.name.clone(),
            profile: snapshot.image.profile.clone(),
            version: snapshot.image.version.clone(),
            agent_version: AGENT_VERSION,
            uptime: words::duration((handle.uptime)()),
        }
    }
}

/// The first page: how the node is.
pub(super) async fn home(State(handle): State<Handle>, Extension(Host(host)): Extension<Host>) -> Response {
    let snapshot: Arc<Snapshot> = handle.now();
    let cards = || snapshot.services.iter().map(|report| (report, Card::new(report, &host)));
    let mut groups: BTreeMap<(usize, String), Vec<Card>> = BTreeMap::new();
    for (report, card) in cards() {
        let role = report.service.role.to_string();
        groups.entry((words::role_order(&role), role)).or_default().push(card);
    }
    let tone = match snapshot.summary() {
        Summary::Fine => Tone::Good,
        Summary::Moving { .. } | Summary::Asking => Tone::Moving,
        Summary::Trouble { .. } | Summary::Blind => Tone::Bad,
    };
    render(
        StatusCode::OK,
        &Home {
            frame: Frame::new(&handle, &snapshot),
            tone,
            headline: words::headline(&snapshot),
            detail: words::detail(&snapshot, (handle.uptime)()),
            cause: words::cause(&snapshot),
            attention: cards().filter(|(report, _)| report.needs_attention()).map(|(_, card)| card).collect(),
            problems: &snapshot.problems,
            groups: groups
                .into_iter()
                .map(|((_, role), cards)| Group { title: words::role_title(&role), cards })
                .collect(),
        },
    )
}

/// There is no such page.
pub(super) async fn not_found(State(handle): State<Handle>) -> Response {
    render(StatusCode::NOT_FOUND, &NotFound { frame: Frame::new(&handle, &handle.now()) })
}

fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("500: {error}\n")).into_response(),
    }
}

impl Card {
    fn new(report: &ServiceReport, host: &str) -> Self {
        let running = report.state == UnitState::Running;
        Self {
            name: report.service.name.to_string(),
            title: report.service.title.to_string(),
            summary: report.service.summary.to_string(),
            tone: Tone::of(report),
            state: words::state(report),
            why: words::why(report),
            addresses: if running { addresses(&report.service, host) } else { Vec::new() },
        }
    }
}

/// Where the service is reached from the home network, by the host that has just worked for this visitor. Nobody
/// opens a UDP port by hand.
fn addresses(service: &Service, host: &str) -> Vec<Address> {
    let mut addresses: Vec<Address> = Vec::new();
    let open = |port: &&Port| port.scope.has(Scope::Lan) && port.protocol == Protocol::Tcp;
    for port in service.ports.iter().filter(open) {
        let scheme = scheme(service, port);
        let text = match (scheme, port.port.get()) {
            (Some("http"), 80) | (Some("https"), 443) => host.to_owned(),
            (_, number) => format!("{host}:{number}"),
        };
        let address = Address { link: scheme.map(|scheme| format!("{scheme}://{text}/")), text };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Whether a browser can open the port, by what the catalogue calls it.
fn scheme(service: &Service, port: &Port) -> Option<&'static str> {
    let announced = service.announce.as_ref().filter(|announce| announce.port == port.name);
    match (&*port.name, announced.map(|announce| announce.service_type.as_str())) {
        (_, Some("_https._tcp")) | ("https", _) => Some("https"),
        (_, Some("_http._tcp")) | ("http" | "web", _) => Some("http"),
        _ => None,
    }
}
