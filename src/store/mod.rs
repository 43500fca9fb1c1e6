//! The shelf: finished things, each under the hash of the recipe that made it, and packages
//! under the hash of their bytes. Entries are made aside and appear by one rename.

mod artifact;
mod hashed;
mod key;
mod packages;
mod pending;
mod seal;
mod space;
mod sums;
mod threads;
mod verify;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context as _;

pub use artifact::{Artifact, sha256_file};
pub use hashed::{Hashed, Reach};
pub use key::Key;
pub use nuvol_media::spans;
pub use seal::{KNOWN, Look, Mark, SEAL, Seal, What};
pub use space::{Entry, Freed};
pub use sums::{SIGNATURE, SUMS, Sums};
pub use threads::side_by_side;
pub use verify::{Damage, Verified};

use pending::Pending;

/// By then the kernel has written nearly all by itself (`vm.dirty_expire_centisecs` is 30 s).
const WRITTEN: Duration = Duration::from_secs(60);
/// The recipe of an entry, beside what was made from it.
pub const RECIPE: &str = "recipe.json";

/// A content-addressed folder. Safe under several builds at once.
pub struct Store {
    root: PathBuf,
    pending: Pending,
    /// Packages whose bytes were compared with their digests.
    whole: Mutex<BTreeSet<String>>,
    hashed: Hashed,
    /// Held shared by whoever uses the shelf, alone by whoever takes things off it.
    in_use: File,
}

/// How an entry came to be on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It stood there.
    Reused,
    /// It was made now.
    Made,
    /// A shared cache has it: it was fetched, or will be once its bytes are read.
    Remote,
}

/// How an entry stands on the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Whole,
    /// It is known what it holds; the bytes can be fetched.
    Known,
    /// It cannot, for this reason.
    Damaged(String),
    /// There is none.
    Absent,
}

