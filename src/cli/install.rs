//! `nuvol install`, hidden: the builder's own process in the sandbox that installs packages.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::host::{Inside, go_inside};
use crate::rootfs::{Job, install_inside};

/// What the process is told.
#[derive(Debug, clap::Args)]
pub struct Install {
    #[command(flatten)]
    inside: Inside,
    /// The job, as JSON
    #[arg(long)]
    job: PathBuf,
}

/// Enters the sandbox and does the job.
pub fn run(args: &Install) -> anyhow::Result<u8> {
    let text = std::fs::read_to_string(&args.job).context("reading the job")?;
    let job: Job = serde_json::from_str(&text).context("reading the job")?;
    go_inside(&args.inside)?;
    install_inside(&job)?;
    Ok(0)
}
