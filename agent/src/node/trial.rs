//! Changes on trial: made, kept, undone.

use std::collections::BTreeMap;

use super::asked::Outcome;
use super::command::{Field, Refusal, Reply};
use super::operation::{Operation, Progress, Task};
use super::pending::{Change, Preferences, TRIAL, Trial};
use super::{Action, Document, Job, Level, Moment, Node};

/// Time enough for the helper to rename the node; the trial itself begins when it is done.
const AT_WORK: std::time::Duration = TRIAL.saturating_mul(5);

impl Node {
    /// The new name is on trial until the owner has found the node under it.
    pub(super) fn rename(&mut self, now: Moment, by: &str, name: String) -> Outcome {
        if name == self.name {
            return Err(Refusal::Already);
        }
        if !is_node_name(&name) {
            return Err(Refusal::Fields(BTreeMap::from([("name".to_owned(), Field::NodeName)])));
        }
        if self.trial.is_some() {
            return Err(Refusal::Full);
        }
        let change = Change::Name { from: self.name.clone(), to: name.clone() };
        let preferences = Preferences { trial: Some(change.clone()) };
        let task = Task::Rename { from: self.name.clone(), to: name.clone() };
        let (id, mut actions) = self.start(now, by, task, Job::Rename { name })?;
        self.trial = Some(Trial { change, until: now.uptime + AT_WORK });
        actions.insert(0, Action::Save(Document::Preferences(preferences)));
        Ok((Reply::Started(id), actions))
    }

    /// A service by which somebody may be reaching the node is off on trial, until they have reached it another way.
    pub(super) fn switch_off_way_in(&mut self, now: Moment, by: &str, service: &str) -> Outcome {
        if self.trial.is_some() {
            return Err(Refusal::Full);
        }
        let change = Change::Service { service: service.to_owned() };
        let preferences = Preferences { trial: Some(change.clone()) };
        let task = Task::SwitchOff { service: service.to_owned() };
        let job = Job::Switch { service: service.to_owned(), on: false };
        let (id, mut actions) = self.start(now, by, task, job)?;
        self.trial = Some(Trial { change, until: now.uptime + AT_WORK });
        actions.insert(0, Action::Save(Document::Preferences(preferences)));
        Ok((Reply::Started(id), actions))
    }

    /// It works. While the helper is at it nobody can know that.
    pub(super) fn keep(&mut self) -> Outcome {
        let Some(trial) = &self.trial else { return Err(Refusal::NoSuch) };
        let about = |it: &&Operation| direction(&trial.change, &it.task).is_some();
        if let Some(busy) = self.operations.running().find(about) {
            return Err(Refusal::Busy(busy.id));
        }
        Ok((Reply::Done, self.end_trial()))
    }

    /// The change on trial is undone. It stays on trial until that is done: a node that is cut off in between, or
    /// whose helper fails, tries again.
    pub(super) fn go_back(&mut self, now: Moment, by: &str) -> Result<Vec<Action>, Refusal> {
        let (task, job) = match &self.trial {
            None => return Err(Refusal::NoSuch),
            Some(Trial { change: Change::Name { from, to }, .. }) => {
                (Task::Rename { from: to.clone(), to: from.clone() }, Job::Rename { name: from.clone() })
            }
            Some(Trial { change: Change::Service { service }, .. }) => (
                Task::SwitchOn { service: service.clone() },
                Job::Switch { service: service.clone(), on: true },
            ),
        };
        let (_, actions) = self.start(now, by, task, job)?;
        if let Some(trial) = &mut self.trial {
            trial.until = now.uptime + AT_WORK;
        }
        Ok(actions)
    }

    /// The helper has done some work, or could not.
    pub(super) fn tried(&mut self, now: Moment, task: &Task, progress: &Progress) -> Vec<Action> {
        let done = *progress == Progress::Done;
        if let Task::Rename { to, .. } = task
            && done
        {
            to.clone_into(&mut self.name);
        }
        let Some(trial) = &mut self.trial else { return Vec::new() };
        match (direction(&trial.change, task), done) {
            (None, _) => Vec::new(),
            // Here is the trial's beginning.
            (Some(Direction::There), true) => {
                trial.until = now.uptime + TRIAL;
                Vec::new()
            }
            // All is what it was before: nothing is on trial.
            (Some(Direction::Back), true) | (Some(Direction::There), false) => self.end_trial(),
            (Some(Direction::Back), false) => {
                trial.until = now.uptime + TRIAL;
                let line =
                    format!("going back did not work ({task:?}); trying again in {} s", TRIAL.as_secs());
                vec![Action::Log(Level::Warning, line)]
            }
        }
    }

    fn end_trial(&mut self) -> Vec<Action> {
        self.trial = None;
        vec![Action::Save(Document::Preferences(Preferences::default()))]
    }
}

/// What a piece of work does to a change on trial.
enum Direction {
    There,
    Back,
}

/// None where the work is about something else.
fn direction(change: &Change, task: &Task) -> Option<Direction> {
    match (change, task) {
        (Change::Name { from, .. }, Task::Rename { to, .. }) if from == to => Some(Direction::Back),
        (Change::Name { .. }, Task::Rename { .. }) => Some(Direction::There),
        (Change::Service { service }, Task::SwitchOff { service: it }) if it == service => {
            Some(Direction::There)
        }
        (Change::Service { service }, Task::SwitchOn { service: it }) if it == service => {
            Some(Direction::Back)
        }
        _ => None,
    }
}

/// Whether this can be a host name and a label of DNS (RFC 1123), and neither an address nor a name that means
/// every machine itself.
fn is_node_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(legal)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name != "localhost"
        && !name.bytes().all(|c| c.is_ascii_digit())
}
