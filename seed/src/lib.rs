//! What is set before a node boots: the file `nuvol.toml` on the FAT partition `NUVOL-CFG`.
//!
//! Builder and node both read and write it, and must agree to the letter on what is valid and on how the partition is
//! changed; so this is the one thing that they share. [`read`] is pure: a text goes in, a [`Config`] and all
//! [`Problem`]s come out. [`Volume`] is the partition: a change counts as a whole or not at all.

pub mod claim;
mod config;
mod disk;
mod edit;
mod fields;
mod install;
mod network;
mod outcome;
mod place;
mod problem;
mod read;
mod ssh;
mod staged;
mod timezone;
mod volume;
mod wifi;

pub use config::{Config, Network, Section, Ssh, Wifi};
pub use disk::Disk;
pub use edit::{with_claim_code_hash, with_name, without_install};
pub use install::{Bytes, Existing, Install, Then};
pub use outcome::{KeyOutcome, Outcome, State, Told};
pub use place::{Extent, find};
pub use problem::{Problem, Scope, Span};
pub use read::{Read, VERSION, read, read_bytes};
pub use volume::{Volume, is_ours};

/// The label of the FAT file system.
pub const LABEL: &str = "NUVOL-CFG";
/// The file that people write.
pub const CONFIG_FILE: &str = "nuvol.toml";
/// The file that the node answers with.
pub const RESULT_FILE: &str = "nuvol-result.json";
/// The most that either file may have, in bytes.
pub const FILE_LIMIT: u64 = 64 << 10;
