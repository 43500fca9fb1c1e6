//! The heart: every decision of the agent. Events go in, actions come out; no clock, no network, no files.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

mod asked;
pub mod claim;
pub mod command;
pub mod community;
mod condition;
pub mod operation;
pub mod pending;
pub mod people;
pub mod rights;
pub mod service;
pub mod setting;
pub mod snapshot;
mod trial;
mod tries;
pub mod unit;
mod work;

use claim::{Claim, Code};
use command::{Asked, Refusal, Reply};
use community::{Announcement, Belonging, Cable, Community, Errand, Found, Offered, Order, Told};
pub use condition::{Disk, Effect, Place, Problem};
use operation::{OperationId, Operations};
use pending::{Preferences, Trial};
use people::People;
use service::Service;
use snapshot::{Ownership, ServiceReport, Snapshot, Systemd, UnitReport};
use tries::Tries;
use unit::Unit;
pub use work::{Job, News, Settings, Usage, Yield};

/// Now, by two clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// Time since boot: for waiting, no wrong clock can upset it.
    pub uptime: Duration,
    /// Unix time in seconds: for what outlives a boot. A small board may believe that it is 1970.
    pub unix_s: u64,
}

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The catalogue was read.
    Catalogue(Catalogue),
    /// systemd told the state of some of the watched units.
    Units(BTreeMap<String, Unit>),
    /// systemd cannot be reached, and why.
    SystemdAway(String),
    /// Some time has passed; the machine has this host name.
    Tick {
        /// The host name.
        name: String,
        /// Room on the node's disks.
        disks: Vec<Disk>,
    },
    /// Something on the node is wrong and only its owner can mend it.
    Problem(Problem),
    /// What was saved before the agent started.
    Restored(Box<Restored>),
    /// The claim code, new or found.
    ClaimCode(Code),
    /// An invitation into a community that was set before boot.
    Invitation(String),
    /// Somebody asks for something.
    Asked(Asked),
    /// The helper tells of a job.
    Helper(Ticket, News),
    /// The gossip door tells of the community.
    Gossip(Told),
    /// The node's addresses outside the mesh.
    Addresses(Vec<IpAddr>),
    /// What others offer on the home network.
    Near(Vec<Found>),
}

/// What the node remembers over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Its people. `None` where the file was damaged: then nobody can sign in, and it can be claimed anew.
    pub people: Option<People>,
    /// Its operations.
    pub operations: Operations,
    /// What it remembers about itself.
    pub preferences: Preferences,
    /// What it remembers of its community.
    pub community: Community,
}

/// By which the helper's answer finds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticket {
    /// An operation.
    Operation(OperationId),
    /// Somebody who waits for it.
    Asked(u64),
    /// The node itself, which wants to know something about a service.
    Own,
    /// The node itself, which wants its firewall to fit.
    Firewall,
    /// The node itself, for its mesh.
    Mesh(Errand),
}

/// A document that must survive a power failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// People and their ways in.
    People(People),
    /// Operations.
    Operations(Operations),
    /// What the node remembers about itself.
    Preferences(Preferences),
    /// What the node remembers of its community.
    Community(Box<Community>),
}

/// Something to be done outside, in this order. Where a document that somebody's wish has changed cannot be saved,
/// the rest is not done, the node goes back to what it was before, and they are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Tell the state of these units from now on.
    Watch(BTreeSet<String>),
    /// This is how the node is now.
    Publish(Box<Snapshot>),
    /// Write a line to the journal.
    Log(Level, String),
    /// Write it down.
    Save(Document),
    /// Tell the one who asked.
    Answer(u64, Result<Reply, Refusal>),
    /// Draw a new claim code and tell it.
    DrawClaimCode,
    /// The claim code is of no use any more.
    ForgetClaimCode,
    /// Have the helper do this.
    Help(Ticket, Job),
    /// Have the gossip door do this.
    Gossip(Order),
    /// Have the home network hear of these services, and of no others.
    Announce(BTreeSet<Announcement>),
}

