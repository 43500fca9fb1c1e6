//! Two disks, side by side: the first thing at which they differ, by its path where it is a file.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use ext4_view::{Ext4, Ext4Read, Metadata, PathBuf};

use super::layout::Layout;
use crate::rootfs::{Difference, How};
use crate::spec::Architecture;

/// The first thing at which two disks differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A path of the root file system.
    File(Difference),
    /// A byte, where all files are the same.
    Byte {
        /// The partition that it lies in; between partitions, the one before.
        partition: &'static str,
        /// Counted from the beginning of the disk.
        offset: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(difference) => difference.fmt(f),
            Self::Byte { partition, offset } => write!(f, "byte {offset}, in `{partition}`"),
        }
    }
}

/// The first place at which the raw images `one` and `other` for `architecture` differ: of files the first by
/// path, else the first byte.
pub fn first_difference(
    one: &Path,
    other: &Path,
    architecture: Architecture,
) -> anyhow::Result<Option<Place>> {
    let Some(offset) = first_byte(one, other)? else { return Ok(None) };
    // Where a partition begins depends on no size but of those before it.
    let layout = Layout::new(architecture, 0);
    let (first, second) = (root(one, &layout)?, root(other, &layout)?);
    if let Some(file) = first_file(&first, &second)? {
        return Ok(Some(Place::File(file)));
    }
    let spans = [
        ("bios", layout.bios),
        ("esp", Some(layout.esp)),
        ("nuvol-cfg", Some(layout.config)),
        ("root", Some(layout.root)),
    ];
    let partition = spans.iter().rev().find(|(_, span)| span.is_some_and(|it| it.offset <= offset));
    Ok(Some(Place::Byte { partition: partition.map_or("partition table", |(name, _)| name), offset }))
}

/// The number of the first byte at which two files differ, or at which the shorter one ends.
pub fn first_byte(one: &Path, other: &Path) -> anyhow::Result<Option<u64>> {
    const CHUNK: usize = 1 << 20;
    let open = |path: &Path| File::open(path).with_context(|| format!("opening `{}`", path.display()));
    let (first, second) = (open(one)?, open(other)?);
    let (mut a, mut b) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut at = 0;
    loop {
        let what = || format!("comparing `{}` with `{}`", one.display(), other.display());
        let (m, n) =
            (fill(&first, &mut a, at).with_context(what)?, fill(&second, &mut b, at).with_context(what)?);
        if a[..m] != b[..n] {
            let same = a[..m].iter().zip(&b[..n]).take_while(|(x, y)| x == y).count();
            return Ok(Some(at + same as u64));
        }
        if m == 0 {
            return Ok(None);
        }
        at += m as u64;
    }
}

/// Reads at `at` until `buffer` is full or the file ends.
fn fill(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// The root partition of a disk, from a byte on.
struct Root(File, u64);

impl Ext4Read for Root {
    fn read(&mut self, start: u64, to: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.read_exact_at(to, self.1 + start)?)
    }
}

fn root(disk: &Path, layout: &Layout) -> anyhow::Result<Ext4> {
    let what = || format!("reading the root file system of `{}`", disk.display());
    let file = File::open(disk).with_context(what)?;
    Ext4::load(Box::new(Root(file, layout.root.offset))).with_context(what)
}

fn first_file(one: &Ext4, other: &Ext4) -> anyhow::Result<Option<Difference>> {
    let (first, second) = (entries(one)?, entries(other)?);
    let only = |these: &Entries, those: &Entries| these.keys().find(|it| !those.contains_key(*it)).cloned();
    let mut found: Vec<(Vec<u8>, How)> = Vec::new();
    found.extend(only(&first, &second).map(|path| (path, How::OnlyFirst)));
    found.extend(only(&second, &first).map(|path| (path, How::OnlySecond)));
    for (path, node) in &first {
        let Some(counterpart) = second.get(path) else { continue };
        if let Some(how) = differ((one, node), (other, counterpart), path)? {
            found.push((path.clone(), how));
            break;
        }
    }
    let first = found.into_iter().min_by(|(a, _), (b, _)| a.cmp(b));
    Ok(first.map(|(path, how)| Difference {
        path: String::from_utf8_lossy(&path).trim_start_matches('/').to_owned(),
        how,
    }))
}

