//! Trials: an image booted in one way, looked at from inside and outside, and judged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::agent::{self, Health};
use super::artefact::{Artefact, Way};
use super::console::Announcement;
use super::credentials::{self, Scope, Task};
use super::firmware::{self, Firmware, UefiFiles};
use super::judge;
use super::machine::{Drive, Forward, Machine, Medium, verdict_port};
use super::qemu;
use super::session::{self, Files, Seen};
use super::verdict::{self, Identity, Verdict};
use crate::host::{EnvironmentLacks, Host};
use crate::spec::Architecture;

/// The check that a first boot of an image is for.
pub const FIRST: &str = "boot";

/// How trials are made; the same for all of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Folder for what the guests write; what is in it may go afterwards.
    pub scratch: PathBuf,
    /// The machine that the images are for.
    pub architecture: Architecture,
    /// Where packages keep UEFI firmware.
    pub share: PathBuf,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Size that smaller disks are grown to.
    pub disk_bytes: u64,
    /// The longest that a step may take.
    pub limit: Duration,
    /// A script to run in the guest on the first boot.
    pub script: Option<String>,
    /// Further disks to plug in.
    pub attached: Vec<PathBuf>,
    /// The same disk is booted again with each of these.
    pub reboots: Vec<Firmware>,
}

/// What came of one boot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// The image's file name.
    pub image: String,
    /// What started the machine.
    pub firmware: Firmware,
    /// How the image was plugged in.
    pub medium: Medium,
    /// What this boot is for: `boot`, `reboot-1`, `clone`, `unsigned-grub`.
    pub check: String,
    /// Seconds from power-on to power-off.
    pub wall_s: f64,
    /// Seconds from power-on until the agent was healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_s: Option<f64>,
    /// What the agent said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// What the node printed on its console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcement: Option<Announcement>,
    /// What the guest told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// All that was not as it must be.
    pub faults: Vec<String>,
    /// Where the logs of a failure were put.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<PathBuf>,
}

impl Trial {
    /// Whether all was well.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }

    /// A boot of which nothing is known yet.
    pub fn new(artefact: &Artefact, way: Way, check: &str) -> Self {
        Self {
            image: artefact.name(),
            firmware: way.firmware,
            medium: way.medium,
            check: check.to_owned(),
            wall_s: 0.0,
            agent_s: None,
            health: None,
            announcement: None,
            verdict: None,
            faults: Vec::new(),
            logs: None,
        }
    }

    /// One word for file names: `home.raw-secure-boot-disk-boot`.
    pub fn label(&self) -> String {
        format!("{}-{}-{}-{}", self.image, self.firmware, self.medium, self.check)
    }
}

/// Who watches the trials.
pub trait Audience {
    /// The boot `label` waits for `step`.
    fn step(&mut self, label: &str, step: &str);
    /// A boot is over; its files lie in `dir` for the last time. What is returned is kept in the trial.
    fn over(&mut self, trial: &Trial, dir: &Path) -> anyhow::Result<Option<PathBuf>>;
}

/// Boots `artefact` in one `way` to `check` it, and its disk again as often as `conditions` ask for.
pub fn run(
    host: &Host,
    conditions: &Conditions,
    artefact: &Artefact,
    (way, check): (Way, &str),
    audience: &mut dyn Audience,
) -> anyhow::Result<Vec<Trial>> {
    let dir = folder(conditions)?;
    let mut trials: Vec<Trial> = Vec::new();
    let again = conditions.reboots.iter().zip(1..);
    let again = again.map(|(&firmware, number)| (Way { firmware, ..way }, format!("{check}-again-{number}")));
    for (way, check) in std::iter::once((way, check.to_owned())).chain(again) {
        let earlier = trials.last().and_then(|it| it.verdict.as_ref()).map(|it| it.identity.clone());
        let trial = Trial::new(artefact, way, &check);
        let trial = one(host, conditions, artefact, dir.path(), (trial, earlier), audience)?;
        let passed = trial.passed();
        trials.push(trial);
        // A disk that did not boot well tells nothing when booted again.
        if !passed {
            break;
        }
    }
    Ok(trials)
}

