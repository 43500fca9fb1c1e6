//! A tree as a tar.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::FileExt as _;

use anyhow::Context as _;
use tar::{EntryType, Header};

use super::{Body, Node, Source, Tree};

impl Tree {
    /// Writes the tree as a tar; nothing in it is younger than `epoch`.
    pub fn write(&self, out: &mut dyn Write, epoch: u64) -> anyhow::Result<()> {
        let what = || "writing the root file system".to_owned();
        let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 20, out));
        for (path, node) in &self.nodes {
            append(&mut builder, &self.sources, path, node, epoch)
                .with_context(|| format!("writing `/{path}`"))?;
        }
        let mut file = builder.into_inner().with_context(what)?;
        file.flush().with_context(what)
    }
}

fn append(
    builder: &mut tar::Builder<BufWriter<&mut dyn Write>>,
    sources: &[Source],
    path: &str,
    node: &Node,
    epoch: u64,
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
    match &node.body {
        Body::Stored { source, offset, size } => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
            let part = Part { file: &sources[*source].file, at: *offset };
            builder.append_data(&mut header, path, part.take(*size))?;
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
            builder.append_link(&mut header, path, first)?;
        }
    }
    Ok(())
}

/// A file from some place on, whoever else reads it.
struct Part<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
