//! How the node is: the one source of every page and every answer.

use std::sync::Arc;
use std::time::Duration;

use super::operation::{Operation, Operations, Progress};
use super::pending::Trial;
use super::people::People;
use super::service::{Service, Start};
use super::unit::{State, Unit, Why};
use super::{Disk, Image, Problem, Settings, Usage};

/// How the node is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Counts the states that were published: a page that was made from a lower one is out of date.
    pub number: u64,
    /// Host name.
    pub name: String,
    /// The image it was made from.
    pub image: Image,
    /// Whether systemd answers.
    pub systemd: Systemd,
    /// Every service of the catalogue, by name.
    pub services: Vec<ServiceReport>,
    /// The room on its disks.
    pub disks: Vec<Disk>,
    /// What only the owner can mend.
    pub problems: Vec<Problem>,
    /// Whether it belongs to somebody.
    pub ownership: Ownership,
    /// Its people. Only for finding out who asks: it holds what proves it.
    pub people: Arc<People>,
    /// What is being done and was done lately.
    pub operations: Arc<Operations>,
    /// The change that is on trial.
    pub trial: Option<Trial>,
    /// Its community.
    pub belonging: super::community::Belonging,
}

/// Whether the node belongs to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// It is not known yet.
    Asking,
    /// To nobody: it can be claimed.
    Free,
    /// To somebody.
    Claimed,
    /// The list of people was damaged: it can be claimed anew, by whoever sees its screen.
    Lost,
}

/// Whether systemd answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Systemd {
    /// It was not heard yet.
    Asking,
    /// It does.
    Answers,
    /// It does not.
    Away {
        /// Time since boot when it was lost.
        since: Duration,
        /// What came back instead.
        why: String,
    },
}

/// One service and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceReport {
    /// The service as the catalogue has it.
    pub service: Service,
    /// The state of its main unit.
    pub state: State,
    /// Whether it ended badly and systemd is about to start it again.
    pub restarting: bool,
    /// Why it is not as one would wish.
    pub why: Option<Why>,
    /// Its units, the main one first.
    pub units: Vec<UnitReport>,
    /// What its settings are, where that is known.
    pub settings: Option<Settings>,
    /// What it keeps on the disk, where that was measured.
    pub usage: Option<Usage>,
    /// What was done with it last.
    pub operation: Option<Operation>,
}

/// One unit of a service; no `unit` where systemd has not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitReport {
    /// Name of the unit.
    pub name: String,
    /// What systemd says about it.
    pub unit: Option<Unit>,
}

/// The node in one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// systemd was not heard yet.
    Asking,
    /// Nobody knows what runs: systemd does not answer.
    Blind,
    /// Some things need the owner.
    Trouble {
        /// How many.
        things: usize,
    },
    /// Nothing is wrong and some services are on their way.
    Moving {
        /// How many.
        services: usize,
    },
    /// All is as it should be.
    Fine,
}

impl ServiceReport {
    /// A service and what its units come to: the main one decides, another one that failed is mentioned.
    pub fn new(service: Service, units: Vec<UnitReport>) -> Self {
        let main = units.first().and_then(|report| report.unit.as_ref());
        let state = main.map_or(State::Unknown, Unit::state);
        let restarting = main.is_some_and(Unit::is_restarting);
        let why = main.and_then(Unit::why).or_else(|| units.iter().skip(1).find_map(UnitReport::trouble));
        Self { service, state, restarting, why, units, settings: None, usage: None, operation: None }
    }

    /// Bytes of memory that its programs use, where systemd counts it.
    pub fn memory(&self) -> Option<u64> {
        let counts = self.units.iter().filter_map(|report| report.unit.as_ref()?.memory);
        counts.reduce(u64::saturating_add)
    }

    /// Whether the owner should look at it.
    pub fn needs_attention(&self) -> bool {
        // Somebody wanted something of it that did not work, and it has not worked since.
        let failed = |it: &Operation| matches!(it.progress, Progress::Failed(_));
        if self.state != State::Running && self.operation.as_ref().is_some_and(failed) {
            return true;
        }
        match self.state {
            State::Failed | State::Missing => true,
            State::Stopped => self.service.start == Start::Always,
            State::Running | State::Starting => self.restarting || self.why.is_some(),
            State::Stopping | State::Unknown => false,
        }
    }
}

impl UnitReport {
    fn trouble(&self) -> Option<Why> {
        let unit = self.unit.as_ref()?;
        let bad = matches!(unit.state(), State::Failed | State::Missing) || unit.is_restarting();
        bad.then(|| Why::Part { unit: self.name.clone(), why: unit.why().map(Box::new) })
    }
}

impl Snapshot {
    /// The node in one sentence.
    pub fn summary(&self) -> Summary {
        let failing = self.services.iter().filter(|report| report.needs_attention()).count();
        let moving = self.count(State::Starting) + self.count(State::Stopping);
        let tight = self.disks.iter().filter(|disk| disk.is_tight()).count();
        match (&self.systemd, failing + self.problems.len() + tight, moving) {
            (Systemd::Away { .. }, ..) => Summary::Blind,
            (_, things @ 1.., _) => Summary::Trouble { things },
            (Systemd::Asking, ..) => Summary::Asking,
            (_, 0, services @ 1..) => Summary::Moving { services },
            (_, 0, 0) => Summary::Fine,
        }
    }

    /// Whether the agent itself can do its work.
    pub fn is_healthy(&self) -> bool {
        !matches!(self.systemd, Systemd::Away { .. }) && self.problems.is_empty()
    }

    /// How many services are in this state.
    pub fn count(&self, state: State) -> usize {
        self.services.iter().filter(|report| report.state == state).count()
    }
}
