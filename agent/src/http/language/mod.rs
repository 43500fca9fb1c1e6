//! Stub: replaced by the branch `pages`.

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
}

impl Language {
    /// What the visitor chose, else what the browser prefers, else English.
    pub fn choose(_chosen: Option<&str>, _accepted: Option<&str>) -> Self {
        Self::En
    }
}

use crate::http::context::Wrong;
use crate::node::Effect;
use crate::node::command::Refusal;
use crate::node::snapshot::ServiceReport;

impl Language {
    /// What is wrong with a field.
    pub fn wrong(self, wrong: &Wrong) -> String {
        format!("{wrong:?}")
    }
    /// Why nothing was done.
    pub fn refusal(self, refusal: &Refusal) -> String {
        format!("{refusal:?}")
    }
    /// What does not work.
    pub fn effect(self, effect: &Effect) -> String {
        format!("{effect:?}")
    }
    /// Why a service is not as one would wish.
    pub fn why(self, report: &ServiceReport) -> Option<String> {
        report.why.as_ref().map(|why| format!("{why:?}"))
    }
}
