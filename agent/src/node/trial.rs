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

    /// It works. While the helper is at it nobody can know that.
    pub(super) fn keep(&mut self) -> Outcome {
        if self.trial.is_none() {
            return Err(Refusal::NoSuch);
        }
        let renaming = |it: &&Operation| matches!(it.task, Task::Rename { .. });
        if let Some(busy) = self.operations.running().find(renaming) {
            return Err(Refusal::Busy(busy.id));
        }
        Ok((Reply::Done, self.end_trial()))
    }

    /// The change on trial is undone. It stays on trial until that is done: a node that is cut off in between, or
    /// whose helper fails, tries again.
    pub(super) fn go_back(&mut self, now: Moment, by: &str) -> Result<Vec<Action>, Refusal> {
        let Some(Trial { change: Change::Name { from, to }, .. }) = self.trial.clone() else {
            return Err(Refusal::NoSuch);
        };
        let task = Task::Rename { from: to, to: from.clone() };
        let (_, actions) = self.start(now, by, task, Job::Rename { name: from })?;
        if let Some(trial) = &mut self.trial {
            trial.until = now.uptime + AT_WORK;
        }
        Ok(actions)
    }

    /// The helper has renamed the node, or could not.
    pub(super) fn renamed(&mut self, now: Moment, to: &str, progress: &Progress) -> Vec<Action> {
        let done = *progress == Progress::Done;
        if done {
            to.clone_into(&mut self.name);
        }
        let Some(trial) = &mut self.trial else { return Vec::new() };
        let Change::Name { from, .. } = &trial.change;
        let back = from == to;
        match (done, back) {
            // Here is the trial's beginning.
            (true, false) => {
                trial.until = now.uptime + TRIAL;
                Vec::new()
            }
            // The name is what it was before: nothing is on trial.
            (true, true) | (false, false) => self.end_trial(),
            (false, true) => {
                trial.until = now.uptime + TRIAL;
                let line = format!(
                    "going back to the name `{to}` did not work; trying again in {} s",
                    TRIAL.as_secs()
                );
                vec![Action::Log(Level::Warning, line)]
            }
        }
    }

    fn end_trial(&mut self) -> Vec<Action> {
        self.trial = None;
        vec![Action::Save(Document::Preferences(Preferences::default()))]
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
