//! `nuvol test`: boots images in every way that they must support, and judges them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Common, doctor};
use crate::host::{EnvironmentLacks, Host, on_signals};
use crate::spec::{Architecture, ByteSize};
use crate::vm::artefact::{Artefact, Way};
use crate::vm::firmware::{self, Firmware};
use crate::vm::machine::Medium;
use crate::vm::session::Files;
use crate::vm::trial::{self, Audience, Conditions, Trial};
use crate::vm::workplace::Workplace;
use crate::vm::{self, clones, negative, report};

/// Boot images in QEMU and check that they are well
///
/// The images are not altered. Each is booted with every firmware that it must support; a script that comes in
/// with the machine's firmware looks at the system, its services and its identity from inside, and the
/// agent is asked for its page from outside. Exit code 1 if anything is not as it must be.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Images to test: raw, qcow2, vmdk, vdi, vhdx or iso
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// The images' architecture [default: what a file's name says]
    #[arg(long, value_name = "NAME")]
    arch: Option<Architecture>,
    /// Boot with this firmware only; may be given several times
    #[arg(long, value_name = "FIRMWARE")]
    firmware: Vec<Firmware>,
    /// Plug an ISO in as a CD, whatever the firmware
    #[arg(long)]
    cdrom: bool,
    /// Memory of the machine
    #[arg(long, value_name = "SIZE", default_value = "1024M")]
    memory: ByteSize,
    /// Size that a smaller disk is grown to
    #[arg(long, value_name = "SIZE", default_value = "8G")]
    disk_size: ByteSize,
    /// The longest that a step may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 240)]
    timeout: u64,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Keep the console and verdict of failed boots in this folder
    #[arg(long, value_name = "DIR", default_value = "nuvol-test-logs")]
    logs: PathBuf,
    /// Keep the logs of boots that passed too
    #[arg(long)]
    all_logs: bool,
    /// Boot a second copy of each image too, and fail if the two share an identity
    #[arg(long)]
    clones: bool,
    /// Run this script as root in the guest before it is looked at
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Boot the same disk again with this firmware; may be given several times
    #[arg(long, value_name = "FIRMWARE")]
    reboot: Vec<Firmware>,
    /// Plug in this file as a further disk, for reading only
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
    /// Check too that Secure Boot refuses an unsigned GRUB on each disk
    #[arg(long, hide = true)]
    unsigned_grub: bool,
}

/// Boots, judges and reports; 1 if any boot failed.
pub fn run(common: &Common, args: &Test) -> anyhow::Result<u8> {
    on_signals()?;
    let open = |path: &PathBuf| Artefact::open(path).map(|it| it.on(args.arch));
    let artefacts = args.images.iter().map(open).collect::<anyhow::Result<Vec<Artefact>>>()?;
    for architecture in artefacts.iter().map(|it| it.architecture).collect::<BTreeSet<_>>() {
        let all = Firmware::of(architecture);
        let named = || args.firmware.iter().chain(&args.reboot).copied().collect();
        require(architecture, &if args.firmware.is_empty() { all } else { named() })?;
    }
    let Workplace { host, scratch, .. } = &Workplace::new()?;
    let conditions = conditions(args, scratch.path())?;
    let mut audience = Screen::new(args);
    let mut trials = Vec::new();
    // What was found out before a trial could not even be made is still worth a report.
    let all_made = artefacts
        .iter()
        .try_for_each(|artefact| trials_of(args, host, &conditions, artefact, &mut audience, &mut trials));
    audience.bar.finish_and_clear();
    if let Some(path) = &args.junit {
        std::fs::write(path, report::junit(&trials)?)
            .with_context(|| format!("writing `{}`", path.display()))?;
    }
    if common.json {
        println!("{}", serde_json::to_string_pretty(&trials).context("writing the results")?);
    } else {
        print!("{}", report::table(&trials));
    }
    all_made?;
    Ok(u8::from(!trials.iter().all(Trial::passed)))
}

/// Refuses to begin if this machine lacks what booting with each of `firmware` needs.
pub(super) fn require(architecture: Architecture, firmware: &[Firmware]) -> anyhow::Result<()> {
    let needs = vm::missing_for(architecture, firmware);
    if needs.is_empty() {
        return Ok(());
    }
    eprint!("{}", doctor::text(&needs));
    Err(EnvironmentLacks.into())
}

