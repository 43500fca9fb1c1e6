//! Door to people and programs: pages and JSON, both made from the same snapshot.

pub mod assets;
pub mod context;
pub mod language;
pub mod pages;

/// The version of this program.
const AGENT_VERSION: &str = env!("CARGO_PKG_VERSION");
