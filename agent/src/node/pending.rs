//! Changes that may cut the owner off: they hold for two minutes, and then only if the owner says that they work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// For so long a change waits to be kept. Half a minute is too short for people; this leaves time to find the
/// node under its new name.
pub const TRIAL: Duration = Duration::from_secs(120);

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Change {
    /// The node's name.
    Name {
        /// As it was.
        from: String,
        /// As it is now.
        to: String,
    },
    /// A service is off by which somebody may be reaching the node.
    Service {
        /// Its name in the catalogue.
        service: String,
    },
}

/// A change on trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What was changed.
    pub change: Change,
    /// Time since boot at which it goes back by itself.
    pub until: Duration,
}

/// What the node remembers about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// The change that is on trial: after a restart of the agent it goes back at once.
    pub trial: Option<Change>,
}
