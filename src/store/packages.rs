//! Packages on the shelf, each under the hash of its bytes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::{Store, hex, sha256_file, side_by_side};

impl Store {
    /// The folder of packages.
    pub fn packages(&self) -> PathBuf {
        self.root.join("packages")
    }

    /// The file whose bytes have this sha256, if it is on the shelf.
    pub fn package(&self, sha256: &str) -> Option<PathBuf> {
        let path = self.packages().join(format!("{sha256}.deb"));
        path.is_file().then(|| {
            self.touch(&path);
            path
        })
    }

    /// The same, once its bytes were compared with their digest; that is done once in the life of this store.
    pub fn whole_package(&self, sha256: &str) -> anyhow::Result<PathBuf> {
        let path = self.package(sha256).context("the package is not on the shelf")?;
        if !self.whole().contains(sha256) {
            let found = sha256_file(&path)?;
            anyhow::ensure!(
                found == sha256,
                "`{}` is damaged: its sha256 is {found}, expected {sha256}",
                path.display()
            );
            self.whole().insert(sha256.to_owned());
        }
        Ok(path)
    }

    fn whole(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the shelf has the package in its full size. Its bytes are checked when it is unpacked.
    pub fn has_package(&self, sha256: &str, size: u64) -> bool {
        self.package(sha256).is_some_and(|path| fs::metadata(path).is_ok_and(|it| it.len() == size))
    }

    /// Puts what `reader` gives on the shelf, if and only if its sha256 is `sha256`.
    /// `on_bytes` hears how many bytes have come since it was last called.
    pub fn keep_package(
        &self,
        sha256: &str,
        mut reader: impl Read,
        on_bytes: &dyn Fn(u64),
    ) -> anyhow::Result<PathBuf> {
        let mut file = tempfile::NamedTempFile::new_in(self.root.join("work")).context("making a file")?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 128 << 10];
        loop {
            let count = reader.read(&mut buffer).context("receiving")?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count]).context("writing to the shelf")?;
            on_bytes(count as u64);
        }
        let found = hex(&hasher.finalize());
        anyhow::ensure!(found == sha256, "its sha256 is {found}, but the archive's index says {sha256}");
        let path = self.packages().join(format!("{sha256}.deb"));
        self.pending.add(&format!("{sha256}.deb"))?;
        file.persist(&path).context("moving a package to the shelf")?;
        Ok(path)
    }

    /// Reads those of the packages `digests` that are on the shelf, removes every one whose bytes are others, and
    /// returns their digests.
    pub fn drop_damaged(&self, digests: &BTreeSet<&str>) -> anyhow::Result<Vec<String>> {
        let here: Vec<(&str, PathBuf)> =
            digests.iter().filter_map(|it| Some((*it, self.package(it)?))).collect();
        let damaged = side_by_side(&here, |(digest, path)| {
            // One that cannot be read is of no more use.
            let damaged = sha256_file(path).map_or(true, |found| found != *digest);
            if damaged {
                self.whole().remove(*digest);
                fs::remove_file(path).with_context(|| format!("removing `{}`", path.display()))?;
            }
            Ok(damaged.then(|| (*digest).to_owned()))
        })?;
        Ok(damaged.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sha2::{Digest as _, Sha256};

    use super::{Store, hex};

    #[test]
    fn a_package_with_other_bytes_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let sha256 = hex(&Sha256::digest(b"good"));
        assert!(store.keep_package(&sha256, &b"evil"[..], &|_| ()).is_err());
        assert_eq!(store.package(&sha256), None);
        assert!(store.keep_package(&sha256, &b"good"[..], &|_| ()).is_ok());
        assert!(store.package(&sha256).is_some());
    }

    #[test]
    fn damaged_packages_go_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let [good, bad] = [&b"good"[..], &b"bad"[..]].map(|bytes| {
            let sha256 = hex(&Sha256::digest(bytes));
            store.keep_package(&sha256, bytes, &|_| ()).unwrap();
            sha256
        });
        fs::write(store.package(&bad).unwrap(), "baD").unwrap();
        assert!(store.has_package(&bad, 3));
        let digests = [good.as_str(), bad.as_str(), "of no package"].into();
        assert_eq!(store.drop_damaged(&digests).unwrap(), [bad.as_str()]);
        assert!(store.package(&good).is_some() && store.package(&bad).is_none());
    }
}
