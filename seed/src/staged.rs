//! A stretch of a file or device, with changes that are held back until they may be written, in an order of our own.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::disk::Disk;

use crate::place::Extent;

/// Changes are held back by pieces of so many bytes: no disk writes less at once.
const PIECE: usize = 512;

type Piece = [u8; PIECE];

/// Reads what is there, and what has been written since; nothing reaches the file before [`Staged::commit`].
pub(crate) struct Staged<'d> {
    disk: &'d dyn Disk,
    extent: Extent,
    at: u64,
    changed: BTreeMap<u64, Piece>,
    /// The piece that was read last: FAT tables are read a few bytes at a time.
    last: Option<(u64, Piece)>,
}

impl<'d> Staged<'d> {
    pub fn new(disk: &'d dyn Disk, extent: Extent) -> Self {
        Self { disk, extent, at: 0, changed: BTreeMap::new(), last: None }
    }

    fn piece(&mut self, number: u64) -> io::Result<Piece> {
        if let Some(piece) = self.changed.get(&number) {
            return Ok(*piece);
        }
        if let Some((last, piece)) = self.last
            && last == number
        {
            return Ok(piece);
        }
        let piece = self.on_disk(number)?;
        self.last = Some((number, piece));
        Ok(piece)
    }

    fn on_disk(&self, number: u64) -> io::Result<Piece> {
        let mut piece = [0; PIECE];
        let start = number * PIECE as u64;
        let length = (self.extent.size - start).min(PIECE as u64) as usize;
        self.disk.read_at(&mut piece[..length], self.extent.offset + start)?;
        Ok(piece)
    }

    /// Where the next byte lies, and how many of `wanted` are there within its piece.
    fn span(&self, wanted: usize) -> (u64, usize, usize) {
        let within = (self.at % PIECE as u64) as usize;
        let left = self.extent.size.saturating_sub(self.at).min((PIECE - within) as u64) as usize;
        (self.at / PIECE as u64, within, wanted.min(left))
    }

    /// Writes what has changed: first all pieces of rank 0 (`rank` is given where a piece begins), then those of
    /// rank 1 and 2. Each rank is on the disk before the next one begins.
    pub fn commit(&mut self, rank: impl Fn(u64) -> u8) -> io::Result<()> {
        self.last = None;
        for wanted in 0..3 {
            let mut run: Option<(u64, Vec<u8>)> = None;
            let mut wrote = false;
            for (&number, piece) in &self.changed {
                let start = number * PIECE as u64;
                if rank(start) != wanted || self.on_disk(number)? == *piece {
                    continue;
                }
                wrote = true;
                let length = (self.extent.size - start).min(PIECE as u64) as usize;
                match &mut run {
                    // Neighbours go out as one: the fewer writes, the fewer moments at which power can fail.
                    Some((from, bytes)) if *from + bytes.len() as u64 == start => {
                        bytes.extend(&piece[..length]);
                    }
                    _ => {
                        self.put(run.take())?;
                        run = Some((start, piece[..length].to_vec()));
                    }
                }
            }
            self.put(run)?;
            if wrote {
                self.disk.sync()?;
            }
        }
        self.changed.clear();
        Ok(())
    }

    fn put(&self, run: Option<(u64, Vec<u8>)>) -> io::Result<()> {
        let Some((start, bytes)) = run else { return Ok(()) };
        self.disk.write_at(&bytes, self.extent.offset + start)
    }
}

impl Read for Staged<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (number, within, length) = self.span(into.len());
        if length > 0 {
            let piece = self.piece(number)?;
            into[..length].copy_from_slice(&piece[within..within + length]);
            self.at += length as u64;
        }
        Ok(length)
    }
}

impl Write for Staged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (number, within, length) = self.span(bytes.len());
        if length > 0 {
            let mut piece = self.piece(number)?;
            piece[within..within + length].copy_from_slice(&bytes[..length]);
            self.changed.insert(number, piece);
            self.at += length as u64;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Staged<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.extent.size.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
