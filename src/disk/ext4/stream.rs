//! Bytes that follow each other, written a mebibyte at a time.

use super::Progress;
use super::geometry::{BLOCK, Volume};

const BYTES: usize = 1 << 20;

/// Collects what is to be written.
pub struct Stream<'a> {
    volume: Volume<'a>,
    progress: Progress<'a>,
    /// Where the collected bytes belong.
    at: u64,
    buffer: Vec<u8>,
    filled: usize,
}

impl<'a> Stream<'a> {
    /// Nothing yet. `progress` hears of what is written.
    pub fn new(volume: Volume<'a>, progress: Progress<'a>) -> Self {
        Self { volume, progress, at: 0, buffer: vec![0; BYTES], filled: 0 }
    }

    /// `bytes` at byte `at` of the file system.
    pub fn put(&mut self, at: u64, mut bytes: &[u8]) -> anyhow::Result<()> {
        self.take(at, bytes.len() as u64, &mut |_, to| {
            let (now, later) = bytes.split_at(to.len());
            to.copy_from_slice(now);
            bytes = later;
            Ok(())
        })
    }

    /// `count` bytes at byte `at` of the file system, which `read` gives: from so many of them on.
    pub fn take(
        &mut self,
        at: u64,
        count: u64,
        read: &mut dyn FnMut(u64, &mut [u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.go_to(at)?;
        let mut done = 0;
        while done < count {
            let room = BYTES - self.filled;
            let part = usize::try_from(count - done).map_or(room, |it| it.min(room));
            read(done, &mut self.buffer[self.filled..self.filled + part])?;
            self.filled += part;
            done += part as u64;
            if self.filled == BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Goes on at `at`. If a block begins there, what is left of the one before is zeros.
    fn go_to(&mut self, at: u64) -> anyhow::Result<()> {
        let gap = at.checked_sub(self.at + self.filled as u64);
        match gap.and_then(|it| usize::try_from(it).ok()) {
            Some(gap)
                if gap < BLOCK as usize
                    && at.is_multiple_of(BLOCK)
                    && self.filled > 0
                    && self.filled + gap < BYTES =>
            {
                self.buffer[self.filled..self.filled + gap].fill(0);
                self.filled += gap;
            }
            _ => {
                self.flush()?;
                self.at = at;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if self.filled > 0 {
            self.volume.write_at(self.at, &self.buffer[..self.filled])?;
            self.at += self.filled as u64;
            self.filled = 0;
            (self.progress)(self.volume.offset + self.at);
        }
        Ok(())
    }

    /// Writes what is left.
    pub fn end(mut self) -> anyhow::Result<()> {
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{BLOCK, BYTES, Stream};
    use crate::disk::ext4::geometry::Volume;

    #[test]
    fn what_is_put_stands_where_it_belongs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let file = File::create(&path).unwrap();
        let heard = std::cell::RefCell::new(Vec::new());
        let progress = |at| heard.borrow_mut().push(at);
        let mut stream = Stream::new(Volume { file: &file, offset: 10 }, &progress);
        stream.put(0, &[1; 5]).unwrap();
        stream.put(8, &[4]).unwrap();
        stream.put(BLOCK, &vec![2; BYTES]).unwrap();
        stream.put(3 * BYTES as u64, &[3]).unwrap();
        stream.end().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[..20], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 4, 0]);
        assert_eq!(bytes[10 + 4094..][..4], [0, 0, 2, 2]);
        assert_eq!((bytes.len(), bytes.last()), (10 + 3 * BYTES + 1, Some(&3)));
        let (block, end) = (BLOCK as usize, 3 * BYTES + 1);
        assert_eq!(heard.into_inner(), [15, 18 + BYTES, 10 + block + BYTES, 10 + end].map(|it| it as u64));
    }
}
