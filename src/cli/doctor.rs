//! `nuvol doctor`: what this machine lacks, with the command that mends it.

use super::Common;
use crate::host::{EnvironmentLacks, Host, Need, missing};
use crate::workshop::Workshop;

/// Tell what this machine lacks for building and booting images, and how to mend it
#[derive(Debug, clap::Args)]
pub struct Doctor {}

/// Prints what is missing; 6 if anything is.
pub fn run(common: &Common, _: &Doctor) -> anyhow::Result<u8> {
    let logs = tempfile::tempdir()?;
    let host = Host::new(logs.path().to_owned())?;
    let mut needs = missing(&host, &common.shelf()?)?;
    needs.extend(crate::vm::missing());
    if common.json {
        println!("{}", serde_json::to_string_pretty(&needs)?);
    } else if needs.is_empty() {
        println!("This machine has everything for building and booting images.");
    } else {
        print!("{}", text(&needs));
    }
    Ok(if needs.is_empty() { 0 } else { 6 })
}

/// Tells what a build lacks here, and fails if anything does.
pub fn require(shop: &Workshop) -> anyhow::Result<()> {
    let needs = missing(&shop.host, shop.store.path())?;
    if needs.is_empty() {
        return Ok(());
    }
    eprint!("{}", text(&needs));
    Err(EnvironmentLacks.into())
}

/// The needs for people.
pub fn text(needs: &[Need]) -> String {
    needs
        .iter()
        .map(|it| format!("missing: {}\n    {}\n    mend it: {}\n", it.what, it.why, it.mend))
        .collect()
}
