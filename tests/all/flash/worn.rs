//! Disks that do not keep what they are given.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use nuvol::media::{Job, Medium, Mode, NotVerified, Outcome, Plan, Source, Span, Verification};
use nuvol::report::{Report, Voice};

use sha2::{Digest as _, Sha256};

use super::disks::{IMAGE, image, run};

const SIZE: u64 = 64 << 20;

/// A file as a disk that alters one byte whenever it is written, so many times.
struct Worn {
    file: File,
    at: u64,
    times: AtomicU32,
}

impl Medium for Worn {
    fn size_bytes(&self) -> u64 {
        SIZE
    }

    fn write_at(&self, block: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(block, offset)?;
        let hits = (offset..offset + block.len() as u64).contains(&self.at);
        let more = |left: u32| left.checked_sub(1);
        if hits && self.times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok() {
            let byte = block[(self.at - offset) as usize];
            self.file.write_all_at(&[byte ^ 0x10], self.at)?;
        }
        Ok(())
    }

    fn read_at(&self, block: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(block, offset)
    }

    // It knows no short way, so zeros are written one by one.
    fn zero(&self, _offset: u64, _length: u64) -> io::Result<bool> {
        Ok(false)
    }

    fn discard(&self, _offset: u64, _length: u64) {}

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the image to a disk that alters byte `at` so many times; what came of it, and the disk's first sectors.
fn write(at: u64, times: u32) -> (anyhow::Result<Outcome>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("image.raw");
    image(&raw);
    let file = File::options().read(true).write(true).create_new(true).open(dir.path().join("disk")).unwrap();
    file.set_len(SIZE).unwrap();
    let medium = Worn { file, at, times: AtomicU32::new(times) };
    let source = Source::open(&raw).unwrap();
    let plan = Plan::new(&source, SIZE, None, Mode::Overwrite, "disk").unwrap();
    let report = Report::new(Voice::Json);
    let job = Job { source: &source, plan: &plan, medium: &medium, progress: &report, config: None };
    let outcome = job.run(Verification::ReadBack);
    let mut head = vec![0; 1024];
    medium.file.read_exact_at(&mut head, 0).unwrap();
    (outcome, head)
}

#[test]
fn what_is_bad_once_is_written_again() {
    let (outcome, head) = write(14 << 20, 1);
    assert_eq!(outcome.unwrap().rewritten, 1);
    assert_eq!(&head[510..520], b"\x55\xaaEFI PART", "the disk boots");
}

#[test]
fn what_stays_bad_is_named_and_the_disk_does_not_boot() {
    let at = (14 << 20) + 5000;
    let (outcome, head) = write(at, u32::MAX);
    let error = outcome.unwrap_err();
    let from = at / 512 * 512;
    assert_eq!(error.downcast_ref::<NotVerified>().unwrap().0, [Span::new(from, from + 512)]);
    assert!(error.to_string().contains(&format!("512 bytes at offset {from}")), "{error}");
    assert!(head.iter().all(|byte| *byte == 0), "the disk would boot");
}

#[test]
fn a_table_that_stays_bad_is_taken_away_again() {
    for at in [600, SIZE - 100] {
        let (outcome, head) = write(at, u32::MAX);
        assert!(outcome.unwrap_err().downcast_ref::<NotVerified>().is_some());
        assert_ne!(&head[510..520], b"\x55\xaaEFI PART", "the disk would boot");
    }
}

/// Whether each byte of the disk is in the plan once.
fn covers(plan: &Plan) {
    let mut spans = [plan.write.clone(), plan.zero.clone(), plan.discard.clone()].concat();
    let (at, tail) = plan.tail.clone().unwrap();
    spans.push(Span::new(0, plan.head.len() as u64));
    spans.push(Span::new(at, at + tail.len() as u64));
    spans.sort_unstable();
    let mut end = 0;
    for span in spans {
        assert_eq!(span.from, end, "{span} leaves a gap or overlaps");
        end = span.to;
    }
    assert_eq!(end, SIZE);
}

#[test]
fn a_plan_covers_each_byte_of_the_partitions_once() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("image.raw");
    image(&raw);
    let plan = |source| Plan::new(&source, SIZE, None, Mode::Overwrite, "disk").unwrap();
    let holes = plan(Source::open(&raw).unwrap());
    covers(&holes);
    assert!(holes.discard.iter().all(|span| span.from >= IMAGE - (1 << 20)), "{:?}", holes.discard);

    // What bmap-tools leaves out may be zeros that somebody reads.
    let map = raw.with_extension("bmap");
    run("bmaptool", &["create", "-o", map.to_str().unwrap(), raw.to_str().unwrap()]);
    let mapped = plan(Source::open(&raw).unwrap());
    assert_eq!((&mapped.zero, &mapped.write), (&holes.zero, &holes.write));

    // What a release's map leaves out nobody reads, and it is not written.
    unused(&map);
    let unused = plan(Source::open(&raw).unwrap());
    covers(&unused);
    assert!(unused.zero.is_empty(), "{:?}", unused.zero);
    assert_eq!(unused.write, holes.write);
}

/// Has the map say that nobody reads what it leaves out.
fn unused(map: &Path) {
    let text = fs::read_to_string(map).unwrap();
    let text = text.replace("<bmap version=\"2.0\"", "<bmap version=\"2.0\" unmapped=\"unused\"");
    let (before, rest) = text.split_once("<BmapFileChecksum> ").unwrap();
    let (zeros, after) = ("0".repeat(64), &rest[64..]);
    let text = format!("{before}<BmapFileChecksum> {zeros}{after}");
    let sum: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(map, text.replacen(&zeros, &sum, 1)).unwrap();
}
