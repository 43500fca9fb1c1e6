//! The pages: plain functions from what is known to HTML. None needs a script.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::assets;
use super::context::{Context, Form};
use super::language::Language;
use crate::node::pending::Change;
use crate::node::people::Role;
use crate::node::people::access::Scope;
use crate::node::rights::Right;
use crate::node::snapshot::ServiceReport;

mod account;
mod addresses;
mod community;
mod confirm;
mod door;
mod foreign;
mod home;
mod logs;
mod network;
mod offers;
mod parts;
mod people;
mod problems;
mod report;
mod service;
mod settings;

pub use account::account;
pub use community::{community, member};
pub use confirm::{Question, Sure, confirm};
pub use door::{Step, claim, join, sign_in};
pub use foreign::foreign;
pub use home::home;
pub use logs::{logs, operation, service_log};
pub use network::network;
pub use offers::cloudy_records;
pub use people::people;
pub use problems::{not_found, refused};
pub use report::{report, report_text};
pub use service::{service, services};
pub use settings::settings;

/// A page that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Page {
    /// What the browser is told.
    pub status: StatusCode,
    /// The page.
    pub html: String,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.status, Html(self.html)).into_response()
    }
}

/// What stands around every page.
struct Frame {
    t: Language,
    name: String,
    path: String,
    /// Who is signed in.
    person: Option<String>,
    rooms: Vec<Room>,
    languages: Vec<LanguageChoice>,
    trial: Option<Trial>,
    /// Said aloud when it changes.
    said: String,
    /// Whether the page is kept up to date.
    live: bool,
    /// The state of the node that it shows.
    state: String,
    assets: assets::Names,
}

/// One of the pages that are always at hand.
struct Room {
    path: &'static str,
    icon: &'static str,
    title: String,
    current: bool,
}

struct LanguageChoice {
    code: &'static str,
    name: String,
    current: bool,
}

/// The change that is on trial.
struct Trial {
    text: String,
    left: String,
}

const ROOMS: [(&str, &str, &str, Right); 7] = [
    ("/", "home", "room-home", Right::See),
    ("/services", "services", "room-services", Right::Look),
    ("/community", "community", "room-community", Right::See),
    ("/people", "people", "room-people", Right::People),
    ("/network", "network", "room-network", Right::Look),
    ("/logs", "logs", "room-logs", Right::Look),
    ("/settings", "settings", "room-settings", Right::Look),
];

impl Frame {
    /// Around the page that stands at `path`, which is not where its form was sent to.
    fn new(context: &Context, path: &str) -> Self {
        let t = context.language;
        let is_current = |room: &str| path == room || (room != "/" && path.starts_with(&format!("{room}/")));
        let asked = context.path.split('?').next().unwrap_or_default();
        let rooms = ROOMS.iter().filter(|(.., right)| context.who.may(*right));
        let rooms = rooms.map(|(path, icon, title, _)| Room {
            path,
            icon,
            title: t.say(title),
            current: is_current(path),
        });
        let languages = Language::all().map(|language| LanguageChoice {
            code: language.code(),
            name: language.own_name(),
            current: language == t,
        });
        Self {
            t,
            name: context.snapshot.name.clone(),
            path: if asked == path { context.path.clone() } else { path.to_owned() },
            person: context.who.person.as_ref().map(|person| person.name.to_string()),
            // One room is no choice.
            rooms: if context.who.may(Right::Look) { rooms.collect() } else { Vec::new() },
            languages: languages.collect(),
            trial: Trial::of(context),
            said: said(context),
            live: false,
            state: context.state(),
            assets: assets::Names::get(),
        }
    }

    /// Around a page that is kept up to date.
    fn live(context: &Context, path: &str) -> Self {
        let live = context.secure && context.who.may(Right::See);
        Self { live, ..Self::new(context, path) }
    }
}

impl Trial {
    fn of(context: &Context) -> Option<Self> {
        let trial = context.snapshot.trial.as_ref().filter(|_| context.who.may(Right::Node))?;
        let t = context.language;
        let text = match &trial.change {
            Change::Name { from, to } => t.both("trial-name", ("from", from), ("to", to)),
            Change::Service { service } => {
                let named = |it: &&ServiceReport| *it.service.name == **service;
                let report = context.snapshot.services.iter().find(named);
                t.with("trial-service", "service", report.map_or(service.clone(), |it| t.service_title(it)))
            }
        };
        let left = trial.until.saturating_sub(context.uptime).as_secs();
        Some(Self { text, left: t.with("trial-left", "time", t.with("time-seconds", "n", left)) })
    }
}

/// What somebody who hears the page wants to know when it changes: without what changes by itself, such as times.
fn said(context: &Context) -> String {
    if !context.who.may(Right::See) {
        return String::new();
    }
    let (t, snapshot) = (context.language, &context.snapshot);
    let work = snapshot.operations.running().filter(|_| context.who.may(Right::Look));
    let work =
        work.map(|it| t.both("said-work", ("task", &t.task(&it.task, snapshot)), ("step", &t.progress(it))));
    std::iter::once(home::headline(context)).chain(work).collect::<Vec<_>>().join(". ")
}

fn render(status: StatusCode, page: &impl Template) -> Page {
    match page.render() {
        Ok(html) => Page { status, html },
        Err(error) => Page { status: StatusCode::INTERNAL_SERVER_ERROR, html: format!("500: {error}\n") },
    }
}

/// The status of a page that shows a form again.
fn status(form: &Form) -> StatusCode {
    match &form.refusal {
        Some(refusal) => problems::status(refusal),
        None if form.is_fine() => StatusCode::OK,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// The word of a role in forms.
fn role_word(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
        Role::Member => "member",
        Role::Owner => "owner",
    }
}

/// Every role, the one with the fewest rights first.
const ROLES: [Role; 3] = [Role::Guest, Role::Member, Role::Owner];
/// Every scope of a token.
const SCOPES: [Scope; 4] = Scope::ALL;
