//! The GUID partition table as bytes: read, fitted to the disk that it comes to lie on, written again.
//!
//! Entries stay the bytes that they are, so that what was built and tested is what the disk gets; of the header
//! only what the disk's size decides is made anew.

use super::span::Span;

/// What the table counts in. Disks with other sectors are refused.
pub const SECTOR: u64 = 512;
const SIGNATURE: &[u8; 8] = b"EFI PART";
const REVISION: [u8; 4] = [0, 0, 1, 0];
const HEADER: usize = 92;
const ENTRY: usize = 128;
/// More entries than any table has.
const MOST_ENTRIES: u32 = 1024;
/// Linux file system data, as the data partition has it (`repart.d/50-data.conf`).
const LINUX: [u8; 16] =
    [0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4];
/// The label of a node's data partition.
pub const DATA_LABEL: &str = "nuvol-data";
/// The label of the partition with the configuration before boot.
pub const CONFIG_LABEL: &str = "nuvol-cfg";

/// Reads `length` bytes at an offset.
pub type ReadAt<'a> = &'a dyn Fn(u64, usize) -> anyhow::Result<Vec<u8>>;

/// A partition table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    first_usable: u64,
    disk_id: [u8; 16],
    entries: Vec<[u8; ENTRY]>,
}

/// A partition as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the table, from 1.
    pub number: usize,
    /// Its label.
    pub label: String,
    /// Where it lies.
    pub span: Span,
    bytes: [u8; ENTRY],
}

impl Table {
    /// The table on something of `size` bytes: the primary one, or the backup where that is damaged.
    pub fn read(read: ReadAt<'_>, size: u64) -> Option<Self> {
        let last = (size / SECTOR).checked_sub(1)?;
        Self::at(read, 1, size).or_else(|| Self::at(read, last, size))
    }

    /// The table whose header lies in sector `lba`.
    fn at(read: ReadAt<'_>, lba: u64, size: u64) -> Option<Self> {
        let header = read(lba * SECTOR, SECTOR as usize).ok()?;
        let (long, word) = (|at: usize| long(&header, at), |at: usize| word(&header, at));
        let known = header.starts_with(SIGNATURE) && header[8..12] == REVISION && word(12) == HEADER as u32;
        let mut unsummed = header.get(..HEADER)?.to_vec();
        unsummed[16..20].fill(0);
        if !known || crc32fast::hash(&unsummed) != word(16) || long(24) != lba {
            return None;
        }
        let (start, count, entry) = (long(72), word(80), word(84));
        let length = count as usize * ENTRY;
        let end = start.checked_mul(SECTOR)?.checked_add(length as u64)?;
        if count == 0 || count > MOST_ENTRIES || entry != ENTRY as u32 || end > size {
            return None;
        }
        let bytes = read(start * SECTOR, length).ok()?;
        if crc32fast::hash(&bytes) != word(88) {
            return None;
        }
        let entries = bytes.as_chunks::<ENTRY>().0.to_vec();
        Some(Self { first_usable: long(40), disk_id: header[56..72].try_into().ok()?, entries })
    }

    /// Its partitions in the order of the table.
    pub fn partitions(&self) -> Vec<Entry> {
        self.entries.iter().enumerate().filter_map(|(at, bytes)| Entry::of(at + 1, bytes)).collect()
    }

    /// Whether it is the table of the image that has `other`, which a node may have changed since.
    pub fn is_of_same_image(&self, other: &Self) -> bool {
        self.disk_id == other.disk_id
    }

    /// The data partition of a Nuvol node, if this is a node's disk.
    pub fn data(&self) -> Option<Entry> {
        self.partitions().into_iter().find(|it| it.label == DATA_LABEL && it.bytes[..16] == LINUX)
    }

    /// The same table with no partition but `entry`.
    pub fn only(&self, entry: &Entry) -> Self {
        let empty = vec![[0; ENTRY]; self.entries.len().max(entry.number)];
        Self { entries: empty, ..self.clone() }.with(entry)
    }

    /// The same table with `entry` too, under its number or the next free one.
    pub fn with(&self, entry: &Entry) -> Self {
        let mut table = self.clone();
        let wanted = entry.number - 1;
        let free = |at: &usize| table.entries.get(*at).is_some_and(|it| it[..16] == [0; 16]);
        let place = Some(wanted).filter(free).or_else(|| (0..table.entries.len()).rev().find(free));
        if let Some(place) = place {
            table.entries[place] = entry.bytes;
        }
        table
    }

    /// Has the first sector of a disk of `size` bytes say that a table lies behind it, as far as it said so before.
    pub fn protect(sector: &mut [u8], size: u64) {
        const KIND: usize = 446 + 4;
        const LENGTH: usize = 446 + 12;
        if sector.get(KIND) == Some(&0xee) {
            let sectors = u32::try_from(size / SECTOR - 1).unwrap_or(u32::MAX);
            sector[LENGTH..LENGTH + 4].copy_from_slice(&sectors.to_le_bytes());
        }
    }

    /// How many sectors each copy's entries take.
    fn entry_sectors(&self) -> u64 {
        ((self.entries.len() * ENTRY) as u64).div_ceil(SECTOR)
    }

    /// The bytes from sector 1 on for a disk of `size` bytes.
    pub fn primary(&self, size: u64) -> Vec<u8> {
        let last = size / SECTOR - 1;
        [self.header(1, last, 2, last), self.entry_bytes()].concat()
    }

    /// Bytes that the backup takes at the disk's end.
    pub fn backup_bytes(&self) -> u64 {
        (self.entry_sectors() + 1) * SECTOR
    }

