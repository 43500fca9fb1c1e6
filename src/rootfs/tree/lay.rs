//! A tree as a folder: several threads make its files.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{
    FileExt as _, OpenOptionsExt as _, PermissionsExt as _, chown, fchown, lchown, symlink,
};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, lsetxattr, utimensat};

use super::{Body, Node, Tree};

impl Tree {
    /// Makes the folders, in the root that the caller has.
    pub fn lay_folders(&self) -> anyhow::Result<()> {
        for (path, node) in self.nodes.iter().filter(|(_, node)| node.body == Body::Folder) {
            let to = format!("/{path}");
            fs::create_dir(&to)
                .and_then(|()| chown(&to, Some(id(node.uid)), Some(id(node.gid))))
                .and_then(|()| fs::set_permissions(&to, Permissions::from_mode(node.mode)))
                .with_context(|| format!("laying `{to}`"))?;
        }
        Ok(())
    }

    /// The files with bytes, and symbolic links, in portions of about the same work.
    pub fn portions(&self) -> Vec<Vec<(&str, &Node)>> {
        const BYTES: u64 = 4 << 20;
        /// What making a file costs beside its bytes.
        const EACH: u64 = 16 << 10;
        let (mut portions, mut left) = (Vec::new(), 0);
        for (path, node) in &self.nodes {
            let size = match &node.body {
                Body::Stored { size, .. } => *size,
                Body::Bytes(bytes) => bytes.len() as u64,
                Body::Link(_) => 0,
                Body::Same(_) | Body::Folder => continue,
            };
            if left == 0 {
                portions.push(Vec::new());
                left = BYTES;
            }
            left = left.saturating_sub(size + EACH);
            if let Some(portion) = portions.last_mut() {
                portion.push((path.as_str(), node));
            }
        }
        portions
    }

    /// Makes one file or symbolic link of a portion.
    pub fn lay(&self, path: &str, node: &Node, buffer: &mut [u8]) -> anyhow::Result<()> {
        let to = format!("/{path}");
        self.lay_one(&to, node, buffer).with_context(|| format!("laying `{to}`"))
    }

    fn lay_one(&self, to: &str, node: &Node, buffer: &mut [u8]) -> anyhow::Result<()> {
        let (uid, gid) = (Some(id(node.uid)), Some(id(node.gid)));
        if let Body::Link(target) = &node.body {
            symlink(target, to)?;
            lchown(to, uid, gid)?;
            let time = Timespec { tv_sec: i64::try_from(node.mtime)?, tv_nsec: 0 };
            let times = Timestamps { last_access: time, last_modification: time };
            return Ok(utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)?);
        }
        let file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
        match &node.body {
            Body::Bytes(bytes) => file.write_all_at(bytes, 0)?,
            Body::Stored { source, offset, size } => {
                let mut at = 0;
                while at < *size {
                    let part = usize::try_from(size - at).map_or(buffer.len(), |it| it.min(buffer.len()));
                    self.sources[*source].file.read_exact_at(&mut buffer[..part], offset + at)?;
                    file.write_all_at(&buffer[..part], at)?;
                    at += part as u64;
                }
            }
            _ => {}
        }
        // In a folder with the set-group-ID bit it has the folder's group so far.
        fchown(&file, uid, gid)?;
        file.set_permissions(Permissions::from_mode(node.mode))?;
        for (record, value) in &node.xattrs {
            let name = record.trim_start_matches("SCHILY.xattr.");
            lsetxattr(to, name, value, XattrFlags::empty())?;
        }
        Ok(file.set_modified(UNIX_EPOCH + Duration::from_secs(node.mtime))?)
    }

    /// Gives files their other names, once they are there.
    pub fn lay_names(&self) -> anyhow::Result<()> {
        let names: BTreeMap<&String, &String> = self
            .nodes
            .iter()
            .filter_map(
                |(path, node)| if let Body::Same(first) = &node.body { Some((path, first)) } else { None },
            )
            .collect();
        for (path, first) in names {
            fs::hard_link(Path::new("/").join(first), Path::new("/").join(path))
                .with_context(|| format!("laying `/{path}`"))?;
        }
        Ok(())
    }
}

fn id(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
