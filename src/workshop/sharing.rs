//! How a workshop uses a shared cache: entries that it knows are not made, their bytes come when they are read, and
//! what was made goes there at the end. No failure of the cache fails a build.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::ready::Lost;
use super::{Workshop, held};
use crate::remote::{Offer, Remote, Share};
use crate::store::{Found, KNOWN, Key, Look, Seal, State};

/// A shared cache in use.
pub struct Sharing {
    remote: Remote,
    /// Once it failed, nobody asks it again.
    failed: AtomicBool,
    /// Entries that are not what they should be.
    wrong: Mutex<BTreeSet<Key>>,
    /// What this build used that others may want.
    used: Mutex<BTreeSet<Key>>,
}

impl Sharing {
    /// Sharing by way of `remote`.
    pub fn by(remote: Remote) -> Self {
        Self { remote, failed: AtomicBool::new(false), wrong: Mutex::default(), used: Mutex::default() }
    }

    /// Whether the cache is to be asked for the entry `key`.
    pub(super) fn asks(&self, key: &Key, share: Share) -> bool {
        share != Share::Nothing && !self.failed.load(Ordering::Relaxed) && !held(&self.wrong).contains(key)
    }

    pub(super) fn uses(&self, key: &Key, share: Share) {
        if share != Share::Nothing {
            held(&self.used).insert(key.clone());
        }
    }
}

impl Workshop {
    /// Lays what the shared cache has of an entry into `folder`; `false` if there is nothing that can be used.
    pub(super) fn take_over(
        &self,
        key: &Key,
        text: &str,
        share: Share,
        folder: &Path,
    ) -> anyhow::Result<bool> {
        let Some(sharing) = self.sharing.as_ref().filter(|it| it.asks(key, share)) else { return Ok(false) };
        match sharing.remote.offer(key, text, share, folder) {
            Ok(Some(Offer::Here)) => Ok(true),
            Ok(Some(Offer::Known(seal))) => seal.write(folder, KNOWN).map(|()| true),
            Ok(None) => Ok(false),
            Err(err) => {
                self.warn(sharing, key, &err);
                // Half of it may lie there.
                std::fs::remove_dir_all(folder).and_then(|()| std::fs::create_dir(folder))?;
                Ok(false)
            }
        }
    }

    /// Fetches the bytes of every entry that `text` names and that is only known.
    pub(super) fn bring(&self, text: &str) -> anyhow::Result<()> {
        let Some(sharing) = &self.sharing else { return Ok(()) };
        for key in self.store.known()? {
            if text.contains(key.as_str()) || self.store.digests(&key).iter().any(|it| text.contains(it)) {
                let since = Instant::now();
                let fetch = |seal: &Seal, folder: &Path| sharing.remote.fetch(&key, seal, folder);
                if let Err(err) = self.store.complete(&key, fetch) {
                    self.warn(sharing, &key, &err);
                    return self.lose(&key);
                }
                self.report.stage(key.stage(), since, Found::Remote, "fetched from the shared cache");
            }
        }
        Ok(())
    }

    fn lose(&self, key: &Key) -> anyhow::Result<()> {
        self.store.forget(key)?;
        Err(Lost::new(key).into())
    }

    /// Puts what this build used into the shared cache, where that may be written to and lacks it.
    pub fn share(&self) {
        let Some(sharing) = self.sharing.as_ref().filter(|it| it.remote.writes()) else { return };
        for key in held(&sharing.used).iter() {
            if sharing.failed.load(Ordering::Relaxed) {
                return;
            }
            let since = Instant::now();
            match self.put(sharing, key) {
                Ok(0) => {}
                Ok(bytes) => {
                    let detail = format!("{}, {} MB", key.stage(), bytes.div_ceil(1_000_000));
                    self.report.stage("share", since, Found::Made, &detail);
                }
                Err(err) => self.warn(sharing, key, &err),
            }
        }
    }

    /// Returns how many bytes went there; none if it has the entry.
    fn put(&self, sharing: &Sharing, key: &Key) -> anyhow::Result<u64> {
        // What came from there may be only known here.
        if self.store.state(key, Look::Glance) != State::Whole {
            return Ok(0);
        }
        if !held(&sharing.wrong).contains(key) && sharing.remote.has(key)? {
            return Ok(0);
        }
        sharing.remote.put(key, &self.store.entry(key), &self.store.work_folder())
    }

