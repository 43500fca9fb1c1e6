//! The machine's power, by systemd.

#![expect(clippy::disallowed_methods, reason = "here, and nowhere else, a program is run")]

use std::process::Command;

use anyhow::Context as _;
use nuvol_seed::Then;

/// Has the machine do what comes then. Returns when systemd has heard of it.
pub fn then(then: Then) -> anyhow::Result<()> {
    let status = Command::new("/usr/bin/systemctl").args(["--no-block", &then.to_string()]).status();
    let status = status.context("asking systemd")?;
    anyhow::ensure!(status.success(), "systemd did not take `{then}`: {status}");
    Ok(())
}
