//! `nuvol doctor`: what this machine lacks, with the command that mends it.

use std::path::Path;

use super::Common;
use crate::host::{EnvironmentLacks, Host, Need, missing, missing_emulation};
use crate::spec::Architecture;
use crate::workshop::Workshop;

/// Tell what this machine lacks for building and booting images, and how to mend it
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// The architecture of the images
    #[arg(long, value_name = "NAME", default_value = "amd64")]
    arch: Architecture,
}

/// Prints what is missing; 6 if anything is.
pub fn run(common: &Common, args: &Doctor) -> anyhow::Result<u8> {
    let logs = tempfile::tempdir()?;
    let host = Host::new(logs.path().to_owned())?;
    let mut needs = for_builds(&host, &common.shelf()?, args.arch)?;
    needs.extend(crate::vm::missing(args.arch));
    if common.json {
        println!("{}", serde_json::to_string_pretty(&needs)?);
    } else if needs.is_empty() {
        println!("This machine has everything for building and booting images.");
    } else {
        print!("{}", text(&needs));
    }
    Ok(if needs.is_empty() { 0 } else { 6 })
}

/// What is missing for builds for `architecture` with the shelf in `shelf`.
pub fn for_builds(host: &Host, shelf: &Path, architecture: Architecture) -> anyhow::Result<Vec<Need>> {
    let mut needs = missing(host, shelf)?;
    if architecture != Architecture::of_host() {
        needs.extend(missing_emulation(host));
    }
    Ok(needs)
}

/// Tells what a build for `architecture` lacks here, and fails if anything does.
pub fn require(shop: &Workshop, architecture: Architecture) -> anyhow::Result<()> {
    let needs = for_builds(&shop.host, shop.store.path(), architecture)?;
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
