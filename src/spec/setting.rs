//! What an owner may set of a service, as the catalogue says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{At, ImagePath, Scalar, Word};

/// Something that the owner may set.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SettingSpec {
    /// Its name within the service.
    pub name: At<Word>,
    /// Name for people.
    pub title: At<String>,
    /// What to know before setting it, in one line.
    pub hint: Option<String>,
    /// What it holds.
    pub kind: SettingKind,
    /// What it is until somebody sets it. A text that is empty here may be left empty.
    pub default: At<Scalar>,
    /// Of a text: the most characters; 80 unless given.
    pub max_length: Option<At<u16>>,
    /// Of a text: nobody but the owner should read it.
    pub secret: Option<At<bool>>,
    /// Of a number: the least.
    pub min: Option<At<i64>>,
    /// Of a number: the most.
    pub max: Option<At<i64>>,
    /// Of a number: what is counted (`kB/s`).
    pub unit: Option<At<String>>,
    /// Of a choice: what there is to choose from.
    pub choices: Option<At<Vec<ChoiceSpec>>>,
}

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SettingKind {
    /// A line of text.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Switch,
    /// One of several words.
    Choice,
}

/// One of the words of a choice.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ChoiceSpec {
    /// The word.
    pub name: At<Word>,
    /// Name for people.
    pub title: String,
}

/// Something that a service drew for itself, such as a password, and that its owner needs to know. It stands as
/// `key=value` on a line of a file.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShownSpec {
    /// Its name within the service.
    pub name: At<Word>,
    /// Name for people.
    pub title: String,
    /// The file, in one of the service's `data` paths.
    pub file: At<ImagePath>,
    /// What stands before the `=`.
    pub key: Word,
}
