//! The seal of an entry: every file in it with size, time and digest, taken when the entry was made. At every use
//! sizes and times are compared, which costs next to nothing; `nuvol cache verify` reads all bytes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::artifact::sha256_file;
use super::hashed::Hashed;
use super::threads::side_by_side;

/// The file that holds the seal: a line of JSON for each mark, those of the entry's own folder first.
pub const SEAL: &str = "seal";
/// Stands in the seal's place where an entry is only known: what it holds can be fetched, and is not here yet.
pub const KNOWN: &str = "known";

/// All that an entry holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seal(pub Vec<Mark>);

/// A file, folder or link of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where it lies in the entry (`root/etc/fstab`).
    pub path: String,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// What a mark stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum What {
    /// A regular file.
    File {
        /// In bytes.
        size: u64,
        /// sha256 of its bytes, in hexadecimal digits.
        sha256: String,
        /// Permission bits.
        mode: u32,
        /// Nanoseconds since 1970 when it was last written to.
        modified: i64,
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: String,
    },
    /// A folder.
    Folder {
        /// Permission bits.
        mode: u32,
    },
}

/// How closely an entry is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Only what lies in the entry's own folder; bytes only where a time differs.
    Glance,
    /// Everything in it; bytes only where a time differs.
    Walk,
    /// Every byte, and whether anything is there that should not be.
    Read,
}

impl Seal {
    /// Takes the seal of all that lies in `folder` now; files that are `hashed` need not be read.
    pub fn take(folder: &Path, hashed: &Hashed) -> anyhow::Result<Self> {
        let mut marks = Vec::new();
        for (path, metadata) in walk(folder)? {
            let at = folder.join(&path);
            let mode = metadata.permissions().mode() & 0o7777;
            let what = if metadata.is_dir() {
                What::Folder { mode }
            } else if metadata.is_symlink() {
                What::Link { target: target(&at)? }
            } else {
                anyhow::ensure!(metadata.is_file(), "`{}` is neither file nor folder", at.display());
                What::File {
                    size: metadata.len(),
                    sha256: hashed.of(&metadata).unwrap_or_default(),
                    mode,
                    modified: modified(&metadata),
                }
            };
            marks.push(Mark { path, what });
        }
        let digests = side_by_side(&marks, |mark| match &mark.what {
            What::File { sha256, .. } if sha256.is_empty() => sha256_file(&folder.join(&mark.path)),
            What::File { sha256, .. } => Ok(sha256.clone()),
            _ => Ok(String::new()),
        })?;
        for (mark, digest) in marks.iter_mut().zip(digests) {
            if let What::File { sha256, .. } = &mut mark.what {
                *sha256 = digest;
            }
        }
        Ok(Self(marks))
    }

    /// Writes it into `folder` as `name`.
    pub fn write(&self, folder: &Path, name: &str) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder).context("making a seal")?;
        file.write_all(&self.text()?).context("writing a seal")?;
        file.persist(folder.join(name)).context("writing a seal")?;
        Ok(())
    }

    /// Reads the seal `name` of `folder`; with [`Look::Glance`] only the marks of the folder itself.
    /// `None` if there is none that can be read.
    pub fn read(folder: &Path, name: &str, look: Look) -> Option<Self> {
        Self::parse(BufReader::new(File::open(folder.join(name)).ok()?), look)
    }

    /// Reads a seal's lines.
    pub fn parse(text: impl std::io::BufRead, look: Look) -> Option<Self> {
        let mut marks = Vec::new();
        for line in text.lines() {
            let mark: Mark = serde_json::from_str(&line.ok()?).ok()?;
            if look == Look::Glance && mark.path.contains('/') {
                break;
            }
            marks.push(mark);
        }
        (!marks.is_empty()).then_some(Self(marks))
    }

    /// As text: a line for each mark.
    pub fn text(&self) -> anyhow::Result<Vec<u8>> {
        let mut text = Vec::new();
        for mark in &self.0 {
            serde_json::to_writer(&mut text, mark).context("writing a seal")?;
            text.push(b'\n');
        }
        Ok(text)
    }

    /// The same without times, which differ from machine to machine.
    #[must_use]
    pub fn timeless(mut self) -> Self {
        for mark in &mut self.0 {
            if let What::File { modified, .. } = &mut mark.what {
                *modified = 0;
            }
        }
        self
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.0.iter().map(|mark| if let What::File { size, .. } = mark.what { size } else { 0 }).sum()
    }

    /// Whether everything in it lies in a folder that is named before it, so that whoever lays it down writes
    /// nowhere else, through no link and to no path that leads out.
    pub fn is_sound(&self) -> bool {
        let mut folders = BTreeSet::from([""]);
        let mut known = BTreeSet::new();
        self.0.iter().all(|mark| {
            let (folder, name) = mark.path.rsplit_once('/').unwrap_or(("", &mark.path));
            if matches!(mark.what, What::Folder { .. }) {
                folders.insert(&mark.path);
            }
            let is_seal = folder.is_empty() && (name == SEAL || name == KNOWN);
            let is_name = !["", ".", ".."].contains(&name) && !mark.path.starts_with('/');
            folders.contains(folder) && is_name && !is_seal && known.insert(&mark.path)
        })
    }

    /// The digest of the file `path`.
    pub fn digest(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|mark| mark.path == path).and_then(|mark| match &mark.what {
            What::File { sha256, .. } => Some(sha256.as_str()),
            _ => None,
        })
    }

    fn stranger(&self, folder: &Path) -> Option<String> {
        let known: BTreeSet<&str> = self.0.iter().map(|mark| mark.path.as_str()).collect();
        walk(folder).ok()?.into_iter().map(|it| it.0).find(|path| !known.contains(path.as_str()))
    }
}

