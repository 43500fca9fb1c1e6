//! The shelf: finished things, each under the hash of the recipe that made it, and packages
//! under the hash of their bytes. Entries are made aside and appear by one rename.

mod artifact;
mod pending;
mod space;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

pub use artifact::{Artifact, sha256_file, spans};

pub use space::{Entry, Freed};

use pending::Pending;

/// By then the kernel has written nearly all by itself (`vm.dirty_expire_centisecs` is 30 s).
const WRITTEN: Duration = Duration::from_secs(60);

/// A content-addressed folder. Safe under several builds at once.
pub struct Store {
    root: PathBuf,
    pending: Pending,
    /// Held shared by whoever uses the shelf, alone by whoever takes things off it.
    in_use: File,
}

/// Whether an entry was there or had to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It stood on the shelf.
    Reused,
    /// It was made now.
    Made,
}

impl Store {
    /// Opens the shelf at `root` and sweeps what interrupted builds left behind.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        for name in ["entries", "packages", "work", "locks", "logs", "root"] {
            let path = root.join(name);
            fs::create_dir_all(&path).with_context(|| format!("making the shelf `{}`", path.display()))?;
        }
        let root = root.canonicalize().with_context(|| format!("finding `{}`", root.display()))?;
        let pending = Pending::open(root.join("pending"))?;
        let in_use = File::create(root.join("locks/shelf")).context("opening the shelf's lock")?;
        in_use.lock_shared().context("waiting until nobody clears the shelf")?;
        let store = Self { root, pending, in_use };
        store.sweep()?;
        store.drop_doubtful()?;
        store.pending.settle(&store.root, WRITTEN)?;
        Ok(store)
    }

    /// The folder that all lies in.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// An empty folder for sandboxes to mount on; nothing is ever written to it.
    pub fn mountpoint(&self) -> PathBuf {
        self.root.join("root")
    }

    /// Where logs of programs go.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// A folder that is kept between builds under its own name, and its lock.
    pub fn kept(&self, name: &str) -> anyhow::Result<(PathBuf, Lock)> {
        let lock = self.lock(name)?;
        let path = self.root.join(name);
        fs::create_dir_all(&path).with_context(|| format!("making `{}`", path.display()))?;
        Ok((path, lock))
    }

    /// The entry made from `recipe`; `make` fills an empty folder the first time.
    pub fn get_or_make(
        &self,
        stage: &str,
        recipe: &[u8],
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<(PathBuf, Found)> {
        let key = format!("{stage}-{}", hex(&Sha256::digest(recipe)));
        let done = self.root.join("entries").join(&key);
        if done.is_dir() {
            self.touch(&self.root.join("locks").join(&key));
            return Ok((done, Found::Reused));
        }
        let _lock = self.lock(&key)?;
        if done.is_dir() {
            return Ok((done, Found::Reused));
        }
        let work = self.work(&key)?;
        make(&work)?;
        fs::write(work.join("recipe.json"), recipe).context("saving the recipe")?;
        self.pending.add(&key)?;
        fs::rename(&work, &done).with_context(|| format!("moving `{key}` to the shelf"))?;
        Ok((done, Found::Made))
    }

    /// The folder of packages.
    pub fn packages(&self) -> PathBuf {
        self.root.join("packages")
    }

    /// The file whose bytes have this sha256, if it is on the shelf.
    pub fn package(&self, sha256: &str) -> Option<PathBuf> {
        let path = self.root.join("packages").join(format!("{sha256}.deb"));
        path.is_file().then(|| {
            self.touch(&path);
            path
        })
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
            std::io::Write::write_all(&mut file, &buffer[..count]).context("writing to the shelf")?;
            on_bytes(count as u64);
        }
        let found = hex(&hasher.finalize());
        anyhow::ensure!(found == sha256, "its sha256 is {found}, but the archive's index says {sha256}");
        let path = self.root.join("packages").join(format!("{sha256}.deb"));
        self.pending.add(&format!("{sha256}.deb"))?;
        file.persist(&path).context("moving a package to the shelf")?;
        Ok(path)
    }

    /// Makes an empty folder beside the entries. Its lock (see `lock`) tells that it is in use.
    fn work(&self, key: &str) -> anyhow::Result<PathBuf> {
        let work = self.root.join("work").join(key);
        if work.exists() {
            fs::remove_dir_all(&work).with_context(|| format!("sweeping `{}`", work.display()))?;
        }
        fs::create_dir(&work).with_context(|| format!("making `{}`", work.display()))?;
        Ok(work)
    }

    /// Waits until nobody else works on `key`. The kernel gives the lock back however we end.
    fn lock(&self, key: &str) -> anyhow::Result<Lock> {
        let path = self.root.join("locks").join(key);
        let file = File::create(&path).with_context(|| format!("opening `{}`", path.display()))?;
        file.lock().with_context(|| format!("locking `{}`", path.display()))?;
        Ok(Lock(file))
    }

    /// Notes that the folder `name` (see `kept`) was changed: after a crash of the machine it is made anew.
    pub fn note_kept(&self, name: &str) -> anyhow::Result<()> {
        self.pending.add(name)
    }

    /// Removes what a crash of the machine may have damaged.
    fn drop_doubtful(&self) -> anyhow::Result<()> {
        for name in self.pending.doubtful()? {
            let what = || format!("removing `{name}`, which a crash may have damaged");
            for path in ["entries", "packages", ""].map(|folder| self.root.join(folder).join(&name)) {
                if path.is_dir() {
                    fs::remove_dir_all(&path).with_context(what)?;
                } else if path.is_file() {
                    fs::remove_file(&path).with_context(what)?;
                }
            }
            self.pending.remove(&name)?;
        }
        Ok(())
    }

    /// Removes work folders whose maker is gone.
    fn sweep(&self) -> anyhow::Result<()> {
        let folder = self.root.join("work");
        for entry in fs::read_dir(&folder).with_context(|| format!("reading `{}`", folder.display()))? {
            let path = entry.context("reading the shelf")?.path();
            let Some(name) = path.file_name() else { continue };
            let lock = File::create(self.root.join("locks").join(name)).context("opening a lock")?;
            if path.is_dir() && lock.try_lock().is_ok() {
                fs::remove_dir_all(&path).with_context(|| format!("sweeping `{}`", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Held while somebody works on an entry.
#[must_use]
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Found, Store, hex};
    use sha2::{Digest as _, Sha256};

    #[test]
    fn what_a_crash_of_the_machine_may_have_damaged_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let make = |store: &Store| store.get_or_make("x", b"recipe", |_| Ok(())).unwrap();
        let (path, _) = make(&Store::open(dir.path()).unwrap());
        assert_eq!(make(&Store::open(dir.path()).unwrap()).1, Found::Reused);
        let key = path.file_name().unwrap();
        fs::write(dir.path().join("pending").join(key), "another boot").unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(make(&store).1, Found::Made);
    }

    #[test]
    fn what_stands_on_the_shelf_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let make = |work: &std::path::Path| Ok(fs::write(work.join("it"), "x")?);
        assert_eq!(store.get_or_make("a", b"recipe", make).unwrap().1, Found::Made);
        let (path, found) = store.get_or_make("a", b"recipe", |_| panic!("made twice")).unwrap();
        assert_eq!(found, Found::Reused);
        assert_eq!(fs::read_to_string(path.join("it")).unwrap(), "x");
    }

    #[test]
    fn a_failed_make_leaves_nothing_and_the_next_one_works() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let fail = |work: &std::path::Path| {
            fs::write(work.join("half"), "x")?;
            anyhow::bail!("no")
        };
        assert!(store.get_or_make("a", b"recipe", fail).is_err());
        assert_eq!(fs::read_dir(dir.path().join("entries")).unwrap().count(), 0);
        let (path, _) = store.get_or_make("a", b"recipe", |_| Ok(())).unwrap();
        assert!(!path.join("half").exists());
    }

    #[test]
    fn opening_sweeps_what_a_dead_build_left() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path()).unwrap());
        fs::create_dir(dir.path().join("work/base-00")).unwrap();
        drop(Store::open(dir.path()).unwrap());
        assert_eq!(fs::read_dir(dir.path().join("work")).unwrap().count(), 0);
    }

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
}
