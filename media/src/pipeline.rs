//! Image bytes through several hands: one thread reads and unpacks, others take block after block to the disk.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;

use super::device::{BLOCK, Block};
use super::progress::{Limit, Phase};
use super::source::Source;
use super::span::Span;

/// Blocks on their way at once: 32 MiB in all, so that a machine of 512 MiB can do it.
const BLOCKS: usize = 8;
/// Enough that the disk always has a block to write while others are hashed.
const WORKERS: usize = 3;

/// What is done with a block: its place, its bytes, and a block of memory to work in.
pub type Work<'a, T> = &'a (dyn Fn(Span, &[u8], &mut Block) -> anyhow::Result<T> + Sync);

/// `spans` in pieces of a block at most.
pub fn pieces(spans: &[Span]) -> impl Iterator<Item = Span> {
    spans.iter().flat_map(|span| {
        let (from, to, step) = (span.from, span.to, BLOCK as u64);
        // Blocks begin at multiples of their size, as a disk likes them.
        let starts = std::iter::successors(Some(from), move |at| Some((at / step + 1) * step));
        starts.take_while(move |at| *at < to).map(move |at| Span::new(at, to.min((at / step + 1) * step)))
    })
}

/// Time that was spent waiting, in nanoseconds.
#[derive(Default)]
struct Waits {
    /// By the reader, for a block that the disk is done with.
    for_disk: AtomicU64,
    /// By the disk's threads, for a block to write.
    for_image: AtomicU64,
}

impl Waits {
    fn limit(&self, source: &Source) -> Limit {
        let (disk, image) = (self.for_disk.load(Ordering::Relaxed), self.for_image.load(Ordering::Relaxed));
        // Several wait for the one reader.
        match (disk >= image / WORKERS as u64, source.is_compressed()) {
            (true, _) => Limit::Disk,
            (false, true) => Limit::Decompression,
            (false, false) => Limit::Image,
        }
    }
}

fn waited<T>(counter: &AtomicU64, wait: impl FnOnce() -> T) -> T {
    let since = Instant::now();
    let found = wait();
    counter.fetch_add(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    found
}

/// Reads `spans` of `source`, which are in order, and does `work` with each of their pieces, several at once.
pub fn each_piece<T: Send>(
    source: &Source,
    spans: &[Span],
    meter: &dyn Phase,
    work: Work<'_, T>,
) -> anyhow::Result<Vec<T>> {
    let (waits, stop) = (Waits::default(), AtomicBool::new(false));
    let (full, pieces_in) = sync_channel::<(Span, Block)>(BLOCKS);
    let (empty, blocks_in) = sync_channel::<Block>(BLOCKS);
    for _ in 0..BLOCKS {
        empty.send(Block::new(BLOCK)?).context("filling the pool")?;
    }
    let pieces_in = Mutex::new(pieces_in);
    std::thread::scope(|scope| {
        let worker = |empty: SyncSender<Block>| {
            let (pieces_in, waits, stop) = (&pieces_in, &waits, &stop);
            move || -> anyhow::Result<Vec<T>> {
                let (mut found, mut scratch) = (Vec::new(), Block::new(BLOCK)?);
                while let Some((span, block)) = waited(&waits.for_image, || next(pieces_in)) {
                    let length = span.length() as usize;
                    let done = work(span, &block.bytes()[..length], &mut scratch);
                    stop.fetch_or(done.is_err(), Ordering::Relaxed);
                    found.push(done?);
                    meter.add(span.length(), Some(waits.limit(source)));
                    // The reader has gone when it has read all.
                    empty.send(block).ok();
                }
                Ok(found)
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker(empty.clone()))).collect();
        drop(empty);
        let read = read(source, spans, &waits, &stop, blocks_in, full);
        let mut found = Vec::new();
        for worker in workers {
            found.extend(worker.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked"))?);
        }
        read?;
        Ok(found)
    })
}

fn next(pieces: &Mutex<Receiver<(Span, Block)>>) -> Option<(Span, Block)> {
    pieces.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn read(
    source: &Source,
    spans: &[Span],
    waits: &Waits,
    stop: &AtomicBool,
    blocks: Receiver<Block>,
    full: SyncSender<(Span, Block)>,
) -> anyhow::Result<()> {
    let mut stream = source.stream()?;
    for span in pieces(spans) {
        // Without a block or without somebody to take it there was a failure, which the worker tells.
        let Ok(mut block) = waited(&waits.for_disk, || blocks.recv()) else { return Ok(()) };
        stream.read_at(&mut block.bytes_mut()[..span.length() as usize], span.from)?;
        if stop.load(Ordering::Relaxed) || full.send((span, block)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads `spans` of `source`, which are in order, and does `work` with their pieces one after the other, while the next
/// ones are read and unpacked.
pub fn in_order(
    source: &Source,
    spans: &[Span],
    work: &mut dyn FnMut(Span, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (waits, stop) = (Waits::default(), AtomicBool::new(false));
    let (full, pieces_in) = sync_channel::<(Span, Block)>(BLOCKS);
    let (empty, blocks_in) = sync_channel::<Block>(BLOCKS);
    for _ in 0..BLOCKS {
        empty.send(Block::new(BLOCK)?).context("filling the pool")?;
    }
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(source, spans, &waits, &stop, blocks_in, full));
        // Taken over by value: with them the reader's ends of the channels close, whatever happens here.
        let (pieces_in, empty) = (pieces_in, empty);
        let mut worked = Ok(());
        while let (Ok(()), Ok((span, block))) = (&worked, pieces_in.recv()) {
            worked = work(span, &block.bytes()[..span.length() as usize]);
            empty.send(block).ok();
        }
        drop((pieces_in, empty));
        let read = reader.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked"));
        worked.and(read)
    })
}

/// Does `work` with each of `items`, several at once.
pub fn each_item<I: Sync, T: Send>(
    items: &[I],
    work: &(dyn Fn(&I, &mut Block) -> anyhow::Result<T> + Sync),
) -> anyhow::Result<Vec<T>> {
    let at = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let worker = || -> anyhow::Result<Vec<T>> {
            let (mut found, mut scratch) = (Vec::new(), Block::new(BLOCK)?);
            while let Some(item) = items.get(at.fetch_add(1, Ordering::Relaxed)) {
                found.push(work(item, &mut scratch)?);
            }
            Ok(found)
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        let mut found = Vec::new();
        for worker in workers {
            found.extend(worker.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked"))?);
        }
        Ok(found)
    })
}

#[cfg(test)]
mod tests {
    use super::pieces;
    use crate::device::BLOCK;
    use crate::span::Span;

    #[test]
    fn pieces_begin_where_a_disk_likes_it() {
        let block = BLOCK as u64;
        let spans = [Span::new(512, block + 1024), Span::new(3 * block, 3 * block + 512)];
        let expected =
            [Span::new(512, block), Span::new(block, block + 1024), Span::new(3 * block, 3 * block + 512)];
        assert_eq!(pieces(&spans).collect::<Vec<_>>(), expected);
    }
}
