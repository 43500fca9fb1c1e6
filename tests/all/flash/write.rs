//! Images onto loop devices, and what is on them afterwards.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::disks::{HELD, IMAGE, Loop, config_of, image, noise, packed, partition, run, seedable_image};

const MIB: u64 = 1 << 20;

/// Runs `nuvol flash` in `folder`.
pub fn flash(folder: &Path, args: &[&str]) -> Output {
    let mut nuvol = Command::new(env!("CARGO_BIN_EXE_nuvol"));
    nuvol.arg("flash").args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

/// All that it said and how it ended.
pub fn said(output: &Output) -> (String, i32) {
    let text = [&*output.stdout, &*output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

/// Writes `image` to `disk`, which must work.
pub fn written(folder: &Path, image: &str, disk: &Loop, more: &[&str]) -> String {
    let args = [image, &disk.node, "--confirm", disk.token(), "--allow-unsigned"];
    let (text, code) = said(&flash(folder, &[&args, more].concat()));
    assert_eq!(code, 0, "{text}");
    text
}

/// Whether `disk` holds the image, and its table is the disk's own.
pub fn check_disk(image: &Path, disk: &[u8]) {
    let image = fs::read(image).unwrap();
    let mib = MIB as usize;
    // Up to the last partition's end there is no other byte, but for the table.
    assert!(disk[..458] == image[..458] && disk[462..512] == image[462..512], "the boot sector differs");
    assert!(disk[1024..47 * mib] == image[1024..47 * mib], "the partitions differ");
    let (last, end) = (disk.len() as u64 / 512 - 1, disk.len());
    let long = |at: usize| u64::from_le_bytes(*disk[at..].first_chunk().unwrap());
    assert_eq!((&disk[512..520], long(512 + 24), long(512 + 32)), (b"EFI PART".as_slice(), 1, last));
    let backup = end - 512;
    assert_eq!((&disk[backup..backup + 8], long(backup + 24)), (b"EFI PART".as_slice(), last));
}

#[test]
fn every_kind_of_image_is_written_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let raw = folder.join("image.raw");
    image(&raw);
    packed(&raw);
    let Some(disk) = Loop::new(&folder.join("disk"), 64 * MIB) else { return };
    let text = written(folder, "image.raw", &disk, &[]);
    assert!(text.contains("written and read back"), "{text}");
    check_disk(&raw, &disk.bytes());
    run("sfdisk", &["--verify", &disk.node]);

    // Compressed, without a map, then with the map of bmap-tools.
    let fresh = Loop::new(&folder.join("disk2"), 64 * MIB).unwrap();
    written(folder, "image.raw.zst", &fresh, &[]);
    check_disk(&raw, &fresh.bytes());
    run("bmaptool", &["create", "-o", folder.join("image.bmap").to_str().unwrap(), raw.to_str().unwrap()]);
    let fresh = Loop::new(&folder.join("disk3"), 64 * MIB).unwrap();
    let text = written(folder, "image.raw.zst", &fresh, &["--json"]);
    check_disk(&raw, &fresh.bytes());
    let answer: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let held: u64 = HELD.iter().map(|(_, length)| *length as u64).sum();
    let written = answer["written_bytes"].as_u64().unwrap();
    // The first MiB and all of the configuration come on top; most of the image is holes.
    assert!(written >= held && written < held + 6 * MIB, "{answer}");

    // On a disk of the image's size not a byte differs.
    let same = Loop::new(&folder.join("disk4"), IMAGE).unwrap();
    super::write::written(folder, "image.raw", &same, &[]);
    assert!(same.bytes() == fs::read(&raw).unwrap(), "the disk is not the image");
}

#[test]
fn an_image_without_a_table_is_written_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = noise(3, 5 << 20);
    bytes[32_769..32_774].copy_from_slice(b"CD001");
    // No multiple of anything but an ISO's own blocks.
    bytes.truncate((5 << 20) - 2048);
    fs::write(dir.path().join("live.iso"), &bytes).unwrap();
    // Of the disk image beside it, as in a release.
    fs::write(dir.path().join("live.bmap"), "not ours").unwrap();
    let Some(disk) = Loop::new(&dir.path().join("disk"), 8 * MIB) else { return };
    written(dir.path(), "live.iso", &disk, &[]);
    assert!(disk.bytes()[..bytes.len()] == bytes, "the disk is not the image");
    let (text, code) = said(&flash(
        dir.path(),
        &["live.iso", &disk.node, "--allow-unsigned", "--preserve", "--confirm", "x"],
    ));
    assert!(code == 4 && text.contains("leaves no place for a data partition"), "{text}");
}

#[test]
fn a_byte_that_changed_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    image(&dir.path().join("image.raw"));
    let Some(disk) = Loop::new(&dir.path().join("disk"), 64 * MIB) else { return };
    written(dir.path(), "image.raw", &disk, &[]);
    let args = ["image.raw", &disk.node, "--allow-unsigned", "--verify-only"];
    let (text, code) = said(&flash(dir.path(), &args));
    assert!(code == 0 && text.contains("holds image.raw"), "{text}");

    let node = File::options().read(true).write(true).open(&disk.node).unwrap();
    let at = 15 * MIB + 700;
    let mut byte = [0];
    node.read_exact_at(&mut byte, at).unwrap();
    node.write_all_at(&[byte[0] ^ 1], at).unwrap();
    node.sync_all().unwrap();
    let (text, code) = said(&flash(dir.path(), &args));
    assert_eq!(code, 8, "{text}");
    assert!(text.contains(&format!("512 bytes at offset {}", 15 * MIB + 512)), "{text}");
}

