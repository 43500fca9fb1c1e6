//! What is on a disk, as far as it decides what becomes of it. Nothing is mounted for that.

use anyhow::Context as _;
use nuvol_media::{Access, Block, Device, Disk, Medium, Sectors, Table};
use nuvol_seed::{CONFIG_FILE, Volume};

/// A disk that somebody chose, and what is on it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The disk.
    pub disk: Disk,
    /// Its partition table.
    pub table: Option<Table>,
    /// The Nuvol node that was installed on it.
    pub node: Option<Node>,
    /// Whether there is nothing that anybody could miss.
    pub is_blank: bool,
}

/// An older node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What its `nuvol.toml` says.
    pub config: Option<String>,
    /// Size of its data partition in bytes.
    pub data_bytes: u64,
    /// How many of them are taken, where its file system tells.
    pub used_bytes: Option<u64>,
}

impl Found {
    /// Looks at `disk`.
    pub fn look(disk: &Disk) -> anyhow::Result<Self> {
        let device = Device::open(disk, Access::Look)?;
        let what = || format!("reading `{}`", disk.path.display());
        let table = device.table();
        let is_blank = table.is_none() && device.is_blank().with_context(what)?;
        let data = table.as_ref().and_then(Table::data);
        let node = data.map(|data| Node {
            // A configuration that cannot be read is no reason to lose the data.
            config: config(&device).ok().flatten(),
            data_bytes: data.span.length(),
            used_bytes: used(&device, data.span.from),
        });
        Ok(Self { disk: disk.clone(), table, node, is_blank })
    }
}

impl Node {
    /// The name that it was given before boot.
    pub fn name(&self) -> Option<String> {
        nuvol_seed::read(self.config.as_deref()?).config.name
    }
}

fn config(device: &Device) -> anyhow::Result<Option<String>> {
    let sectors = Sectors(device);
    let Some(place) = nuvol_seed::find(&sectors)? else { return Ok(None) };
    let bytes = Volume::open(&sectors, place)?.read(CONFIG_FILE)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// How many bytes the ext4 file system at `offset` says are taken.
fn used(device: &dyn Medium, offset: u64) -> Option<u64> {
    let mut block = Block::new(4096).ok()?;
    device.read_at(block.bytes_mut(), offset).ok()?;
    used_of(&block.bytes()[1024..2048])
}

/// The same of its superblock (kernel documentation, filesystems/ext4/globals.rst).
fn used_of(superblock: &[u8]) -> Option<u64> {
    const MAGIC: u16 = 0xef53;
    const LARGE: u32 = 0x80;
    let word = |at: usize| Some(u32::from_le_bytes(*superblock.get(at..)?.first_chunk()?));
    let magic = u16::from_le_bytes(*superblock.get(56..)?.first_chunk()?);
    let is_large = word(96)? & LARGE != 0;
    let number = |low: usize, high: usize| {
        let high = if is_large { word(high)? } else { 0 };
        Some(u64::from(high) << 32 | u64::from(word(low)?))
    };
    let blocks = number(4, 0x150)?.checked_sub(number(12, 0x158)?)?;
    let size = 1024_u64.checked_shl(word(24)?)?;
    blocks.checked_mul(size).filter(|_| magic == MAGIC)
}

#[cfg(test)]
mod tests {
    use super::used_of;

    #[test]
    fn a_superblock_tells_what_is_taken() {
        let mut superblock = vec![0; 1024];
        superblock[4..8].copy_from_slice(&1000_u32.to_le_bytes());
        superblock[12..16].copy_from_slice(&400_u32.to_le_bytes());
        superblock[24] = 2;
        assert_eq!(used_of(&superblock), None, "it has no magic number");
        superblock[56..58].copy_from_slice(&0xef53_u16.to_le_bytes());
        assert_eq!(used_of(&superblock), Some(600 * 4096));
        superblock[0x150] = 1;
        assert_eq!(used_of(&superblock), Some(600 * 4096), "without 64 bits nobody wrote there");
        superblock[96] = 0x80;
        assert_eq!(used_of(&superblock), Some(((1 << 32) + 600) * 4096));
        superblock[24] = 200;
        assert_eq!(used_of(&superblock), None);
    }
}
