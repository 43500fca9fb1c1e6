//! Files that are too large to be kept, and made in seconds: they are made where they are published, and the shelf
//! keeps their digests alone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use serde::{Serialize, Serializer};

use super::{Recipe, Workshop};
use crate::remote::Share;
use crate::store::{Found, sha256_file};

/// What such a file is made from: like a [`Recipe`], whose place it takes.
pub trait Making: Serialize + Sync {
    /// The stage's name, as people read it.
    const STAGE: &'static str;
    /// Raised when `make` would make something else.
    const VERSION: u32;
    /// The file's name.
    const FILE: &'static str;

    /// Makes the file `to`, which is alone in its folder. What is needed on the way goes to the empty folder `work`.
    fn make(&self, shop: &Workshop, to: &Path, work: &Path) -> anyhow::Result<()>;

    /// What this one is about, for the report.
    fn detail(&self) -> String {
        String::new()
    }
}

/// Such a file. In a recipe it stands for its bytes.
pub struct Product<'a, M> {
    making: M,
    place: Destination<'a>,
    sum: Sum,
    /// Held while it is made once more: several may want it at the same time.
    again: Mutex<()>,
}

/// Where a file is made.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// A folder.
    pub folder: &'a Path,
    /// Whether the file is going to stay: then the medium should take it up early.
    pub stays: bool,
}

/// What the shelf keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum {
    sha256: String,
    size: u64,
}

/// A finished file, whatever it was made from.
pub trait Finished: Sync {
    /// Sees to it that it is there, and says where.
    fn file(&self, shop: &Workshop) -> anyhow::Result<PathBuf>;
    /// sha256 of its bytes, in hexadecimal digits.
    fn sha256(&self) -> &str;
    /// Its size in bytes.
    fn size(&self) -> u64;
}

/// The store reads the first one too, to know what entry a digest in a recipe stands for.
const SHA256: &str = "file.sha256";
const SIZE: &str = "file.size";

impl<'a, M: Making> Product<'a, M> {
    /// The product of `making`, made now at `place` if the shelf does not know its digest.
    pub fn of(shop: &Workshop, making: M, place: Destination<'a>) -> anyhow::Result<Self> {
        let entry = shop.make(&Summing { making: &making, place })?;
        let sum = Sum::read(&entry).context("reading a digest")?;
        Ok(Self { making, place, sum, again: Mutex::default() })
    }

    /// What it is made from.
    pub fn making(&self) -> &M {
        &self.making
    }
}

impl<M: Making> Finished for Product<'_, M> {
    fn file(&self, shop: &Workshop) -> anyhow::Result<PathBuf> {
        let file = path::<M>(self.place.folder);
        let _again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        if !file.exists() {
            shop.ready(&self.making)?;
            let since = Instant::now();
            let again = write(shop, &self.making, self.place);
            let Sum { sha256, .. } = again.with_context(|| format!("stage `{}` failed", M::STAGE))?;
            anyhow::ensure!(
                sha256 == self.sum.sha256,
                "stage `{}` gave a file with the sha256 {sha256}, earlier one with {}; `nuvol cache clear` forgets \
                 that, but the same recipe should give the same bytes: please report this",
                M::STAGE,
                self.sum.sha256
            );
            shop.report.stage(M::STAGE, since, Found::Made, "the same once more");
        }
        Ok(file)
    }

    fn sha256(&self) -> &str {
        &self.sum.sha256
    }

    fn size(&self) -> u64 {
        self.sum.size
    }
}

impl<T: Finished> Finished for &T {
    fn file(&self, shop: &Workshop) -> anyhow::Result<PathBuf> {
        (*self).file(shop)
    }

    fn sha256(&self) -> &str {
        (*self).sha256()
    }

    fn size(&self) -> u64 {
        (*self).size()
    }
}

impl<T: Finished + Send> Finished for Arc<T> {
    fn file(&self, shop: &Workshop) -> anyhow::Result<PathBuf> {
        (**self).file(shop)
    }

    fn sha256(&self) -> &str {
        (**self).sha256()
    }

    fn size(&self) -> u64 {
        (**self).size()
    }
}

impl<M: Making> Serialize for Product<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.sum.sha256)
    }
}

/// For a recipe that shares a file with others: it stands for its bytes there too.
pub fn digest_of<T: Finished + Send, S: Serializer>(file: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(file.sha256())
}