/// A folder for the files of one disk's boots.
pub(super) fn folder(conditions: &Conditions) -> anyhow::Result<tempfile::TempDir> {
    let scratch = &conditions.scratch;
    tempfile::Builder::new()
        .prefix("boot-")
        .tempdir_in(scratch)
        .with_context(|| format!("making a folder in `{}`", scratch.display()))
}

fn one(
    host: &Host,
    conditions: &Conditions,
    artefact: &Artefact,
    dir: &Path,
    (mut trial, earlier): (Trial, Option<Identity>),
    audience: &mut dyn Audience,
) -> anyhow::Result<Trial> {
    let label = trial.label();
    let task = Task {
        // The guest gives up a little before we do, so that it can still say why.
        step_s: conditions.limit.as_secs() * 9 / 10,
        script: conditions.script.clone().filter(|_| earlier.is_none()),
        // The services of an image are the same on its further boots.
        port: verdict_port(conditions.architecture),
        scope: if trial.check == FIRST { Scope::Whole } else { Scope::Booted },
    };
    let port = agent::free_port()?;
    let drive = artefact.drive(host, trial.medium, &dir.join("disk.qcow2"), conditions.disk_bytes)?;
    let mut machine = machine(conditions, trial.firmware, drive, dir)?;
    machine.forwards = vec![Forward { host: port, guest: 80 }];
    machine.smbios = credentials::write(dir, &task)?;
    let seen =
        session::watch(&machine, dir, port, conditions.limit, &mut |step| audience.step(&label, step))?;
    judge(&mut trial, seen, earlier.as_ref());
    trial.logs = audience.over(&trial, dir)?;
    Ok(trial)
}

/// A machine that boots from `drive` and has its files in `dir`.
pub fn machine(
    conditions: &Conditions,
    firmware: Firmware,
    drive: Drive,
    dir: &Path,
) -> anyhow::Result<Machine> {
    let files = Files::in_folder(dir);
    Ok(Machine {
        architecture: conditions.architecture,
        accelerator: qemu::accelerator(conditions.architecture),
        firmware,
        uefi: own_uefi(conditions, firmware, dir)?,
        memory_mib: conditions.memory_mib,
        boot: drive,
        attached: conditions.attached.clone(),
        forwards: Vec::new(),
        serials: vec![files.console, files.verdict],
        smbios: Vec::new(),
        monitor: None,
    })
}

/// The firmware with settings of its own, which stay from boot to boot as on a real machine.
fn own_uefi(conditions: &Conditions, firmware: Firmware, dir: &Path) -> anyhow::Result<Option<UefiFiles>> {
    let found =
        firmware::files(&conditions.share, conditions.architecture, firmware).context(EnvironmentLacks)?;
    let Some(files) = found else { return Ok(None) };
    let vars = dir.join(format!("{firmware}-vars.fd"));
    if !vars.exists() {
        std::fs::copy(&files.vars, &vars).with_context(|| format!("copying `{}`", files.vars.display()))?;
    }
    Ok(Some(UefiFiles { vars, ..files }))
}

fn judge(trial: &mut Trial, seen: Seen, earlier: Option<&Identity>) {
    trial.wall_s = seen.wall_s;
    trial.faults.extend(seen.fault);
    if let Some((health, after_s)) = seen.health {
        (trial.health, trial.agent_s) = (Some(health), Some(after_s));
    }
    trial.announcement = seen.announcement;
    match verdict::parse(&seen.verdict) {
        Ok(verdict) => {
            let context = judge::Context {
                firmware: trial.firmware,
                announcement: trial.announcement.as_ref(),
                health: trial.health.as_ref(),
                earlier,
            };
            trial.faults.extend(judge::faults(&verdict, &context));
            trial.verdict = Some(verdict);
        }
        // A boot that was lost has said so already.
        Err(err) if trial.faults.is_empty() => trial.faults.push(format!("{err:#}")),
        Err(_) => {}
    }
}
