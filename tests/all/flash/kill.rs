//! Killed at any moment, a disk does not boot half; the next run makes it whole.
//!
//! `NUVOL_FLASH_KILLS` says how often (5).

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::disks::{Loop, image, noise, packed, partition};
use super::write::{check_disk, written};

const SIZE: u64 = 64 << 20;
const DATA: u64 = 56 << 20;

fn start(folder: &Path, disk: &Loop, more: &[&str]) -> Child {
    let mut nuvol = Command::new(env!("CARGO_BIN_EXE_nuvol"));
    nuvol.args(["flash", "image.raw.zst", &disk.node, "--confirm", disk.token(), "--allow-unsigned"]);
    nuvol.args(more).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    nuvol.spawn().unwrap()
}

fn boots(disk: &File) -> bool {
    let sector = |at: u64| {
        let mut bytes = [0; 512];
        disk.read_exact_at(&mut bytes, at).unwrap();
        bytes
    };
    let tables = [sector(512), sector(SIZE - 512)].iter().any(|it| it.starts_with(b"EFI PART"));
    tables || sector(0).ends_with(&[0x55, 0xaa])
}

/// Makes a disk that boots something else and has data.
fn older(disk: &Loop) {
    let table = format!(
        "label: gpt\n1: start=2048, size=16384, type=uefi, name=\"esp\"\n5: start={}, size=8192, name=\"nuvol-data\"\n",
        DATA / 512
    );
    partition(Path::new(&disk.node), &table);
    File::open(&disk.node).unwrap().sync_all().unwrap();
}

#[test]
fn killed_at_any_moment_it_does_not_boot_half_and_can_be_done_again() {
    let kills: u64 = std::env::var("NUVOL_FLASH_KILLS").map_or(5, |it| it.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let raw = folder.join("image.raw");
    image(&raw);
    packed(&raw);
    let Some(disk) = Loop::new(&folder.join("disk"), SIZE) else { return };
    let node = File::open(&disk.file).unwrap();
    let kept = disk.bytes()[DATA as usize..(DATA as usize) + (4 << 20)].to_vec();
    older(&disk);

    let since = Instant::now();
    written(folder, "image.raw.zst", &disk, &["--preserve"]);
    let whole = since.elapsed();
    let mut halves = 0;
    for kill in 0..kills {
        // Every other time a data partition must outlive it.
        let preserve: &[&str] = if kill % 2 == 0 { &["--preserve"] } else { &[] };
        if kill > 0 {
            node.sync_all().unwrap();
            File::options().write(true).open(&disk.node).unwrap().write_all_at(&kept, DATA).unwrap();
            older(&disk);
        }
        let mut child = start(folder, &disk, preserve);
        // Until the old disk is gone; then at random within the time that all of it takes.
        let since = Instant::now();
        while boot_code(&node) && since.elapsed() < whole * 20 + Duration::from_secs(20) {
            std::thread::sleep(Duration::from_micros(200));
        }
        let part = noise(kill + 1, 2);
        let part = u32::from(part[0]);
        std::thread::sleep(whole / 3 * part / 256);
        child.kill().unwrap();
        child.wait().unwrap();
        let bytes = fs::read(&disk.file).unwrap();
        if boot_code(&node) || (preserve.is_empty() && boots(&node)) {
            // It had been done: then all of it is there.
            compare(&raw, &bytes);
        } else {
            halves += 1;
        }
        let data = &bytes[DATA as usize..DATA as usize + kept.len()];
        assert!(preserve.is_empty() || data == kept, "data was lost");
        written(folder, "image.raw.zst", &disk, preserve);
        if preserve.is_empty() {
            check_disk(&raw, &disk.bytes());
        } else {
            compare(&raw, &disk.bytes());
            assert!(disk.bytes()[DATA as usize..DATA as usize + kept.len()] == kept, "data was lost");
        }
    }
    eprintln!("{halves} of {kills} were killed half way");
    assert!(halves > 0, "nothing was ever killed half way");
}

/// Whether the first sector makes it a disk.
fn boot_code(disk: &File) -> bool {
    let mut sector = [0; 512];
    disk.read_exact_at(&mut sector, 0).unwrap();
    sector.ends_with(&[0x55, 0xaa])
}

/// The partitions are those of the image.
fn compare(raw: &Path, disk: &[u8]) {
    let (image, mib) = (fs::read(raw).unwrap(), 1 << 20);
    assert!(disk[mib..47 * mib] == image[mib..47 * mib], "half of an image would boot");
}
