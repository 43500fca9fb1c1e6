//! Which blocks of a disk count: all that somebody may read, zeros included. What is not used may hold anything,
//! as on a disk that was in use before; that it is a hole in the file says nothing, for tables of zeros are holes too.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;

use super::ext4;
use super::layout::{Layout, Span};
use crate::store::spans;

/// The unit in bytes; that of the root file system too.
pub const BLOCK: u64 = 4096;
/// The partition table and its copy at the end of the disk: 34 sectors, in whole blocks.
const TABLE: u64 = 5 * BLOCK;

/// The used spans of the disk `raw`, in whole blocks, in order; between two lies at least one block.
pub fn used(raw: &Path, layout: &Layout) -> anyhow::Result<Vec<Span>> {
    let what = || format!("finding the used blocks of `{}`", raw.display());
    let file = File::open(raw).with_context(what)?;
    let mut map = Map::new(layout.size);
    map.mark(0, TABLE);
    map.mark(layout.size - TABLE, TABLE);
    // Small, and what of a FAT is used takes more to find out than to write.
    for span in [layout.bios, Some(layout.esp), Some(layout.config)].into_iter().flatten() {
        map.mark(span.offset, span.size);
    }
    for span in ext4::used(&file, layout.root).with_context(what)? {
        map.mark(span.offset, span.size);
    }
    data(&file, layout.size, &mut map).with_context(what)?;
    Ok(map.spans())
}

/// A block each.
struct Map {
    blocks: Vec<bool>,
    size: u64,
}

impl Map {
    fn new(size: u64) -> Self {
        Self { blocks: vec![false; usize::try_from(size.div_ceil(BLOCK)).unwrap_or(usize::MAX)], size }
    }

    /// Marks every block that has a byte of the span.
    fn mark(&mut self, offset: u64, size: u64) {
        let end = (offset + size).div_ceil(BLOCK).min(self.blocks.len() as u64);
        for block in offset / BLOCK..end {
            if let Some(used) = usize::try_from(block).ok().and_then(|it| self.blocks.get_mut(it)) {
                *used = true;
            }
        }
    }

    fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for block in (0..).zip(&self.blocks).filter(|(_, used)| **used).map(|(block, _)| block) {
            let offset = block * BLOCK;
            let size = BLOCK.min(self.size - offset);
            match spans.last_mut() {
                Some(last) if last.offset + last.size == offset => last.size += size,
                _ => spans.push(Span { offset, size }),
            }
        }
        spans
    }
}

/// Whatever is not zero counts, whoever wrote it.
fn data(file: &File, size: u64, map: &mut Map) -> anyhow::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    for (from, to) in spans(file, 0, size)? {
        let mut at = from / BLOCK * BLOCK;
        while at < to {
            let part = usize::try_from(size - at).map_or(buffer.len(), |it| it.min(buffer.len()));
            file.read_exact_at(&mut buffer[..part], at)?;
            for (number, block) in (0..).zip(buffer[..part].chunks(BLOCK as usize)) {
                if block.iter().any(|byte| *byte != 0) {
                    map.mark(at + number * BLOCK, 1);
                }
            }
            at += part as u64;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;
    use std::process::Command;

    use super::super::layout::Layout;
    use super::{BLOCK, used};
    use crate::spec::Architecture;

    fn run(program: &str, args: &[&str]) {
        #[allow(clippy::disallowed_methods)]
        let done = Command::new(program).args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// Checks the file system of the disk `raw`, whose root begins at `offset`.
    fn check(raw: &Path, offset: u64) {
        run("/sbin/e2fsck", &["-fn", &format!("{}?offset={offset}", raw.display())]);
    }

    #[test]
    fn a_disk_that_was_full_of_other_things_is_whole_when_the_used_blocks_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let (raw, other) = (dir.path().join("disk.raw"), dir.path().join("other.raw"));
        // Five groups, with and without copies of the superblock, some of them empty.
        let root = 600 << 20;
        let layout = Layout::new(Architecture::Amd64, root);
        File::create(&raw).unwrap().set_len(layout.size).unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("zeros"), vec![0; 50_000]).unwrap();
        std::fs::write(tree.join("ones"), vec![1; 3_000_000]).unwrap();
        let (offset, size) = (layout.root.offset, format!("{}k", root >> 10));
        let (shown, tree) = (raw.display().to_string(), tree.display().to_string());
        let options = format!("offset={offset},nodiscard,lazy_itable_init=0");
        run(
            "/sbin/mke2fs",
            &["-qFt", "ext4", "-b", "4096", "-J", "size=4", "-E", &options, "-d", &tree, &shown, &size],
        );
        check(&raw, offset);

        let spans = used(&raw, &layout).unwrap();
        let total: u64 = spans.iter().map(|it| it.size).sum();
        assert!(total < 120 << 20, "{total} of {} bytes are used", layout.size);
        let from = File::open(&raw).unwrap();
        let to = File::options().read(true).write(true).create_new(true).open(&other).unwrap();
        let garbage = vec![0xa5; 1 << 20];
        (0..layout.size >> 20).for_each(|it| to.write_all_at(&garbage, it << 20).unwrap());
        for span in &spans {
            let mut bytes = vec![0; usize::try_from(span.size).unwrap()];
            from.read_exact_at(&mut bytes, span.offset).unwrap();
            to.write_all_at(&bytes, span.offset).unwrap();
        }
        check(&other, offset);
        let mut block = vec![0; BLOCK as usize];
        to.read_exact_at(&mut block, layout.size - BLOCK).unwrap();
        assert_eq!(block, vec![0; BLOCK as usize]);
    }
}
