//! The heart: every decision of the agent. Events go in, actions come out; no clock, no network, no files.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub mod service;
pub mod setting;
pub mod snapshot;
pub mod unit;

use service::Service;
use snapshot::{ServiceReport, Snapshot, Systemd, UnitReport};
use unit::Unit;

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The catalogue was read.
    Catalogue(Catalogue),
    /// systemd told the state of some of the watched units.
    Units(BTreeMap<String, Unit>),
    /// systemd cannot be reached, and why.
    SystemdAway(String),
    /// The machine has this host name.
    Named(String),
    /// Something on the node is wrong and only its owner can mend it.
    Problem(Problem),
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Tell the state of these units from now on.
    Watch(BTreeSet<String>),
    /// This is how the node is now.
    Publish(Snapshot),
    /// Write a line to the journal.
    Log(Level, String),
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

/// Something that the owner has to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What does not work because of it, as a sentence for people.
    pub effect: String,
    /// What is wrong and where, with the way out.
    pub cause: String,
}

/// Everything that the agent knows.
#[derive(Debug, Clone)]
pub struct Node {
    name: String,
    catalogue: Catalogue,
    units: BTreeMap<String, Unit>,
    systemd: Systemd,
    problems: Vec<Problem>,
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
            problems: Vec::new(),
            published: None,
        }
    }

    /// Takes in what happened `now` (time since boot) and says what is to be done about it.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Catalogue(catalogue) => {
                self.catalogue = catalogue;
                let watched = self.watched();
                self.units.retain(|name, _| watched.contains(name));
                actions.push(Action::Watch(watched));
            }
            Event::Units(units) => {
                if let Systemd::Away { since, .. } = self.systemd {
                    let away_s = now.saturating_sub(since).as_secs();
                    actions.push(Action::Log(Level::Info, format!("systemd answers again after {away_s} s")));
                }
                self.systemd = Systemd::Answers;
                let watched = self.watched();
                self.units.extend(units.into_iter().filter(|(name, _)| watched.contains(name)));
            }
            Event::SystemdAway(why) => actions.extend(self.lose_systemd(now, why)),
            Event::Named(name) => self.name = name,
            Event::Problem(problem) => {
                actions.push(Action::Log(Level::Error, format!("{} {}", problem.effect, problem.cause)));
                self.problems.push(problem);
            }
        }
        let snapshot = self.snapshot();
        if self.published.as_ref() != Some(&snapshot) {
            self.published = Some(snapshot.clone());
            actions.push(Action::Publish(snapshot));
        }
        actions
    }

    /// What was last known of a unit may be long untrue, so it is forgotten and not shown.
    fn lose_systemd(&mut self, now: Duration, why: String) -> Option<Action> {
        self.units.clear();
        match &mut self.systemd {
            Systemd::Away { why: known, .. } => {
                *known = why;
                None
            }
            Systemd::Asking | Systemd::Answers => {
                let line = format!("systemd does not answer, asking again until it does: {why}");
                self.systemd = Systemd::Away { since: now, why };
                Some(Action::Log(Level::Warning, line))
            }
        }
    }

    fn watched(&self) -> BTreeSet<String> {
        self.catalogue.services.values().flat_map(|service| service.units.iter().cloned()).collect()
    }

    /// How the node is, as others may see it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            name: self.name.clone(),
            image: self.catalogue.image.clone(),
            systemd: self.systemd.clone(),
            services: self.catalogue.services.values().map(|service| self.report(service)).collect(),
            problems: self.problems.clone(),
        }
    }

    fn report(&self, service: &Service) -> ServiceReport {
        let units: Vec<_> = service
            .units
            .iter()
            .map(|name| UnitReport { name: name.clone(), unit: self.units.get(name).cloned() })
            .collect();
        ServiceReport::new(service.clone(), units)
    }
}

#[cfg(test)]
mod tests;
