//! `nuvol flash` on a terminal: it shows the disks, asks for one, and has a part of its serial number typed.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::disks::{Loop, image};
use super::machine;
use super::write::check_disk;

/// Runs `nuvol flash` in a terminal of its own, where somebody types `typed`; what is on the screen, and the exit code.
fn on_terminal(folder: &Path, args: &str, typed: &str) -> (String, i32) {
    let line = format!("{} flash {args}", env!("CARGO_BIN_EXE_nuvol"));
    let mut script = Command::new("/usr/bin/script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder);
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().unwrap())
}

#[test]
fn a_disk_is_chosen_from_those_that_are_free() {
    let dir = tempfile::tempdir().unwrap();
    machine::lay("workshop", dir.path());
    let image = File::create(dir.path().join("image.raw")).unwrap();
    image.set_len(2 << 20).unwrap();
    image.write_all_at(&[0x55, 0xaa], 510).unwrap();
    let ask = |typed: &str| on_terminal(dir.path(), "image.raw --system . --dry-run --allow-unsigned", typed);
    let (text, code) = ask("1\n");
    assert!(
        text.contains("  1  /dev/sdb  SanDisk Ultra, 30.8 GB, serial 4C530001230115112233, usb"),
        "{text}"
    );
    assert!(text.contains("label PHOTOS") && !text.contains("  2  "), "{text}");
    assert!(
        text.contains("protected: `/dev/nvme0n1` is in use: `/dev/mapper/vg-root` is mounted at `/`"),
        "{text}"
    );
    assert!(code == 0 && text.contains("/dev/sdb: SanDisk Ultra"), "{text}");
    for typed in ["\n", "2\n", "0\n", "yes\n"] {
        let (text, code) = ask(typed);
        assert_eq!(code, 4, "{text}");
    }
}

#[test]
fn a_disk_is_erased_only_when_its_name_was_typed() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("image.raw");
    image(&raw);
    let Some(disk) = Loop::new(&dir.path().join("disk"), 64 << 20) else { return };
    let before = disk.bytes();
    let args = format!("image.raw {} --allow-unsigned", disk.node);
    let (text, code) = on_terminal(dir.path(), &args, "yes\n");
    assert!(
        code == 4 && text.contains("This erases /dev/loop") && text.contains("was not confirmed"),
        "{text}"
    );
    assert!(disk.bytes() == before, "the disk was written to");
    let (text, code) = on_terminal(dir.path(), &args, &format!("{}\n", disk.token()));
    assert!(code == 0 && text.contains("written and read back"), "{text}");
    check_disk(&raw, &disk.bytes());
}
