//! `nuvol-config`: applies what the owner has set before boot. Run at every boot, before there is a network.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nuvol_agent::config::disks::Disks;
use nuvol_agent::config::{self, Places};
use nuvol_agent::journal;
use nuvol_agent::node::Level;

/// Applies `nuvol.toml` of the partition NUVOL-CFG, and writes beside it what came of it.
#[derive(Debug, Parser)]
#[command(name = "nuvol-config", version)]
struct Arguments {
    /// Folder of what Nuvol's own programs read
    #[arg(long, value_name = "DIR", default_value = "/var/lib/nuvol-config")]
    state: PathBuf,
    /// Folder of what systemd-networkd reads
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/network")]
    networks: PathBuf,
    /// Folder of the keys that may log in
    #[arg(long, value_name = "DIR", default_value = "/etc/ssh/authorized_keys.d")]
    keys: PathBuf,
    /// What joins wireless networks
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/wpa_supplicant")]
    wpa: PathBuf,
    /// Link to the zone that the clock shows
    #[arg(long, value_name = "LINK", default_value = "/etc/localtime")]
    localtime: PathBuf,
    /// Folder of the time zones
    #[arg(long, value_name = "DIR", default_value = "/usr/share/zoneinfo")]
    zones: PathBuf,
    /// Where a live system has what it was started from
    #[arg(long, value_name = "DIR", default_value = "/run/nuvol")]
    live: PathBuf,
    /// The group that may read what is secret
    #[arg(long, value_name = "NAME", default_value = "nuvol-agent")]
    group: String,
}

fn main() -> ExitCode {
    let Arguments { state, networks, keys, wpa, localtime, zones, live, group } = Arguments::parse();
    let group = group_id(&group);
    let disks = Disks { sys: "/sys".into(), dev: "/dev".into(), mounts: "/proc/self/mountinfo".into() };
    match config::run(&disks, &Places { state, networks, keys, wpa, localtime, zones, live, group }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            journal::write(Level::Error, &format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The number of a group of this system (group(5)). Without it what is secret is root's alone.
fn group_id(name: &str) -> Option<u32> {
    let mut text = String::new();
    File::open("/etc/group").ok()?.take(1 << 20).read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}
