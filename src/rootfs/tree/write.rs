//! A tree as a tar.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt as _;

use anyhow::Context as _;
use tar::{EntryType, Header};

use super::{Body, Node, Source, Tree};

/// Bytes that are moved at once.
pub const BUFFER: usize = 256 << 10;
/// A tar consists of blocks of so many bytes.
const BLOCK: u64 = 512;

impl Tree {
    /// Writes the tree as a tar; nothing in it is younger than `epoch`.
    pub fn write(&self, out: &mut dyn Write, epoch: u64) -> anyhow::Result<()> {
        let what = || "writing the root file system".to_owned();
        let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 20, out));
        self.append_to(&mut builder, "", epoch)?;
        let mut file = builder.into_inner().with_context(what)?;
        file.flush().with_context(what)
    }

    /// Appends the tree to a tar, where it lies below `folder` (`rootfs/`); nothing in it is younger than `epoch`.
    pub fn append_to(
        &self,
        builder: &mut tar::Builder<impl Write>,
        folder: &str,
        epoch: u64,
    ) -> anyhow::Result<()> {
        let mut buffer = vec![0; BUFFER];
        for (path, node) in &self.nodes {
            append(builder, &self.sources, (folder, path), node, epoch, &mut buffer)
                .with_context(|| format!("writing `/{path}`"))?;
        }
        Ok(())
    }
}

fn append(
    builder: &mut tar::Builder<impl Write>,
    sources: &[Source],
    (folder, path): (&str, &str),
    node: &Node,
    epoch: u64,
    buffer: &mut [u8],
) -> anyhow::Result<()> {
    if !node.xattrs.is_empty() {
        builder
            .append_pax_extensions(node.xattrs.iter().map(|(key, value)| (key.as_str(), value.as_slice())))?;
    }
    let mut header = Header::new_gnu();
    header.set_mode(node.mode);
    header.set_uid(node.uid);
    header.set_gid(node.gid);
    header.set_mtime(node.mtime.min(epoch));
    header.set_size(0);
    let path = &format!("{folder}{path}");
    match &node.body {
        Body::Stored { source, offset, size } => {
            header.set_entry_type(EntryType::Regular);
            append_file(builder, &mut header, path, &sources[*source].file, *offset, *size, buffer)?;
        }
        Body::Bytes(bytes) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice())?;
        }
        Body::Folder => {
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("{path}/"), std::io::empty())?;
        }
        Body::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            builder.append_link(&mut header, path, target)?;
        }
        Body::Same(first) => {
            header.set_entry_type(EntryType::Link);
            builder.append_link(&mut header, path, format!("{folder}{first}"))?;
        }
    }
    Ok(())
}

/// Appends a regular file of `size` bytes, which begin at `at` in `file`. The tar crate does the same 8 KiB at a
/// time.
pub fn append_file(
    builder: &mut tar::Builder<impl Write>,
    header: &mut Header,
    path: &str,
    file: &File,
    at: u64,
    size: u64,
    buffer: &mut [u8],
) -> anyhow::Result<()> {
    header.set_size(size);
    builder.append_data(header, path, std::io::empty())?;
    let mut done = 0;
    while done < size {
        let part = usize::try_from(size - done).map_or(buffer.len(), |it| it.min(buffer.len()));
        file.read_exact_at(&mut buffer[..part], at + done)?;
        builder.get_mut().write_all(&buffer[..part])?;
        done += part as u64;
    }
    let rest = size.next_multiple_of(BLOCK) - size;
    Ok(builder.get_mut().write_all(&[0; BLOCK as usize][..usize::try_from(rest)?])?)
}
