//! An image onto a medium, in the order that keeps an interrupted one from booting: the old tables go first, then
//! comes what the image holds, is read back, and at last the sectors that make it a disk that boots.

use anyhow::Context as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::device::{BLOCK, Block, Medium};
use super::gpt::SECTOR;
use super::pipeline::{each_item, each_piece};
use super::plan::Plan;
use super::progress::{Limit, Progress};
use super::seeding::configure;
use super::source::Source;
use super::span::{Span, joined, length};

/// How often a bad stretch is written again.
const RETRIES: u32 = 2;
/// More bad stretches than these are not told one by one.
const MOST_TOLD: usize = 16;

/// The disk does not give back what was written: the program ends with 8.
#[derive(Debug, thiserror::Error)]
#[error("the disk does not hold what the image has{}\nuse another disk: this one is worn out, damaged, or smaller \
         than it says", told(.0))]
pub struct NotVerified(pub Vec<Span>);

fn told(bad: &[Span]) -> String {
    let mut text: String = bad.iter().take(MOST_TOLD).map(|span| format!("\n  {span}")).collect();
    if bad.len() > MOST_TOLD {
        text += &format!("\n  and {} more", bad.len() - MOST_TOLD);
    }
    text
}

/// Writing one image to one medium.
pub struct Job<'a> {
    /// The image.
    pub source: &'a Source,
    /// What goes where.
    pub plan: &'a Plan,
    /// Where to.
    pub medium: &'a dyn Medium,
    /// Who hears of it.
    pub progress: &'a dyn Progress,
    /// What `nuvol.toml` on the medium shall say; otherwise all is as in the image.
    pub config: Option<&'a [u8]>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Bytes that were written from the image.
    pub written_bytes: u64,
    /// Bytes that were read back and compared, none without verification.
    pub verified_bytes: u64,
    /// Stretches that were right only when they were written again.
    pub rewritten: usize,
}

/// Whether what was written is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It is.
    ReadBack,
    /// It is not: nobody will know whether the disk is whole.
    None,
}

/// A stretch and the sha256 of what belongs there.
struct Sum {
    span: Span,
    digest: [u8; 32],
}

