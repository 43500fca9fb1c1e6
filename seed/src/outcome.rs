//! `nuvol-result.json`: what the node says about its configuration.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Section;
use crate::problem::{Problem, Scope};

/// What came of a configuration. It holds no time, so that a boot that changes nothing writes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// Version of this form: 1.
    pub version: u32,
    /// Version of the program that wrote it.
    pub nuvol: String,
    /// sha256 of the file that it speaks of; `None` where there is none.
    pub sha256: Option<String>,
    /// What came of each setting that the file names.
    pub keys: BTreeMap<Section, KeyOutcome>,
    /// All that is wrong with the file.
    pub problems: Vec<Told>,
}

/// What came of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeyOutcome {
    /// In a word.
    pub state: State,
    /// Why it is not applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What came of a setting, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It counts.
    Applied,
    /// It is not valid: what counted before still counts.
    Refused,
    /// It is valid, but this image has nothing that could use it.
    Unsupported,
    /// It is valid, but could not be applied.
    Failed,
}

/// The word of the file.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
            Self::Failed => "failed",
        })
    }
}

/// A problem, as the node tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// The setting that it spoils; `None` if it is another key or the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Section>,
    /// Line of the file, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// What is wrong.
    pub cause: String,
    /// The way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl From<&Problem> for Told {
    fn from(problem: &Problem) -> Self {
        let key = match problem.scope {
            Scope::Section(section) => Some(section),
            Scope::File | Scope::Unknown => None,
        };
        let (line, column) = (problem.span.line, problem.span.column);
        Self { key, line, column, cause: problem.cause.clone(), remedy: problem.remedy.clone() }
    }
}
