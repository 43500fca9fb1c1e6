//! Files whose digest was taken while they were written, so that nobody reads them again for their seal.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::artifact::READ_BYTES;
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
        let which = which(&file.metadata().with_context(what)?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(which, hex(&hasher.finalize()));
        Ok(())
    }

    /// The sha256 of the file that has this `metadata`, if it was taken.
    pub fn of(&self, metadata: &Metadata) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&which(metadata)).cloned()
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
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::Hashed;
    use crate::store::sha256_file;

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
