//! Folders as blocks of entries (Linux, `Documentation/filesystems/ext4/directory.rst`).

use super::bytes::{crc, put16, put32};
use super::geometry::BLOCK_BYTES;
use super::inode::{self, Kind};

/// The checksum at a block's end looks like an entry of no file.
const TAIL: usize = 12;
/// Bytes of an entry before its name.
const FIXED: usize = 8;

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name.
    pub name: &'a str,
    /// The inode that it names.
    pub number: u32,
    /// What that is.
    pub kind: Kind,
}

/// The blocks of the folder `number` with these `entries`, in that order.
pub fn blocks(file_system: u32, number: u32, parent: u32, entries: &[Entry<'_>]) -> anyhow::Result<Vec<u8>> {
    let dots =
        [(".", number), ("..", parent)].map(|(name, number)| Entry { name, number, kind: Kind::Folder });
    let (mut all, mut block, mut last) = (Vec::new(), Vec::new(), 0);
    for entry in dots.iter().chain(entries) {
        let length = (FIXED + entry.name.len()).next_multiple_of(4);
        if block.len() + length > BLOCK_BYTES - TAIL {
            all.extend(closed(file_system, number, std::mem::take(&mut block), last));
        }
        last = block.len();
        block.resize(last + length, 0);
        put32(&mut block, last, entry.number);
        put16(&mut block, last + 4, u16::try_from(length)?);
        block[last + 6] = u8::try_from(entry.name.len())?;
        block[last + 7] = entry.kind.mark();
        block[last + FIXED..last + FIXED + entry.name.len()].copy_from_slice(entry.name.as_bytes());
    }
    all.extend(closed(file_system, number, block, last));
    Ok(all)
}

/// The whole `block`: the entry at `last` reaches to the checksum.
fn closed(file_system: u32, number: u32, mut block: Vec<u8>, last: usize) -> Vec<u8> {
    const END: usize = BLOCK_BYTES - TAIL;
    block.resize(BLOCK_BYTES, 0);
    put16(&mut block, last + 4, (END - last) as u16);
    put16(&mut block, END + 4, TAIL as u16);
    block[END + 7] = 0xde;
    let sum = crc(inode::seed(file_system, number), &block[..END]);
    put32(&mut block, END + 8, sum);
    block
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, Entry, Kind, blocks};

    #[test]
    fn many_names_take_several_blocks_and_none_is_split() {
        let names: Vec<String> = (0..300).map(|it| format!("name-of-some-length-{it:03}")).collect();
        let entries: Vec<Entry<'_>> =
            names.iter().map(|name| Entry { name, number: 20, kind: Kind::File }).collect();
        let bytes = blocks(1, 12, 2, &entries).unwrap();
        assert_eq!(bytes.len(), 3 * BLOCK_BYTES);
        let mut found = Vec::new();
        for block in bytes.chunks(BLOCK_BYTES) {
            let mut at = 0;
            while at < BLOCK_BYTES {
                let length = usize::from(u16::from_le_bytes([block[at + 4], block[at + 5]]));
                let name = &block[at + 8..at + 8 + usize::from(block[at + 6])];
                found.push(String::from_utf8(name.to_vec()).unwrap());
                at += length;
            }
            assert_eq!(at, BLOCK_BYTES);
        }
        // The checksums have no names.
        found.retain(|it| !it.is_empty());
        assert_eq!(found[..2], [".", ".."]);
        assert_eq!(found[2..], names);
    }
}
