//! An ext4 file system's own description of itself: the superblock and the table of its groups
//! (Linux, `Documentation/filesystems/ext4/`).

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use anyhow::Context as _;

use super::bytes::{crc, high16, high32, low16, low32, put16, put32, u16_at, u32_at};

/// Bytes of a block.
pub const BLOCK: u64 = 4096;
/// The same, for buffers.
pub const BLOCK_BYTES: usize = 4096;
/// Bytes of an inode.
pub const INODE_BYTES: usize = 256;
/// A group has as many blocks as a block has bits.
pub const BLOCKS_PER_GROUP: u32 = 8 * 4096;

/// In a group's flags: its inodes were never used, and its bitmap was not written.
pub const INODES_UNUSED: u16 = 1;
/// Its blocks were never used, and its bitmap was not written.
pub const BLOCKS_UNUSED: u16 = 2;

const SUPERBLOCK_AT: u64 = 1024;
const SUPERBLOCK_BYTES: usize = 1024;
const MAGIC: u16 = 0xef53;

/// Features that we know, by the word of the superblock that has them, and those without which we cannot do.
const FEATURES: [(usize, &str, u32, u32); 3] = [
    // has_journal, ext_attr, resize_inode, dir_index, orphan_file
    (0x5c, "compatible", 0x4 | 0x8 | 0x10 | 0x20 | 0x1000, 0),
    // filetype, extents, 64bit, flex_bg, metadata_csum_seed
    (0x60, "incompatible", 0x2 | 0x40 | 0x80 | 0x200 | CHECKSUM_SEED, 0x2 | 0x40),
    // sparse_super, large_file, huge_file, dir_nlink, extra_isize, metadata_csum
    (0x64, "read-only compatible", 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400, 0x1 | 0x400),
];
const CHECKSUM_SEED: u32 = 0x2000;

/// A file system in a larger file.
#[derive(Clone, Copy)]
pub struct Volume<'a> {
    /// The file.
    pub file: &'a File,
    /// Where in it the file system begins.
    pub offset: u64,
}

impl Volume<'_> {
    /// Reads the block `block` and what follows.
    pub fn read(&self, block: u64, to: &mut [u8]) -> anyhow::Result<()> {
        self.file.read_exact_at(to, self.offset + block * BLOCK).context("reading the root file system")
    }

    /// Writes `bytes` from the block `block` on.
    pub fn write(&self, block: u64, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_at(block * BLOCK, bytes)
    }

    /// Writes `bytes` from byte `at` on.
    pub fn write_at(&self, at: u64, bytes: &[u8]) -> anyhow::Result<()> {
        self.file.write_all_at(bytes, self.offset + at).context("writing the root file system")
    }
}

/// A number of a group's entry in the table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    low: usize,
    /// In tables with long entries.
    high: usize,
}

/// Free blocks.
pub const FREE_BLOCKS: Field = Field { low: 0x0c, high: 0x2c };
/// Free inodes.
pub const FREE_INODES: Field = Field { low: 0x0e, high: 0x2e };
/// Inodes that are folders.
pub const FOLDERS: Field = Field { low: 0x10, high: 0x30 };
/// Inodes at the end of the table that were never used.
pub const INODES_LEFT: Field = Field { low: 0x1c, high: 0x32 };
/// Checksum of the blocks' bitmap.
pub const BLOCKS_CHECKSUM: Field = Field { low: 0x18, high: 0x38 };
/// Checksum of the inodes' bitmap.
pub const INODES_CHECKSUM: Field = Field { low: 0x1a, high: 0x3a };

/// Where a group has its parts: blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Bitmap of blocks.
    pub block_bitmap: u64,
    /// Bitmap of inodes.
    pub inode_bitmap: u64,
    /// Table of inodes.
    pub inode_table: u64,
}

/// Superblock and table of groups.
pub struct Geometry {
    superblock: Vec<u8>,
    table: Vec<u8>,
    entry: usize,
    /// How many blocks there are.
    pub blocks: u64,
    /// How many groups they make.
    pub groups: u32,
    /// Inodes of each group.
    pub inodes_per_group: u32,
    /// What all checksums begin with.
    pub seed: u32,
}

impl Geometry {
    /// That of the empty file system that mke2fs made at `volume`.
    pub fn read(volume: Volume<'_>) -> anyhow::Result<Self> {
        let mut superblock = vec![0; BLOCK_BYTES];
        volume.read(0, &mut superblock)?;
        let from = usize::try_from(SUPERBLOCK_AT)?;
        let superblock = superblock[from..from + SUPERBLOCK_BYTES].to_vec();
        check(&superblock).context("this is not a file system as mke2fs should have made it")?;
        let long = u32_at(&superblock, 0x60) & 0x80 != 0;
        let high = if long { u64::from(u32_at(&superblock, 0x150)) << 32 } else { 0 };
        let blocks = u64::from(u32_at(&superblock, 0x04)) | high;
        let groups = u32::try_from(blocks.div_ceil(u64::from(BLOCKS_PER_GROUP)))?;
        let seed = match u32_at(&superblock, 0x60) & CHECKSUM_SEED {
            0 => crc(!0, &superblock[0x68..0x78]),
            _ => u32_at(&superblock, 0x270),
        };
        let entry = if long { usize::from(u16_at(&superblock, 0xfe)) } else { 32 };
        anyhow::ensure!(entry == 32 || entry == 64, "entries of {entry} bytes in the table of groups");
        let mut table = vec![0; (usize::try_from(groups)? * entry).next_multiple_of(BLOCK_BYTES)];
        volume.read(1, &mut table)?;
        let inodes_per_group = u32_at(&superblock, 0x28);
        Ok(Self { superblock, table, entry, blocks, groups, inodes_per_group, seed })
    }

