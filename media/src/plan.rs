//! What goes where on a disk, decided before anything is written.

use super::gpt::{CONFIG_LABEL, Entry, SECTOR, Table};
use super::refusal::Refusal;
use super::source::Source;
use super::span::{Span, joined, within, without};

/// Gaps in the image's map that are written as zeros: a disk takes one long stretch faster than many short ones.
const GAP: u64 = 64 << 10;
/// At a disk's end, where the backup of its old table lies.
const END: u64 = 1 << 20;

/// What becomes of what is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All goes.
    Overwrite,
    /// The data partition of a Nuvol node stays.
    Preserve,
}

/// All that is done to a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Taken from the image.
    pub write: Vec<Span>,
    /// Zeros afterwards: the image has holes there, and file systems may rely on them. None where the image's map says
    /// that nobody reads what it leaves out: most sticks know no short way for zeros.
    pub zero: Vec<Span>,
    /// In no partition, or used by nobody: the disk may forget what is there.
    pub discard: Vec<Span>,
    /// The disk's first bytes as they are in the end. They go last.
    pub head: Vec<u8>,
    /// The bytes that make the backup table, and where they lie. They go last but one.
    pub tail: Option<(u64, Vec<u8>)>,
    /// First bytes and backup table while the image is written: nothing boots, and nothing that stays is lost.
    pub meanwhile: (Vec<u8>, (u64, Vec<u8>)),
    /// The data partition that stays.
    pub preserved: Option<Entry>,
}

impl Plan {
    /// The plan for `source` on a disk of `size` bytes that has the table `old` now.
    pub fn new(
        source: &Source,
        size: u64,
        old: Option<&Table>,
        mode: Mode,
        disk: &str,
    ) -> Result<Self, Refusal> {
        let preserved = match mode {
            Mode::Overwrite => None,
            Mode::Preserve => Some(preserved(source, old, size, disk)?),
        };
        let disk = Span::new(0, size / SECTOR * SECTOR);
        let image = Span::new(0, source.size_bytes);
        let mut plan = match &source.table {
            Some(table) => Self::fitted(source, table, disk.to, preserved.as_ref()),
            None => Self::as_it_is(source),
        };
        let keep: Vec<Span> = preserved.iter().map(|it| it.span).collect();
        plan.meanwhile = meanwhile(disk.to, plan.head.len(), old.zip(preserved.as_ref()));
        let tail = plan.tail.iter().map(|(at, bytes)| Span::new(*at, at + bytes.len() as u64));
        let ends: Vec<Span> = tail.chain([Span::new(0, plan.head.len() as u64)]).collect();
        let held = joined([ends, keep].concat(), 0);

        let partitions: Vec<Span> = match &source.table {
            Some(table) => joined(table.partitions().into_iter().map(|it| it.span).collect(), 0),
            None => vec![image],
        };
        let mapped = joined([&*source.mapped, &configuration(source)].concat(), GAP);
        // What lies behind the partitions is the image's own backup table, which is made anew.
        let wanted = if source.table.is_some() { within(&mapped, &partitions) } else { mapped };
        plan.write = without(&wanted, &held);
        if !source.unmapped_is_unused {
            plan.zero = without(&within(&partitions, &[image]), &joined([&*plan.write, &held].concat(), 0));
        }
        let used = joined([&*plan.write, &plan.zero, &held].concat(), 0);
        plan.discard = without(&[disk], &used);
        plan.preserved = preserved;
        Ok(plan)
    }

    /// The image's table as it must be on a disk of `size` bytes, with its backup at the disk's end. Where the disk
    /// has the image's size and nothing stays, these are the image's own bytes.
    fn fitted(source: &Source, table: &Table, size: u64, preserved: Option<&Entry>) -> Self {
        let table = preserved.map_or_else(|| table.clone(), |it| table.with(it));
        let mut head = source.head.clone();
        Table::protect(&mut head[..SECTOR as usize], size);
        let primary = table.primary(size);
        head[SECTOR as usize..SECTOR as usize + primary.len()].copy_from_slice(&primary);
        let tail = Some((size - table.backup_bytes(), table.backup(size)));
        Self { head, tail, ..Self::empty() }
    }

    /// For an ISO, and whatever else has no such table. Some have a backup of one at their end.
    fn as_it_is(source: &Source) -> Self {
        Self { head: source.head.clone(), tail: source.end.clone(), ..Self::empty() }
    }

    fn empty() -> Self {
        let meanwhile = (Vec::new(), (0, Vec::new()));
        let (write, zero, discard) = (Vec::new(), Vec::new(), Vec::new());
        Self { write, zero, discard, head: Vec::new(), tail: None, meanwhile, preserved: None }
    }
}

/// The configuration partition, which is written and read back in full.
fn configuration(source: &Source) -> Vec<Span> {
    let partitions = source.table.iter().flat_map(Table::partitions);
    let image = Span::new(0, source.size_bytes);
    partitions.filter(|it| it.label == CONFIG_LABEL).filter_map(|it| it.span.and(&image)).collect()
}

/// The data partition that stays, if the image leaves room for it.
fn preserved(source: &Source, old: Option<&Table>, size: u64, disk: &str) -> Result<Entry, Refusal> {
    let Some(table) = &source.table else {
        return Err(Refusal::NotPreservable(source.path().to_owned()));
    };
    let whole = |it: &Entry| it.span.to + table.backup_bytes() <= size;
    let Some(data) = old.and_then(Table::data).filter(whole) else {
        return Err(Refusal::NothingToPreserve(disk.into()));
    };
    let end = table.partitions().iter().map(|it| it.span.to).max().unwrap_or(0).max(source.head.len() as u64);
    let (data_bytes, needed_bytes) = (data.span.from, end);
    if data_bytes < needed_bytes { Err(Refusal::DataInTheWay { data_bytes, needed_bytes }) } else { Ok(data) }
}

/// While the image is written there is no table, or one that has only what stays. Without a first sector nothing
/// takes it for a disk that boots.
fn meanwhile(size: u64, head: usize, stays: Option<(&Table, &Entry)>) -> (Vec<u8>, (u64, Vec<u8>)) {
    let Some((old, entry)) = stays else {
        let end = size.min(END);
        return (vec![0; head.max(END.min(size) as usize)], (size - end, vec![0; end as usize]));
    };
    let table = old.only(entry);
    let mut first = vec![0; head];
    let primary = table.primary(size);
    first[SECTOR as usize..SECTOR as usize + primary.len()].copy_from_slice(&primary);
    (first, (size - table.backup_bytes(), table.backup(size)))
}
