//! Files of the agent's state: bounded, and whole or not there.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;

use crate::durable;

/// No file of the agent's state is larger: 64 people with all that they may have come to half of it.
const FILE_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// The first line of a document is shorter.
const HEAD_BYTES: u64 = 256;

/// Reads a text file of the state; `None` where there is none.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let Some(bytes) = read_bytes(path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(Some(text))
}

/// Reads a file of the state; `None` where there is none.
pub(super) fn read_bytes(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    read_some(path, FILE_LIMIT_BYTES as u64)
}

/// Reads the beginning of a file of the state; nothing where there is none.
pub(super) fn read_head(path: &Path) -> anyhow::Result<Vec<u8>> {
    Ok(read_some(path, HEAD_BYTES)?.unwrap_or_default())
}

fn read_some(path: &Path, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("opening `{}`", path.display())),
    };
    file.take(limit).read_to_end(&mut bytes).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(Some(bytes))
}

/// Writes a file of the state: whole, or not at all.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    // Cut off when it is read again, it would be taken for damaged.
    anyhow::ensure!(
        text.len() < FILE_LIMIT_BYTES,
        "writing `{}`: it would have {} bytes, at most {FILE_LIMIT_BYTES} are read again",
        path.display(),
        text.len()
    );
    durable::write(path, text, mode)
}