    fn warn(&self, sharing: &Sharing, key: &Key, err: &anyhow::Error) {
        let address = sharing.remote.address();
        if err.chain().any(|it| it.is::<crate::remote::Wrong>()) {
            self.report.note(&format!("warning: the shared cache {address}: {err:#}; not used"));
            held(&sharing.wrong).insert(key.clone());
        } else {
            self.report.note(&format!("warning: the shared cache {address}: {err:#}; going on without it"));
            sharing.failed.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde::Serialize;

    use super::Sharing;
    use crate::host::Host;
    use crate::remote::{Remote, Share};
    use crate::report::{Report, Voice};
    use crate::store::{Artifact, Store};
    use crate::workshop::{Recipe, Workshop};

    /// Large, and worth fetching.
    #[derive(Serialize)]
    struct Base {
        text: &'static str,
    }

    impl Recipe for Base {
        const STAGE: &'static str = "base";
        const VERSION: u32 = 1;
        const SHARE: Share = Share::Whole;

        fn make(&self, _: &Workshop, dir: &Path) -> anyhow::Result<()> {
            Ok(fs::write(dir.join("base"), self.text.repeat(1 << 20))?)
        }
    }

    /// What was found out about it; small.
    #[derive(Serialize)]
    struct Facts {
        base: Artifact,
    }

    impl Recipe for Facts {
        const STAGE: &'static str = "facts";
        const VERSION: u32 = 1;
        const SHARE: Share = Share::AtOnce;

        fn make(&self, _: &Workshop, dir: &Path) -> anyhow::Result<()> {
            Ok(fs::write(dir.join("facts"), self.base.size()?.to_string())?)
        }
    }

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn shop(&self, remote: &Path) -> Workshop {
            let store = Store::open(self.0.path()).unwrap();
            let host = Host::new(store.logs()).unwrap();
            let remote = Remote::open(&remote.display().to_string(), true, &|_| None).unwrap();
            Workshop::new(host, store, Report::new(Voice::Json)).sharing(Some(Sharing::by(remote)))
        }

        fn has(&self, name: &str) -> bool {
            let entries = fs::read_dir(self.0.path().join("entries")).unwrap();
            entries.into_iter().any(|it| it.unwrap().path().join(name).exists())
        }
    }

    fn base(shop: &Workshop) -> anyhow::Result<Artifact> {
        let base = Artifact::of(&shop.make(&Base { text: "x" })?, "base")?;
        let facts = shop.make(&Facts { base: base.clone() })?;
        assert_eq!(fs::read_to_string(facts.join("facts"))?, (1 << 20).to_string());
        Ok(base)
    }

    /// As the pipeline does.
    fn bytes(shop: &Workshop) -> Vec<u8> {
        loop {
            let done = base(shop).and_then(|it| {
                shop.ready(&it)?;
                Ok(fs::read(it.path)?)
            });
            match done {
                Err(err) if shop.starts_over(&err) => {}
                done => return done.unwrap(),
            }
        }
    }

    fn packs(remote: &Path) -> Vec<PathBuf> {
        let folders = fs::read_dir(remote.join("v1")).unwrap().map(|it| it.unwrap().path());
        let files = folders.flat_map(|it| fs::read_dir(it).unwrap()).map(|it| it.unwrap().path());
        files.filter(|it| it.extension().is_some_and(|it| it == "pack")).collect()
    }

    #[test]
    fn a_second_machine_fetches_only_what_it_reads() {
        let (first, second, remote) = (Machine::new(), Machine::new(), tempfile::tempdir().unwrap());
        let shop = first.shop(remote.path());
        let made = base(&shop).unwrap();
        shop.share();
        assert_eq!(packs(remote.path()).len(), 2);

        let shop = second.shop(remote.path());
        assert_eq!(base(&shop).unwrap().digest, made.digest);
        assert!(!second.has("base") && second.has("facts"));
        assert_eq!(bytes(&shop), "x".repeat(1 << 20).into_bytes());
        assert!(second.has("base"));
    }

    #[test]
    fn what_is_damaged_or_gone_there_is_made_here_and_replaced() {
        let (first, remote) = (Machine::new(), tempfile::tempdir().unwrap());
        let shop = first.shop(remote.path());
        base(&shop).unwrap();
        shop.share();
        let pack = packs(remote.path()).into_iter().max_by_key(|it| fs::metadata(it).unwrap().len()).unwrap();
        let good = fs::read(&pack).unwrap();
        for damage in [&good[..good.len() / 2], b"nothing"] {
            fs::write(&pack, damage).unwrap();
            let (machine, reader) = (Machine::new(), Machine::new());
            let shop = machine.shop(remote.path());
            assert_eq!(bytes(&shop).len(), 1 << 20);
            shop.share();
            assert_eq!(fs::read(&pack).unwrap(), good);
            assert_eq!(bytes(&reader.shop(remote.path())).len(), 1 << 20);
        }
        fs::remove_file(&pack).unwrap();
        assert_eq!(bytes(&Machine::new().shop(remote.path())).len(), 1 << 20);
    }

    #[test]
    fn a_cache_that_is_not_there_fails_nothing() {
        let (machine, remote) = (Machine::new(), Path::new("/nowhere/at/all"));
        let shop = machine.shop(remote);
        assert_eq!(bytes(&shop).len(), 1 << 20);
        drop(shop);
        let known = tempfile::tempdir().unwrap();
        let other = Machine::new();
        let shop = machine.shop(known.path());
        base(&shop).unwrap();
        shop.share();
        base(&other.shop(known.path())).unwrap();
        assert!(!other.has("base"));
        // What it knows from before is of no use without the cache.
        assert_eq!(bytes(&other.shop(remote)).len(), 1 << 20);
    }
}
