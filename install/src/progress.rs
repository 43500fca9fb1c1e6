//! How far the work is, on a console: one line that is written anew for a person, a line now and then for a log.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nuvol_media::{Limit, Phase, Progress};

/// A line is written anew no faster than this.
const LEAST: Duration = Duration::from_millis(500);
/// Lines of a log come after this, or after every tenth.
const MOST: Duration = Duration::from_secs(10);

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person at a screen of 80 columns.
    Person,
    /// Whoever looks later.
    Log,
}

/// Tells on `out`.
pub struct Told<'o> {
    out: Mutex<&'o mut (dyn Write + Send)>,
    reader: Reader,
}

impl<'o> Told<'o> {
    /// Tells `reader` on `out`.
    pub fn new(out: &'o mut (dyn Write + Send), reader: Reader) -> Self {
        Self { out: Mutex::new(out), reader }
    }

    fn write(&self, text: &str) {
        let mut out: MutexGuard<'_, _> = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // A console that is gone is no reason to leave a disk half written.
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
    }
}

impl Progress for Told<'_> {
    fn phase<'p>(&'p self, name: &'static str, total: u64) -> Box<dyn Phase + 'p> {
        let counted = Counted { done: 0, told_at: Instant::now(), told_done: 0 };
        Box::new(Counting { told: self, name, total, since: Instant::now(), counted: Mutex::new(counted) })
    }

    fn note(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }
}

struct Counted {
    done: u64,
    told_at: Instant,
    told_done: u64,
}

struct Counting<'t, 'o> {
    told: &'t Told<'o>,
    name: &'static str,
    total: u64,
    since: Instant,
    counted: Mutex<Counted>,
}

impl Counting<'_, '_> {
    /// `write   35 %  0.31 of 0.90 GB, 24 MB/s, 0:25 left`
    fn line(&self, done: u64) -> String {
        let seconds = self.since.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
        let left = if rate > 0.0 { (self.total.saturating_sub(done) as f64 / rate).ceil() as u64 } else { 0 };
        let percent = (done * 100).checked_div(self.total).unwrap_or(100);
        let gb = |bytes: u64| bytes as f64 / 1e9;
        format!(
            "{:<7} {percent:>3} %  {:.2} of {:.2} GB, {:.0} MB/s, {}:{:02} left",
            self.name,
            gb(done),
            gb(self.total),
            rate / 1e6,
            left / 60,
            left % 60
        )
    }
}

impl Phase for Counting<'_, '_> {
    fn add(&self, bytes: u64, _: Option<Limit>) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.done += bytes;
        let waited = counted.told_at.elapsed();
        let enough = match self.told.reader {
            Reader::Person => waited >= LEAST,
            Reader::Log => {
                waited >= MOST || (waited >= LEAST && counted.done - counted.told_done >= self.total / 10)
            }
        };
        if enough && counted.done < self.total {
            (counted.told_at, counted.told_done) = (Instant::now(), counted.done);
            let line = self.line(counted.done);
            self.told.write(&match self.told.reader {
                // To the line's beginning, and what is longer goes (ECMA-48).
                Reader::Person => format!("\r{line}\x1b[K"),
                Reader::Log => format!("{line}\n"),
            });
        }
    }

    fn finish(self: Box<Self>, detail: &str) {
        let done = self.counted.lock().unwrap_or_else(PoisonError::into_inner).done;
        let seconds = self.since.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { done as f64 / seconds / 1e6 } else { 0.0 };
        let line =
            format!("{:<7} {:.2} GB in {seconds:.0} s, {rate:.0} MB/s{detail}", self.name, done as f64 / 1e9);
        self.told.write(&match self.told.reader {
            Reader::Person => format!("\r{line}\x1b[K\n"),
            Reader::Log => format!("{line}\n"),
        });
    }
}

#[cfg(test)]
mod tests {
    use nuvol_media::Progress as _;

    use super::{Reader, Told};

    #[test]
    fn a_phase_ends_with_a_line_that_stays() {
        for (reader, expected) in
            [(Reader::Person, "\rcheck   0.02 GB in 0 s, "), (Reader::Log, "check   0.02 GB in 0 s, ")]
        {
            let mut out = Vec::new();
            let told = Told::new(&mut out, reader);
            let phase = told.phase("check", 20_000_000);
            phase.add(20_000_000, None);
            phase.finish(" of it");
            let text = String::from_utf8(out).unwrap();
            assert!(
                text.starts_with(expected) && text.trim_end_matches("\x1b[K\n").trim_end().ends_with("of it"),
                "{text:?}"
            );
        }
    }
}
