//! Files that a stage made, known by their bytes.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
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
    let what = || format!("reading `{}`", path.display());
    let mut file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
    let size = file.metadata().with_context(what)?.len();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let zeros = vec![0; READ_BYTES];
    let mut at = 0;
    for (from, to) in spans(&file, size).with_context(what)? {
        hash_zeros(&mut hasher, &zeros, from - at);
        file.seek(SeekFrom::Start(from)).with_context(what)?;
        let mut data = (&file).take(to - from);
        loop {
            let count = data.read(&mut buffer).with_context(what)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
        }
        at = to;
    }
    hash_zeros(&mut hasher, &zeros, size - at);
    Ok(hex(&hasher.finalize()))
}

fn hash_zeros(hasher: &mut Sha256, zeros: &[u8], mut count: u64) {
    while count > 0 {
        let part = usize::try_from(count).map_or(zeros.len(), |it| it.min(zeros.len()));
        hasher.update(&zeros[..part]);
        count -= part as u64;
    }
}

/// Where a file of `size` bytes has data, as `from..to`; between lie holes. Reading a hole makes the
/// kernel fill pages with zeros, which takes longer than hashing them.
pub fn spans(file: &File, size: u64) -> anyhow::Result<Vec<(u64, u64)>> {
    use rustix::fs::SeekFrom::{Data, Hole};
    let mut found = Vec::new();
    let mut at = 0;
    while at < size {
        let from = match rustix::fs::seek(file, Data(at)) {
            Ok(from) => from,
            // Only a hole is left.
            Err(rustix::io::Errno::NXIO) => break,
            Err(err) => return Err(err.into()),
        };
        at = rustix::fs::seek(file, Hole(from))?.min(size);
        found.push((from, at));
    }
    Ok(found)
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
