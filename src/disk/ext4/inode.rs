//! Inodes as bytes (Linux, `Documentation/filesystems/ext4/inodes.rst`, `ifork.rst`, `attributes.rst`).

use std::borrow::Cow;

use super::bytes::{crc, high16, high32, low16, low32, put16, put32, u16_at, u32_at};
use super::geometry::{BLOCK, BLOCK_BYTES, INODE_BYTES};
use super::space::Run;
use crate::rootfs::Node;

/// Where a symbolic link's target is shorter, the inode holds it.
pub const SHORT_LINK: usize = 60;
/// So many extents fit into the inode, others into a block.
pub const EXTENTS_IN_INODE: usize = 4;
/// So many fit into a block.
pub const EXTENTS_IN_BLOCK: usize = 340;

const EXTENTS_FLAG: u32 = 0x8_0000;
const EXTENT_MAGIC: u16 = 0xf30a;
/// Bytes of an inode beyond the first 128 that have a meaning of their own.
const EXTRA: u16 = 32;
/// Behind them lie extended attributes.
const ATTRIBUTES_AT: usize = 128 + 32;
const ATTRIBUTES_MAGIC: u32 = 0xea02_0000;

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
}

impl Kind {
    /// As a folder's entry has it.
    pub fn mark(self) -> u8 {
        match self {
            Self::File => 1,
            Self::Folder => 2,
            Self::Link => 7,
        }
    }

    fn bits(self) -> u16 {
        match self {
            Self::File => 0o100_000,
            Self::Folder => 0o040_000,
            Self::Link => 0o120_000,
        }
    }
}

/// Where an inode's bytes are.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A symbolic link's target.
    Short(&'a str),
    /// In blocks; if they are many runs, a block that lists them.
    Blocks(&'a [Run], Option<u64>),
}

/// What is written down of an inode.
pub struct Inode<'a> {
    /// Its number.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// Mode, owner, time and attributes.
    pub node: &'a Node,
    /// Names that it has.
    pub links: u16,
    /// Bytes.
    pub size: u64,
    /// Where those are.
    pub content: Content<'a>,
}

/// What the checksums of an inode, and of blocks that belong to it, begin with.
pub fn seed(file_system: u32, number: u32) -> u32 {
    const GENERATION: [u8; 4] = [0; 4];
    crc(crc(file_system, &number.to_le_bytes()), &GENERATION)
}

impl Inode<'_> {
    /// Its bytes. Nothing is younger than `epoch`, in seconds since 1970.
    pub fn bytes(&self, file_system: u32, epoch: u64) -> anyhow::Result<[u8; INODE_BYTES]> {
        let mut bytes = [0; INODE_BYTES];
        let mode = if self.kind == Kind::Link { 0o777 } else { low16(self.node.mode) & 0o7777 };
        put16(&mut bytes, 0x00, self.kind.bits() | mode);
        let (uid, gid) = (u32::try_from(self.node.uid)?, u32::try_from(self.node.gid)?);
        for (low, high, id) in [(0x02, 0x78, uid), (0x18, 0x7a, gid)] {
            put16(&mut bytes, low, low16(id));
            put16(&mut bytes, high, high16(id));
        }
        put32(&mut bytes, 0x04, low32(self.size));
        put32(&mut bytes, 0x6c, high32(self.size));
        // Last read, changed, written, made.
        for (time, more) in [(0x08, 0x8c), (0x0c, 0x84), (0x10, 0x88), (0x90, 0x94)] {
            let seconds = self.node.mtime.min(epoch);
            put32(&mut bytes, time, low32(seconds));
            put32(&mut bytes, more, beyond_2038(seconds));
        }
        put16(&mut bytes, 0x1a, self.links);
        match self.content {
            Content::Short(target) => bytes[0x28..0x28 + target.len()].copy_from_slice(target.as_bytes()),
            Content::Blocks(runs, list) => {
                let blocks = runs.iter().map(|it| it.blocks).sum::<u64>() + u64::from(list.is_some());
                put32(&mut bytes, 0x1c, u32::try_from(blocks * (BLOCK / 512))?);
                put32(&mut bytes, 0x20, EXTENTS_FLAG);
                root_of_extents(&mut bytes[0x28..0x28 + 60], runs, list);
            }
        }
        put16(&mut bytes, 0x80, EXTRA);
        self.attributes(&mut bytes[ATTRIBUTES_AT..])?;
        let sum = crc(seed(file_system, self.number), &bytes);
        put16(&mut bytes, 0x7c, low16(sum));
        put16(&mut bytes, 0x82, high16(sum));
        Ok(bytes)
    }

    /// Extended attributes: entries from the front, values from the back.
    fn attributes(&self, to: &mut [u8]) -> anyhow::Result<()> {
        if self.node.xattrs.is_empty() {
            return Ok(());
        }
        put32(to, 0, ATTRIBUTES_MAGIC);
        let to = &mut to[4..];
        let (mut at, mut end) = (0, to.len());
        for (record, value) in &self.node.xattrs {
            let whole = record.trim_start_matches("SCHILY.xattr.");
            let (index, name, value) = attribute(whole, value)?;
            end = end.saturating_sub(value.len()) & !3;
            let next = (at + 16 + name.len()).next_multiple_of(4);
            // Four zeros end the entries.
            anyhow::ensure!(next + 4 <= end, "the extended attribute `{whole}` is too long for an inode");
            to[at] = u8::try_from(name.len())?;
            to[at + 1] = index;
            put16(to, at + 2, u16::try_from(end)?);
            put32(to, at + 8, u32::try_from(value.len())?);
            to[at + 16..at + 16 + name.len()].copy_from_slice(name.as_bytes());
            to[end..end + value.len()].copy_from_slice(&value);
            at = next;
        }
        Ok(())
    }
}

