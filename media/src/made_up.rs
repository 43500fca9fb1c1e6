//! Disks for tests, partitioned by sfdisk.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "tests run sfdisk as a person would")]

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A disk of `size` bytes with the partitions of an image.
pub fn disk(size: usize) -> Vec<u8> {
    partitioned(
        size,
        "label: gpt\nstart=2048, size=2048, type=uefi, name=\"esp\"\n\
         start=4096, size=2048, name=\"nuvol-cfg\"\nstart=6144, size=4096, name=\"root\"\n",
    )
}

/// A disk of `size` bytes with a node's data partition from `data` on.
pub fn with_data(size: usize, data: usize) -> Vec<u8> {
    let start = data / 512;
    let table =
        format!("label: gpt\nstart=2048, size=2048, name=\"esp\"\n5: start={start}, name=\"nuvol-data\"\n");
    partitioned(size, &table)
}

fn partitioned(size: usize, table: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk");
    File::create(&path).unwrap().set_len(size as u64).unwrap();
    let mut sfdisk = Command::new("/usr/sbin/sfdisk");
    sfdisk.args(["--quiet", "--no-reread", "--no-tell-kernel"]).arg(&path).stdin(Stdio::piped());
    let mut child = sfdisk.spawn().unwrap();
    child.stdin.take().unwrap().write_all(table.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    std::fs::read(&path).unwrap()
}
