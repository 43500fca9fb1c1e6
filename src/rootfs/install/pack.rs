//! A folder as a canonical tar: sorted, parents first, nothing younger than the epoch.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::Context as _;
use tar::{EntryType, Header};

/// Kept in the tar; all other attributes belong to the file system that the folder lies on.
const ATTRIBUTES: [&str; 3] = ["security.capability", "system.posix_acl_access", "system.posix_acl_default"];

/// Writes `folder` to `out`. What is younger than `began` was made by the build and gets the time `epoch`.
pub fn pack(folder: &Path, out: &Path, epoch: u64, began: u64) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    list(folder, "", &mut paths)?;
    let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 20, File::create(out)?));
    let mut first_names: BTreeMap<(u64, u64), String> = BTreeMap::new();
    for (path, metadata) in paths {
        let what = || format!("packing `/{path}`");
        let full = folder.join(&path);
        let mut header = Header::new_gnu();
        header.set_mode(metadata.mode() & 0o7777);
        header.set_uid(metadata.uid().into());
        header.set_gid(metadata.gid().into());
        let mtime = u64::try_from(metadata.mtime()).unwrap_or(0);
        header.set_mtime(if mtime >= began || metadata.is_dir() { epoch } else { mtime.min(epoch) });
        header.set_size(0);
        let kind = metadata.file_type();
        if !kind.is_symlink() {
            let attributes = attributes(&full).with_context(what)?;
            let records = attributes.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
            builder.append_pax_extensions(records).with_context(what)?;
        }
        if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("{path}/"), std::io::empty()).with_context(what)?;
        } else if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            let target = fs::read_link(&full).with_context(what)?;
            builder.append_link(&mut header, &path, target).with_context(what)?;
        } else if let Some(first) = first_names.get(&(metadata.dev(), metadata.ino())) {
            header.set_entry_type(EntryType::Link);
            builder.append_link(&mut header, &path, first).with_context(what)?;
        } else {
            if metadata.nlink() > 1 {
                first_names.insert((metadata.dev(), metadata.ino()), path.clone());
            }
            header.set_entry_type(EntryType::Regular);
            header.set_size(metadata.len());
            let file = File::open(&full).with_context(what)?;
            builder.append_data(&mut header, &path, file).with_context(what)?;
        }
    }
    builder.into_inner().and_then(|mut file| file.flush()).context("writing the root file system")
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
