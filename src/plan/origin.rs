//! Where every value of a plan came from: the chain of files and lines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::spec::Place;

/// The history of each value by its key (`packages.syncthing`, `disk.root.size`), the root profile first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, Vec<Step>>);

/// One thing that a file did to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub verb: Verb,
    /// The value, where it is not the key itself.
    pub value: Option<String>,
    /// Through what (a set, a service), where the profile does not say it itself.
    pub through: Option<String>,
    /// Where it stands; `None` for a default of `nuvol`.
    pub place: Option<Place>,
}

/// What a file did to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Nobody said anything.
    Default,
    /// Gave it a value, instead of an earlier one if there was one.
    Set,
    /// Appended it to a list.
    Add,
    /// Took it away.
    Remove,
    /// Said what it is (a service, in the catalogue).
    Define,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::Set => "set",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Define => "define",
        })
    }
}

impl Origins {
    /// Notes a step.
    pub(super) fn note(&mut self, key: String, step: Step) {
        self.0.entry(key).or_default().push(step);
    }

    /// The history of `key`, or of everything below it.
    pub fn of(&self, key: &str) -> Vec<(&str, &[Step])> {
        if let Some((key, steps)) = self.0.get_key_value(key) {
            return vec![(key, steps)];
        }
        let below = format!("{key}.");
        let found = self.0.iter().filter(|(known, _)| known.starts_with(&below));
        found.map(|(key, steps)| (key.as_str(), steps.as_slice())).collect()
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The last place where somebody added `key`.
    pub(super) fn added(&self, key: &str) -> Option<&Place> {
        self.0.get(key)?.iter().rev().find(|step| step.verb == Verb::Add)?.place.as_ref()
    }
}