impl Job<'_> {
    /// Writes all of it. Whatever ends it early, the medium does not boot, and it can be done again.
    pub fn run(&self, verification: Verification) -> anyhow::Result<Outcome> {
        let stamp = self.source.stamp()?;
        self.erase().context("erasing the disk")?;
        let sums = self.write(verification)?;
        let same = self.source.stamp()? == stamp;
        anyhow::ensure!(same, "`{}` was changed while it was written", self.source.path().display());
        let (mut verified_bytes, mut rewritten) = (0, 0);
        if verification == Verification::ReadBack {
            rewritten = self.verify(&sums)?;
            verified_bytes =
                length(&self.plan.write) + self.ends().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
        }
        // Before the tables: what boots is complete.
        if let Some(text) = self.config {
            configure(self.medium, self.source.config, text).context("writing the configuration")?;
        }
        self.finish(verification)?;
        Ok(Outcome {
            written_bytes: length(&self.plan.write) + self.plan.head.len() as u64,
            verified_bytes,
            rewritten,
        })
    }

    /// Compares the medium with what it should hold, and writes nothing.
    pub fn compare(&self) -> anyhow::Result<u64> {
        let meter = self.progress.phase("verify", length(&self.plan.write));
        let compare =
            |span: Span, bytes: &[u8], scratch: &mut Block| Ok(self.difference(span, bytes, scratch));
        let found = each_piece(self.source, &self.plan.write, &*meter, &compare)?;
        meter.finish("");
        let mut bad: Vec<Span> = found.into_iter().flatten().collect();
        bad.extend(self.bad_ends()?);
        if bad.is_empty() { Ok(length(&self.plan.write)) } else { Err(NotVerified(joined(bad, 0)).into()) }
    }

    /// The first and last bytes, in the order in which they go.
    fn ends(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let tail = self.plan.tail.iter().map(|(at, bytes)| (*at, bytes.as_slice()));
        tail.chain([(0, self.plan.head.as_slice())])
    }

    /// Takes the old tables away, and what lies where the image has holes.
    fn erase(&self) -> anyhow::Result<()> {
        let (head, (at, tail)) = &self.plan.meanwhile;
        for (at, bytes) in [(*at, tail), (0, head)] {
            self.put(at, bytes)?;
        }
        for span in &self.plan.discard {
            // The tables just written lie outside: they are held back from it.
            for part in super::span::without(&[*span], &self.meanwhile()) {
                self.medium.discard(part.from, part.length());
            }
        }
        if self.plan.zero.is_empty() {
            return Ok(self.medium.sync()?);
        }
        let meter = self.progress.phase("erase", length(&self.plan.zero));
        for span in &self.plan.zero {
            if !self.medium.zero(span.from, span.length())? {
                let zeros = Block::new(BLOCK)?;
                for part in super::pipeline::pieces(&[*span]) {
                    self.medium.write_at(&zeros.bytes()[..part.length() as usize], part.from)?;
                }
            }
            meter.add(span.length(), None);
        }
        self.medium.sync()?;
        meter.finish(" of zeros where the image has holes");
        Ok(())
    }

    /// Where the tables of meanwhile lie.
    fn meanwhile(&self) -> Vec<Span> {
        let (head, (at, tail)) = &self.plan.meanwhile;
        joined(vec![Span::new(0, head.len() as u64), Span::new(*at, at + tail.len() as u64)], 0)
    }

    fn write(&self, verification: Verification) -> anyhow::Result<Vec<Sum>> {
        let meter = self.progress.phase("write", length(&self.plan.write));
        let write = |span: Span, bytes: &[u8], _: &mut Block| {
            let what = || format!("writing {span}");
            self.medium.write_at(bytes, span.from).with_context(what)?;
            let read_back = verification == Verification::ReadBack;
            Ok(read_back.then(|| Sum { span, digest: Sha256::digest(bytes).into() }))
        };
        let sums = each_piece(self.source, &self.plan.write, &*meter, &write)?;
        self.medium.sync().context("writing what the disk still held in its own memory")?;
        meter.finish("");
        Ok(sums.into_iter().flatten().collect())
    }

    /// Reads everything back; what is bad is written again, and is an error when that does not help. Returns how many
    /// stretches that were.
    fn verify(&self, sums: &[Sum]) -> anyhow::Result<usize> {
        let meter = self.progress.phase("verify", sums.iter().map(|sum| sum.span.length()).sum());
        let look = |sum: &Sum, scratch: &mut Block| {
            let bytes = &mut scratch.bytes_mut()[..sum.span.length() as usize];
            // What cannot be read is as bad as what is wrong.
            let good =
                self.medium.read_at(bytes, sum.span.from).is_ok() && *Sha256::digest(&*bytes) == sum.digest;
            meter.add(sum.span.length(), Some(Limit::Disk));
            Ok((!good).then_some(sum.span))
        };
        let mut left: Vec<Span> = each_item(sums, &look)?.into_iter().flatten().collect();
        meter.finish("");
        let count = left.len();
        for _ in 0..RETRIES {
            if left.is_empty() {
                break;
            }
            self.progress.note(&format!("writing again what was not right: {} stretches", left.len()));
            left = self.rewrite(&joined(left, 0))?;
        }
        if left.is_empty() { Ok(count) } else { Err(NotVerified(joined(left, 0)).into()) }
    }

    /// Writes stretches again and looks at them at once; what is still wrong, to the sector.
    fn rewrite(&self, spans: &[Span]) -> anyhow::Result<Vec<Span>> {
        let meter = self.progress.phase("rewrite", length(spans));
        let again = |span: Span, bytes: &[u8], scratch: &mut Block| {
            let written = self.medium.write_at(bytes, span.from).and_then(|()| self.medium.sync());
            if written.is_err() {
                return Ok(Some(span));
            }
            Ok(self.difference(span, bytes, scratch))
        };
        let found = each_piece(self.source, spans, &*meter, &again)?;
        meter.finish("");
        Ok(found.into_iter().flatten().collect())
    }

    /// From the first to the last sector that differs from `bytes`, if any does.
    fn difference(&self, span: Span, bytes: &[u8], scratch: &mut Block) -> Option<Span> {
        let found = &mut scratch.bytes_mut()[..bytes.len()];
        if self.medium.read_at(found, span.from).is_err() {
            return Some(span);
        }
        differing(bytes, found).map(|it| Span::new(span.from + it.from, span.from + it.to))
    }

    /// Makes it a disk that boots: the backup first, so that there is always one good table.
    fn finish(&self, verification: Verification) -> anyhow::Result<()> {
        for _ in 0..=RETRIES {
            for (at, bytes) in self.ends() {
                self.put(at, bytes)?;
            }
            if verification == Verification::None || self.bad_ends()?.is_empty() {
                return Ok(());
            }
        }
        let bad = self.bad_ends()?;
        // A table that is not right may send the machine anywhere.
        let (head, (at, tail)) = &self.plan.meanwhile;
        for (at, bytes) in [(*at, tail), (0, head)] {
            self.put(at, bytes).ok();
        }
        if bad.is_empty() { Ok(()) } else { Err(NotVerified(bad).into()) }
    }

    fn bad_ends(&self) -> anyhow::Result<Vec<Span>> {
        let mut bad = Vec::new();
        for (at, bytes) in self.ends() {
            let mut scratch = Block::new(bytes.len())?;
            bad.extend(self.difference(Span::new(at, at + bytes.len() as u64), bytes, &mut scratch));
        }
        Ok(bad)
    }

    fn put(&self, at: u64, bytes: &[u8]) -> anyhow::Result<()> {
        let mut block = Block::new(bytes.len())?;
        block.bytes_mut().copy_from_slice(bytes);
        self.medium
            .write_at(block.bytes(), at)
            .with_context(|| format!("writing {} bytes at {at}", bytes.len()))?;
        self.medium.sync().context("waiting for the disk")
    }
}

/// From the first to the last sector in which the two differ.
fn differing(one: &[u8], other: &[u8]) -> Option<Span> {
    if one == other {
        return None;
    }
    let sector = SECTOR as usize;
    let mut pairs = one.chunks(sector).zip(other.chunks(sector));
    let first = pairs.clone().position(|(one, other)| one != other)?;
    let last = pairs.rposition(|(one, other)| one != other)?;
    Some(Span::new((first * sector) as u64, ((last + 1) * sector).min(one.len()) as u64))
}
