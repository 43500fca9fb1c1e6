//! A cache that several machines share: a folder or a bucket of an S3-compatible store. It holds entries of the
//! shelf under the hash of their recipes.
//!
//! An entry is two objects. Its seal says what it holds; that is enough to know the hashes of all that is made from
//! it. Its pack holds the bytes, and comes only if somebody reads them. Every byte is compared with the seal; whether
//! the seal itself tells the truth is a matter of trusting whoever can write to the cache.

mod bucket;
mod folder;
mod pack;

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::store::{Key, Look, RECIPE, SEAL, Seal, hex};
use bucket::Bucket;
use folder::Folder;

/// Raised when objects are written in another form.
const FORM: &str = "v1";

/// A shared cache.
pub struct Remote {
    place: Box<dyn Place>,
    address: String,
    writes: bool,
}

/// Somewhere that objects lie, by name.
trait Place: Send + Sync {
    /// The object `name`; `None` if there is none.
    fn get(&self, name: &str) -> anyhow::Result<Option<Box<dyn Read>>>;
    /// Puts the whole of `file` there as `name`.
    fn put(&self, name: &str, file: &File) -> anyhow::Result<()>;
}

/// What of an entry goes to a shared cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Nothing: it is made again faster than it is fetched.
    Nothing,
    /// All of it; its bytes come when they are read.
    Whole,
    /// All of it, and it comes at once: the build reads it to know what later stages are made from.
    AtOnce,
}

/// What the cache has of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// All of it was laid down.
    Here,
    /// It is known what it holds.
    Known(Seal),
}

/// An entry there is not what it should be. The cache itself may be fine.
#[derive(Debug, thiserror::Error)]
#[error("`{entry}` {what}")]
pub struct Wrong {
    entry: String,
    what: String,
}

impl Wrong {
    fn new(key: &Key, what: impl Into<String>) -> Self {
        Self { entry: key.as_str().to_owned(), what: what.into() }
    }
}

impl Remote {
    /// The cache at `address`: a path, `file:///path` or `s3://bucket/prefix`. `variable` gives the environment's
    /// `AWS_...` variables.
    pub fn open(
        address: &str,
        writes: bool,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let place: Box<dyn Place> = match address.split_once("://") {
            Some(("s3", rest)) => Box::new(Bucket::open(rest, variable)?),
            Some(("file", path)) => Box::new(Folder::open(Path::new(path))?),
            Some((scheme, _)) => {
                anyhow::bail!("`{scheme}://` is not known; use `s3://bucket/prefix` or a folder")
            }
            None => Box::new(Folder::open(Path::new(address))?),
        };
        Ok(Self { place, address: address.to_owned(), writes })
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether entries may be put there.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// What it has of the entry `key` with this `recipe`. Bytes that are to come at once are laid into `folder`.
    pub fn offer(
        &self,
        key: &Key,
        recipe: &str,
        share: Share,
        folder: &Path,
    ) -> anyhow::Result<Option<Offer>> {
        let Some(seal) = self.seal(key)? else { return Ok(None) };
        let recipe = hex(&Sha256::digest(recipe));
        if seal.digest(RECIPE).is_none_or(|it| it != recipe) {
            return Err(Wrong::new(key, "was made from another recipe").into());
        }
        if share != Share::AtOnce {
            return Ok(Some(Offer::Known(seal)));
        }
        self.fetch(key, &seal, folder)?;
        Ok(Some(Offer::Here))
    }

    fn seal(&self, key: &Key) -> anyhow::Result<Option<Seal>> {
        let Some(bytes) = self.place.get(&seal_name(key))? else { return Ok(None) };
        let text = zstd::Decoder::new(bytes).context("reading a seal")?;
        let seal = Seal::parse(BufReader::new(text), Look::Read).filter(Seal::is_sound);
        Ok(Some(seal.ok_or_else(|| Wrong::new(key, "has a damaged seal"))?))
    }

    /// Lays what `seal` says into the empty folder `folder`.
    pub fn fetch(&self, key: &Key, seal: &Seal, folder: &Path) -> anyhow::Result<()> {
        let name = pack_name(key, seal)?;
        let bytes = self.place.get(&name)?.ok_or_else(|| Wrong::new(key, "is not there any more"))?;
        pack::unpack(seal, bytes, folder)
            .map_err(|err| Wrong::new(key, format!("is damaged: {err:#}")).into())
    }

    /// Whether the entry `key` is there.
    pub fn has(&self, key: &Key) -> anyhow::Result<bool> {
        Ok(self.place.get(&seal_name(key))?.is_some())
    }

    /// Puts the entry `key`, which lies in `folder`, there. Returns how many bytes that took.
    pub fn put(&self, key: &Key, folder: &Path, work: &Path) -> anyhow::Result<u64> {
        let seal = Seal::read(folder, SEAL, Look::Read).context("the entry has no seal")?.timeless();
        let mut file = tempfile::tempfile_in(work).context("making a file")?;
        pack::pack(&seal, folder, &mut file)?;
        file.rewind().context("packing an entry")?;
        let bytes = file.metadata().context("packing an entry")?.len();
        self.place.put(&pack_name(key, &seal)?, &file)?;
        // The seal comes last: whoever finds it finds the pack too.
        let mut file = tempfile::tempfile_in(work).context("making a file")?;
        let text = zstd::encode_all(seal.text()?.as_slice(), 0).context("packing a seal")?;
        file.write_all(&text).and_then(|()| file.rewind()).context("packing a seal")?;
        self.place.put(&seal_name(key), &file)?;
        Ok(bytes + text.len() as u64)
    }
}

fn seal_name(key: &Key) -> String {
    format!("{FORM}/{}/seal", key.as_str())
}

/// Two machines may make different bytes from one recipe: each pack goes with its own seal.
fn pack_name(key: &Key, seal: &Seal) -> anyhow::Result<String> {
    let text = seal.clone().timeless().text()?;
    Ok(format!("{FORM}/{}/{}.pack", key.as_str(), hex(&Sha256::digest(text))))
}
