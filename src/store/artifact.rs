//! Files that a stage made, known by their bytes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nuvol_media::spans;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::hex;
use super::seal::{KNOWN, Look, SEAL, Seal, What};

/// Read at once for a digest. More does not stay in the processor's own memory between reading and hashing.
pub(super) const READ_BYTES: usize = 256 << 10;

/// A finished file. In a recipe it stands for its bytes: only the digest is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where it lies.
    pub path: PathBuf,
    /// sha256 of its bytes, in hexadecimal digits.
    pub digest: String,
}

impl Artifact {
    /// The finished file `name` of the shelf's entry `folder`, as its seal has it.
    pub fn of(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let seal = [SEAL, KNOWN].iter().find_map(|it| Seal::read(folder, it, Look::Glance));
        let digest = seal.as_ref().and_then(|it| it.digest(name));
        let digest = digest.with_context(|| format!("`{}` has no `{name}`", folder.display()))?.to_owned();
        Ok(Self { path: folder.join(name), digest })
    }
}

impl Artifact {
    /// Its size in bytes, whether its bytes are here or only known.
    pub fn size(&self) -> anyhow::Result<u64> {
        let what = || format!("finding the size of `{}`", self.path.display());
        let (folder, name) =
            (self.path.parent().with_context(what)?, self.path.file_name().with_context(what)?);
        let known = Seal::read(folder, KNOWN, Look::Glance);
        let size = known.and_then(|it| it.0.into_iter().find(|mark| name == mark.path.as_str()));
        match size.map(|mark| mark.what) {
            Some(What::File { size, .. }) => Ok(size),
            _ => Ok(std::fs::metadata(&self.path).with_context(what)?.len()),
        }
    }
}

impl Serialize for Artifact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.digest)
    }
}

/// sha256 of a file's bytes, in hexadecimal digits.
pub fn sha256_file(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
    let what = || format!("reading `{}`", path.display());
    let size = file.metadata().with_context(what)?.len();
    let mut digesting = Digesting::of(file);
    digesting.advance(size).with_context(what)?;
    Ok(digesting.end())
}

/// The sha256 of a file, taken from front to back.
pub(super) struct Digesting {
    file: File,
    hasher: Sha256,
    buffer: Vec<u8>,
    zeros: Vec<u8>,
    at: u64,
}

impl Digesting {
    /// That of `file`.
    pub fn of(file: File) -> Self {
        Self { file, hasher: Sha256::new(), buffer: vec![0; READ_BYTES], zeros: vec![0; READ_BYTES], at: 0 }
    }

    /// Where it stands.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Goes on to byte `end` of the file.
    pub fn advance(&mut self, end: u64) -> anyhow::Result<()> {
        for (from, to) in spans(&self.file, self.at, end)? {
            self.skip(from);
            while self.at < to {
                let part = part(to - self.at, self.buffer.len());
                let count = self.file.read_at(&mut self.buffer[..part], self.at)?;
                anyhow::ensure!(count > 0, "the file became shorter while it was read");
                self.hasher.update(&self.buffer[..count]);
                self.at += count as u64;
            }
        }
        self.skip(end);
        Ok(())
    }

    /// Over a hole.
    fn skip(&mut self, end: u64) {
        while self.at < end {
            let part = part(end - self.at, self.zeros.len());
            self.hasher.update(&self.zeros[..part]);
            self.at += part as u64;
        }
    }

    /// The digest, in hexadecimal digits.
    pub fn end(self) -> String {
        hex(&self.hasher.finalize())
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

fn part(left: u64, most: usize) -> usize {
    usize::try_from(left).map_or(most, |it| it.min(most))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use sha2::{Digest as _, Sha256};

    use super::{hex, sha256_file};

    #[test]
    fn holes_count_as_zeros() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse");
        let file = File::create(&path).unwrap();
        file.set_len(5_000_001).unwrap();
        file.write_all_at(b"x", 3 << 20).unwrap();
        let digest = hex(&Sha256::digest(std::fs::read(&path).unwrap()));
        assert_eq!(sha256_file(&path).unwrap(), digest);
    }
}