fn conditions(args: &Test, scratch: &Path) -> anyhow::Result<Conditions> {
    let script = args.script.as_ref().map(|path| {
        std::fs::read_to_string(path).with_context(|| format!("reading the script `{}`", path.display()))
    });
    let attached = args
        .attach
        .iter()
        .map(|path| path.canonicalize().with_context(|| format!("opening `{}`", path.display())));
    Ok(Conditions {
        scratch: scratch.to_owned(),
        share: PathBuf::from(firmware::FOLDER),
        architecture: Architecture::default(),
        memory_mib: args.memory.bytes() >> 20,
        disk_bytes: args.disk_size.bytes(),
        limit: Duration::from_secs(args.timeout),
        script: script.transpose()?,
        attached: attached.collect::<anyhow::Result<Vec<PathBuf>>>()?,
        reboots: args.reboot.clone(),
    })
}

fn trials_of(
    args: &Test,
    host: &Host,
    conditions: &Conditions,
    artefact: &Artefact,
    audience: &mut Screen,
    trials: &mut Vec<Trial>,
) -> anyhow::Result<()> {
    let ways = ways(args, artefact);
    let conditions = &Conditions { architecture: artefact.architecture, ..conditions.clone() };
    let first = trials.len();
    for &way in &ways {
        trials.extend(trial::run(host, conditions, artefact, (way, trial::FIRST), audience)?);
    }
    if let (true, Some(&way)) = (args.clones, ways.first()) {
        let alone = Conditions { reboots: Vec::new(), ..conditions.clone() };
        for mut clone in trial::run(host, &alone, artefact, (way, "clone"), audience)? {
            compare(trials.get(first), &mut clone);
            trials.push(clone);
        }
    }
    if args.unsigned_grub {
        trials.push(negative::unsigned_grub(host, conditions, artefact, audience)?);
    }
    Ok(())
}

fn ways(args: &Test, artefact: &Artefact) -> Vec<Way> {
    let mut ways = match args.firmware.as_slice() {
        [] => artefact.ways(),
        some => some.iter().map(|&firmware| artefact.way(firmware)).collect(),
    };
    for way in ways.iter_mut().filter(|way| args.cdrom && way.medium == Medium::Usb) {
        way.medium = Medium::Cd;
    }
    ways
}

fn compare(original: Option<&Trial>, clone: &mut Trial) {
    let identity = |trial: &Trial| trial.verdict.as_ref().map(|it| it.identity.clone());
    match original.and_then(identity).zip(identity(clone)) {
        Some((one, other)) => clone.faults.extend(clones::shared(&one, &other)),
        None => clone.faults.push("the clones cannot be compared: one of them told no identity".to_owned()),
    }
}

/// Shows on the terminal what is waited for, and keeps logs.
struct Screen {
    bar: ProgressBar,
    logs: PathBuf,
    all_logs: bool,
}

impl Screen {
    fn new(args: &Test) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: waiting for {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Self { bar, logs: args.logs.clone(), all_logs: args.all_logs }
    }
}

impl Audience for Screen {
    fn step(&mut self, label: &str, step: &str) {
        self.bar.set_prefix(label.to_owned());
        self.bar.set_message(step.to_owned());
        self.bar.reset_elapsed();
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn over(&mut self, trial: &Trial, dir: &Path) -> anyhow::Result<Option<PathBuf>> {
        let word = if trial.passed() { "passed" } else { "FAILED" };
        let line = format!("{} {word} after {:.0} s", trial.label(), trial.wall_s);
        self.bar.suspend(|| eprintln!("{line}"));
        if trial.passed() && !self.all_logs {
            return Ok(None);
        }
        let kept = self.logs.join(trial.label());
        std::fs::create_dir_all(&kept).with_context(|| format!("making `{}`", kept.display()))?;
        let Files { console, verdict } = Files::in_folder(dir);
        for file in [console, verdict, dir.join("qemu.log")] {
            if let Some(name) = file.file_name().filter(|_| file.exists()) {
                std::fs::copy(&file, kept.join(name))
                    .with_context(|| format!("keeping `{}`", file.display()))?;
            }
        }
        Ok(Some(kept))
    }
}
