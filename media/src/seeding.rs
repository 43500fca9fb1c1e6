//! The configuration before boot on a disk that is held alone, where only whole sectors can be written.

use std::io;

use anyhow::Context as _;
use nuvol_seed::{CONFIG_FILE, Disk, Extent, Volume};

use super::device::{Block, Medium};
use super::gpt::SECTOR;

/// A medium as bytes that can be read and written anywhere.
pub struct Sectors<'m>(pub &'m dyn Medium);

impl Sectors<'_> {
    /// The sectors around `length` bytes from `offset` on: where they begin, what they hold, and where in that the
    /// bytes are.
    fn around(&self, length: usize, offset: u64) -> io::Result<(u64, Block, usize)> {
        let start = offset / SECTOR * SECTOR;
        let within = (offset - start) as usize;
        let mut block = Block::new((within + length).next_multiple_of(SECTOR as usize))?;
        self.0.read_at(block.bytes_mut(), start)?;
        Ok((start, block, within))
    }
}

impl Disk for Sectors<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.size_bytes())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        let (_, block, within) = self.around(into.len(), offset)?;
        into.copy_from_slice(&block.bytes()[within..within + into.len()]);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (start, mut block, within) = self.around(bytes.len(), offset)?;
        block.bytes_mut()[within..within + bytes.len()].copy_from_slice(bytes);
        self.0.write_at(block.bytes(), start)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

/// Writes `text` as the configuration in `place` of `medium`, and reads it back.
pub(crate) fn configure(medium: &dyn Medium, place: Option<Extent>, text: &[u8]) -> anyhow::Result<()> {
    let place = place.context("the image has no partition for it")?;
    Volume::open(&Sectors(medium), place)?.write(CONFIG_FILE, text)
}