enum Compared {
    Same,
    /// Its bytes are right, its time is this.
    Moved(i64),
    Wrong(String),
}

impl Mark {
    fn compare(&self, at: &Path, look: Look) -> Compared {
        let Ok(found) = fs::symlink_metadata(at) else { return Compared::Wrong("is missing".into()) };
        let found_mode = found.permissions().mode() & 0o7777;
        match &self.what {
            What::Folder { mode } if found.is_dir() && found_mode == *mode => Compared::Same,
            What::Link { target: to } if found.is_symlink() && target(at).is_ok_and(|it| it == *to) => {
                Compared::Same
            }
            What::File { size, sha256, mode, modified: time } if found.is_file() => {
                if found.len() != *size {
                    return Compared::Wrong(format!("has {} bytes, not {size}", found.len()));
                }
                if found_mode != *mode {
                    return Compared::Wrong("has other permissions".into());
                }
                let same_time = modified(&found) == *time;
                if same_time && look != Look::Read {
                    Compared::Same
                } else if sha256_file(at).is_ok_and(|it| it == *sha256) {
                    if same_time { Compared::Same } else { Compared::Moved(modified(&found)) }
                } else {
                    Compared::Wrong("has other bytes".into())
                }
            }
            _ => Compared::Wrong("is something else".into()),
        }
    }
}

/// Looks at the entry `folder`; `Some` says what is wrong with it. A file whose time differs is read, and if its
/// bytes are the right ones, the new time is noted.
pub fn wrong(folder: &Path, look: Look) -> Option<String> {
    let Some(seal) = Seal::read(folder, SEAL, look) else { return Some("it has no seal".into()) };
    if look == Look::Read
        && let Some(stranger) = seal.stranger(folder)
    {
        return Some(format!("`{stranger}` does not belong to it"));
    }
    let compared = side_by_side(&seal.0, |mark| Ok(mark.compare(&folder.join(&mark.path), look)));
    let mut moved = BTreeMap::new();
    for (mark, compared) in seal.0.iter().zip(compared.ok()?) {
        match compared {
            Compared::Wrong(why) => return Some(format!("`{}` {why}", mark.path)),
            Compared::Moved(time) => _ = moved.insert(mark.path.as_str(), time),
            Compared::Same => {}
        }
    }
    if !moved.is_empty() {
        // A seal that cannot be written is no harm: the bytes are read again next time.
        note_times(folder, &moved).ok();
    }
    None
}

fn note_times(folder: &Path, times: &BTreeMap<&str, i64>) -> anyhow::Result<()> {
    let mut whole = Seal::read(folder, SEAL, Look::Walk).context("reading a seal")?;
    for mark in &mut whole.0 {
        if let (What::File { modified, .. }, Some(time)) = (&mut mark.what, times.get(mark.path.as_str())) {
            *modified = *time;
        }
    }
    whole.write(folder, SEAL)
}

/// All that lies below `folder`, what lies in it itself first; seals aside.
fn walk(folder: &Path) -> anyhow::Result<Vec<(String, fs::Metadata)>> {
    let mut found = Vec::new();
    let mut folders = VecDeque::from([String::new()]);
    while let Some(below) = folders.pop_front() {
        let at = folder.join(&below);
        let mut here = Vec::new();
        for entry in fs::read_dir(&at).with_context(|| format!("reading `{}`", at.display()))? {
            let entry = entry.with_context(|| format!("reading `{}`", at.display()))?;
            let metadata =
                entry.metadata().with_context(|| format!("reading `{}`", entry.path().display()))?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| anyhow::anyhow!("the strange name {}", name.display()))?;
            if !below.is_empty() || !(name == SEAL || name == KNOWN) {
                here.push((format!("{below}{name}"), metadata));
            }
        }
        here.sort_by(|one, other| one.0.cmp(&other.0));
        folders.extend(here.iter().filter(|it| it.1.is_dir()).map(|it| format!("{}/", it.0)));
        found.append(&mut here);
    }
    Ok(found)
}

