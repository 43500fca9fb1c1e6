//! One boot from power-on to power-off, with a deadline for every step.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::agent::{self, Health};
use super::console::{self, Announcement, Tail};
use super::machine::Machine;
use super::qemu::Qemu;
use super::verdict::{self, Progress};

/// Lines of the console that a failure shows.
const LAST_LINES: usize = 12;
/// A script may install packages; under emulation that is slow.
const SCRIPT_FACTOR: u32 = 6;
const TICK: Duration = Duration::from_millis(100);
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(700);

/// Where the files of a boot lie in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// What the first serial port said.
    pub console: PathBuf,
    /// What the second one said.
    pub verdict: PathBuf,
}

impl Files {
    /// The files of a boot in `dir`.
    pub fn in_folder(dir: &Path) -> Self {
        Self { console: dir.join("console.log"), verdict: dir.join("verdict.log") }
    }
}

/// What was seen of a boot from outside.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The node's own line on the console.
    pub announcement: Option<Announcement>,
    /// The agent's answer, and the seconds after power-on when it first came.
    pub health: Option<(Health, f64)>,
    /// What the script inside told.
    pub verdict: String,
    /// Seconds from power-on to the end.
    pub wall_s: f64,
    /// Why the boot did not come to its end; `None` if it did.
    pub fault: Option<String>,
}

/// A boot that is going on.
struct Watch<'a> {
    qemu: Qemu,
    console: Tail,
    verdict: Tail,
    port: u16,
    limit: Duration,
    on_step: &'a mut dyn FnMut(&str),
    start: Instant,
    step: String,
    step_start: Instant,
    asked: Instant,
    last_answer: String,
    seen: Seen,
}

/// Boots `machine`, whose serial ports are `Files::in_folder(dir)`, and watches it until it has
/// told its verdict and powered itself off, or until a step takes longer than `limit`.
/// `port` leads to the agent.
pub fn watch(
    machine: &Machine,
    dir: &Path,
    port: u16,
    limit: Duration,
    on_step: &mut dyn FnMut(&str),
) -> anyhow::Result<Seen> {
    let files = Files::in_folder(dir);
    let (console, verdict) = (Tail::new(&files.console)?, Tail::new(&files.verdict)?);
    let now = Instant::now();
    let mut watch = Watch {
        qemu: Qemu::start(machine, dir)?,
        console,
        verdict,
        port,
        limit,
        on_step,
        start: now,
        step: String::new(),
        step_start: now,
        asked: now,
        last_answer: "it was not asked".to_owned(),
        seen: Seen::default(),
    };
    while !watch.tick()? {
        std::thread::sleep(TICK);
    }
    Ok(watch.finish())
}

impl Watch<'_> {
    /// Looks at everything once; true when the boot is over.
    fn tick(&mut self) -> anyhow::Result<bool> {
        // Asked first: what was written before the end is then seen below.
        let ended = self.qemu.ended()?;
        let news = self.console.grow()?;
        self.verdict.grow()?;
        self.seen.announcement = console::announcement(&news).or(self.seen.announcement.take());
        let told = self.verdict.text();
        let told_all = self.advance(&told);
        if let Some(trouble) = console::trouble(&news) {
            return Ok(self.fail(trouble.to_owned()));
        }
        if let Some(status) = ended {
            let complaint = self.qemu.complaint();
            return Ok(match (told_all, status.success()) {
                (true, true) => true,
                (false, true) => self.fail("the machine reset or powered off".to_owned()),
                (_, false) => self.fail(format!("QEMU ended with {status}: {complaint}")),
            });
        }
        self.ask_agent();
        if self.step_start.elapsed() > self.patience() {
            return Ok(self.fail(format!("this took longer than {} s", self.patience().as_secs())));
        }
        Ok(false)
    }

    /// Notes the step that the guest is at; true when it has told everything.
    fn advance(&mut self, told: &str) -> bool {
        let progress = verdict::progress(told);
        let step = match progress {
            Progress::Step(step) => step,
            Progress::Ended => "the machine to power off",
            Progress::Silent if self.console.text().is_empty() => "the first words on the console",
            Progress::Silent => "the system to start the verdict unit",
        };
        if step != self.step {
            step.clone_into(&mut self.step);
            self.step_start = Instant::now();
            (self.on_step)(step);
        }
        progress == Progress::Ended
    }

    fn patience(&self) -> Duration {
        if self.step == "the script" { self.limit * SCRIPT_FACTOR } else { self.limit }
    }

    fn ask_agent(&mut self) {
        let silent = verdict::progress(&self.verdict.text()) == Progress::Silent;
        if self.seen.health.is_some() || silent || self.asked.elapsed() < BETWEEN_QUESTIONS {
            return;
        }
        match agent::health(self.port) {
            Ok(health) => self.seen.health = Some((health, self.start.elapsed().as_secs_f64())),
            Err(err) => self.last_answer = format!("{err:#}"),
        }
        self.asked = Instant::now();
    }

    fn fail(&mut self, why: String) -> bool {
        let lines = console::last_words(&self.console.text(), LAST_LINES);
        self.seen.fault =
            Some(format!("{why}, while waiting for {}; last on the console:\n{lines}", self.step));
        true
    }

    fn finish(self) -> Seen {
        let mut seen = self.seen;
        seen.verdict = self.verdict.text();
        seen.wall_s = self.start.elapsed().as_secs_f64();
        if seen.fault.is_none() && seen.health.is_none() {
            seen.fault = Some(format!("the agent never became healthy: {}", self.last_answer));
        }
        seen
    }
}
