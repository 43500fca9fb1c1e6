//! Stub: replaced by the branch `helper`.
use super::service::{Name, Text};
use serde::Deserialize;

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Setting {
    /// Name.
    pub name: Name,
    /// Title.
    pub title: Text,
}
/// Wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Empty.
    Empty,
}
impl Setting {
    /// Check.
    pub fn check(&self, text: &str) -> Result<(), Wrong> {
        if text.is_empty() { Err(Wrong::Empty) } else { Ok(()) }
    }
}
