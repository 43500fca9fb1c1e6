//! tinc's folder, where all files of one moment count together or not at all.
//!
//! They lie in a folder of their own, and `current` is a link to it: the next ones are written into the other of two
//! folders, and the link is replaced by one rename. What did not change is a second name of the same file, so that a
//! member that comes costs one file and not thousands, and tinc sees by the file's time that it is the same.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::FlockOperation;

use crate::durable;
use crate::mesh::{Files, TincName};

/// What tinc reads.
pub const CURRENT: &str = "current";
const FOLDERS: [&str; 2] = ["files.0", "files.1"];
const HOSTS: &str = "hosts";
/// No file of a mesh is longer.
const FILE_LIMIT_BYTES: u64 = 64 << 10;

/// tinc's folder, held by one at a time: the helper, or the service that is about to start.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    _lock: File,
}

/// A step after which the power may fail; for tests, which let it.
pub type Step<'a> = &'a mut dyn FnMut(&'static str) -> io::Result<()>;

impl Store {
    /// Waits until nobody else has it.
    pub fn lock(folder: &Path) -> anyhow::Result<Self> {
        let lock = || -> io::Result<File> {
            let file = File::open(folder)?;
            rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        };
        let lock = lock().with_context(|| format!("locking `{}`", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Its path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The members besides this node that count now; nothing where no files were ever put.
    pub fn members(&self) -> anyhow::Result<Option<Vec<TincName>>> {
        let current = self.folder.join(CURRENT);
        if !current.try_exists()? {
            return Ok(None);
        }
        let own = self.own_name()?;
        let list = || -> io::Result<Vec<TincName>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(current.join(HOSTS))? {
                let name = entry?.file_name().into_string().unwrap_or_default();
                names.extend(name.parse::<TincName>().ok().filter(|_| name != own));
            }
            Ok(names)
        };
        list().map(Some).with_context(|| format!("listing `{}`", current.display()))
    }

    /// What tinc reads when it starts with what counts now ([`Files::needs_restart`]).
    pub fn started_with(&self) -> anyhow::Result<String> {
        let own = format!("{HOSTS}/{}", self.own_name()?);
        let mut files = Vec::new();
        for path in [own.as_str(), "tinc-down", "tinc-up", "tinc.conf"] {
            let file = self.folder.join(CURRENT).join(path);
            let text = read(&file)?.with_context(|| format!("there is no `{}`", file.display()))?;
            files.push((path, text));
        }
        Ok(crate::mesh::files::read_at_start(files.iter().map(|(path, text)| (*path, text.as_str()))))
    }

    fn own_name(&self) -> anyhow::Result<String> {
        let path = self.folder.join(CURRENT).join("tinc.conf");
        let text = read(&path)?.with_context(|| format!("there is no `{}`", path.display()))?;
        let name = text.lines().find_map(|line| line.strip_prefix("Name = "));
        Ok(name.with_context(|| format!("`{}` has no name", path.display()))?.to_owned())
    }

    /// Makes these files the ones that count.
    pub fn put(&self, files: &Files, step: Step<'_>) -> anyhow::Result<()> {
        let current = self.folder.join(CURRENT);
        let old = match fs::read_link(&current) {
            Ok(target) => Some(target),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("reading `{}`", current.display())),
        };
        let [first, second] = FOLDERS;
        let new = if old.as_deref() == Some(Path::new(first)) { second } else { first };
        let aside = self.folder.join(new);
        // Left by somebody who was cut off.
        clear(&aside)?;
        step("cleared")?;
        let before = old.map(|target| self.folder.join(target));
        self.fill(&aside, before.as_deref(), files, step).inspect_err(|_| {
            // Half of it takes room on a disk that may be full.
            clear(&aside).ok();
        })?;
        self.switch(new, &current, step).with_context(|| format!("replacing `{}`", current.display()))?;
        if let Some(before) = before {
            // It is only in the way: the next one clears it too.
            clear(&before).ok();
        }
        Ok(())
    }

    fn fill(&self, aside: &Path, before: Option<&Path>, files: &Files, step: Step<'_>) -> anyhow::Result<()> {
        let mut fill = || -> io::Result<()> {
            DirBuilder::new().mode(0o700).recursive(true).create(aside.join(HOSTS))?;
            for (path, file) in files.iter() {
                let same =
                    before.map(|before| before.join(path)).filter(|old| is(old, &file.text, file.mode));
                match same {
                    Some(old) => fs::hard_link(old, aside.join(path))?,
                    None => write(&aside.join(path), &file.text, file.mode)?,
                }
                step("written")?;
            }
            // Once for all: thousands of files one by one would take a memory card minutes.
            durable::sync(aside)?;
            step("synced")
        };
        fill().with_context(|| format!("writing `{}`", aside.display()))
    }

    fn switch(&self, new: &str, current: &Path, step: Step<'_>) -> io::Result<()> {
        let link = self.folder.join("current.new");
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(new, &link)?;
        step("linked")?;
        fs::rename(&link, current)?;
        step("switched")?;
        durable::sync_parent(current)
    }
}

/// Removes a folder with all that is in it. None is no error.
pub fn clear(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The text of a file, where there is one.
pub fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let read = || -> io::Result<String> {
        let mut text = String::new();
        File::open(path)?.take(FILE_LIMIT_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading `{}`", path.display())),
    }
}

/// Whether the file is exactly this. One that cannot be read is not.
fn is(path: &Path, text: &str, mode: u32) -> bool {
    let same = |it: fs::Metadata| it.mode() & 0o7777 == mode && it.len() == text.len() as u64;
    path.symlink_metadata().is_ok_and(same) && read(path).is_ok_and(|it| it.as_deref() == Some(text))
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    // Whatever umask the caller has.
    rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(mode))?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::{Store, read};
    use crate::mesh::{Files, MeshKey, Own, Peer};

    fn own() -> Own {
        Own { address: "fd01:2:3::1".parse().unwrap(), prefix: "fd01:2:3::".parse().unwrap() }
    }

    fn files(hosts: std::ops::Range<u16>, key: &str) -> Files {
        let peer = |host: u16| Peer {
            address: format!("fd01:2:3::{host:x}").parse().unwrap(),
            key: MeshKey::from_pem(key).unwrap(),
            endpoints: Vec::new(),
            near: false,
        };
        Files::of_member(&own(), &hosts.map(peer).collect::<Vec<_>>(), Path::new("/k"))
    }

    /// Of nobody: the text was made for this test.
    const KEY: &str = include_str!("a-key.pem");

    fn all(store: &Store) -> Option<Vec<String>> {
        let mut names: Vec<String> = store.members().unwrap()?.iter().map(ToString::to_string).collect();
        names.sort();
        Some(names)
    }

    #[test]
    fn whenever_it_is_cut_off_all_or_nothing_counts() {
        let steps = |hosts: std::ops::Range<u16>| files(hosts, KEY).iter().count() + 4;
        for cut in 0..=steps(2..6) {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::lock(dir.path()).unwrap();
            assert_eq!(all(&store), None);
            store.put(&files(2..5, KEY), &mut |_| Ok(())).unwrap();
            let before = all(&store).unwrap();
            assert_eq!(before.len(), 3);
            let mut left = cut;
            let mut last = "";
            let cut_off = store.put(&files(3..7, KEY), &mut |step| {
                last = step;
                left = left.checked_sub(1).ok_or(io::ErrorKind::Interrupted)?;
                Ok(())
            });
            assert_eq!(cut_off.is_ok(), cut == steps(2..6), "{cut} {last}");
            let after = all(&store).unwrap();
            let names =
                |range: std::ops::Range<u16>| range.map(|it| format!("n{it:016x}")).collect::<Vec<_>>();
            let expected = if last == "switched" { names(3..7) } else { before };
            assert_eq!(after, expected, "cut off at {cut}, {last}");
            // What counts can be started with, and the next one gets through.
            assert!(store.started_with().unwrap().contains("Name = n0000000000000001\n"));
            store.put(&files(2..3, KEY), &mut |_| Ok(())).unwrap();
            assert_eq!(all(&store).unwrap(), names(2..3));
            assert_eq!(store.started_with().unwrap(), files(2..3, KEY).needs_restart());
        }
    }

    #[test]
    fn what_stays_is_the_same_file_and_keeps_its_time() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::lock(dir.path()).unwrap();
        let inode = |host: u16| {
            let path = dir.path().join(format!("current/hosts/n{host:016x}"));
            path.metadata().unwrap().ino()
        };
        store.put(&files(2..4, KEY), &mut |_| Ok(())).unwrap();
        let before = inode(3);
        store.put(&files(3..5, KEY), &mut |_| Ok(())).unwrap();
        assert_eq!(inode(3), before);
        let names: Vec<_> = dir.path().read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        // Somebody edited it: it is written anew.
        let path = dir.path().join("current/hosts/n0000000000000003");
        let text = read(&path).unwrap().unwrap();
        crate::durable::write(&path, &text.replace("MACLength = 16", "MACLength = 04"), 0o600).unwrap();
        store.put(&files(3..5, KEY), &mut |_| Ok(())).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), text);
    }
}
