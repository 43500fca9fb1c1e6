//! Where `NUVOL-CFG` lies: on a disk, in the image of one, on a hybrid ISO, or all by itself.

use std::io;

use crate::disk::Disk;
use crate::volume::{Volume, is_ours};

/// The name of its partition on a disk.
const PARTITION: &str = "nuvol-cfg";
/// Sectors of disks have one of these sizes.
const SECTORS: [u64; 2] = [512, 4096];
const HEADER: usize = 92;
const ENTRY: usize = 128;
const MOST_ENTRIES: u32 = 256;

/// A span of a file or device in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub size: u64,
}

/// The extent of `NUVOL-CFG` on `disk`: the whole of it, or a partition by its label or name. `None` where there is
/// none.
pub fn find(disk: &dyn Disk) -> io::Result<Option<Extent>> {
    let size = disk.size()?;
    let whole = Extent { offset: 0, size };
    if is_ours(disk, whole) {
        return Ok(Some(whole));
    }
    let partitions = partitions(disk, size)?;
    let labelled = partitions.iter().find(|(_, extent)| is_ours(disk, *extent));
    // Somebody may have made its file system anew, with another label.
    let named = || partitions.iter().find(|(name, it)| name == PARTITION && Volume::open(disk, *it).is_ok());
    Ok(labelled.or_else(named).map(|(_, extent)| *extent))
}

/// Name and extent of each partition of a GPT (UEFI specification, chapter 5); none where there is no GPT.
fn partitions(disk: &dyn Disk, size: u64) -> io::Result<Vec<(String, Extent)>> {
    for sector in SECTORS {
        let mut header = [0; HEADER];
        if sector * 2 > size {
            break;
        }
        disk.read_at(&mut header, sector)?;
        if !header.starts_with(b"EFI PART") {
            continue;
        }
        let (start, count, length) = (u64_at(&header, 72), u32_at(&header, 80), u32_at(&header, 84));
        let mut found = Vec::new();
        for number in 0..count.min(MOST_ENTRIES) {
            let at = start
                .checked_mul(sector)
                .and_then(|it| it.checked_add(u64::from(number) * u64::from(length)));
            let mut entry = [0; ENTRY];
            match at {
                Some(at) if at < size.saturating_sub(ENTRY as u64) => disk.read_at(&mut entry, at)?,
                _ => break,
            }
            found.extend(partition(&entry, sector, size));
        }
        return Ok(found);
    }
    Ok(Vec::new())
}

fn partition(entry: &[u8; ENTRY], sector: u64, size: u64) -> Option<(String, Extent)> {
    if entry[..16].iter().all(|byte| *byte == 0) {
        return None;
    }
    let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
    let offset = first.checked_mul(sector)?;
    let end = last.checked_add(1)?.checked_mul(sector).filter(|end| *end <= size && *end > offset)?;
    let letters = entry[56..].chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let name = char::decode_utf16(letters.take_while(|it| *it != 0)).map(|it| it.unwrap_or('?')).collect();
    Some((name, Extent { offset, size: end - offset }))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}
