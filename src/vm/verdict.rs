//! What the script inside the guest (`verdict.sh`) tells on its serial port, read into a value. Pure.
//!
//! One `key=value` a line between `BEGIN` and `END`. Lines without a key are for people.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::Context as _;
use serde::Serialize;

/// All that a guest told about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether it looked at the system as it booted only, and left the services on demand alone.
    pub booted_only: bool,
    /// What `systemctl is-system-running --wait` ended with.
    pub waited: String,
    /// How the script that was brought in ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_exit: Option<i32>,
    /// Looks at all units, by name: `first`, `second` (10 s later), `loaded`, `last`.
    pub looks: BTreeMap<String, Look>,
    /// The units of the catalogue's services.
    pub services: Vec<ServiceUnit>,
    /// Their states in each phase: `boot`, `started`, `stopped`.
    pub units: Vec<UnitState>,
    /// What makes this node different from others.
    pub identity: Identity,
    /// The disk.
    pub disk: Disk,
    /// What was measured.
    pub figures: Figures,
}

/// One look at all units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Look {
    /// systemd's own word for the whole system.
    pub state: String,
    /// Units that failed.
    pub failed: Vec<String>,
    /// Services that are being restarted.
    pub restarting: Vec<String>,
    /// Services that were restarted, and how often.
    pub restarts: Vec<(String, u32)>,
}

/// A unit of a service of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceUnit {
    /// The service's name.
    pub service: String,
    /// `always` or `on-demand`.
    pub start: String,
    /// The unit.
    pub unit: String,
}

/// A unit's state in one phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitState {
    /// When it was looked at.
    pub phase: String,
    /// The service it belongs to.
    pub service: String,
    /// The unit.
    pub unit: String,
    /// systemd's LoadState.
    pub load: String,
    /// systemd's ActiveState.
    pub active: String,
    /// systemd's SubState.
    pub sub: String,
}

/// What must differ between two nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// `/etc/machine-id`.
    pub machine_id: String,
    /// The host name.
    pub hostname: String,
    /// The claim code of this boot.
    pub claim_code: String,
    /// SHA-256 of the agent's key.
    pub node_key: String,
    /// Whether an SSH server is installed.
    pub sshd: bool,
    /// Fingerprint and kind of each SSH host key.
    pub ssh_keys: Vec<String>,
}

/// How the disk is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Whether this is the live system.
    pub live: bool,
    /// Device and file system of `/data`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// Size and use of `/data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_kib: Option<(u64, u64)>,
    /// Size and use of the root file system.
    pub root_kib: (u64, u64),
    /// Size of the root partition, and the size that it should have grown to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_partition_kib: Option<(u64, u64)>,
    /// What of the disk belongs to no partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_kib: Option<u64>,
    /// Each path that must outlive a new installation, and whether it lies on the data partition.
    pub kept: Vec<(String, bool)>,
}

/// What was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// The kernel's release.
    pub kernel: String,
    /// The newest kernel that is installed.
    pub newest_kernel: String,
    /// Seconds from the kernel's start until the system was running.
    pub boot_s: f64,
    /// Memory and what of it was free for use, before services on demand were started.
    pub memory_kib: (u64, u64),
    /// The agent's resident memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_rss_kib: Option<u64>,
    /// UEFI's word on Secure Boot; `None` without UEFI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_boot: Option<bool>,
    /// The kernel's lockdown.
    pub lockdown: String,
}

/// How far the script has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Nothing was heard yet.
    Silent,
    /// At work on this.
    Step(&'a str),
    /// It has told everything.
    Ended,
}

/// How far the script has come that told `text`.
pub fn progress(text: &str) -> Progress<'_> {
    if text.lines().any(|line| line.trim_end() == "END") {
        return Progress::Ended;
    }
    let step = text.lines().rev().find_map(|line| line.trim_end().strip_prefix("step="));
    match step {
        Some(step) => Progress::Step(step),
        None => Progress::Silent,
    }
}

/// Reads all that was told.
pub fn parse(text: &str) -> anyhow::Result<Verdict> {
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| *line != "BEGIN");
    lines.next().context("the verdict has no beginning")?;
    let mut verdict = Verdict::default();
    for line in lines {
        if line == "END" {
            return Ok(verdict);
        }
        if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('|')) {
            take(&mut verdict, key, value).with_context(|| format!("reading the verdict's line `{line}`"))?;
        }
    }
    anyhow::bail!("the verdict has no end")
}

fn take(verdict: &mut Verdict, key: &str, value: &str) -> anyhow::Result<()> {
    if let Some((name, what)) = key.split_once('.') {
        return look(verdict.looks.entry(name.to_owned()).or_default(), what, value);
    }
    let text = value.to_owned();
    let Verdict { identity, disk, figures, .. } = verdict;
    match key {
        "scope" => verdict.booted_only = value == "booted",
        "waited" => verdict.waited = text,
        "script-exit" => verdict.script_exit = Some(number(value)?),
        "service" => verdict.services.push(service(value)?),
        "unit" => verdict.units.push(unit(value)?),
        "machine-id" => identity.machine_id = text,
        "hostname" => identity.hostname = text,
        "claim-code" => identity.claim_code = text,
        "node-key" => identity.node_key = text,
        "sshd" => identity.sshd = value == "yes",
        "ssh-key" => identity.ssh_keys.push(text),
        "live" => disk.live = value == "yes",
        "data" => disk.data = text,
        "data-kib" => disk.data_kib = Some(two(value)?),
        "root-kib" => disk.root_kib = two(value)?,
        "root-partition-kib" => disk.root_partition_kib = Some(two(value)?),
        "unused-kib" => disk.unused_kib = Some(number(value)?),
        "kept" => disk.kept.push(kept(value)?),
        "kernel" => figures.kernel = text,
        "newest-kernel" => figures.newest_kernel = text,
        "boot-us" => figures.boot_s = number::<f64>(value)? / 1e6,
        "memory-kib" => figures.memory_kib = two(value)?,
        "agent-rss-kib" => figures.agent_rss_kib = value.parse().ok(),
        "secure-boot" => figures.secure_boot = Some(value == "1"),
        "lockdown" => figures.lockdown = text,
        _ => {}
    }
    Ok(())
}

