//! What the owner has set before boot, applied: `nuvol.toml` of the partition `NUVOL-CFG`, read at every boot.
//!
//! A setting is applied as a whole or not at all. One that is not valid leaves what counted before: a slip of the pen
//! must not cut off a node. One that is not named counts as Nuvol has it. What came of it is written back beside the
//! file, for whoever looks at the disk elsewhere.

mod apply;
mod contents;
pub mod disks;
mod timezone;

use std::fs::{File, OpenOptions};

use anyhow::Context;
use nuvol_seed::{CONFIG_FILE, Outcome, RESULT_FILE, Read, State, Told, Volume, read_bytes};
use sha2::{Digest, Sha256};

pub use apply::Places;
use disks::{Disks, Found};

use crate::journal;
use crate::node::Level;

/// A file, and what it says.
struct Written {
    bytes: Vec<u8>,
    read: Read,
}

impl From<Vec<u8>> for Written {
    fn from(bytes: Vec<u8>) -> Self {
        Self { read: read_bytes(&bytes), bytes }
    }
}

/// Reads and applies; an error is of this machine, never of the file.
pub fn run(disks: &Disks, places: &Places) -> anyhow::Result<()> {
    let own = disks.own()?;
    let stick = from_stick(disks, own.as_ref());
    if let (Some((_, written)), Some(own)) = (&stick, &own) {
        // From now on it is the node's own, and the stick may go.
        note(&format!("keeping the `{CONFIG_FILE}` of the stick"), put(own, CONFIG_FILE, &written.bytes));
    }
    let written = match (&stick, &own) {
        (Some(_), _) => None,
        (None, Some(own)) => take(own)?.map(Written::from),
        (None, None) => {
            journal::write(Level::Info, "there is no partition NUVOL-CFG; all stays as it is");
            return Ok(());
        }
    };
    let counts = stick.as_ref().map(|(_, written)| written).or(written.as_ref());
    note("handing the configuration on", apply::hand_on(counts.map(|it| it.bytes.as_slice()), places));
    let outcome = act(places, counts);
    for place in stick.iter().map(|(place, _)| place).chain(&own) {
        note(&format!("writing `{RESULT_FILE}`"), answer(place, &outcome));
    }
    let failed = outcome.keys.values().any(|key| key.state == State::Failed);
    anyhow::ensure!(!failed, "not all settings could be applied");
    Ok(())
}

/// Applies a file, or that there is none.
fn act(places: &Places, written: Option<&Written>) -> Outcome {
    let none = Read::default();
    let read = written.map_or(&none, |written| &written.read);
    for problem in &read.problems {
        journal::write(Level::Warning, &format!("{CONFIG_FILE}:{problem}"));
    }
    let keys = apply::apply(read, places);
    for (section, key) in &keys {
        let why = key.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        journal::write(Level::Info, &format!("{} is {}{why}", section.key(), key.state));
    }
    Outcome { keys, ..about(written) }
}

/// What is wrong with a file, before anything of it was applied.
fn about(written: Option<&Written>) -> Outcome {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Outcome {
        version: 1,
        nuvol: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: written.map(|written| hex(&Sha256::digest(&written.bytes))),
        problems: written.iter().flat_map(|it| &it.read.problems).map(Told::from).collect(),
        keys: Default::default(),
    }
}

/// The first stick with a file that is valid in all. Others learn what is wrong with theirs.
fn from_stick(disks: &Disks, own: Option<&Found>) -> Option<(Found, Written)> {
    for stick in disks.sticks(own) {
        let written = match take(&stick) {
            Ok(Some(bytes)) => Written::from(bytes),
            Ok(None) => continue,
            Err(error) => {
                note("reading a stick", Err(error));
                continue;
            }
        };
        if written.read.problems.is_empty() {
            return Some((stick, written));
        }
        journal::write(
            Level::Warning,
            &format!("the `{CONFIG_FILE}` of a stick has mistakes and does not count"),
        );
        note(&format!("writing `{RESULT_FILE}`"), answer(&stick, &about(Some(&written))));
    }
    None
}

/// What cannot be done here is told and is no reason to stop: the node must start.
fn note(what: &str, done: anyhow::Result<()>) {
    if let Err(error) = done {
        journal::write(Level::Warning, &format!("{what}: {error:#}"));
    }
}

/// The configuration that lies in `place`.
fn take(place: &Found) -> anyhow::Result<Option<Vec<u8>>> {
    read_file(place, CONFIG_FILE)
}

fn read_file(place: &Found, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let file = File::open(&place.device).with_context(|| format!("opening `{}`", place.device.display()))?;
    Volume::open(&file, place.extent)?.read(name)
}

/// Tells what came of a configuration. Where nobody ever set anything there is nothing to tell.
fn answer(place: &Found, outcome: &Outcome) -> anyhow::Result<()> {
    if outcome.sha256.is_none() && read_file(place, RESULT_FILE).ok().flatten().is_none() {
        return Ok(());
    }
    let text = serde_json::to_string_pretty(outcome).context("writing JSON")?;
    put(place, RESULT_FILE, (text + "\n").as_bytes())
}

/// Writes a file unless it is there already: flash does not last for ever.
fn put(place: &Found, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    if read_file(place, name).ok().flatten().as_deref() == Some(bytes) {
        return Ok(());
    }
    let file = OpenOptions::new().read(true).write(true).open(&place.device);
    let file = file.with_context(|| format!("opening `{}` for writing", place.device.display()))?;
    Volume::open(&file, place.extent)?.write(name, bytes)
}

#[cfg(test)]
mod tests;
