//! Which blocks and inodes are taken, group by group.

use super::bytes::crc;
use super::geometry::{
    BLOCK_BYTES, BLOCKS_CHECKSUM, BLOCKS_PER_GROUP, BLOCKS_UNUSED, FOLDERS, FREE_BLOCKS, FREE_INODES,
    Geometry, INODES_CHECKSUM, INODES_LEFT, INODES_UNUSED, Volume,
};

/// An extent has at most so many blocks.
pub const LONGEST: u64 = 32768;

/// Blocks in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub start: u64,
    /// How many.
    pub blocks: u64,
}

/// The blocks.
pub struct Blocks {
    bits: Bits,
    end: u64,
    next: u64,
    longest: u64,
}

impl Blocks {
    /// Those of `volume`, to be taken in runs of at most `longest`.
    pub fn read(volume: Volume<'_>, geometry: &Geometry, longest: u64) -> anyhow::Result<Self> {
        let per_group = u64::from(BLOCKS_PER_GROUP);
        let end = geometry.blocks;
        let mut bits = Bits(vec![0; geometry.groups as usize * BLOCK_BYTES]);
        for group in 0..geometry.groups {
            let (first, parts) = (u64::from(group) * per_group, geometry.parts(group));
            if !geometry.has(group, BLOCKS_UNUSED) {
                volume.read(parts.block_bitmap, bits.group_mut(group))?;
                continue;
            }
            (first..first + geometry.copies(group)).for_each(|it| bits.set(it));
            (end.max(first)..first + per_group).for_each(|it| bits.set(it));
        }
        // With `flex_bg` a group's parts lie in another group.
        for group in 0..geometry.groups {
            let parts = geometry.parts(group);
            let table = u64::from(geometry.inodes_per_group) / 16;
            [parts.block_bitmap, parts.inode_bitmap].into_iter().for_each(|it| bits.set(it));
            (parts.inode_table..parts.inode_table + table).for_each(|it| bits.set(it));
        }
        for group in 0..geometry.groups {
            let (found, stated) = (bits.free(group), geometry.get(group, FREE_BLOCKS));
            anyhow::ensure!(
                found == stated,
                "group {group} should have {stated} free blocks and has {found}"
            );
        }
        Ok(Self { bits, end, next: 0, longest })
    }

    /// Takes `count` blocks, the first that are free.
    pub fn take(&mut self, count: u64) -> anyhow::Result<Vec<Run>> {
        let (mut runs, mut left) = (Vec::new(), count);
        while left > 0 {
            while self.next < self.end && self.bits.has(self.next) {
                self.next += 1;
            }
            let start = self.next;
            while self.next < self.end
                && !self.bits.has(self.next)
                && self.next - start < left.min(self.longest)
            {
                self.bits.set(self.next);
                self.next += 1;
            }
            let blocks = self.next - start;
            anyhow::ensure!(blocks > 0, "the files do not fit into the root partition");
            runs.push(Run { start, blocks });
            left -= blocks;
        }
        Ok(runs)
    }

    /// The runs of those that are taken, in order.
    pub fn taken(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for block in (0..self.end).filter(|it| self.bits.has(*it)) {
            match runs.last_mut() {
                Some(last) if last.start + last.blocks == block => last.blocks += 1,
                _ => runs.push(Run { start: block, blocks: 1 }),
            }
        }
        runs
    }

    /// Writes the bitmaps that have changed.
    pub fn write(&self, volume: Volume<'_>, geometry: &mut Geometry) -> anyhow::Result<()> {
        for group in 0..geometry.groups {
            let free = self.bits.free(group);
            if free == geometry.get(group, FREE_BLOCKS) {
                continue;
            }
            let bitmap = self.bits.group(group);
            volume.write(geometry.parts(group).block_bitmap, bitmap)?;
            geometry.set(group, FREE_BLOCKS, free);
            geometry.set(group, BLOCKS_CHECKSUM, crc(geometry.seed, bitmap));
            geometry.clear(group, BLOCKS_UNUSED);
        }
        Ok(())
    }
}

/// The inodes. They are numbered from 1.
pub struct Inodes {
    bits: Bits,
    per_group: u32,
    next: u32,
    /// Folders that were taken, by group.
    folders: Vec<u32>,
}

impl Inodes {
    /// Those of `volume`.
    pub fn read(volume: Volume<'_>, geometry: &Geometry) -> anyhow::Result<Self> {
        let mut bits = Bits(vec![0; geometry.groups as usize * BLOCK_BYTES]);
        for group in 0..geometry.groups {
            if !geometry.has(group, INODES_UNUSED) {
                volume.read(geometry.parts(group).inode_bitmap, bits.group_mut(group))?;
            }
            // Beyond the last one a bitmap is full.
            let first = u64::from(group) * u64::from(BLOCKS_PER_GROUP);
            (geometry.inodes_per_group..BLOCKS_PER_GROUP).for_each(|it| bits.set(first + u64::from(it)));
        }
        let folders = vec![0; geometry.groups as usize];
        Ok(Self { bits, per_group: geometry.inodes_per_group, next: 0, folders })
    }

    /// Takes the first that is free, for a folder or for something else.
    pub fn take(&mut self, is_folder: bool) -> anyhow::Result<u32> {
        loop {
            let (group, index) = (self.next / self.per_group, self.next % self.per_group);
            let folders = self.folders.get_mut(group as usize);
            let Some(folders) = folders else { anyhow::bail!("the root file system has too few inodes") };
            let bit = u64::from(group) * u64::from(BLOCKS_PER_GROUP) + u64::from(index);
            self.next += 1;
            if !self.bits.has(bit) {
                self.bits.set(bit);
                *folders += u32::from(is_folder);
                return Ok(self.next);
            }
        }
    }

    /// Writes the bitmaps that have changed.
    pub fn write(&self, volume: Volume<'_>, geometry: &mut Geometry) -> anyhow::Result<()> {
        for (group, folders) in (0..geometry.groups).zip(&self.folders) {
            let free = self.bits.free(group);
            if free == geometry.get(group, FREE_INODES) {
                continue;
            }
            let bitmap = self.bits.group(group);
            volume.write(geometry.parts(group).inode_bitmap, bitmap)?;
            let covered = &bitmap[..self.per_group as usize / 8];
            geometry.set(group, INODES_CHECKSUM, crc(geometry.seed, covered));
            geometry.set(group, FREE_INODES, free);
            geometry.set(group, FOLDERS, geometry.get(group, FOLDERS) + folders);
            // They are taken in order, so that the free ones are the last.
            geometry.set(group, INODES_LEFT, free);
            geometry.clear(group, INODES_UNUSED);
        }
        Ok(())
    }
}

/// The bitmaps of all groups, a block each.
struct Bits(Vec<u8>);

impl Bits {
    fn has(&self, bit: u64) -> bool {
        let (byte, mask) = place(bit);
        self.0[byte] & mask != 0
    }

    fn set(&mut self, bit: u64) {
        let (byte, mask) = place(bit);
        self.0[byte] |= mask;
    }

    fn group(&self, group: u32) -> &[u8] {
        &self.0[group as usize * BLOCK_BYTES..][..BLOCK_BYTES]
    }

    fn group_mut(&mut self, group: u32) -> &mut [u8] {
        &mut self.0[group as usize * BLOCK_BYTES..][..BLOCK_BYTES]
    }

    fn free(&self, group: u32) -> u32 {
        self.group(group).iter().map(|it| it.count_zeros()).sum()
    }
}

fn place(bit: u64) -> (usize, u8) {
    ((bit / 8) as usize, 1 << (bit % 8))
}
