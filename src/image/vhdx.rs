//! The disk for Hyper-V. What qemu-img draws by lot is replaced as the format's description says ([MS-VHDX]).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use uuid::{Uuid, uuid};

use super::virtual_disk::VirtualDisk;
use crate::workshop::{Making, Workshop};

/// Where the two headers lie, and how long each is.
const HEADERS: [u64; 2] = [64 << 10, 128 << 10];
const HEADER: usize = 4 << 10;
const REGIONS: u64 = 192 << 10;
const TABLE: usize = 64 << 10;
const METADATA: Uuid = uuid!("8B7CA206-4790-4B9A-B8FE-575F050F886E");
/// The identity by which a guest sees the disk.
const PAGE_83: Uuid = uuid!("BECA12AB-B2E6-4523-93EF-C309E000C746");

/// All that it is made from.
#[derive(Serialize)]
pub struct Vhdx<'a>(pub VirtualDisk<'a>);

/// Its identities.
struct Ids {
    file: Uuid,
    data: Uuid,
    disk: Uuid,
}

impl Making for Vhdx<'_> {
    const STAGE: &'static str = "vhdx";
    const VERSION: u32 = 1;
    const FILE: &'static str = "disk.vhdx";

    fn make(&self, shop: &Workshop, to: &Path, work: &Path) -> anyhow::Result<()> {
        // Without a block size qemu-img chooses one by the disk's size.
        self.0.convert(shop, ("vhdx", "subformat=dynamic,block_size=2M"), to, work)?;
        let file = File::options().read(true).write(true).open(to).context("opening the image")?;
        let id = |role: &str| self.0.id(role);
        let ids = Ids { file: id("vhdx/file"), data: id("vhdx/data"), disk: id("vhdx/disk") };
        settle(&file, &ids).context("naming the image")
    }
}

/// Gives it its identities, and empties the log of what was written on the way.
fn settle(file: &File, ids: &Ids) -> anyhow::Result<()> {
    for (place, sequence) in HEADERS.into_iter().zip(1u64..) {
        let mut header = read(file, place, HEADER)?;
        anyhow::ensure!(header.starts_with(b"head"), "a header is missing");
        // A log whose identity is zero holds nothing that must still be done.
        anyhow::ensure!(header[48..64] == [0; 16], "qemu-img did not finish its log");
        header[8..16].copy_from_slice(&sequence.to_le_bytes());
        header[16..32].copy_from_slice(&ids.file.to_bytes_le());
        header[32..48].copy_from_slice(&ids.data.to_bytes_le());
        let (log, size) = (number(&header, 72, 8), number(&header, 68, 4));
        file.write_all_at(&vec![0; usize::try_from(size)?], log)?;
        header[4..8].fill(0);
        let sum = crc32c(&header);
        header[4..8].copy_from_slice(&sum.to_le_bytes());
        file.write_all_at(&header, place)?;
    }
    let place = disk_id(file)?.context("the disk's identity is missing")?;
    Ok(file.write_all_at(&ids.disk.to_bytes_le(), place)?)
}

/// Where the identity of the disk lies: an item of the metadata, which are one of the regions.
fn disk_id(file: &File) -> anyhow::Result<Option<u64>> {
    let regions = read(file, REGIONS, TABLE)?;
    let count = usize::try_from(number(&regions, 8, 4))?;
    let region = regions[16..].chunks(32).take(count).find(|it| it[..16] == METADATA.to_bytes_le());
    let Some(begin) = region.map(|it| number(it, 16, 8)) else { return Ok(None) };
    let items = read(file, begin, TABLE)?;
    let count = usize::try_from(number(&items, 10, 2))?;
    let item = items[32..].chunks(32).take(count).find(|it| it[..16] == PAGE_83.to_bytes_le());
    Ok(item.map(|it| begin + number(it, 16, 4)))
}

fn read(file: &File, at: u64, size: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, at).map(|()| bytes)
}

/// A number of `size` bytes at `at`, little end first.
fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The checksum of the headers: CRC-32C, bit by bit, for there are two of 4 KiB.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg());
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    #[test]
    fn the_checksum_is_the_one_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