/// The number of an attribute's prefix, the rest of its name, and its value as it is stored.
fn attribute<'a>(whole: &'a str, value: &'a [u8]) -> anyhow::Result<(u8, &'a str, Cow<'a, [u8]>)> {
    const PREFIXES: [(&str, u8); 3] = [("user.", 1), ("trusted.", 4), ("security.", 6)];
    const LISTS: [(&str, u8); 2] = [("system.posix_acl_access", 2), ("system.posix_acl_default", 3)];
    if let Some((_, index)) = LISTS.iter().find(|(name, _)| *name == whole) {
        return Ok((*index, "", access_list(value)?.into()));
    }
    let found = PREFIXES.iter().find_map(|(prefix, index)| Some((*index, whole.strip_prefix(prefix)?)));
    let (index, name) =
        found.ok_or_else(|| anyhow::anyhow!("extended attributes such as `{whole}` are not known here"))?;
    Ok((index, name, value.into()))
}

/// A list of access rights (acl(5)) as ext4 stores it: with another number of its form, and with an id only where it
/// is one user's or one group's.
fn access_list(value: &[u8]) -> anyhow::Result<Vec<u8>> {
    const ONE_USER: u16 = 2;
    const ONE_GROUP: u16 = 8;
    let form = value.split_at_checked(4).filter(|(form, _)| u32_at(form, 0) == 2);
    let entries = form.map(|(_, entries)| entries.chunks_exact(8)).filter(|it| it.remainder().is_empty());
    let entries = entries.ok_or_else(|| anyhow::anyhow!("a list of access rights has an unknown form"))?;
    let mut stored = 1_u32.to_le_bytes().to_vec();
    for entry in entries {
        let has_id = [ONE_USER, ONE_GROUP].contains(&u16_at(entry, 0));
        stored.extend(if has_id { entry } else { &entry[..4] });
    }
    Ok(stored)
}

/// The two lowest bits of the field beside a time: what a signed number of 32 bits cannot hold.
fn beyond_2038(seconds: u64) -> u32 {
    low32((seconds + (1 << 31)) >> 32) & 3
}

fn header(to: &mut [u8], entries: usize, most: usize, depth: u16) {
    put16(to, 0, EXTENT_MAGIC);
    put16(to, 2, entries as u16);
    put16(to, 4, most as u16);
    put16(to, 6, depth);
}

fn extents(to: &mut [u8], runs: &[Run]) {
    let mut first = 0;
    for (run, entry) in runs.iter().zip(to.chunks_exact_mut(12)) {
        put32(entry, 0, first);
        put16(entry, 4, low16(low32(run.blocks)));
        put16(entry, 6, low16(high32(run.start)));
        put32(entry, 8, low32(run.start));
        first += low32(run.blocks);
    }
}

fn root_of_extents(to: &mut [u8], runs: &[Run], list: Option<u64>) {
    let Some(list) = list else {
        header(to, runs.len(), EXTENTS_IN_INODE, 0);
        return extents(&mut to[12..], runs);
    };
    header(to, 1, EXTENTS_IN_INODE, 1);
    put32(to, 12 + 4, low32(list));
    put16(to, 12 + 8, low16(high32(list)));
}

/// The block that lists the runs of inode `number`.
pub fn list_of_extents(file_system: u32, number: u32, runs: &[Run]) -> Vec<u8> {
    let mut block = vec![0; BLOCK_BYTES];
    header(&mut block, runs.len(), EXTENTS_IN_BLOCK, 0);
    extents(&mut block[12..BLOCK_BYTES - 4], runs);
    let sum = crc(seed(file_system, number), &block[..BLOCK_BYTES - 4]);
    put32(&mut block, BLOCK_BYTES - 4, sum);
    block
}

#[cfg(test)]
mod tests {
    use super::beyond_2038;

    #[test]
    fn times_go_on_after_2038() {
        // From the kernel's table of `i_mtime_extra`: 2038-01-19 begins the second era, 2106-02-07 is in it.
        assert_eq!(beyond_2038(0), 0);
        assert_eq!(beyond_2038((1 << 31) - 1), 0);
        assert_eq!(beyond_2038(1 << 31), 1);
        assert_eq!(beyond_2038(1 << 32), 1);
        assert_eq!(beyond_2038((1 << 32) + (1 << 31)), 2);
    }
}
