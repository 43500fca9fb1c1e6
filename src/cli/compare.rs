//! `nuvol compare`, hidden: two root file systems side by side, for checks.

use std::path::PathBuf;

use crate::rootfs::{Tree, compare};

/// Print the paths at which two root file systems differ; exit code 1 if there are any
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// A root file system as tars that lie over each other, the lowest first
    #[arg(long, required = true, num_args = 1..)]
    first: Vec<PathBuf>,
    /// Another
    #[arg(long, required = true, num_args = 1..)]
    second: Vec<PathBuf>,
}

/// Prints the differences, one a line.
pub fn run(args: &Compare) -> anyhow::Result<u8> {
    let differences = compare(&Tree::read(&args.first)?, &Tree::read(&args.second)?)?;
    differences.iter().for_each(|it| println!("{it}"));
    Ok(u8::from(!differences.is_empty()))
}
