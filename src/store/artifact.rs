//! Files that a stage made, known by their bytes.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::hex;

/// A finished file. In a recipe it stands for its bytes: only the digest is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where it lies.
    pub path: PathBuf,
    /// sha256 of its bytes, in hexadecimal digits.
    pub digest: String,
}

impl Artifact {
    /// The finished file `name` of the shelf's entry `folder`. Its digest is taken once and
    /// kept beside it.
    pub fn of(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let path = folder.join(name);
        let note = folder.join(format!("{name}.sha256"));
        if let Ok(digest) = std::fs::read_to_string(&note)
            && digest.len() == 64
        {
            return Ok(Self { path, digest });
        }
        let digest = sha256_file(&path)?;
        std::fs::write(&note, &digest).with_context(|| format!("writing `{}`", note.display()))?;
        Ok(Self { path, digest })
    }
}

impl Serialize for Artifact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.digest)
    }
}

/// sha256 of a file's bytes, in hexadecimal digits.
pub fn sha256_file(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("reading `{}`", path.display()))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    Ok(hex(&hasher.finalize()))
}