fn target(link: &Path) -> anyhow::Result<String> {
    let what = || format!("reading the link `{}`", link.display());
    let target = fs::read_link(link).with_context(what)?.into_os_string().into_string();
    target.map_err(|_| anyhow::anyhow!("it leads to a strange name")).with_context(what)
}

fn modified(metadata: &fs::Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Hashed, Look, SEAL, Seal, wrong};

    fn entry() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/etc")).unwrap();
        fs::write(dir.path().join("disk.raw"), "disk").unwrap();
        fs::write(dir.path().join("root/etc/fstab"), "fstab").unwrap();
        symlink("etc/fstab", dir.path().join("root/link")).unwrap();
        Seal::take(dir.path(), &Hashed::default()).unwrap().write(dir.path(), SEAL).unwrap();
        dir
    }

    fn forge(path: &Path, bytes: &str) {
        let time = fs::metadata(path).unwrap().modified().unwrap();
        fs::write(path, bytes).unwrap();
        File::open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_whole_entry_is_whole_however_it_is_looked_at() {
        let dir = entry();
        for look in [Look::Glance, Look::Walk, Look::Read] {
            assert_eq!(wrong(dir.path(), look), None);
        }
    }

    #[test]
    fn a_glance_sees_what_is_cheap_to_see() {
        let dir = entry();
        let disk = dir.path().join("disk.raw");
        fs::write(&disk, "disks").unwrap();
        assert_eq!(wrong(dir.path(), Look::Glance).unwrap(), "`disk.raw` has 5 bytes, not 4");
        fs::write(&disk, "dusk").unwrap();
        assert_eq!(wrong(dir.path(), Look::Glance).unwrap(), "`disk.raw` has other bytes");
        fs::remove_file(&disk).unwrap();
        assert_eq!(wrong(dir.path(), Look::Glance).unwrap(), "`disk.raw` is missing");
    }

    #[test]
    fn reading_sees_everything() {
        let dir = entry();
        forge(&dir.path().join("root/etc/fstab"), "FSTAB");
        assert_eq!(wrong(dir.path(), Look::Walk), None);
        assert_eq!(wrong(dir.path(), Look::Read).unwrap(), "`root/etc/fstab` has other bytes");
        forge(&dir.path().join("root/etc/fstab"), "fstab");
        fs::write(dir.path().join("root/more"), "x").unwrap();
        assert_eq!(wrong(dir.path(), Look::Read).unwrap(), "`root/more` does not belong to it");
        fs::remove_file(dir.path().join("root/link")).unwrap();
        assert_eq!(wrong(dir.path(), Look::Walk).unwrap(), "`root/link` is missing");
        assert_eq!(wrong(dir.path(), Look::Glance), None);
    }

    #[test]
    fn the_same_bytes_of_another_time_are_the_same() {
        let dir = entry();
        let file = File::open(dir.path().join("disk.raw")).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(7)).unwrap();
        assert_eq!(wrong(dir.path(), Look::Glance), None);
        // The time was noted: changing the bytes behind it is not seen by a glance any more.
        let noted = Seal::read(dir.path(), SEAL, Look::Read).unwrap();
        assert_eq!(noted, Seal::take(dir.path(), &Hashed::default()).unwrap());
    }

    #[test]
    fn a_seal_that_leads_out_of_the_entry_is_not_sound() {
        let seal = |paths: &[&str]| {
            let line = |path: &&str| match path.split_once(" -> ") {
                Some((path, target)) => {
                    format!("{{\"path\":\"{path}\",\"is\":\"link\",\"target\":\"{target}\"}}\n")
                }
                None => format!("{{\"path\":\"{path}\",\"is\":\"folder\",\"mode\":493}}\n"),
            };
            let text: String = paths.iter().map(line).collect();
            Seal::parse(text.as_bytes(), Look::Read).unwrap()
        };
        assert!(seal(&["root", "root/a", "root/b -> /etc"]).is_sound());
        for wrong in [
            &["/etc"][..],
            &["root/a"],
            &[".."],
            &["root", "root/.."],
            &["root", "root"],
            &["root -> /etc", "root/passwd"],
            &["seal"],
        ] {
            assert!(!seal(wrong).is_sound(), "{wrong:?}");
        }
    }

    #[test]
    fn without_a_seal_nothing_is_trusted() {
        let dir = entry();
        fs::write(dir.path().join(SEAL), "{").unwrap();
        assert_eq!(wrong(dir.path(), Look::Glance).unwrap(), "it has no seal");
    }
}