/// How much a line in the journal matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something is not as it should be and may mend itself.
    Warning,
    /// Good to know.
    Info,
}

/// What the image says about itself and its services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The image that the node was made from.
    pub image: Image,
    /// Its services, by name.
    pub services: BTreeMap<String, Service>,
}

/// The image that the node was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Name of the profile (`home`).
    pub profile: String,
    /// Version of the image.
    pub version: String,
}

impl Default for Image {
    fn default() -> Self {
        Self { profile: "unknown".to_owned(), version: "unknown".to_owned() }
    }
}

/// Wrong guesses of one address in a minute.
const GUESSES: u32 = 5;
/// Wrong guesses at one account in a minute, from everywhere.
const ACCOUNT_GUESSES: u32 = 20;

/// Everything that the agent knows.
#[derive(Debug, Clone)]
pub struct Node {
    name: String,
    catalogue: Catalogue,
    units: BTreeMap<String, Unit>,
    systemd: Systemd,
    disks: Vec<Disk>,
    problems: Vec<Problem>,
    /// None while it is not known yet, or damaged: then nobody is let in.
    people: Option<Arc<People>>,
    restored: bool,
    claim: Claim,
    guesses: Tries,
    account_guesses: Tries,
    operations: Arc<Operations>,
    trial: Option<Trial>,
    settings: BTreeMap<String, Settings>,
    usage: BTreeMap<String, Usage>,
    chores: work::Chores,
    belonging: Belonging,
    /// Set before boot and not taken up yet.
    invitation: Option<String>,
    cable: Cable,
    offered: Offered,
    offers_told: bool,
    published: Option<Snapshot>,
}