#[test]
fn a_configuration_is_written_in_the_same_go() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("image.raw");
    seedable_image(&raw);
    packed(&raw);
    let Some(disk) = Loop::new(&dir.path().join("disk"), 64 * MIB) else { return };
    let (good, wrong) = ("version = 1\nname = \"ana\"\n", "version = 1\nname = \"No Name\"\n");
    fs::write(dir.path().join("ana.toml"), wrong).unwrap();
    let before = disk.bytes();
    let args =
        ["image.raw.zst", &disk.node, "--confirm", disk.token(), "--allow-unsigned", "--config", "ana.toml"];
    let (text, code) = said(&flash(dir.path(), &args));
    assert!(code == 3 && text.contains("ana.toml:2:8"), "{code} {text}");
    assert!(disk.bytes() == before, "a refused disk was written to");
    fs::write(dir.path().join("ana.toml"), good).unwrap();
    let (text, code) = said(&flash(dir.path(), &args));
    assert_eq!(code, 0, "{text}");
    assert_eq!(run("mtype", &["-i", &config_of(&disk.file), "::nuvol.toml"]), good);
    // Nothing else differs from the image.
    let (image, found, mib) = (fs::read(&raw).unwrap(), disk.bytes(), MIB as usize);
    assert!(
        found[mib..9 * mib] == image[mib..9 * mib] && found[13 * mib..47 * mib] == image[13 * mib..47 * mib]
    );
}

/// A disk of a node: our partitions grown, and behind them data.
fn node_disk(folder: &Path, data: u64) -> Option<(Loop, Vec<u8>)> {
    let disk = Loop::new(&folder.join("node"), 96 * MIB)?;
    let start = data / 512;
    partition(
        Path::new(&disk.node),
        &format!(
            "label: gpt\n1: start=2048, size=2048, name=\"esp\"\n5: start={start}, size=65536, name=\"nuvol-data\"\n"
        ),
    );
    let kept = disk.bytes()[data as usize..data as usize + (32 << 20)].to_vec();
    Some((disk, kept))
}

#[test]
fn the_data_partition_stays_where_it_shall() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("image.raw");
    image(&raw);
    packed(&raw);
    let Some((disk, kept)) = node_disk(dir.path(), 60 * MIB) else { return };
    // Twice: it does not matter whether the rest is old or new.
    for image in ["image.raw", "image.raw.zst"] {
        let text = written(dir.path(), image, &disk, &["--preserve"]);
        assert!(text.contains("kept the data partition (nuvol-data, 34 MB)"), "{text}");
        let bytes = disk.bytes();
        assert!(bytes[60 << 20..92 << 20] == kept, "the data partition was written to");
        let mib = MIB as usize;
        let image = fs::read(&raw).unwrap();
        assert!(bytes[mib..47 * mib] == image[mib..47 * mib], "the partitions differ");
        let table = run("sfdisk", &["--dump", &disk.node]);
        let data = table.lines().find(|line| line.contains("nuvol-data")).unwrap();
        assert!(data.contains("5 : start=      122880, size=       65536"), "{table}");
        assert_eq!(table.lines().filter(|line| line.contains("start=")).count(), 4, "{table}");
        run("sfdisk", &["--verify", &disk.node]);
    }
    // Without the flag it goes.
    written(dir.path(), "image.raw", &disk, &[]);
    assert!(!run("sfdisk", &["--dump", &disk.node]).contains("nuvol-data"));
    let args = ["image.raw", &disk.node, "--confirm", disk.token(), "--allow-unsigned", "--preserve"];
    let (text, code) = said(&flash(dir.path(), &args));
    assert!(code == 4 && text.contains("has no data partition of a Nuvol node"), "{text}");
}