type Entries = BTreeMap<Vec<u8>, Metadata>;

/// Everything in the file system by its whole path.
fn entries(of: &Ext4) -> anyhow::Result<Entries> {
    let mut found = Entries::new();
    let mut folders = vec![PathBuf::new("/")];
    while let Some(folder) = folders.pop() {
        for entry in of.read_dir(&folder)? {
            let entry = entry?;
            if [&b"."[..], b".."].contains(&entry.file_name().as_ref()) {
                continue;
            }
            let (path, metadata) = (entry.path(), entry.metadata()?);
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path.as_ref().to_vec(), metadata);
        }
    }
    Ok(found)
}

fn differ(one: (&Ext4, &Metadata), other: (&Ext4, &Metadata), path: &[u8]) -> anyhow::Result<Option<How>> {
    let ((first, a), (second, b)) = (one, other);
    let path = PathBuf::try_from(path)?;
    Ok(if a.file_type() != b.file_type() {
        Some(How::Kind)
    } else if a.mode() != b.mode() {
        Some(How::Mode)
    } else if (a.uid(), a.gid()) != (b.uid(), b.gid()) {
        Some(How::Owner)
    } else if a.is_symlink() {
        (first.read_link(&path)? != second.read_link(&path)?).then_some(How::Target)
    } else if a.file_type().is_regular_file()
        && (a.len() != b.len() || first.read(&path)? != second.read(&path)?)
    {
        Some(How::Bytes)
    } else if a.modified() != b.modified() {
        Some(How::Time)
    } else {
        None
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use crate::spec::Architecture;

    use super::{Layout, first_byte, first_difference};

    /// A disk with nothing but a root file system of these files, by name and text.
    #[expect(clippy::disallowed_methods, reason = "another program than ours makes the file system")]
    pub(crate) fn disk(path: &Path, files: &[(&str, &str)]) -> PathBuf {
        const ID: &str = "5ac6a5d1-3b43-4b34-8ac1-4d4f6c5d1d3a";
        let tree = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = tree.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::File::open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        }
        let options = format!(
            "offset={},hash_seed={ID},lazy_itable_init=0",
            Layout::new(Architecture::Amd64, 0).root.offset
        );
        let mut mke2fs = Command::new("/sbin/mke2fs");
        mke2fs.args(["-q", "-F", "-t", "ext4", "-U", ID, "-E", &options, "-d"]);
        let made = mke2fs.arg(tree.path()).arg(path).arg("8M").output().unwrap();
        assert!(made.status.success(), "{made:?}");
        path.to_owned()
    }

    #[test]
    fn the_first_file_that_differs_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let disk = |name: &str, files: &[(&str, &str)]| disk(&dir.path().join(name), files);
        let one = disk("one", &[("a", "1"), ("b", "1"), ("c", "1")]);
        let first = |other: PathBuf| {
            first_difference(&one, &other, Architecture::Amd64).unwrap().map(|it| it.to_string())
        };
        assert_eq!(first(one.clone()), None);
        assert_eq!(first(disk("two", &[("a", "1"), ("b", "2"), ("c", "2")])).unwrap(), "bytes /b");
        assert_eq!(first(disk("three", &[("b", "2"), ("c", "1")])).unwrap(), "only-first /a");
        assert_eq!(first(disk("four", &[("a", "1"), ("aa", ""), ("b", "1")])).unwrap(), "only-second /aa");
    }

    #[test]
    fn what_is_no_file_is_told_by_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let one = disk(&dir.path().join("one"), &[]);
        let two = dir.path().join("two");
        let mut bytes = fs::read(&one).unwrap();
        bytes[(2 << 20) + 5] ^= 1;
        fs::write(&two, &bytes).unwrap();
        assert_eq!(
            first_difference(&one, &two, Architecture::Amd64).unwrap().unwrap().to_string(),
            "byte 2097157, in `esp`"
        );
        fs::write(&two, &bytes[..99]).unwrap();
        assert_eq!(first_byte(&one, &two).unwrap(), Some(99));
    }
}
