//! What the helper does for the node, and what comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::command::{Line, Refusal, Reply};
use super::community::{MeshPaths, MeshWork};
use super::operation::{Operation, OperationId, Progress, Step, Trouble};
use super::service::Service;
use super::{Action, Document, Effect, Level, Moment, Node, Problem, Ticket};

/// A job for the helper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// A service on or off, now and after the next boot.
    Switch {
        /// Its name.
        service: String,
        /// On or off.
        on: bool,
    },
    /// Stop and start a service.
    Restart {
        /// Its name.
        service: String,
    },
    /// Write a service's settings and apply them.
    Configure {
        /// Its name.
        service: String,
        /// Each setting's value as typed, checked already.
        settings: BTreeMap<String, String>,
    },
    /// Read a service's settings.
    Settings {
        /// Its name.
        service: String,
    },
    /// Read the last lines that a service wrote.
    Logs {
        /// Its name.
        service: String,
        /// So many.
        lines: u16,
    },
    /// Measure what a service keeps.
    Usage {
        /// Its name.
        service: String,
    },
    /// Open the ports of the services that are on, and no others.
    Firewall,
    /// Give the node another name.
    Rename {
        /// The new name.
        name: String,
    },
    /// Make the key of the mesh where there is none, and tell the public one.
    MeshKey,
    /// Have the mesh know these members and no others.
    Mesh(Arc<MeshWork>),
    /// Have the mesh know nobody.
    MeshLeave,
    /// See how members are reached.
    MeshStatus,
    /// Start the node anew.
    Reboot,
    /// Switch the node off.
    PowerOff,
}

/// What the helper tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It is at this step.
    Step(Step),
    /// It is done.
    Done(Yield),
    /// It did not work.
    Failed(Trouble),
}

/// What a job brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yield {
    /// Nothing but that it is done.
    Nothing,
    /// What a service wrote.
    Lines(Vec<Line>),
    /// What a service keeps.
    Usage {
        /// Its name.
        service: String,
        /// How much.
        usage: Usage,
    },
    /// A service's settings, as text.
    Settings {
        /// Its name.
        service: String,
        /// By name of the setting.
        settings: BTreeMap<String, String>,
        /// What the service drew for itself, by name.
        shown: BTreeMap<String, String>,
    },
    /// The public key of the mesh, in DER.
    MeshKey(Vec<u8>),
    /// How members are reached.
    Mesh(MeshPaths),
}

/// A service's settings, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Each setting's value, by name.
    pub values: BTreeMap<String, String>,
    /// What the service drew for itself, by name.
    pub shown: BTreeMap<String, String>,
}

/// What a service keeps on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes.
    pub bytes: u64,
    /// Counting took too long: there is more.
    pub at_least: bool,
}

/// Every so often what services keep is measured anew.
const MEASURE_EVERY: Duration = Duration::from_secs(10 * 60);
/// What the helper could not do it is asked again.
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// And what has run out is forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);

/// What the node does by itself from time to time.
#[derive(Debug, Clone, Default)]
pub(super) struct Chores {
    measured: BTreeMap<String, Duration>,
    measuring: bool,
    asked_settings: BTreeSet<String>,
    tidied: Duration,
    firewall: Firewall,
}

/// Whether the firewall lets through what it should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Firewall {
    /// The helper was asked, or is about to be.
    #[default]
    Asked,
    /// It does.
    Fits,
    /// It was not to be done; when the helper is asked again.
    TryAt(Duration),
}

impl Node {
    /// Some time has passed.
    pub(super) fn do_chores(&mut self, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.trial.as_ref().is_some_and(|trial| trial.until <= now.uptime) {
            // Where the helper is still at it, the next tick tries again.
            actions.extend(self.go_back(now, "the node itself").unwrap_or_default());
        }
        if now.uptime.saturating_sub(self.chores.tidied) >= TIDY_EVERY
            && let Some(people) = &mut self.people
        {
            self.chores.tidied = now.uptime;
            let mut tidy = (**people).clone();
            if tidy.tidy(now.unix_s) {
                *people = Arc::new(tidy.clone());
                actions.push(Action::Save(Document::People(tidy)));
            }
        }
        actions.extend(self.take_up(now));
        actions.extend(self.try_firewall(now));
        // A helper that is away is asked for nothing else.
        if self.chores.firewall == Firewall::Fits {
            actions.extend(self.ask_settings());
            actions.extend(self.measure(now));
            actions.extend(self.mesh_chores(now));
        }
        actions
    }

    fn ask_settings(&mut self) -> Vec<Action> {
        let has_some = |it: &&Service| !it.settings.is_empty() || !it.shown.is_empty();
        let with_settings = self.catalogue.services.values().filter(has_some);
        let names: Vec<String> = with_settings.map(|service| service.name.to_string()).collect();
        let new = names.into_iter().filter(|name| self.chores.asked_settings.insert(name.clone()));
        new.map(|service| Action::Help(Ticket::Own, Job::Settings { service })).collect()
    }

