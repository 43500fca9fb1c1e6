//! Files whose digest was taken while they were written, so that nobody reads them again for their seal.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::artifact::{Digesting, READ_BYTES};
use super::hex;

/// Device, inode, size and time of the last change: a file of the same is the same.
type Which = (u64, u64, u64, i64, i64);

/// Their digests.
#[derive(Debug, Default)]
pub struct Hashed(Mutex<BTreeMap<Which, String>>);

impl Hashed {
    /// Takes the digest of the file at `path` while somebody writes to it, until `done` says that it is whole.
    pub fn follow(&self, path: &Path, done: &AtomicBool) -> anyhow::Result<()> {
        let what = || format!("reading `{}`", path.display());
        let mut file = File::open(path).with_context(what)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let is_whole = done.load(Ordering::Acquire);
            match file.read(&mut buffer).with_context(what)? {
                0 if is_whole => break,
                0 => std::thread::sleep(Duration::from_millis(1)),
                count => hasher.update(&buffer[..count]),
            }
        }
        self.know(&file.metadata().with_context(what)?, hex(&hasher.finalize()));
        Ok(())
    }

    /// Takes the digest of the file at `path` right behind its writer, who tells in `reach` how far it has come.
    /// A writer that fails needs none.
    pub fn behind(&self, path: &Path, reach: &Reach) -> anyhow::Result<()> {
        let what = || format!("reading `{}`", path.display());
        let mut digesting = Digesting::of(File::open(path).with_context(what)?);
        loop {
            match reach.beyond(digesting.at()) {
                Reached::Byte(at) => digesting.advance(at).with_context(what)?,
                Reached::Failure => return Ok(()),
                Reached::End => break,
            }
        }
        let metadata = digesting.file().metadata().with_context(what)?;
        digesting.advance(metadata.len()).with_context(what)?;
        self.know(&metadata, digesting.end());
        Ok(())
    }

    fn know(&self, metadata: &Metadata, digest: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(which(metadata), digest);
    }

    /// The sha256 of the file that has this `metadata`, if it was taken.
    pub fn of(&self, metadata: &Metadata) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&which(metadata)).cloned()
    }
}

/// How far a file is written for good.
#[derive(Debug)]
pub struct Reach(Mutex<Reached>, Condvar);

/// That.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// All bytes before this one.
    Byte(u64),
    /// It is whole.
    End,
    /// It never will be.
    Failure,
}

impl Default for Reach {
    fn default() -> Self {
        Self(Mutex::new(Reached::Byte(0)), Condvar::new())
    }
}

impl Reach {
    /// All bytes before `at` are written.
    pub fn raise(&self, at: u64) {
        self.set(Reached::Byte(at));
    }

    /// Nothing more comes. What the guard's owner did not end well has failed.
    pub fn guard(&self) -> ReachGuard<'_> {
        ReachGuard(self, Reached::Failure)
    }

    fn set(&self, reached: Reached) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reached;
        self.1.notify_all();
    }

    /// Waits until there is more than byte `at`.
    fn beyond(&self, at: u64) -> Reached {
        let reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |it: &mut Reached| matches!(*it, Reached::Byte(reached) if reached <= at);
        *self.1.wait_while(reached, waits).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells those who wait, however its owner ends.
#[must_use]
pub struct ReachGuard<'a>(&'a Reach, Reached);

impl ReachGuard<'_> {
    /// The file is whole.
    pub fn whole(mut self) {
        self.1 = Reached::End;
    }
}

impl Drop for ReachGuard<'_> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Not the time of the last change of its inode: a rename changes that.
fn which(metadata: &Metadata) -> Which {
    (metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::{Hashed, Reach};
    use crate::store::sha256_file;

    #[test]
    fn a_digest_follows_whoever_writes_from_front_to_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let file = File::create(&path).unwrap();
        file.set_len(3 << 20).unwrap();
        for is_whole in [true, false] {
            let (hashed, reach) = (Hashed::default(), Reach::default());
            std::thread::scope(|scope| {
                let follower = scope.spawn(|| hashed.behind(&path, &reach));
                let guard = reach.guard();
                for at in [0, 900_000, 1_100_000] {
                    file.write_all_at(&[u8::from(is_whole) + 1; 1000], at).unwrap();
                    reach.raise(at + 1000);
                    std::thread::sleep(Duration::from_millis(5));
                }
                if is_whole {
                    guard.whole()
                } else {
                    drop(guard)
                }
                follower.join().unwrap().unwrap();
            });
            let found = hashed.of(&fs::metadata(&path).unwrap());
            assert_eq!(found, is_whole.then(|| sha256_file(&path).unwrap()));
        }
    }

    #[test]
    fn a_file_is_hashed_while_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("a"), dir.path().join("b"));
        let mut file = File::create(&path).unwrap();
        let (hashed, done) = (Hashed::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let follower = scope.spawn(|| hashed.follow(&path, &done));
            for part in ["one", "two"] {
                std::thread::sleep(Duration::from_millis(5));
                file.write_all(part.as_bytes()).unwrap();
            }
            done.store(true, Ordering::Release);
            follower.join().unwrap().unwrap();
        });
        fs::rename(&path, &moved).unwrap();
        assert_eq!(hashed.of(&fs::metadata(&moved).unwrap()), Some(sha256_file(&moved).unwrap()));
        file.write_all(b"more").unwrap();
        assert_eq!(hashed.of(&fs::metadata(&moved).unwrap()), None);
    }
}
