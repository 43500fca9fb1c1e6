//! `nuvol compare`, hidden: two root file systems side by side, for checks.

use std::path::PathBuf;

use crate::rootfs::{Tree, compare};

/// Print the paths at which two root file systems differ; exit code 1 if there are any
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// A root file system as a tar
    first: PathBuf,
    /// Another
    second: PathBuf,
}

/// Prints the differences, one a line.
pub fn run(args: &Compare) -> anyhow::Result<u8> {
    let differences = compare(&Tree::read(&args.first)?, &Tree::read(&args.second)?)?;
    differences.iter().for_each(|it| println!("{it}"));
    Ok(u8::from(!differences.is_empty()))
}
