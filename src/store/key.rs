//! What an entry is called.

use sha2::{Digest as _, Sha256};

use super::hex;

/// What an entry is called: its stage and the hash of its recipe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub(super) String);

impl Key {
    /// The key of the recipe `text` of `stage`.
    pub fn of(stage: &str, text: &[u8]) -> Self {
        Self(format!("{stage}-{}", hex(&Sha256::digest(text))))
    }

    /// The stage.
    pub fn stage(&self) -> &str {
        self.0.rsplit_once('-').map_or(&self.0, |(stage, _)| stage)
    }

    /// As a name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