impl Node {
    /// A node that knows only its name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            catalogue: Catalogue::default(),
            units: BTreeMap::new(),
            systemd: Systemd::Asking,
            disks: Vec::new(),
            problems: Vec::new(),
            people: None,
            restored: false,
            claim: Claim::default(),
            guesses: Tries::growing(GUESSES),
            account_guesses: Tries::steady(ACCOUNT_GUESSES),
            operations: Arc::default(),
            trial: None,
            settings: BTreeMap::new(),
            usage: BTreeMap::new(),
            chores: work::Chores::default(),
            belonging: Belonging::default(),
            invitation: None,
            cable: Cable::default(),
            offered: Offered::default(),
            offers_told: false,
            published: None,
        }
    }

    /// Takes in what happened and says what is to be done about it.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let mut actions = match event {
            Event::Catalogue(catalogue) => self.take_catalogue(catalogue),
            Event::Units(units) => self.take_units(now, units),
            Event::SystemdAway(why) => self.lose_systemd(now, why),
            Event::Tick { name, disks } => {
                (self.name, self.disks) = (name, disks);
                self.do_chores(now)
            }
            Event::Problem(problem) => self.take_problem(problem),
            Event::Restored(restored) => self.restore(now, *restored),
            Event::Invitation(text) => {
                self.invitation = Some(text);
                self.take_up(now)
            }
            Event::ClaimCode(code) => {
                self.claim.code = Some(code);
                Vec::new()
            }
            Event::Asked(asked) => self.hear(now, asked),
            Event::Helper(ticket, news) => self.helped(now, ticket, news),
            Event::Gossip(told) => self.told(now, told),
            Event::Addresses(addresses) => self.see_addresses(addresses),
            Event::Near(found) => self.see_near(now, found),
        };
        actions.extend(self.tell_offers());
        let mut snapshot = self.snapshot();
        if self.published.as_ref() != Some(&snapshot) {
            snapshot.number += 1;
            self.published = Some(snapshot.clone());
            // Before the answer: whoever hears it sees what it speaks of.
            let answer = actions.iter().position(|it| matches!(it, Action::Answer(..)));
            actions.insert(answer.unwrap_or(actions.len()), Action::Publish(Box::new(snapshot)));
        }
        actions
    }

    fn take_catalogue(&mut self, catalogue: Catalogue) -> Vec<Action> {
        self.catalogue = catalogue;
        let watched = self.watched();
        self.units.retain(|name, _| watched.contains(name));
        vec![Action::Watch(watched)]
    }

    fn take_units(&mut self, now: Moment, units: BTreeMap<String, Unit>) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Systemd::Away { since, .. } = self.systemd {
            let away_s = now.uptime.saturating_sub(since).as_secs();
            actions.push(Action::Log(Level::Info, format!("systemd answers again after {away_s} s")));
        }
        self.systemd = Systemd::Answers;
        let watched = self.watched();
        self.units.extend(units.into_iter().filter(|(name, _)| watched.contains(name)));
        actions
    }

    /// What was last known of a unit may be long untrue, so it is forgotten and not shown.
    fn lose_systemd(&mut self, now: Moment, why: String) -> Vec<Action> {
        self.units.clear();
        match &mut self.systemd {
            Systemd::Away { why: known, .. } => {
                *known = why;
                Vec::new()
            }
            Systemd::Asking | Systemd::Answers => {
                let line = format!("systemd does not answer, asking again until it does: {why}");
                self.systemd = Systemd::Away { since: now.uptime, why };
                vec![Action::Log(Level::Warning, line)]
            }
        }
    }

    fn take_problem(&mut self, problem: Problem) -> Vec<Action> {
        let line = format!("{:?}: {}", problem.effect, problem.cause);
        self.problems.retain(|known| known.effect != problem.effect);
        self.problems.push(problem);
        vec![Action::Log(Level::Error, line)]
    }

    /// A node without an owner needs a claim code; one with an owner has none. Work that was cut off is told as such,
    /// and a change that was on trial goes back: nobody said that it works.
    fn restore(&mut self, now: Moment, restored: Restored) -> Vec<Action> {
        self.restored = true;
        self.people = restored.people.map(Arc::new);
        let mut operations = restored.operations;
        operations.cut_off(now.unix_s);
        self.operations = Arc::new(operations);
        self.belonging.own = Arc::new(restored.community);
        self.trial = restored.preferences.trial.map(|change| Trial { change, until: now.uptime });
        let mut actions = vec![Action::Help(Ticket::Firewall, Job::Firewall)];
        actions.extend(self.go_on_joining());
        actions.push(if self.is_claimed() { Action::ForgetClaimCode } else { Action::DrawClaimCode });
        actions
    }

    /// Whether the node belongs to somebody whom it knows.
    fn is_claimed(&self) -> bool {
        self.people.as_ref().is_some_and(|people| people.is_claimed())
    }

    fn watched(&self) -> BTreeSet<String> {
        self.catalogue.services.values().flat_map(|service| service.units.iter().cloned()).collect()
    }

    /// How the node is.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            number: self.published.as_ref().map_or(0, |published| published.number),
            name: self.name.clone(),
            image: self.catalogue.image.clone(),
            systemd: self.systemd.clone(),
            services: self.catalogue.services.values().map(|service| self.report(service)).collect(),
            disks: self.disks.clone(),
            problems: self.problems.clone(),
            ownership: self.ownership(),
            people: self.people.clone().unwrap_or_default(),
            operations: self.operations.clone(),
            trial: self.trial.clone(),
            belonging: self.belonging.clone(),
        }
    }

    fn ownership(&self) -> Ownership {
        match (&self.people, self.restored) {
            (_, false) => Ownership::Asking,
            (None, true) => Ownership::Lost,
            (Some(people), true) if people.is_claimed() => Ownership::Claimed,
            (Some(_), true) => Ownership::Free,
        }
    }

    fn report(&self, service: &Service) -> ServiceReport {
        let units: Vec<_> = service
            .units
            .iter()
            .map(|name| UnitReport { name: name.clone(), unit: self.units.get(name).cloned() })
            .collect();
        ServiceReport {
            settings: self.settings.get(&*service.name).cloned(),
            usage: self.usage.get(&*service.name).copied(),
            operation: self.operations.last_of(&service.name).cloned(),
            ..ServiceReport::new(service.clone(), units)
        }
    }
}

#[cfg(test)]
mod tests;
