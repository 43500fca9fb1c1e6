//! What the disk may not have yet. Waiting for the disk after each stage would take longer than some
//! stages; instead, a note says what was made since the machine started and was not synced. After a crash
//! of the machine the note's boot is not the present one, and what it names is not trusted but made again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

/// Notes of things that were made, one file each.
pub struct Pending {
    folder: PathBuf,
    boot: String,
}

impl Pending {
    /// The notes in `folder`.
    pub fn open(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("making `{}`", folder.display()))?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("reading the boot's id")?;
        Ok(Self { folder, boot })
    }

    /// Notes that `name` was made and may not be on the disk. Must be called before `name` appears.
    pub fn add(&self, name: &str) -> anyhow::Result<()> {
        let mut file = File::create(self.folder.join(name)).context("noting what was made")?;
        file.write_all(self.boot.as_bytes()).context("noting what was made")
    }

    /// Whether `name` was made in an earlier life of the machine and never synced.
    pub fn is_doubtful(&self, name: &str) -> bool {
        fs::read_to_string(self.folder.join(name)).is_ok_and(|boot| boot != self.boot)
    }

    /// Forgets `name`.
    pub fn remove(&self, name: &str) -> anyhow::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(err) if err.kind() != ErrorKind::NotFound => Err(err).context("removing a note"),
            _ => Ok(()),
        }
    }

    /// Names of all that is doubtful.
    pub fn doubtful(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.names()?.into_iter().filter(|name| self.is_doubtful(name)).collect())
    }

    /// Syncs the file system of `root` if there are notes of at least this age, and removes them: then all
    /// that they name is on the disk. Older ones take no time, because the kernel has written most by itself.
    pub fn settle(&self, root: &Path, age: Duration) -> anyhow::Result<()> {
        let is_old = |name: &String| {
            let made = fs::metadata(self.folder.join(name)).and_then(|it| it.modified());
            made.is_ok_and(|it| it.elapsed().is_ok_and(|it| it >= age))
        };
        let names: Vec<String> =
            self.names()?.into_iter().filter(|name| !self.is_doubtful(name) && is_old(name)).collect();
        if !names.is_empty() {
            let folder = File::open(root).context("opening the shelf")?;
            rustix::fs::syncfs(&folder).context("writing the shelf to disk")?;
            names.iter().try_for_each(|name| self.remove(name))?;
        }
        Ok(())
    }

    fn names(&self) -> anyhow::Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder).context("reading the notes")?;
        entries
            .map(|entry| Ok(entry.context("reading the notes")?.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::Pending;

    #[test]
    fn what_was_made_before_the_machine_crashed_is_doubtful() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Pending::open(dir.path().join("notes")).unwrap();
        notes.add("disk-1").unwrap();
        assert!(!notes.is_doubtful("disk-1"));
        fs::write(dir.path().join("notes/disk-0"), "another boot").unwrap();
        assert_eq!(notes.doubtful().unwrap(), ["disk-0"]);
        notes.settle(dir.path(), Duration::from_secs(60)).unwrap();
        assert!(dir.path().join("notes/disk-1").exists());
        notes.settle(dir.path(), Duration::ZERO).unwrap();
        assert!(!dir.path().join("notes/disk-1").exists());
        assert_eq!(notes.doubtful().unwrap(), ["disk-0"]);
        notes.remove("disk-0").unwrap();
        assert!(!notes.is_doubtful("disk-0") && !notes.is_doubtful("never"));
    }
}
