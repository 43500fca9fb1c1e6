//! What pages and programs can do, once for both: the forms of pages and the JSON of the API end here.

use std::collections::BTreeMap;

use crate::node::command::Refusal;

use super::context::{Form, Wrong};

pub(super) mod community;
pub(super) mod entry;
pub(super) mod foreign;
pub(super) mod people;

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The node refuses.
    Refused(Refusal),
    /// Some of what was typed does not fit, by name of the field.
    Wrong(BTreeMap<String, Wrong>),
    /// The node cannot: it has no random numbers, or no memory.
    Broken(String),
}

impl Failure {
    /// One field does not fit.
    pub(super) fn field(name: &str, wrong: Wrong) -> Self {
        Self::Wrong(BTreeMap::from([(name.to_owned(), wrong)]))
    }

    /// The field `ours` is called `theirs` by whoever asks.
    pub(super) fn under(mut self, ours: &str, theirs: &str) -> Self {
        if let Self::Wrong(wrong) = &mut self
            && let Some(found) = wrong.remove(ours)
        {
            wrong.insert(theirs.to_owned(), found);
        }
        self
    }

    /// Puts it where the form's page shows it.
    pub(super) fn mark(self, form: &mut Form) {
        match self {
            Self::Refused(Refusal::Fields(fields)) => {
                form.wrong.extend(fields.into_iter().map(|(name, field)| (name, Wrong::Field(field))));
            }
            Self::Refused(refusal) => form.refusal = Some(refusal),
            Self::Wrong(wrong) => form.wrong.extend(wrong),
            Self::Broken(why) => form.refusal = Some(Refusal::NotSaved(why)),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(format!("{error:#}"))
    }
}

impl From<getrandom::Error> for Failure {
    fn from(error: getrandom::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Collects what is wrong with several fields, so that all of it is told at once.
#[derive(Debug, Default)]
pub(super) struct Check(BTreeMap<String, Wrong>);

impl Check {
    /// The value, or a note of what is wrong with it.
    pub(super) fn take<T, W: Into<Wrong>>(&mut self, name: &str, value: Result<T, W>) -> Option<T> {
        value.map_err(|wrong| self.0.insert(name.to_owned(), wrong.into())).ok()
    }

    /// Fails where anything was wrong.
    pub(super) fn end(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::Wrong(self.0)) }
    }
}

impl From<crate::node::people::names::Unfitting> for Wrong {
    fn from(unfitting: crate::node::people::names::Unfitting) -> Self {
        Self::Unfitting(unfitting)
    }
}