    /// The bytes of the backup, which end where the disk of `size` bytes ends.
    pub fn backup(&self, size: u64) -> Vec<u8> {
        let last = size / SECTOR - 1;
        [self.entry_bytes(), self.header(last, 1, last - self.entry_sectors(), last)].concat()
    }

    fn header(&self, own: u64, other: u64, entries: u64, last: u64) -> Vec<u8> {
        let mut header = vec![0; SECTOR as usize];
        header[..8].copy_from_slice(SIGNATURE);
        header[8..12].copy_from_slice(&REVISION);
        let longs = [
            (24, own),
            (32, other),
            (40, self.first_usable),
            (48, last - self.entry_sectors() - 1),
            (72, entries),
        ];
        for (at, value) in longs {
            header[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        header[56..72].copy_from_slice(&self.disk_id);
        let sum = crc32fast::hash(self.entries.as_flattened());
        for (at, value) in
            [(12, HEADER as u32), (80, self.entries.len() as u32), (84, ENTRY as u32), (88, sum)]
        {
            header[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let sum = crc32fast::hash(&header[..HEADER]);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        header
    }

    fn entry_bytes(&self) -> Vec<u8> {
        let mut bytes = self.entries.as_flattened().to_vec();
        bytes.resize((self.entry_sectors() * SECTOR) as usize, 0);
        bytes
    }
}

impl Entry {
    fn of(number: usize, bytes: &[u8; ENTRY]) -> Option<Self> {
        if bytes[..16] == [0; 16] {
            return None;
        }
        let (first, last) = (long(bytes, 32), long(bytes, 40));
        let sectors = last.checked_sub(first)?.checked_add(1)?;
        let span = Span::new(first.checked_mul(SECTOR)?, first.checked_add(sectors)?.checked_mul(SECTOR)?);
        let units: Vec<u16> = bytes[56..].as_chunks().0.iter().map(|it| u16::from_le_bytes(*it)).collect();
        let label = String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned();
        Some(Self { number, label, span, bytes: *bytes })
    }
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |it| u64::from_le_bytes(*it))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |it| u32::from_le_bytes(*it))
}

#[cfg(test)]
mod tests {
    use super::{CONFIG_LABEL, DATA_LABEL, ReadAt, SECTOR, Table};
    use crate::made_up::{disk, with_data};

    fn read(bytes: &[u8]) -> Option<Table> {
        let read: ReadAt<'_> = &|at, length| {
            let at = usize::try_from(at)?;
            Ok(bytes.get(at..at + length).ok_or_else(|| anyhow::anyhow!("beyond the end"))?.to_vec())
        };
        Table::read(read, bytes.len() as u64)
    }

    #[test]
    fn a_table_for_the_same_size_is_the_same_bytes_as_sfdisk_made() {
        let bytes = disk(8 << 20);
        let size = bytes.len() as u64;
        let table = read(&bytes).unwrap();
        let (primary, backup) = (table.primary(size), table.backup(size));
        assert!(primary == bytes[512..512 + primary.len()], "the primary table differs");
        assert!(backup == bytes[bytes.len() - backup.len()..], "the backup differs");
        let mut first = bytes[..512].to_vec();
        Table::protect(&mut first, size);
        assert!(first == bytes[..512], "the first sector differs");
        let labels: Vec<String> = table.partitions().into_iter().map(|it| it.label).collect();
        assert_eq!(labels, ["esp", CONFIG_LABEL, "root"]);
        assert_eq!(table.partitions()[0].span.from, 1 << 20);
    }

    #[test]
    fn a_table_can_be_read_from_either_copy_where_it_was_fitted_to_a_larger_disk() {
        let table = read(&disk(8 << 20)).unwrap();
        let size = 32 << 20;
        let mut bytes = vec![0; size];
        let (primary, backup) = (table.primary(size as u64), table.backup(size as u64));
        bytes[512..512 + primary.len()].copy_from_slice(&primary);
        bytes[size - backup.len()..].copy_from_slice(&backup);
        assert_eq!(read(&bytes), Some(table.clone()));
        bytes[600] ^= 1;
        bytes[1024] ^= 1;
        assert_eq!(read(&bytes), Some(table), "the backup is as good");
        let last = size - SECTOR as usize;
        bytes[last + 20] ^= 1;
        assert_eq!(read(&bytes), None);
    }

    #[test]
    fn the_data_partition_keeps_its_number_or_takes_a_free_one() {
        let old = read(&with_data(32 << 20, 16 << 20)).unwrap();
        let data = old.data().unwrap();
        assert_eq!((data.label.as_str(), data.number, data.span.from), (DATA_LABEL, 5, 16 << 20));
        let new = read(&disk(8 << 20)).unwrap();
        assert_eq!(new.data(), None);
        let both = new.with(&data);
        assert_eq!(both.partitions().len(), 4);
        assert_eq!(both.data(), Some(data.clone()));
        let mut first = data.clone();
        first.number = 1;
        assert_eq!(new.with(&first).data().unwrap().number, 128, "the number is taken");
        assert_eq!(old.only(&data).partitions(), [data]);
    }

    #[test]
    fn nonsense_is_no_table() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0xff; 4096]), None);
        // Sums that fit, and entries beyond the end.
        let mut bytes = disk(8 << 20);
        let end = bytes.len() - SECTOR as usize;
        bytes[end..].fill(0);
        bytes[512 + 72..512 + 80].fill(0x7f);
        bytes[512 + 16..512 + 20].fill(0);
        let sum = crc32fast::hash(&bytes[512..512 + 92]);
        bytes[512 + 16..512 + 20].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(read(&bytes), None);
    }
}
