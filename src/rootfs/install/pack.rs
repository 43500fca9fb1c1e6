//! A folder, or what was changed in it, as a canonical tar: sorted, parents first, nothing younger than the
//! epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::Context as _;
use tar::{EntryType, Header};

use super::super::tree::{BUFFER, WHITEOUT, append_file};

/// Kept in the tar; all other attributes belong to the file system that the folder lies on.
const ATTRIBUTES: [&str; 3] = ["security.capability", "system.posix_acl_access", "system.posix_acl_default"];

/// When things happened, in seconds since 1970.
pub struct Times {
    /// What the build made gets this time.
    pub epoch: u64,
    /// What is younger was made by the build.
    pub began: u64,
}

/// What stood in a folder at some moment: by path, what changes with every change of a file.
pub type Before = BTreeMap<String, Mark>;

/// Number of an inode and the time of its last change.
pub type Mark = (u64, i64, i64);

/// What stands in `folder` now.
pub fn look(folder: &Path) -> anyhow::Result<Before> {
    let mut paths = Vec::new();
    list(folder, "", &mut paths)?;
    Ok(paths.into_iter().map(|(path, metadata)| (path, mark(&metadata))).collect())
}

fn mark(metadata: &Metadata) -> Mark {
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

/// Writes what differs in `folder` from `before` to `out`, and returns what stands there now.
pub fn pack(folder: &Path, out: File, times: &Times, before: &Before) -> anyhow::Result<Before> {
    let mut paths = Vec::new();
    list(folder, "", &mut paths)?;
    let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 20, out));
    let mut first_names: BTreeMap<(u64, u64), String> = BTreeMap::new();
    let mut buffer = vec![0; BUFFER];
    for (path, metadata) in paths.iter().filter(|(path, it)| before.get(path) != Some(&mark(it))) {
        append(&mut builder, folder, path, metadata, times, &mut first_names, &mut buffer)
            .with_context(|| format!("packing `/{path}`"))?;
    }
    let now: BTreeSet<&str> = paths.iter().map(|(path, _)| path.as_str()).collect();
    let mut gone = String::from("/");
    for path in before.keys().filter(|path| !now.contains(path.as_str())) {
        // All below a folder goes with it.
        if !path.starts_with(&gone) {
            gone = format!("{path}/");
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let whiteout = Path::new(folder).join(format!("{WHITEOUT}{name}"));
            let mut header = Header::new_gnu();
            header.set_size(0);
            header.set_mode(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(times.epoch);
            builder.append_data(&mut header, whiteout, std::io::empty())?;
        }
    }
    builder.into_inner().and_then(|mut file| file.flush()).context("writing the root file system")?;
    Ok(paths.into_iter().map(|(path, metadata)| (path, mark(&metadata))).collect())
}

fn append(
    builder: &mut tar::Builder<impl std::io::Write>,
    folder: &Path,
    path: &str,
    metadata: &Metadata,
    times: &Times,
    first_names: &mut BTreeMap<(u64, u64), String>,
    buffer: &mut [u8],
) -> anyhow::Result<()> {
    let full = folder.join(path);
    let mut header = Header::new_gnu();
    header.set_mode(metadata.mode() & 0o7777);
    header.set_uid(metadata.uid().into());
    header.set_gid(metadata.gid().into());
    let mtime = u64::try_from(metadata.mtime()).unwrap_or(0);
    let made = mtime >= times.began || metadata.is_dir();
    header.set_mtime(if made { times.epoch } else { mtime.min(times.epoch) });
    header.set_size(0);
    let kind = metadata.file_type();
    if !kind.is_symlink() {
        let attributes = attributes(&full)?;
        let records = attributes.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        builder.append_pax_extensions(records)?;
    }
    if kind.is_dir() {
        header.set_entry_type(EntryType::Directory);
        builder.append_data(&mut header, format!("{path}/"), std::io::empty())?;
    } else if kind.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        builder.append_link(&mut header, path, fs::read_link(&full)?)?;
    } else if let Some(first) = first_names.get(&(metadata.dev(), metadata.ino())) {
        header.set_entry_type(EntryType::Link);
        builder.append_link(&mut header, path, first)?;
    } else {
        if metadata.nlink() > 1 {
            first_names.insert((metadata.dev(), metadata.ino()), path.to_owned());
        }
        header.set_entry_type(EntryType::Regular);
        append_file(builder, &mut header, path, &File::open(&full)?, 0, metadata.len(), buffer)?;
    }
    Ok(())
}

/// All below `folder/at`, sorted by whole path. Devices, pipes and sockets belong to a running system.
fn list(folder: &Path, at: &str, found: &mut Vec<(String, Metadata)>) -> anyhow::Result<()> {
    let mut open = vec![at.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(folder.join(&at)).with_context(|| format!("reading `/{at}`"))? {
            let entry = entry.with_context(|| format!("reading `/{at}`"))?;
            let name = entry.file_name();
            let name = name.to_str().with_context(|| format!("`/{at}` has a name that is not UTF-8"))?;
            let path = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
            let metadata = entry.metadata().with_context(|| format!("reading `/{path}`"))?;
            let kind = metadata.file_type();
            if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket() {
                continue;
            }
            if kind.is_dir() {
                open.push(path.clone());
            }
            found.push((path, metadata));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(())
}

/// The attributes of a file as records of a tar.
fn attributes(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut names = [0u8; 1024];
    let count = match rustix::fs::llistxattr(path, &mut names) {
        Ok(count) => count,
        Err(rustix::io::Errno::NOTSUP) => 0,
        Err(err) => return Err(err.into()),
    };
    let mut found = Vec::new();
    for name in names[..count].split(|byte| *byte == 0).filter_map(|it| std::str::from_utf8(it).ok()) {
        if ATTRIBUTES.contains(&name) {
            let mut value = [0u8; 4096];
            let count = rustix::fs::lgetxattr(path, name, &mut value)?;
            found.push((format!("SCHILY.xattr.{name}"), value[..count].to_vec()));
        }
    }
    Ok(found)
}