#[test]
fn data_where_the_image_must_go_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    image(&dir.path().join("image.raw"));
    let Some((disk, _)) = node_disk(dir.path(), 40 * MIB) else { return };
    let before = disk.bytes();
    let args = ["image.raw", &disk.node, "--confirm", disk.token(), "--allow-unsigned", "--preserve"];
    let (text, code) = said(&flash(dir.path(), &args));
    assert!(code == 4 && text.contains("the data partition begins at byte 41943040"), "{text}");
    assert!(disk.bytes() == before, "a refused disk was written to");
}

#[test]
fn real_disks_in_use_are_refused_and_stay_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    image(&folder.join("image.raw"));
    let Some(disk) = Loop::new(&folder.join("disk"), 64 * MIB) else { return };
    let refused = |disk: &str, token: &str, why: &str| {
        let (text, code) = said(&flash(folder, &["image.raw", disk, "--confirm", token, "--allow-unsigned"]));
        assert!(code == 4 && text.contains(why), "expected `{why}`:\n{text}");
    };
    let before = disk.bytes();
    refused(&disk.node, "wrong", "was not confirmed");
    refused("/dev/nuvol-nothing", "x", "there is no `/dev/nuvol-nothing`");
    assert!(!Path::new("/dev/nuvol-nothing").exists(), "nothing is created");
    refused("image.raw", "x", "`image.raw` is not a block device");
    refused("/dev/null", "x", "`/dev/null` is not a block device");

    // O_EXCL, as file systems and other flashers hold it.
    let held = File::options().read(true).write(true).custom_flags(0o200).open(&disk.node).unwrap();
    refused(&disk.node, disk.token(), "is in use by somebody who holds it alone");
    drop(held);
    assert!(disk.bytes() == before, "a refused disk was written to");

    let small = Loop::new(&folder.join("small"), 40 * MIB).unwrap();
    refused(&small.node, small.token(), "has 41943040 bytes, the image needs 50331648");
    let read_only = Loop::with(&folder.join("ro"), 64 * MIB, &["--read-only"]).unwrap();
    refused(&read_only.node, read_only.token(), "is read-only");
    let large = Loop::with(&folder.join("large"), 64 * MIB, &["--sector-size", "4096"]).unwrap();
    refused(&large.node, large.token(), "has sectors of 4096 bytes");

    run("mkswap", &[&disk.node]);
    if Command::new("/usr/sbin/swapon").arg(&disk.node).status().unwrap().success() {
        let args = ["image.raw", &disk.node, "--confirm", disk.token(), "--allow-unsigned"];
        let output = flash(folder, &args);
        run("swapoff", &[&disk.node]);
        let (text, code) = said(&output);
        assert!(code == 4 && text.contains("is swap space in use"), "{text}");
    }
    run("mkfs.ext4", &["-q", "-F", &disk.node]);
    let point = folder.join("mounted here");
    fs::create_dir(&point).unwrap();
    run("mount", &[&disk.node, point.to_str().unwrap()]);
    let output = flash(folder, &["image.raw", &disk.node, "--confirm", disk.token(), "--allow-unsigned"]);
    run("umount", &[point.to_str().unwrap()]);
    let (text, code) = said(&output);
    assert!(code == 4 && text.contains("/mounted here`") && text.contains("`umount '"), "{text}");
}

#[test]
fn the_disk_that_this_system_runs_from_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    image(&dir.path().join("image.raw"));
    let root = run("findmnt", &["--noheadings", "--output", "SOURCE", "/"]);
    let disk = run("lsblk", &["--noheadings", "--nodeps", "--output", "PKNAME,KNAME", root.trim()]);
    let Some(disk) = disk.split_whitespace().next().map(|name| format!("/dev/{name}")) else { return };
    let (text, code) = said(&flash(dir.path(), &["image.raw", &disk, "--dry-run", "--allow-unsigned"]));
    assert!(code == 4 && text.contains("is mounted at `/`: the system runs from this disk"), "{text}");
}