fn look(look: &mut Look, what: &str, value: &str) -> anyhow::Result<()> {
    let text = value.to_owned();
    match what {
        "state" => look.state = text,
        "failed" => look.failed.push(text),
        "restarting" => look.restarting.push(text),
        "restarts" => {
            let [unit, count] = words(value)?;
            look.restarts.push((unit, number(&count)?));
        }
        _ => {}
    }
    Ok(())
}

fn service(value: &str) -> anyhow::Result<ServiceUnit> {
    let [service, start, unit] = words(value)?;
    Ok(ServiceUnit { service, start, unit })
}

fn unit(value: &str) -> anyhow::Result<UnitState> {
    let [phase, service, unit, load, active, sub] = words(value)?;
    Ok(UnitState { phase, service, unit, load, active, sub })
}

fn kept(value: &str) -> anyhow::Result<(String, bool)> {
    let [path, answer] = words(value)?;
    Ok((path, answer == "yes"))
}

fn two(value: &str) -> anyhow::Result<(u64, u64)> {
    let [first, second] = words(value)?;
    Ok((number(&first)?, number(&second)?))
}

fn number<T: FromStr>(value: &str) -> anyhow::Result<T> {
    value.trim().parse().ok().context("that is no number")
}

fn words<const N: usize>(value: &str) -> anyhow::Result<[String; N]> {
    let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
    words.try_into().ok().with_context(|| format!("{N} words are expected"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Progress, parse, progress};

    /// What a healthy node tells.
    pub(crate) const GOOD: &str = "noise\r\nBEGIN\r\nstep=the system to have started\r\nwaited=running\r\n\
        step=the first look at all units\r\nfirst.state=running\r\n\
        service=avahi always avahi-daemon.service\r\nunit=boot avahi avahi-daemon.service loaded active running\r\n\
        service=tinc on-demand tinc@nuvol.service\r\nunit=boot tinc tinc@nuvol.service loaded inactive dead\r\n\
        kernel=6.12.0-amd64\r\nnewest-kernel=6.12.0-amd64\r\nboot-us=16900000\r\nmemory-kib=980000 700000 \r\nagent-rss-kib=9100\r\nlockdown=none\r\n\
        machine-id=0123456789abcdef0123456789abcdef\r\nhostname=nuvol-1a2b3c4d\r\nclaim-code=K7QF-93MX\r\n\
        node-key=aa\r\nsshd=yes\r\nssh-key=SHA256:x (ED25519)\r\n\
        root-kib=4061888 1100000\r\nroot-partition-kib=4194304 4194304\r\nlive=no\r\ndata=/dev/vda5 ext4\r\ndata-kib=5000000 24\r\n\
        kept=/home yes\r\nunused-kib=1031\r\n| a=b for people\r\n\
        second.state=running\r\nunit=started tinc tinc@nuvol.service loaded active running\r\nloaded.state=running\r\n\
        unit=stopped tinc tinc@nuvol.service loaded inactive dead\r\nlast.state=running\r\nEND\r\n";

    #[test]
    fn a_node_tells_about_itself() {
        let verdict = parse(GOOD).unwrap();
        assert_eq!(verdict.waited, "running");
        assert_eq!(verdict.looks.keys().collect::<Vec<_>>(), ["first", "last", "loaded", "second"]);
        assert_eq!((verdict.services.len(), verdict.units.len()), (2, 4));
        assert_eq!(verdict.units[2].phase, "started");
        assert_eq!(verdict.identity.ssh_keys, ["SHA256:x (ED25519)"]);
        assert_eq!(verdict.disk.data_kib, Some((5_000_000, 24)));
        assert_eq!(verdict.disk.kept, [("/home".to_owned(), true)]);
        assert!((verdict.figures.boot_s - 16.9).abs() < 1e-9);
        assert_eq!(verdict.figures.secure_boot, None);
    }

    #[test]
    fn what_went_wrong_is_kept() {
        let text = "BEGIN\nwaited=degraded\nfirst.state=degraded\nfirst.failed=a.service\nfirst.failed=b.mount\n\
            first.restarting=ssh.service\nfirst.restarts=ssh.service 3\nsecure-boot=0\nEND\n";
        let verdict = parse(text).unwrap();
        assert_eq!(verdict.looks["first"].failed, ["a.service", "b.mount"]);
        assert_eq!(verdict.looks["first"].restarts, [("ssh.service".to_owned(), 3)]);
        assert_eq!(verdict.figures.secure_boot, Some(false));
    }

    #[test]
    fn half_a_verdict_is_none() {
        assert!(parse("BEGIN\nwaited=running\n").unwrap_err().to_string().contains("no end"));
        assert!(parse("").unwrap_err().to_string().contains("no beginning"));
        let err = parse("BEGIN\nroot-kib=12\nEND").unwrap_err();
        assert_eq!(format!("{err:#}"), "reading the verdict's line `root-kib=12`: 2 words are expected");
    }

    #[test]
    fn progress_is_the_last_step() {
        assert_eq!(progress("kernel noise"), Progress::Silent);
        assert_eq!(progress("BEGIN\r\nstep=one\r\nstep=two\r\nx"), Progress::Step("two"));
        assert_eq!(progress(GOOD), Progress::Ended);
    }
}