    /// The parts of `group`.
    pub fn parts(&self, group: u32) -> Parts {
        let at = self.at(group);
        let block = |low: usize, high: usize| {
            let high = if self.entry == 64 { u64::from(u32_at(&self.table, at + high)) << 32 } else { 0 };
            u64::from(u32_at(&self.table, at + low)) | high
        };
        Parts {
            block_bitmap: block(0x00, 0x20),
            inode_bitmap: block(0x04, 0x24),
            inode_table: block(0x08, 0x28),
        }
    }

    /// A number of `group`.
    pub fn get(&self, group: u32, field: Field) -> u32 {
        let at = self.at(group);
        let high = if self.entry == 64 { u32::from(u16_at(&self.table, at + field.high)) << 16 } else { 0 };
        u32::from(u16_at(&self.table, at + field.low)) | high
    }

    /// Changes it.
    pub fn set(&mut self, group: u32, field: Field, value: u32) {
        let at = self.at(group);
        put16(&mut self.table, at + field.low, low16(value));
        if self.entry == 64 {
            put16(&mut self.table, at + field.high, high16(value));
        }
    }

    /// Whether `flag` stands with `group`.
    pub fn has(&self, group: u32, flag: u16) -> bool {
        u16_at(&self.table, self.at(group) + 0x12) & flag != 0
    }

    /// Takes `flag` away from `group`.
    pub fn clear(&mut self, group: u32, flag: u16) {
        let at = self.at(group) + 0x12;
        let flags = u16_at(&self.table, at) & !flag;
        put16(&mut self.table, at, flags);
    }

    /// Blocks at the beginning of `group` that hold a copy of superblock and table.
    pub fn copies(&self, group: u32) -> u64 {
        let kept = u64::from(u16_at(&self.superblock, 0xce));
        if has_copy(group) { 1 + (self.table.len() / BLOCK_BYTES) as u64 + kept } else { 0 }
    }

    /// The one block that mke2fs gave to `/`, the second inode.
    pub fn block_of_root(&self, volume: Volume<'_>) -> anyhow::Result<u64> {
        let mut inodes = vec![0; BLOCK_BYTES];
        volume.read(self.parts(0).inode_table, &mut inodes)?;
        let extents = &inodes[INODE_BYTES + 0x28..][..60];
        let one = (u16_at(extents, 2), u16_at(extents, 6), u16_at(extents, 12 + 4)) == (1, 0, 1);
        anyhow::ensure!(one, "`/` does not lie in one block");
        Ok(u64::from(u16_at(extents, 12 + 6)) << 32 | u64::from(u32_at(extents, 12 + 8)))
    }

    /// Writes superblock and table in all their places, with sums and checksums.
    pub fn write(&mut self, volume: Volume<'_>) -> anyhow::Result<()> {
        let sum = |field: Field| (0..self.groups).map(|it| u64::from(self.get(it, field))).sum::<u64>();
        let (blocks, inodes) = (sum(FREE_BLOCKS), sum(FREE_INODES));
        put32(&mut self.superblock, 0x0c, low32(blocks));
        put32(&mut self.superblock, 0x158, high32(blocks));
        put32(&mut self.superblock, 0x10, u32::try_from(inodes)?);
        for group in 0..self.groups {
            let at = self.at(group);
            put16(&mut self.table, at + 0x1e, 0);
            let sum = crc(crc(self.seed, &group.to_le_bytes()), &self.table[at..at + self.entry]);
            put16(&mut self.table, at + 0x1e, low16(sum));
        }
        for group in (0..self.groups).filter(|it| has_copy(*it)) {
            let block = u64::from(group) * u64::from(BLOCKS_PER_GROUP);
            put16(&mut self.superblock, 0x5a, low16(group));
            let sum = crc(!0, &self.superblock[..0x3fc]);
            put32(&mut self.superblock, 0x3fc, sum);
            let before = if group == 0 { SUPERBLOCK_AT } else { 0 };
            volume.write_at(block * BLOCK + before, &self.superblock)?;
            volume.write(block + 1, &self.table)?;
        }
        Ok(())
    }

    fn at(&self, group: u32) -> usize {
        group as usize * self.entry
    }
}

fn check(superblock: &[u8]) -> anyhow::Result<()> {
    anyhow::ensure!(u16_at(superblock, 0x38) == MAGIC, "it has no superblock");
    for (at, name, known, needed) in FEATURES {
        let found = u32_at(superblock, at);
        anyhow::ensure!(found & !known == 0, "its {name} features {found:#x} are more than {known:#x}");
        anyhow::ensure!(found & needed == needed, "its {name} features {found:#x} lack some of {needed:#x}");
    }
    let sizes = [u32_at(superblock, 0x18), u32_at(superblock, 0x20), u32::from(u16_at(superblock, 0x58))];
    anyhow::ensure!(
        sizes == [2, BLOCKS_PER_GROUP, 256],
        "its blocks, groups or inodes have another size: {sizes:?}"
    );
    Ok(())
}

/// With `sparse_super` group 0 and 1 have copies, and powers of 3, 5 and 7.
fn has_copy(group: u32) -> bool {
    let is_power = |of: u32| (0..).map_while(|n| of.checked_pow(n)).any(|it| it == group);
    group <= 1 || [3, 5, 7].into_iter().any(is_power)
}

#[cfg(test)]
mod tests {
    use super::has_copy;

    #[test]
    fn copies_of_the_superblock_are_sparse() {
        let groups: Vec<u32> = (0..60).filter(|it| has_copy(*it)).collect();
        assert_eq!(groups, [0, 1, 3, 5, 7, 9, 25, 27, 49]);
    }
}