/// An entry that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Its folder.
    pub path: PathBuf,
    /// How it came there.
    pub found: Found,
    /// What was wrong with the entry that stood there before.
    pub damage: Option<String>,
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
        let store = Self { root, pending, whole: Mutex::default(), hashed: Hashed::default(), in_use };
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

    /// Where things are made before they get their place.
    pub fn work_folder(&self) -> PathBuf {
        self.root.join("work")
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

    /// The folder of all entries.
    pub fn shelf(&self) -> PathBuf {
        self.root.join("entries")
    }

    /// Where the entry `key` lies, or would.
    pub fn entry(&self, key: &Key) -> PathBuf {
        self.root.join("entries").join(&key.0)
    }

    /// How the entry `key` stands there.
    pub fn state(&self, key: &Key, look: Look) -> State {
        let path = self.entry(key);
        if !path.is_dir() {
            return State::Absent;
        }
        if !path.join(SEAL).exists() && path.join(KNOWN).exists() {
            return State::Known;
        }
        seal::wrong(&path, look).map_or(State::Whole, State::Damaged)
    }

    /// The entry `key`, made from `recipe`; `fill` fills an empty folder the first time and says how. What is found
    /// damaged at a glance is made again, and so is, unless it `may_be_known` only, what is only known.
    pub fn get_or_make(
        &self,
        key: &Key,
        recipe: &[u8],
        may_be_known: bool,
        fill: impl FnOnce(&Path) -> anyhow::Result<Found>,
    ) -> anyhow::Result<Got> {
        let path = self.entry(key);
        let got = |found, damage| Got { path: path.clone(), found, damage };
        let _lock = match self.state(key, Look::Glance) {
            State::Whole => {
                self.touch(&self.root.join("locks").join(&key.0));
                return Ok(got(Found::Reused, None));
            }
            _ => self.lock(&key.0)?,
        };
        let damage = match self.state(key, Look::Glance) {
            State::Whole => return Ok(got(Found::Reused, None)),
            State::Known if may_be_known => return Ok(got(Found::Remote, None)),
            State::Damaged(why) => Some(why),
            State::Known | State::Absent => None,
        };
        let work = self.work(&key.0)?;
        let found = fill(&work)?;
        self.place(key, &work, recipe)?;
        Ok(got(found, damage))
    }

    /// Gives the entry `key`, which is only known, its bytes: `fetch` lays what the seal says into an empty folder.
    pub fn complete(
        &self,
        key: &Key,
        fetch: impl FnOnce(&Seal, &Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let _lock = self.lock(&key.0)?;
        let path = self.entry(key);
        if self.state(key, Look::Glance) != State::Known {
            return Ok(());
        }
        let seal = Seal::read(&path, KNOWN, Look::Read).context("what was known of it cannot be read")?;
        let work = self.work(&key.0)?;
        fetch(&seal, &work)?;
        let recipe = fs::read(path.join(RECIPE)).context("reading a recipe")?;
        self.place(key, &work, &recipe)
    }

    /// Takes the entry `key`, which is of no use, off the shelf.
    pub fn discard(&self, key: &Key) -> anyhow::Result<()> {
        let _lock = self.lock(&key.0)?;
        self.take_off(key)
    }

    /// Takes the entry `key` off the shelf if its bytes never came.
    pub fn forget(&self, key: &Key) -> anyhow::Result<()> {
        let _lock = self.lock(&key.0)?;
        if self.state(key, Look::Glance) == State::Known { self.take_off(key) } else { Ok(()) }
    }

    /// Entries that are only known.
    pub fn known(&self) -> anyhow::Result<Vec<Key>> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(self.root.join("entries")).context("reading the shelf")? {
            let name = entry.context("reading the shelf")?.file_name().into_string();
            let key = Key(name.unwrap_or_default());
            if self.entry(&key).join(KNOWN).exists() {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Seals what lies in `work` and gives it its place.
    fn place(&self, key: &Key, work: &Path, recipe: &[u8]) -> anyhow::Result<()> {
        fs::write(work.join(RECIPE), recipe).context("saving the recipe")?;
        if !work.join(KNOWN).exists() {
            Seal::take(work, &self.hashed)?.write(work, SEAL)?;
        }
        self.take_off(key)?;
        self.pending.add(&key.0)?;
        let path = self.entry(key);
        fs::rename(work, path).with_context(|| format!("moving `{}` to the shelf", key.0))
    }

    /// Keys and recipes of all entries of `stage`, the one that was not used for the longest time first.
    pub fn recipes(&self, stage: &str) -> anyhow::Result<Vec<(Key, Vec<u8>)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.root.join("entries")).context("reading the shelf")? {
            let name = entry.context("reading the shelf")?.file_name().into_string();
            let key = Key(name.unwrap_or_default());
            if key.stage() == stage
                && let Ok(text) = fs::read(self.entry(&key).join(RECIPE))
            {
                let lock = fs::metadata(self.root.join("locks").join(&key.0));
                found.push((lock.and_then(|it| it.modified()).ok(), key, text));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, key, text)| (key, text)).collect())
    }

    /// By which digests recipes name what the entry `key` holds. A file `*.sha256` holds the digest of something
    /// that the shelf does not keep.
    pub fn digests(&self, key: &Key) -> Vec<String> {
        let path = self.entry(key);
        let mut digests = Vec::new();
        let seal = [SEAL, KNOWN].iter().find_map(|it| Seal::read(&path, it, Look::Glance));
        for mark in seal.unwrap_or_default().0 {
            if let What::File { sha256, .. } = mark.what {
                digests.push(sha256);
            }
            if mark.path.ends_with(".sha256") {
                digests.extend(fs::read_to_string(path.join(mark.path)));
            }
        }
        digests
    }

    /// Takes the entry `key` off the shelf. Whoever does so holds its lock.
    fn take_off(&self, key: &Key) -> anyhow::Result<()> {
        let path = self.entry(key);
        if path.exists() {
            // Aside first: half of it must not stand there, whenever we end.
            let aside = self.root.join("work").join(format!("{}.old", key.0));
            let what = || format!("removing `{}`", path.display());
            if aside.exists() {
                fs::remove_dir_all(&aside).with_context(what)?;
            }
            fs::rename(&path, &aside).and_then(|()| fs::remove_dir_all(&aside)).with_context(what)?;
        }
        Ok(())
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

    /// What need not be read for the seal of an entry.
    pub fn hashed(&self) -> &Hashed {
        &self.hashed
    }

    /// An empty folder for half-made things, gone when it is dropped; if we are killed, the next who opens the
    /// store removes it.
    pub fn aside(&self, name: &str) -> anyhow::Result<Aside> {
        let name = format!("{name}-{}", uuid::Uuid::new_v4());
        let lock = self.lock(&name)?;
        Ok(Aside { path: self.work(&name)?, note: self.root.join("locks").join(&name), _lock: lock })
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

/// A folder for half-made things.
#[must_use]
#[derive(Debug)]
pub struct Aside {
    /// Where it is.
    pub path: PathBuf,
    /// The lock's file. Its name is drawn at random, so nobody else waits for it.
    note: PathBuf,
    _lock: Lock,
}

impl Drop for Aside {
    fn drop(&mut self) {
        // If that fails, the next who opens the store does it.
        fs::remove_dir_all(&self.path).ok();
        fs::remove_file(&self.note).ok();
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use std::path::Path;

    use super::{Found, Got, KNOWN, Key, Look, SEAL, Seal, State, Store};

    fn get(store: &Store, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<Got> {
        store.get_or_make(&Key::of("a", b"recipe"), b"recipe", false, |dir| make(dir).map(|()| Found::Made))
    }

    #[test]
    fn what_a_crash_of_the_machine_may_have_damaged_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let make = |store: &Store| get(store, |_| Ok(())).unwrap();
        let path = make(&Store::open(dir.path()).unwrap()).path;
        assert_eq!(make(&Store::open(dir.path()).unwrap()).found, Found::Reused);
        let key = path.file_name().unwrap();
        fs::write(dir.path().join("pending").join(key), "another boot").unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(make(&store).found, Found::Made);
    }

    #[test]
    fn what_stands_on_the_shelf_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let make = |work: &Path| Ok(fs::write(work.join("it"), "x")?);
        assert_eq!(get(&store, make).unwrap().found, Found::Made);
        let again = get(&store, |_| panic!("made twice")).unwrap();
        assert_eq!(again.found, Found::Reused);
        assert_eq!(fs::read_to_string(again.path.join("it")).unwrap(), "x");
    }

    #[test]
    fn what_is_damaged_is_made_again_and_said() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let make = |work: &Path| Ok(fs::write(work.join("it"), "x")?);
        let path = get(&store, make).unwrap().path;
        fs::write(path.join("it"), "y").unwrap();
        let again = get(&store, make).unwrap();
        assert_eq!((again.found, again.damage.as_deref()), (Found::Made, Some("`it` has other bytes")));
        assert_eq!(fs::read_to_string(path.join("it")).unwrap(), "x");
        assert_eq!(fs::read_dir(dir.path().join("work")).unwrap().count(), 0);
        assert_eq!(get(&store, make).unwrap().found, Found::Reused);
    }

    #[test]
    fn a_failed_make_leaves_nothing_and_the_next_one_works() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let fail = |work: &Path| {
            fs::write(work.join("half"), "x")?;
            anyhow::bail!("no")
        };
        assert!(get(&store, fail).is_err());
        assert_eq!(fs::read_dir(dir.path().join("entries")).unwrap().count(), 0);
        let path = get(&store, |_| Ok(())).unwrap().path;
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
    fn what_is_only_known_is_completed_or_made() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let key = Key::of("a", b"recipe");
        let make = |dir: &Path| Ok(fs::write(dir.join("it"), "x")?);
        let whole = get(&store, make).unwrap().path;
        let seal = Seal::read(&whole, SEAL, Look::Read).unwrap();
        let known = |store: &Store| {
            store.take_off(&key).unwrap();
            let know = |dir: &Path| seal.write(dir, KNOWN).map(|()| Found::Remote);
            store.get_or_make(&key, b"recipe", true, know).unwrap()
        };
        let path = known(&store).path;
        assert_eq!(store.state(&key, Look::Glance), State::Known);
        assert_eq!(store.known().unwrap(), std::slice::from_ref(&key));
        assert_eq!(super::Artifact::of(&path, "it").unwrap().digest, seal.digest("it").unwrap());
        let done = store.complete(&key, |found, dir| {
            assert_eq!(*found, seal);
            make(dir)
        });
        done.unwrap();
        assert_eq!(get(&store, |_| panic!("made")).unwrap().found, Found::Reused);
        assert!(store.known().unwrap().is_empty());

        known(&store);
        assert_eq!(get(&store, make).unwrap().found, Found::Made);
        known(&store);
        store.forget(&key).unwrap();
        assert_eq!(store.state(&key, Look::Glance), State::Absent);
    }
}
