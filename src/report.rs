//! What people see while something runs: one line a stage with its time, bars with ETA on a
//! terminal, plain lines elsewhere, JSON lines for machines. All of it on standard error.

mod meter;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

pub use meter::Meter;
use nuvol_media::{Limit, Phase, Progress};

use crate::store::Found;

/// How progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// For people.
    Plain,
    /// One JSON object a line.
    Json,
}

/// Tells what happens.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    voice: Voice,
    bars: bool,
}

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Steps of any kind.
    Steps,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    Stage {
        stage: &'a str,
        seconds: f64,
        reused: bool,
        detail: &'a str,
    },
    Note {
        text: &'a str,
    },
    Progress {
        phase: &'a str,
        bytes: u64,
        total: u64,
        bytes_per_second: u64,
        eta_seconds: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<Limit>,
    },
}

impl Report {
    /// A report in this voice; bars only where a person watches.
    pub fn new(voice: Voice) -> Self {
        Self { voice, bars: voice == Voice::Plain && std::io::stderr().is_terminal() }
    }

    /// A stage ended.
    pub fn stage(&self, stage: &str, since: Instant, found: Found, detail: &str) {
        let reused = found != Found::Made;
        let seconds = since.elapsed().as_secs_f64();
        match self.voice {
            Voice::Plain => {
                let time = match found {
                    Found::Reused => "reused".to_owned(),
                    Found::Remote => "remote".to_owned(),
                    Found::Made => format!("{seconds:.1} s"),
                };
                eprintln!("{stage:<10} {time:>8}  {detail}");
            }
            Voice::Json => {
                let seconds = (seconds * 1000.0).round() / 1000.0;
                self.event(&Event::Stage { stage, seconds, reused, detail });
            }
        }
    }

    /// Something worth knowing that is no stage.
    pub fn note(&self, text: &str) {
        match self.voice {
            Voice::Plain => eprintln!("{text}"),
            Voice::Json => self.event(&Event::Note { text }),
        }
    }

    /// A bar of `total` units with ETA; nothing is drawn where nobody watches.
    pub fn bar(&self, label: &str, total: u64, unit: Unit) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(total), self.target());
        let counts = match unit {
            Unit::Bytes => "{bytes}/{total_bytes} {bytes_per_sec}",
            Unit::Steps => "{pos}/{len}",
        };
        let template = format!("{{prefix:<10}} {{bar:30}} {counts} ETA {{eta}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_prefix(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        bar
    }

    /// Counts the bytes of a phase that has `total` of them.
    pub fn meter(&self, phase: &'static str, total: u64) -> Meter {
        Meter::new(*self, phase, total)
    }

    fn target(&self) -> ProgressDrawTarget {
        if self.bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
    }

    fn event(&self, event: &Event<'_>) {
        if let Ok(line) = serde_json::to_string(event) {
            eprintln!("{line}");
        }
    }
}

impl Progress for Report {
    fn phase<'p>(&'p self, name: &'static str, total: u64) -> Box<dyn Phase + 'p> {
        Box::new(self.meter(name, total))
    }

    fn note(&self, text: &str) {
        Self::note(self, text);
    }
}