impl Sum {
    fn read(entry: &Path) -> anyhow::Result<Self> {
        let sha256 = fs::read_to_string(entry.join(SHA256))?;
        Ok(Self { sha256, size: fs::read_to_string(entry.join(SIZE))?.parse()? })
    }

    fn write(&self, entry: &Path) -> anyhow::Result<()> {
        fs::write(entry.join(SHA256), &self.sha256)?;
        Ok(fs::write(entry.join(SIZE), self.size.to_string())?)
    }
}

/// The recipe of what the shelf keeps.
#[derive(Serialize)]
#[serde(transparent)]
struct Summing<'a, M> {
    making: &'a M,
    #[serde(skip)]
    place: Destination<'a>,
}

impl<M: Making> Recipe for Summing<'_, M> {
    const STAGE: &'static str = M::STAGE;
    const VERSION: u32 = M::VERSION;
    const SHARE: Share = Share::AtOnce;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        write(shop, self.making, self.place)?.write(dir).context("writing a digest")
    }

    fn detail(&self, _: &Path) -> String {
        self.making.detail()
    }
}

fn path<M: Making>(place: &Path) -> PathBuf {
    place.join(M::STAGE).join(M::FILE)
}

fn write<M: Making>(shop: &Workshop, making: &M, place: Destination<'_>) -> anyhow::Result<Sum> {
    let (to, work) = (path::<M>(place.folder), place.folder.join(format!("{}-parts", M::STAGE)));
    let what = || format!("making `{}`", to.display());
    for folder in [&work, &place.folder.join(M::STAGE)] {
        fs::create_dir_all(folder).with_context(what)?;
    }
    making.make(shop, &to, &work)?;
    fs::remove_dir_all(&work).with_context(what)?;
    let file = File::open(&to).with_context(what)?;
    let metadata = file.metadata().with_context(what)?;
    let size = metadata.len();
    std::thread::scope(|scope| {
        // The medium takes it up while we read.
        let synced = place.stays.then(|| scope.spawn(|| file.sync_data()));
        let sha256 = shop.store.hashed().of(&metadata).map_or_else(|| sha256_file(&to), Ok)?;
        synced.and_then(|it| it.join().ok()).unwrap_or(Ok(())).context("writing a file to the medium")?;
        Ok(Sum { sha256, size })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::Serialize;

    use super::{Destination, Finished as _, Making, Product};
    use crate::host::Host;
    use crate::report::{Report, Voice};
    use crate::store::Store;
    use crate::workshop::Workshop;

    #[derive(Serialize)]
    struct Text<'a> {
        text: &'static str,
        #[serde(skip)]
        made: &'a Path,
    }

    impl Making for Text<'_> {
        const STAGE: &'static str = "text";
        const VERSION: u32 = 1;
        const FILE: &'static str = "text.txt";

        fn make(&self, _: &Workshop, to: &Path, work: &Path) -> anyhow::Result<()> {
            fs::write(work.join("part"), "")?;
            Ok(fs::copy(self.made, to).map(|_| ())?)
        }
    }

    #[test]
    fn it_is_made_once_unless_its_bytes_are_wanted_and_then_they_must_be_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("shelf")).unwrap();
        let shop = Workshop::new(Host::new(store.logs()).unwrap(), store, Report::new(Voice::Json));
        let made = dir.path().join("made");
        fs::write(&made, "bytes").unwrap();
        let places = ["first", "second"].map(|it| dir.path().join(it));
        let product = |place| {
            Product::of(&shop, Text { text: "x", made: &made }, Destination { folder: place, stays: true })
                .unwrap()
        };
        let first = product(&places[0]);
        assert_eq!((first.size(), fs::read(first.file(&shop).unwrap()).unwrap()), (5, b"bytes".to_vec()));
        assert!(!places[0].join("text-parts").exists());

        let second = product(&places[1]);
        assert_eq!(second.sha256(), first.sha256());
        assert!(!places[1].exists());
        assert_eq!(fs::read(second.file(&shop).unwrap()).unwrap(), b"bytes");

        fs::remove_dir_all(&places[1]).unwrap();
        fs::write(&made, "other").unwrap();
        let err = second.file(&shop).unwrap_err().to_string();
        assert!(err.contains("the same recipe should give the same bytes"), "{err}");
    }
}
