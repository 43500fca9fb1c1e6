//! Packages into the tree, several at once, as dpkg would place them: configuration files aside
//! for dpkg to decide about, diverted files where the diversion says.
//!
//! All paths are those of the tree: whoever calls has changed its root (see `inside`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown, fchown, lchown, symlink};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::database;
use super::deb::Deb;

/// What stands in the tree so far, and whose it is.
#[derive(Default)]
pub struct Ground {
    owners: Mutex<BTreeMap<String, usize>>,
    folders: Mutex<BTreeSet<String>>,
    lost: Mutex<Vec<(usize, String)>>,
}

/// What one package placed.
#[derive(Default)]
pub struct Placed {
    /// Every path, as dpkg lists them.
    pub paths: Vec<String>,
    folders: Vec<(String, u32, u32, u32)>,
}

/// `from -> (to, package)`: files that a package moved out of others' way (dpkg-divert(1)).
pub type Diversions = BTreeMap<String, (String, String)>;

impl Ground {
    /// Takes note of a package that was in the tree before: `list` are its paths.
    pub fn know(&self, deb: &Deb, index: usize, list: &[String], diversions: &Diversions) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        for path in list {
            let elsewhere = diversions.get(path).filter(|(_, by)| by != deb.name());
            let path = elsewhere.map_or(path, |(elsewhere, _)| elsewhere);
            if fs::symlink_metadata(path).is_ok_and(|it| it.is_dir()) {
                folders.insert(merged(path));
            } else {
                owners.insert(merged(path), index);
            }
        }
    }

    /// Unpacks package number `index` of `debs`.
    pub fn place(&self, debs: &[Deb], index: usize, diversions: &Diversions) -> anyhow::Result<Placed> {
        let deb = &debs[index];
        let mut placed = Placed::default();
        let conffiles: BTreeSet<String> = database::conffiles(deb).into_iter().collect();
        deb.data(|tar| {
            for entry in tar.entries()? {
                let mut entry = entry?;
                let name = String::from_utf8(entry.path_bytes().into_owned())?;
                let path = absolute(&name).with_context(|| format!("strange path `{name}`"))?;
                placed.paths.push(if path.is_empty() { "/.".to_owned() } else { path.clone() });
                if path.is_empty() {
                    continue;
                }
                let mut to = path.clone();
                if let Some((elsewhere, _)) = diversions.get(&path).filter(|(_, by)| by != deb.name()) {
                    to.clone_from(elsewhere);
                }
                if conffiles.contains(&path) {
                    to += ".dpkg-new";
                }
                self.entry(debs, index, &mut entry, &to, &mut placed).with_context(|| format!("`{to}`"))?;
            }
            Ok(())
        })
        .with_context(|| format!("unpacking {}", deb.name()))?;
        Ok(placed)
    }

    fn entry(
        &self,
        debs: &[Deb],
        index: usize,
        entry: &mut tar::Entry<'_, impl Read>,
        to: &str,
        placed: &mut Placed,
    ) -> anyhow::Result<()> {
        use tar::EntryType;
        let header = entry.header();
        let (mode, mtime) = (header.mode()? & 0o7777, header.mtime()?);
        let (uid, gid) = (u32::try_from(header.uid()?)?, u32::try_from(header.gid()?)?);
        let kind = header.entry_type();
        let link = entry.link_name_bytes().map(|it| String::from_utf8(it.into_owned())).transpose()?;
        match kind {
            EntryType::Directory => {
                match fs::create_dir(to) {
                    Err(err) if err.kind() == ErrorKind::AlreadyExists && Path::new(to).is_dir() => {}
                    result => result?,
                }
                placed.folders.push((to.to_owned(), mode, uid, gid));
            }
            EntryType::Regular | EntryType::Continuous => {
                let Some(mut file) = self.claim(debs, index, to, || {
                    File::options().write(true).create_new(true).mode(0o600).open(to)
                })?
                else {
                    return Ok(());
                };
                std::io::copy(entry, &mut file)?;
                if uid != 0 || gid != 0 {
                    fchown(&file, Some(uid), Some(gid))?;
                }
                file.set_permissions(Permissions::from_mode(mode))?;
                file.set_modified(UNIX_EPOCH + Duration::from_secs(mtime))?;
            }
            EntryType::Symlink => {
                let target = link.context("a link to nothing")?;
                // A folder that was there stays, as with dpkg: its files would be lost.
                if fs::symlink_metadata(to).is_ok_and(|it| it.is_dir()) {
                    return Ok(());
                }
                if self.claim(debs, index, to, || symlink(&target, to))?.is_some() {
                    lchown(to, Some(uid), Some(gid))?;
                    set_link_time(to, mtime)?;
                }
            }
            EntryType::Link => {
                let target = absolute(&link.context("a link to nothing")?).context("a link to nothing")?;
                self.claim(debs, index, to, || fs::hard_link(&target, to))?;
            }
            other => anyhow::bail!("a package may not bring a {other:?}"),
        }
        Ok(())
    }

    /// Makes the file `path` for package `index`, unless a package that replaces it has been there.
    fn claim<T>(
        &self,
        debs: &[Deb],
        index: usize,
        path: &str,
        make: impl FnOnce() -> std::io::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&other) = owners.get(&merged(path)).filter(|it| **it != index) {
            let (mine, theirs) = (&debs[index], &debs[other]);
            if replaces(theirs, mine) {
                self.lose(index, path);
                return Ok(None);
            }
            // Instances for several architectures share equal files.
            anyhow::ensure!(
                replaces(mine, theirs),
                "the package {} has that file too, and neither replaces the other",
                theirs.name()
            );
            self.lose(other, path);
        }
        owners.insert(merged(path), index);
        match fs::remove_file(path) {
            Err(err) if err.kind() != ErrorKind::NotFound => return Err(err.into()),
            _ => {}
        }
        Ok(Some(make()?))
    }

    fn lose(&self, index: usize, path: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).push((index, path.to_owned()));
    }

    /// Ends a wave: gives new folders the rights that the first package, by name, wants for them, and
    /// takes files that were replaced off their old owners' lists.
    pub fn settle(&self, placed: &mut BTreeMap<usize, Placed>) -> anyhow::Result<()> {
        let mut known = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        for one in placed.values() {
            for (path, mode, uid, gid) in &one.folders {
                if known.insert(merged(path)) && !Path::new(path).is_symlink() {
                    chown(path, Some(*uid), Some(*gid))
                        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(*mode)))
                        .with_context(|| format!("setting the rights of `{path}`"))?;
                }
            }
        }
        let lost = std::mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner));
        for (index, path) in lost {
            if let Some(one) = placed.get_mut(&index) {
                one.paths.retain(|it| *it != path);
            }
        }
        Ok(())
    }
}

