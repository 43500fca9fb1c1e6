//! A guest that runs for people rather than for a test: until it powers off or is told to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context as _;

use super::agent::{self, Health};
use super::console::{self, Announcement, Tail};
use super::machine::Machine;
use super::qemu::Qemu;

/// Lines of the console that a failure shows.
const LAST_LINES: usize = 12;

/// A running guest. It is switched off hard when this value goes.
#[must_use]
pub struct Guest {
    qemu: Qemu,
    console: Tail,
    shown: usize,
    port: u16,
    monitor: Option<PathBuf>,
    announcement: Option<Announcement>,
}

impl Guest {
    /// Starts `machine`, whose console goes to `machine.serials[0]`; `port` leads to its agent.
    pub fn start(machine: &Machine, dir: &Path, port: u16) -> anyhow::Result<Self> {
        let log = machine.serials.first().context("a machine without a console cannot be watched")?;
        let console = Tail::new(log)?;
        let qemu = Qemu::start(machine, dir)?;
        Ok(Self { qemu, console, shown: 0, port, monitor: machine.monitor.clone(), announcement: None })
    }

    /// What the console says that was not returned before.
    pub fn news(&mut self) -> anyhow::Result<String> {
        let lines = self.console.grow()?;
        self.announcement = console::announcement(&lines).or(self.announcement.take());
        let text = self.console.text();
        let news = text.get(self.shown..).unwrap_or_default().to_owned();
        self.shown = text.len();
        Ok(news)
    }

    /// Where the node says it is, once it has said so.
    pub fn announcement(&self) -> Option<&Announcement> {
        self.announcement.as_ref()
    }

    /// What the agent answers, if it is well.
    pub fn health(&self) -> Option<Health> {
        agent::health(self.port).ok()
    }

    /// How the guest ended, if it has.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.qemu.ended()
    }

    /// Presses the power button: the guest shuts down by itself.
    pub fn power_off(&self) -> anyhow::Result<()> {
        let path = self.monitor.as_ref().context("the machine has no monitor")?;
        let monitor = UnixStream::connect(path).context("connecting to QEMU's monitor")?;
        let wait = Some(Duration::from_secs(10));
        monitor.set_read_timeout(wait).context("connecting to QEMU's monitor")?;
        let mut answers = BufReader::new(&monitor).lines();
        // Without waiting for the answers QEMU drops what it has not read yet when we hang up.
        for command in ["qmp_capabilities", "system_powerdown"] {
            (&monitor)
                .write_all(format!("{{\"execute\": \"{command}\"}}\n").as_bytes())
                .context("pressing the power button")?;
            loop {
                let answer = answers.next().context("QEMU hung up")?.context("reading QEMU's answer")?;
                anyhow::ensure!(!answer.starts_with("{\"error\""), "QEMU refused `{command}`: {answer}");
                if answer.starts_with("{\"return\"") {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The end of what the console and QEMU said, for an error.
    pub fn last_words(&self) -> String {
        let lines = console::last_words(&self.console.text(), LAST_LINES);
        format!("{}\n{lines}", self.qemu.complaint()).trim().to_owned()
    }
}
