//! Folders that must not outlive us: removed when dropped, and on Ctrl-C or SIGTERM too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

static LIVING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A folder for half-made things. After kill -9 it stays; whoever owns its parent sweeps it.
#[must_use]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the empty folder `path`; its parents are made too.
    pub fn new(path: PathBuf) -> anyhow::Result<Self> {
        living().insert(path.clone());
        std::fs::create_dir_all(&path).with_context(|| format!("making `{}`", path.display()))?;
        Ok(Self { path })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Turns the folder into the finished thing `to` by one rename. `to` must not be there.
    pub fn finish(self, to: &Path) -> anyhow::Result<()> {
        std::fs::rename(&self.path, to)
            .with_context(|| format!("moving `{}` to `{}`", self.path.display(), to.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.path);
        living().remove(&self.path);
    }
}

/// From here on SIGINT, SIGTERM and SIGHUP remove what is half made and end the program with
/// 128 + the signal's number. Programs that we started die with us (see `sandbox`).
pub fn on_signals() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("watching for signals")?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            for path in std::mem::take(&mut *living()) {
                remove(&path);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn living() -> std::sync::MutexGuard<'static, BTreeSet<PathBuf>> {
    LIVING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn remove(path: &Path) {
    // What cannot be removed now is swept by the next start; nothing better can be done here.
    std::fs::remove_dir_all(path).ok();
}
