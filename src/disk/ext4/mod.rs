//! The tree into the root file system: mke2fs makes an empty one, and all files are put into it at once.
//!
//! mke2fs could fill it too (`-d`), one block after the other, and was most of a build after a small change. Here
//! everything is decided before the first byte is written: which inode and which blocks each file gets. Then metadata
//! goes out, and after it the files' bytes from front to back, so that the disk's digest can be taken right behind them.

mod bytes;
mod contents;
mod folder;
mod geometry;
mod inode;
mod space;
mod stream;
#[cfg(test)]
mod tests;

use std::fs::File;

use super::layout::Span;
use crate::rootfs::{Body, Node, Tree};
use contents::{Item, ROOT};
use geometry::{BLOCK, Geometry, INODE_BYTES, Volume};
use inode::{Content, EXTENTS_IN_BLOCK, EXTENTS_IN_INODE, Inode, Kind, SHORT_LINK};
use space::{Blocks, Inodes, LONGEST, Run};
use stream::Stream;

/// Hears how far a file is written for good: all bytes before this one.
pub type Progress<'a> = &'a dyn Fn(u64);

/// Puts `tree` into the empty file system at `span` of `file`; nothing in it is younger than `epoch`, in seconds
/// since 1970.
pub fn fill(file: &File, span: Span, tree: &Tree, epoch: u64, progress: Progress<'_>) -> anyhow::Result<()> {
    fill_by(LONGEST, file, span, tree, epoch, progress)
}

/// What of `file` the file system at `span` uses, in order: its own tables and its files' blocks.
pub fn used(file: &File, span: Span) -> anyhow::Result<Vec<Span>> {
    let volume = Volume { file, offset: span.offset };
    let runs = Blocks::read(volume, &Geometry::read(volume)?, LONGEST)?.taken();
    Ok(runs
        .into_iter()
        .map(|run| Span { offset: span.offset + run.start * BLOCK, size: run.blocks * BLOCK })
        .collect())
}

/// With runs of at most `longest` blocks.
fn fill_by(
    longest: u64,
    file: &File,
    span: Span,
    tree: &Tree,
    epoch: u64,
    progress: Progress<'_>,
) -> anyhow::Result<()> {
    let volume = Volume { file, offset: span.offset };
    let mut geometry = Geometry::read(volume)?;
    let mut inodes = Inodes::read(volume, &geometry)?;
    let mut blocks = Blocks::read(volume, &geometry, longest)?;
    let root = Node { body: Body::Folder, mode: 0o755, uid: 0, gid: 0, mtime: epoch, xattrs: Vec::new() };
    let items = contents::of(tree, &root, &mut inodes)?;
    let filling = Filling { volume, seed: geometry.seed, epoch };
    let placed = filling.place(&items, geometry.block_of_root(volume)?, &mut blocks)?;
    filling.small(&items, &placed)?;
    filling.inodes(&geometry, &items, &placed)?;
    blocks.write(volume, &mut geometry)?;
    inodes.write(volume, &mut geometry)?;
    geometry.write(volume)?;
    filling.files(tree, &items, &placed, progress)
}

struct Filling<'a> {
    volume: Volume<'a>,
    seed: u32,
    epoch: u64,
}

/// What was decided on an inode.
#[derive(Default)]
struct Placed {
    size: u64,
    /// The bytes of a folder or of a long symbolic link.
    bytes: Vec<u8>,
    runs: Vec<Run>,
    /// The block that lists the runs, if they are many.
    list: Option<u64>,
}

impl Filling<'_> {
    /// Gives blocks to everything, to folders first: what is looked for most lies together.
    /// `/` has the block `root` already.
    fn place(&self, items: &[Item<'_>], root: u64, blocks: &mut Blocks) -> anyhow::Result<Vec<Placed>> {
        let mut placed: Vec<Placed> = items.iter().map(|_| Placed::default()).collect();
        for (item, to) in items.iter().zip(&mut placed) {
            to.bytes = match &item.node.body {
                Body::Folder => folder::blocks(self.seed, item.number, item.parent, &item.entries)?,
                Body::Link(target) if target.len() >= SHORT_LINK => target.clone().into_bytes(),
                _ => continue,
            };
            to.size = to.bytes.len() as u64;
            let has = u64::from(item.number == ROOT);
            to.runs = (0..has).map(|_| Run { start: root, blocks: 1 }).collect();
            to.runs.extend(blocks.take(to.size.div_ceil(BLOCK) - has)?);
        }
        for (item, to) in items.iter().zip(&mut placed) {
            to.size = match &item.node.body {
                Body::Stored { size, .. } => *size,
                Body::Bytes(bytes) => bytes.len() as u64,
                Body::Link(target) => target.len() as u64,
                Body::Folder | Body::Same(_) => continue,
            };
            if item.kind == Kind::File {
                to.runs = blocks.take(to.size.div_ceil(BLOCK))?;
            }
        }
        for to in placed.iter_mut().filter(|it| it.runs.len() > EXTENTS_IN_INODE) {
            anyhow::ensure!(to.runs.len() <= EXTENTS_IN_BLOCK, "a file of {} bytes is too large", to.size);
            to.list = blocks.take(1)?.first().map(|it| it.start);
        }
        Ok(placed)
    }

    /// Folders, long symbolic links, and lists of extents.
    fn small(&self, items: &[Item<'_>], placed: &[Placed]) -> anyhow::Result<()> {
        let mut stream = Stream::new(self.volume, &|_| ());
        for it in placed {
            let mut rest = it.bytes.as_slice();
            for run in &it.runs {
                let (now, later) = rest.split_at(rest.len().min((run.blocks * BLOCK) as usize));
                stream.put(run.start * BLOCK, now)?;
                rest = later;
            }
        }
        stream.end()?;
        for (item, to) in items.iter().zip(placed) {
            if let Some(list) = to.list {
                self.volume.write(list, &inode::list_of_extents(self.seed, item.number, &to.runs))?;
            }
        }
        Ok(())
    }

    fn inodes(&self, geometry: &Geometry, items: &[Item<'_>], placed: &[Placed]) -> anyhow::Result<()> {
        let mut stream = Stream::new(self.volume, &|_| ());
        for (item, to) in items.iter().zip(placed) {
            let Item { number, kind, node, links, .. } = *item;
            let content = match &node.body {
                Body::Link(target) if to.runs.is_empty() => Content::Short(target),
                _ => Content::Blocks(&to.runs, to.list),
            };
            let inode = Inode { number, kind, node, links, size: to.size, content };
            let bytes = inode.bytes(self.seed, self.epoch)?;
            let (group, index) =
                ((number - 1) / geometry.inodes_per_group, (number - 1) % geometry.inodes_per_group);
            let table = geometry.parts(group).inode_table * BLOCK;
            stream.put(table + u64::from(index) * INODE_BYTES as u64, &bytes)?;
        }
        stream.end()
    }

    /// The bytes of regular files, whose blocks were given in this order.
    fn files(
        &self,
        tree: &Tree,
        items: &[Item<'_>],
        placed: &[Placed],
        progress: Progress<'_>,
    ) -> anyhow::Result<()> {
        let mut stream = Stream::new(self.volume, progress);
        for (item, to) in items.iter().zip(placed).filter(|(item, _)| item.kind == Kind::File) {
            let mut done = 0;
            for run in &to.runs {
                let count = (to.size - done).min(run.blocks * BLOCK);
                stream
                    .take(run.start * BLOCK, count, &mut |at, to| tree.read_at(item.node, done + at, to))?;
                done += count;
            }
        }
        stream.end()
    }
}
