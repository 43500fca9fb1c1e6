//! Progress in bytes: a bar where a person watches, lines elsewhere, events for machines; with speed, time left and
//! what holds the work up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nuvol_media::{Limit, Phase};

use super::{Event, Report, Voice};

/// Lines come no faster than this.
const LEAST: Duration = Duration::from_secs(1);
/// A line comes after this, even if little was done.
const MOST: Duration = Duration::from_secs(5);

/// Counts bytes of one phase and tells of them.
pub struct Meter {
    report: Report,
    phase: &'static str,
    total: u64,
    done: AtomicU64,
    since: Instant,
    /// When was told last, and at how many bytes.
    told: Mutex<(Instant, u64)>,
    bar: ProgressBar,
}

impl Meter {
    pub(super) fn new(report: Report, phase: &'static str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), report.target());
        let template =
            "{prefix:<10} {bar:30} {percent:>3} %  {bytes}/{total_bytes}  {bytes_per_sec}  ETA {eta}  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(phase);
        bar.enable_steady_tick(Duration::from_millis(250));
        let since = Instant::now();
        Self { report, phase, total, done: AtomicU64::new(0), since, told: Mutex::new((since, 0)), bar }
    }

    fn tell(&self, bytes: u64, limit: Option<Limit>) {
        let (total, seconds) = (self.total, self.since.elapsed().as_secs_f64());
        let rate = if seconds > 0.0 { bytes as f64 / seconds } else { 0.0 };
        let left = if rate > 0.0 { total.saturating_sub(bytes) as f64 / rate } else { 0.0 };
        match self.report.voice {
            Voice::Plain => {
                let percent = (bytes * 100).checked_div(total).unwrap_or(100);
                let (minutes, seconds) = (left.ceil() as u64 / 60, left.ceil() as u64 % 60);
                let limit = limit.map(|it| format!("  ({})", it.words())).unwrap_or_default();
                let (phase, done, total, rate) = (self.phase, gb(bytes), gb(total), rate / 1e6);
                eprintln!(
                    "{phase:<10} {percent:>3} %  {done}/{total} GB  {rate:.0} MB/s  ETA {minutes}:{seconds:02}{limit}"
                );
            }
            Voice::Json => {
                let (bytes_per_second, eta_seconds) = (rate as u64, left.ceil() as u64);
                let phase = self.phase;
                self.report.event(&Event::Progress {
                    phase,
                    bytes,
                    total,
                    bytes_per_second,
                    eta_seconds,
                    limit,
                });
            }
        }
    }
}

impl Phase for Meter {
    fn add(&self, bytes: u64, limit: Option<Limit>) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bar.set_position(done);
        if let Some(limit) = limit {
            self.bar.set_message(limit.words());
        }
        if self.report.bars {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (waited, more) = (told.0.elapsed(), done.saturating_sub(told.1));
        let enough = waited >= MOST || (waited >= LEAST && more >= self.total / 10);
        if enough && done < self.total {
            *told = (Instant::now(), done);
            self.tell(done, limit);
        }
    }

    fn finish(self: Box<Self>, detail: &str) {
        self.bar.finish_and_clear();
        let done = self.done.load(Ordering::Relaxed);
        let seconds = self.since.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { done as f64 / seconds / 1e6 } else { 0.0 };
        let detail = format!("{} GB, {rate:.0} MB/s{detail}", gb(done));
        self.report.stage(self.phase, self.since, crate::store::Found::Made, &detail);
    }
}

fn gb(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e9)
}
