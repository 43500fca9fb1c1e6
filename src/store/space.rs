//! Room on the shelf: what lies there, and taking off what was not used for the longest time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

use super::Store;

/// A finished thing on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Stage and key.
    pub name: String,
    /// Space that it takes, in bytes.
    pub bytes: u64,
}

/// What was taken off the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Freed {
    /// Entries and packages.
    pub things: u64,
    /// Space that they took, in bytes.
    pub bytes: u64,
    /// Space that the rest takes, in bytes.
    pub left: u64,
}

/// A thing that may go.
struct Thing {
    used: SystemTime,
    path: PathBuf,
    bytes: u64,
}

impl Store {
    /// Every finished entry, the one that was not used for the longest time first.
    pub fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let name = |path: &Path| path.file_name().map(|it| it.to_string_lossy().into_owned());
        let things = self.things("entries")?.into_iter();
        Ok(things.filter_map(|it| Some(Entry { name: name(&it.path)?, bytes: it.bytes })).collect())
    }

    /// Takes entries and packages off the shelf, the longest unused first, until the rest takes at most
    /// `keep` bytes. Fails if a build uses the shelf.
    pub fn collect(&self, keep: u64) -> anyhow::Result<Freed> {
        self.in_use.try_lock().map_err(|_| anyhow::anyhow!("a build is using the shelf; try again later"))?;
        let mut things = self.things("entries")?;
        things.extend(self.things("packages")?);
        things.extend(self.things("logs")?);
        things.sort_by_key(|it| it.used);
        let mut freed = Freed { things: 0, bytes: 0, left: things.iter().map(|it| it.bytes).sum() };
        for thing in things {
            if freed.left <= keep {
                break;
            }
            let what = || format!("removing `{}`", thing.path.display());
            if thing.path.is_dir() {
                fs::remove_dir_all(&thing.path).with_context(what)?;
            } else {
                fs::remove_file(&thing.path).with_context(what)?;
            }
            freed.things += 1;
            freed.bytes += thing.bytes;
            freed.left -= thing.bytes;
        }
        self.in_use.lock_shared().context("going back to sharing the shelf")?;
        Ok(freed)
    }

    /// Notes that the file `path` is of use. Not worth a failure: it only decides what goes first.
    pub(super) fn touch(&self, path: &Path) {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let times = Timestamps { last_access: now, last_modification: now };
        if utimensat(CWD, path, &times, AtFlags::empty()).is_err() {
            File::create(path).ok();
        }
    }

    fn things(&self, folder: &str) -> anyhow::Result<Vec<Thing>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.path().join(folder)).with_context(|| format!("reading `{folder}`"))? {
            let entry = entry.context("reading the shelf")?;
            let path = entry.path();
            // An entry is read, not written, when it is used; its lock keeps the time.
            let lock = self.path().join("locks").join(entry.file_name());
            let metadata = fs::metadata(&lock).or_else(|_| entry.metadata()).context("reading the shelf")?;
            let used = metadata.modified().context("reading the shelf")?;
            found.push(Thing { used, bytes: allocated(&path)?, path });
        }
        found.sort_by_key(|it| it.used);
        Ok(found)
    }
}

/// Space that a file or folder takes, in bytes; holes take none.
fn allocated(path: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::symlink_metadata(path).with_context(|| format!("reading `{}`", path.display()))?;
    let mut bytes = metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("reading `{}`", path.display()))? {
            bytes += allocated(&entry.context("reading the shelf")?.path())?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::super::{Found, Key};
    use super::Store;

    fn fill(store: &Store, name: &str, age: u64) -> String {
        let make = |dir: &Path| {
            fs::write(dir.join("x"), vec![1; 1 << 20])?;
            Ok(Found::Made)
        };
        let key = Key::of(name, name.as_bytes());
        let path = store.get_or_make(&key, name.as_bytes(), false, make).unwrap().path;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let lock = fs::File::open(store.path().join("locks").join(&name)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "an age is measured from now")]
        lock.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        name
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (old, new) = (fill(&store, "old", 100), fill(&store, "new", 200));
        // Using it makes it young again.
        store.get_or_make(&Key::of("new", b"new"), b"new", false, |_| Ok(Found::Made)).unwrap();
        let freed = store.collect(3 << 19).unwrap();
        assert_eq!(freed.things, 1);
        let names: Vec<String> = store.entries().unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names, [new]);
        assert!(!names.contains(&old));
    }

    #[test]
    fn a_shelf_in_use_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Store::open(dir.path()).unwrap(), Store::open(dir.path()).unwrap());
        assert!(one.collect(0).unwrap_err().to_string().contains("is using the shelf"));
        drop(other);
        one.collect(0).unwrap();
    }
}
