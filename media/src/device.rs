//! A disk that is written and read past the page cache, held alone from the first byte to the last look.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::fs::{FallocateFlags, FlockOperation, OFlags};
use rustix::io::Errno;

use super::gpt::Table;
use super::inventory::Disk;
use super::refusal::{Refusal, Refused};

/// What direct input and output want memory and offsets to be multiples of, at most.
const ALIGNMENT: usize = 4096;
/// How much is written and read at once.
pub const BLOCK: usize = 4 << 20;
/// How long udev may look at a disk before we give up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much is zeroed or discarded at once: nobody can interrupt that.
const STEP: u64 = 64 << 20;

/// What an image can be written to.
pub trait Medium: Sync {
    /// Its size in bytes.
    fn size_bytes(&self) -> u64;
    /// Writes a block, whose length and offset are multiples of a sector.
    fn write_at(&self, block: &[u8], offset: u64) -> io::Result<()>;
    /// Reads a block back from the medium itself.
    fn read_at(&self, block: &mut [u8], offset: u64) -> io::Result<()>;
    /// Makes `length` bytes from `offset` on zeros; false if it knows no short way.
    fn zero(&self, offset: u64, length: u64) -> io::Result<bool>;
    /// Lets it forget `length` bytes from `offset` on, if it can.
    fn discard(&self, offset: u64, length: u64);
    /// Waits until all that was written is there to stay.
    fn sync(&self) -> io::Result<()>;
}

/// Only root may have the disk.
#[derive(Debug, thiserror::Error)]
#[error("{0}: run it as root, with `sudo` before it")]
pub struct NeedsRoot(String);

/// A disk that is ours.
pub struct Device {
    file: File,
    path: PathBuf,
    size_bytes: u64,
    discards: bool,
}

/// Whether the disk is going to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is, and nobody else may use it.
    Alone,
    /// It is only looked at.
    Look,
}

impl Device {
    /// Opens `disk`, which must be there: nothing is ever created.
    pub fn open(disk: &Disk, access: Access) -> anyhow::Result<Self> {
        let what = || format!("opening `{}`", disk.path.display());
        let mut options = File::options();
        options.read(true).write(access == Access::Alone);
        // On a block device and without O_CREAT, O_EXCL is refused while a file system or the like has it (open(2)).
        let exclusive = if access == Access::Alone { OFlags::EXCL } else { OFlags::empty() };
        options.custom_flags((OFlags::DIRECT | OFlags::CLOEXEC | exclusive).bits().cast_signed());
        let refused = |reason| anyhow::Error::from(Refused(vec![reason]));
        let file = match options.open(&disk.path) {
            Err(err) => {
                return Err(match Errno::from_io_error(&err) {
                    Some(Errno::BUSY) => refused(Refusal::Taken(disk.path.clone())),
                    Some(Errno::NOENT | Errno::NXIO) => refused(Refusal::Missing(disk.path.clone())),
                    Some(Errno::ROFS) => refused(Refusal::ReadOnly(disk.path.clone())),
                    Some(Errno::ACCESS | Errno::PERM) => anyhow::Error::from(err).context(NeedsRoot(what())),
                    _ => anyhow::Error::from(err).context(what()),
                });
            }
            Ok(file) => file,
        };
        let metadata = file.metadata().with_context(what)?;
        let number = (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
        if !metadata.file_type().is_block_device() || disk.number != format!("{}:{}", number.0, number.1) {
            return Err(refused(Refusal::Exchanged(disk.path.clone())));
        }
        if access == Access::Alone {
            lock(&file, &disk.path)?;
        }
        Ok(Self { file, path: disk.path.clone(), size_bytes: disk.size_bytes, discards: disk.discards })
    }

    /// Whether nothing is on it that anybody could miss: its first and last MiB are zeros, so that there is neither a
    /// table nor a file system.
    pub fn is_blank(&self) -> io::Result<bool> {
        let length = self.size_bytes.min(1 << 20);
        let mut block = Block::new(length as usize)?;
        for at in [0, self.size_bytes - length] {
            self.read_at(block.bytes_mut(), at)?;
            if block.bytes().iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The partition table on it.
    pub fn table(&self) -> Option<Table> {
        let read = |offset: u64, length: usize| {
            let mut block = Block::new(length.next_multiple_of(ALIGNMENT))?;
            let start = offset / 512 * 512;
            let length = length.next_multiple_of(512);
            self.read_at(&mut block.bytes_mut()[..length], start)?;
            Ok(block.bytes()[..length].to_vec())
        };
        Table::read(&read, self.size_bytes)
    }
}

/// The lock by which programs tell udev to keep off (systemd's "Locking Block Device Access").
fn lock(file: &File, path: &Path) -> anyhow::Result<()> {
    let since = Instant::now();
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if since.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(Errno::WOULDBLOCK) => return Err(Refused(vec![Refusal::Taken(path.to_owned())]).into()),
            Err(err) => return Err(err).with_context(|| format!("locking `{}`", path.display())),
        }
    }
}

impl Medium for Device {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn write_at(&self, block: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(block, offset)
    }

    fn read_at(&self, block: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(block, offset)
    }

    fn zero(&self, offset: u64, length: u64) -> io::Result<bool> {
        let ways = [FallocateFlags::PUNCH_HOLE, FallocateFlags::ZERO_RANGE];
        // Both leave zeros; the first one also tells the disk that nothing is there (fallocate(2), blkdev_fallocate).
        let ways = if self.discards { &ways[..] } else { &ways[1..] };
        for way in ways {
            match step(offset, length, |at, part| {
                rustix::fs::fallocate(&self.file, *way | FallocateFlags::KEEP_SIZE, at, part)
            }) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                done => return done.map(|()| true).map_err(io::Error::from),
            }
        }
        Ok(false)
    }

    fn discard(&self, offset: u64, length: u64) {
        if self.discards {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // What the disk keeps for itself does no harm: it lies in no partition.
            step(offset, length, |at, part| rustix::fs::fallocate(&self.file, flags, at, part)).ok();
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

fn step(offset: u64, length: u64, each: impl Fn(u64, u64) -> Result<(), Errno>) -> Result<(), Errno> {
    let mut at = offset;
    while at < offset + length {
        let part = STEP.min(offset + length - at);
        each(at, part)?;
        at += part;
    }
    Ok(())
}

/// Memory that the kernel takes for direct input and output.
pub struct Block {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Block {
    /// Zeros, `length` bytes of them.
    pub fn new(length: usize) -> io::Result<Self> {
        let memory = vec![0_u8; length + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        if start > ALIGNMENT {
            return Err(io::Error::other("memory cannot be aligned"));
        }
        Ok(Self { memory, start, length })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    /// Its bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}
