//! Documents that the node must not lose: each in a file of its own that carries its format, its version and a digest
//! of its content. A damaged one is moved aside, where its owner finds it, and never read as if it were empty.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::file;

/// Version of the documents' content. A newer one is left alone: an older agent would lose what it does not know.
const VERSION: u32 = 1;
const FORMAT: &str = "nuvol-state";

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// There is none yet.
    None,
    /// It is as it was written.
    Whole(T),
    /// It was damaged and lies aside now, or has been since an earlier start.
    Damaged {
        /// What is wrong, and where it lies.
        why: String,
    },
}

/// Reads the document `<dir>/<name>.json`.
pub fn read<T: DeserializeOwned>(dir: &Path, name: &str) -> anyhow::Result<Found<T>> {
    let path = dir.join(name).with_extension("json");
    let Some(bytes) = file::read_bytes(&path)? else {
        return Ok(match last_aside(&path)? {
            Some(aside) => {
                Found::Damaged { why: format!("it was damaged; what is left of it is `{}`", aside.display()) }
            }
            None => Found::None,
        });
    };
    match parse(&bytes) {
        Ok(content) => Ok(Found::Whole(content)),
        Err(Unreadable::Newer(version)) => Err(newer(&path, version)),
        Err(Unreadable::Damaged(why)) => {
            let aside = free_aside(&path)?;
            fs::rename(&path, &aside).with_context(|| format!("moving `{}` aside", path.display()))?;
            Ok(Found::Damaged { why: format!("{why}; it was moved to `{}`", aside.display()) })
        }
    }
}

/// Writes the document `<dir>/<name>.json`: afterwards all of it is on the disk, or nothing has changed. What a newer
/// agent wrote stays.
pub fn write<T: Serialize>(dir: &Path, name: &str, content: &T) -> anyhow::Result<()> {
    let path = dir.join(name).with_extension("json");
    let head = file::read_head(&path)?;
    let there = head.split(|byte| *byte == b'\n').next().and_then(|head| std::str::from_utf8(head).ok());
    if let Some(version) = there.and_then(version_of).filter(|version| *version > VERSION) {
        return Err(newer(&path, version));
    }
    let body = serde_json::to_string_pretty(content).context("turning state into JSON")?;
    file::write(&path, &frame(&body), 0o600)
}

/// The text of a document with this body.
pub(super) fn frame(body: &str) -> String {
    format!("{FORMAT} {VERSION} {}\n{body}\n", digest(body))
}

fn newer(path: &Path, version: u32) -> anyhow::Error {
    anyhow!("`{}` is of version {version}: a newer agent wrote it; install that one", path.display())
}

/// The version that a document's first line tells.
fn version_of(head: &str) -> Option<u32> {
    head.strip_prefix(FORMAT)?.strip_prefix(' ')?.split(' ').next()?.parse().ok()
}

/// Why a document is not read.
pub(super) enum Unreadable {
    Newer(u32),
    Damaged(String),
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let damaged = |why: &str| Unreadable::Damaged(why.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
    let (head, body) = text.split_once('\n').ok_or_else(|| damaged("it is cut off"))?;
    let version = version_of(head).ok_or_else(|| damaged("it does not begin as a document of this node"))?;
    let body = body.strip_suffix('\n').ok_or_else(|| damaged("it is cut off"))?;
    if head.split(' ').nth(2) != Some(&digest(body)) {
        return Err(damaged("its content does not match its digest"));
    }
    if version > VERSION {
        return Err(Unreadable::Newer(version));
    }
    if version < VERSION {
        return Err(damaged("there never was such a version"));
    }
    serde_json::from_str(body).map_err(|error| Unreadable::Damaged(format!("it cannot be read: {error}")))
}

fn digest(body: &str) -> String {
    Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn aside(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("damaged-{number}"))
}

/// The first name beside `path` that is free.
fn free_aside(path: &Path) -> anyhow::Result<PathBuf> {
    for number in 1..1000 {
        let aside = aside(path, number);
        if !aside.try_exists().with_context(|| format!("looking at `{}`", aside.display()))? {
            return Ok(aside);
        }
    }
    bail!("there are too many damaged copies of `{}`", path.display())
}

/// What was moved aside last.
fn last_aside(path: &Path) -> anyhow::Result<Option<PathBuf>> {
    let free = free_aside(path)?;
    let last = (1..1000).map(|number| aside(path, number)).take_while(|aside| *aside != free).last();
    Ok(last)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the test damages files")]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::{Found, read, write};

    type Content = BTreeMap<String, u32>;

    fn content() -> Content {
        BTreeMap::from([("one".to_owned(), 1), ("two".to_owned(), 2)])
    }

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read::<Content>(dir.path(), "people").unwrap(), Found::None);
        write(dir.path(), "people", &content()).unwrap();
        assert_eq!(read(dir.path(), "people").unwrap(), Found::Whole(content()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.json");
        write(dir.path(), "people", &content()).unwrap();
        let whole = fs::read(&path).unwrap();
        let mut copies: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
        copies.extend((0..whole.len() * 8).map(|bit| {
            let mut copy = whole.clone();
            copy[bit / 8] ^= 1 << (bit % 8);
            copy
        }));
        for copy in copies {
            fs::write(&path, &copy).unwrap();
            let first = read::<Content>(dir.path(), "people");
            let aside = dir.path().join("people.damaged-1");
            // A version of tomorrow is not damage.
            if let Err(error) = &first {
                assert!(error.to_string().contains("a newer agent wrote it"));
                continue;
            }
            assert!(matches!(first.unwrap(), Found::Damaged { .. }));
            assert_eq!(fs::read(&aside).unwrap(), copy);
            // And it is still damaged after the next start.
            assert!(matches!(read::<Content>(dir.path(), "people").unwrap(), Found::Damaged { .. }));
            fs::remove_file(&aside).unwrap();
        }
    }

    #[test]
    fn what_a_newer_agent_wrote_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.json");
        let text = format!("nuvol-state 2 {}\n{{}}\n", super::digest("{}"));
        fs::write(&path, &text).unwrap();
        for error in [
            read::<Content>(dir.path(), "people").unwrap_err(),
            write(dir.path(), "people", &content()).unwrap_err(),
        ] {
            assert!(error.to_string().contains("of version 2: a newer agent wrote it"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "people", &content()).unwrap();
        let much: Vec<u32> = vec![u32::MAX; 1 << 20];
        let error = write(dir.path(), "people", &much).unwrap_err();
        assert!(format!("{error:#}").contains("at most"), "{error:#}");
        assert_eq!(read(dir.path(), "people").unwrap(), Found::Whole(content()));
    }

    #[test]
    fn a_new_document_after_a_damaged_one_counts() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("people.json"), "x").unwrap();
        assert!(matches!(read::<Content>(dir.path(), "people").unwrap(), Found::Damaged { .. }));
        write(dir.path(), "people", &content()).unwrap();
        assert_eq!(read(dir.path(), "people").unwrap(), Found::Whole(content()));
    }
}
