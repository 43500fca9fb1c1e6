//! `nuvol install`, hidden: the builder's own process in the sandbox that installs packages.

use crate::host::{Inside, go_inside};
use crate::rootfs::install_inside;

/// Where the process goes. Its jobs come by standard input, one a line, as JSON.
#[derive(Debug, clap::Args)]
pub struct Install {
    #[command(flatten)]
    inside: Inside,
}

/// Enters the sandbox and does the jobs.
pub fn run(args: &Install) -> anyhow::Result<u8> {
    go_inside(&args.inside)?;
    install_inside()?;
    Ok(0)
}