    /// One service at a time: reading a whole disk is nothing to do all at once.
    fn measure(&mut self, now: Moment) -> Option<Action> {
        if self.chores.measuring {
            return None;
        }
        let measured = &self.chores.measured;
        let due = |name: &str| match measured.get(name) {
            Some(at) => now.uptime.saturating_sub(*at) >= MEASURE_EVERY,
            None => true,
        };
        let keeps = self.catalogue.services.values().filter(|service| !service.data.is_empty());
        let service = keeps.map(|service| service.name.to_string()).find(|name| due(name))?;
        self.chores.measuring = true;
        self.chores.measured.insert(service.clone(), now.uptime);
        Some(Action::Help(Ticket::Own, Job::Usage { service }))
    }

    /// The helper tells of a job.
    pub(super) fn helped(&mut self, now: Moment, ticket: Ticket, news: News) -> Vec<Action> {
        match ticket {
            Ticket::Operation(id) => self.work_on(now, id, news),
            Ticket::Asked(ticket) => match news {
                News::Step(_) => Vec::new(),
                News::Done(Yield::Lines(lines)) => vec![Action::Answer(ticket, Ok(Reply::Lines(lines)))],
                News::Done(_) => vec![Action::Answer(ticket, Ok(Reply::Done))],
                News::Failed(trouble) => vec![Action::Answer(ticket, Err(Refusal::Trouble(trouble)))],
            },
            Ticket::Own => self.learn(news),
            Ticket::Firewall => self.learn_of_firewall(now, news),
            Ticket::Mesh(errand) => self.helped_mesh(now, errand, news),
        }
    }

    /// An operation goes on or ends.
    fn work_on(&mut self, now: Moment, id: OperationId, news: News) -> Vec<Action> {
        let (progress, settings) = match news {
            News::Step(step) => (Progress::Doing { step }, None),
            News::Done(Yield::Settings { service, settings, shown }) => {
                (Progress::Done, Some((service, Settings { values: settings, shown })))
            }
            News::Done(_) => (Progress::Done, None),
            News::Failed(trouble) => (Progress::Failed(trouble), None),
        };
        let ended = !matches!(progress, Progress::Doing { .. });
        let operations = Arc::make_mut(&mut self.operations);
        // One that has ended ends once.
        if !operations.get(id).is_some_and(Operation::is_running) {
            return Vec::new();
        }
        operations.set(id, progress, now.unix_s);
        let Some(operation) = operations.get(id).filter(|_| ended).cloned() else {
            // A node that is cut off can tell afterwards how far it was.
            return vec![Action::Save(Document::Operations(operations.clone()))];
        };
        if let Some(service) = operation.task.service() {
            self.chores.measured.remove(service);
            // In one moment with the end: who opens the page then must not find, and save, the old values.
            match settings {
                Some((service, settings)) => drop(self.settings.insert(service, settings)),
                None => drop(self.chores.asked_settings.remove(service)),
            }
        }
        let mut actions = self.tried(now, &operation.task, &operation.progress);
        actions.push(Action::Save(Document::Operations((*self.operations).clone())));
        actions.extend(self.ask_settings());
        actions
    }

    /// What the node asked for by itself.
    fn learn(&mut self, news: News) -> Vec<Action> {
        match news {
            News::Done(Yield::Usage { service, usage }) => {
                self.chores.measuring = false;
                self.usage.insert(service, usage);
                Vec::new()
            }
            News::Done(Yield::Settings { service, settings, shown }) => {
                self.settings.insert(service, Settings { values: settings, shown });
                Vec::new()
            }
            News::Step(_) | News::Done(_) => Vec::new(),
            News::Failed(trouble) => {
                self.chores.measuring = false;
                // That the helper is away is told once, when the firewall is asked for.
                let away = matches!(trouble, Trouble::HelperAway { .. });
                let line = format!("the helper could not help: {trouble:?}");
                (!away).then_some(Action::Log(Level::Warning, line)).into_iter().collect()
            }
        }
    }

    /// The firewall fits, or does not. It is the first that the helper is asked for, and asked again until it is done.
    fn learn_of_firewall(&mut self, now: Moment, news: News) -> Vec<Action> {
        let (effect, cause) = match news {
            News::Step(_) => return Vec::new(),
            News::Done(_) => {
                self.chores.firewall = Firewall::Fits;
                self.chores.asked_settings.clear();
                let gone = [Effect::FirewallStuck, Effect::HelperAway];
                self.problems.retain(|problem| !gone.contains(&problem.effect));
                return self.ask_settings();
            }
            News::Failed(Trouble::HelperAway { detail }) => (Effect::HelperAway, detail.to_string()),
            News::Failed(trouble) => (Effect::FirewallStuck, format!("{trouble:?}")),
        };
        self.chores.firewall = Firewall::TryAt(now.uptime + TRY_AGAIN);
        let problem = Problem { effect, cause };
        if self.problems.contains(&problem) { Vec::new() } else { self.take_problem(problem) }
    }

    /// Asks for the firewall anew where it does not fit yet.
    fn try_firewall(&mut self, now: Moment) -> Option<Action> {
        match self.chores.firewall {
            Firewall::TryAt(at) if at <= now.uptime => {
                self.chores.firewall = Firewall::Asked;
                Some(Action::Help(Ticket::Firewall, Job::Firewall))
            }
            _ => None,
        }
    }
}