/// `./usr/bin/x` as `/usr/bin/x`, the root itself as nothing; `None` if it leads out of the tree.
fn absolute(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('/').filter(|it| !it.is_empty() && *it != ".").collect();
    (!parts.contains(&"..")).then(|| parts.iter().map(|part| format!("/{part}")).collect())
}

/// The one name of a path that can be reached by two since `/usr` was merged.
fn merged(path: &str) -> String {
    let aliased = ["/bin/", "/sbin/", "/lib/", "/lib64/"].iter().any(|it| path.starts_with(it));
    if aliased { format!("/usr{path}") } else { path.to_owned() }
}

fn replaces(one: &Deb, other: &Deb) -> bool {
    let names = one.control.relations("Replaces");
    names.iter().flatten().any(|name| name == other.name())
}

fn set_link_time(path: &str, mtime: u64) -> anyhow::Result<()> {
    let time = Timespec { tv_sec: i64::try_from(mtime)?, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Reads dpkg's list of diversions: three lines each.
pub fn diversions() -> anyhow::Result<Diversions> {
    let path = Path::new(database::FOLDER).join("diversions");
    let text = if path.exists() {
        fs::read_to_string(&path).context("reading the diversions")?
    } else {
        String::new()
    };
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines.chunks_exact(3).map(|it| (it[0].to_owned(), (it[1].to_owned(), it[2].to_owned()))).collect())
}

#[cfg(test)]
mod tests {
    use super::{absolute, merged};

    #[test]
    fn paths_stay_in_the_tree() {
        assert_eq!(absolute("./usr/bin/x").as_deref(), Some("/usr/bin/x"));
        assert_eq!(absolute("./").as_deref(), Some(""));
        assert_eq!(absolute("usr/../../etc"), None);
    }

    #[test]
    fn a_file_has_one_name() {
        assert_eq!(merged("/lib/x"), "/usr/lib/x");
        assert_eq!(merged("/libexec"), "/libexec");
    }
}
