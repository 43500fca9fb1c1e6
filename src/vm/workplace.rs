//! A folder for what guests write, which goes when we go; what a killed run left is swept.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context as _;

use crate::host::{Host, Scratch};

/// On a disk: `/tmp` is in memory on many machines.
const PARENT: &str = "/var/tmp";
const PREFIX: &str = "nuvol-vm-";
const LOCK: &str = "in-use";

/// The folder, and a host whose logs lie in it.
#[must_use]
pub struct Workplace {
    /// Runs programs.
    pub host: Host,
    /// The folder.
    pub scratch: Scratch,
    _lock: File,
}

impl Workplace {
    /// Makes a folder of our own, and removes those whose nuvol was killed.
    pub fn new() -> anyhow::Result<Self> {
        let parent = Path::new(PARENT);
        sweep(parent);
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
        let made = made.with_context(|| format!("making a folder in `{PARENT}`"))?;
        let scratch = Scratch::new(made.keep())?;
        let lock = lock(scratch.path()).context("locking the folder for guests")?;
        Ok(Self { host: Host::new(scratch.path().join("logs"))?, scratch, _lock: lock })
    }
}

/// Marks `dir` as in use for as long as the file is open; the kernel lets go of it however we end.
fn lock(dir: &Path) -> std::io::Result<File> {
    // Locked before it has its name, so that nobody sees it unlocked.
    let (early, name) = (dir.join("in-use.new"), dir.join(LOCK));
    let file = File::create(&early)?;
    file.lock()?;
    fs::rename(early, name)?;
    Ok(file)
}

/// Removes folders that nobody uses. What cannot be removed belongs to others or goes next time.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if ours && File::open(path.join(LOCK)).is_ok_and(|file| file.try_lock().is_ok()) {
            fs::remove_dir_all(&path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{lock, sweep};

    #[test]
    fn only_what_nobody_uses_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let (used, left, new, other) =
            (make("nuvol-vm-used"), make("nuvol-vm-left"), make("nuvol-vm-new"), make("other"));
        let _held = lock(&used).unwrap();
        drop(lock(&left).unwrap());
        drop(lock(&other).unwrap());
        sweep(dir.path());
        assert_eq!([used, left, new, other].map(|path| path.exists()), [true, false, true, true]);
    }
}
