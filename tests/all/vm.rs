//! Real QEMU, small disks: a boot sector that says one line is enough to see that lost boots end
//! early, that steps have deadlines, and that no QEMU is ever left behind.
//!
//! Slow and in need of QEMU, so asked for by `RUN_SLOW_TESTS=1`.

#![expect(clippy::disallowed_methods, reason = "tests start nuvol as people do")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn wanted() -> bool {
    std::env::var("RUN_SLOW_TESTS").is_ok_and(|value| value == "1")
}

/// A disk whose boot sector says `text` on the first serial port and then waits for ever.
fn disk(dir: &Path, text: &str) -> PathBuf {
    let mut sector = vec![
        0x31, 0xc0, // xor ax, ax
        0x8e, 0xd8, // mov ds, ax
        0xfc, // cld
        0xbe, 0x18, 0x7c, // mov si, text
        0xba, 0xf8, 0x03, // mov dx, the first serial port
        0xac, // next: lodsb
        0x84, 0xc0, // test al, al
        0x74, 0x03, // jz wait
        0xee, // out dx, al
        0xeb, 0xf8, // jmp next
        0xfb, 0xf4, // wait: sti; hlt
        0xeb, 0xfc, // jmp wait
        0x90,
    ];
    sector.extend(text.as_bytes());
    sector.resize(510, 0);
    sector.extend([0x55, 0xaa]);
    sector.resize(1 << 20, 0);
    let path = dir.join("tiny.raw");
    std::fs::write(&path, sector).unwrap();
    path
}

fn nuvol(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nuvol"));
    command.args(args).current_dir(dir).stdin(Stdio::null());
    command
}

fn test_bios(dir: &Path, text: &str, more: &[&str]) -> Output {
    let path = disk(dir, text);
    let mut args = vec!["test", path.to_str().unwrap(), "--firmware", "bios", "--junit", "junit.xml"];
    args.extend(more);
    nuvol(dir, &args).output().unwrap()
}

#[test]
fn a_lost_boot_ends_early_and_its_console_is_kept() {
    if !wanted() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let out = test_bios(dir.path(), "Kernel panic - not syncing: no root", &[]);
    let table = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(1), "{table}{}", String::from_utf8_lossy(&out.stderr));
    assert!(table.contains("tiny.raw  bios      disk  boot   FAIL"), "{table}");
    assert!(table.contains("the kernel panicked, while waiting for the system to start"), "{table}");
    assert!(start.elapsed() < Duration::from_secs(60));
    let kept = dir.path().join("nuvol-test-logs/tiny.raw-bios-disk-boot/console.log");
    assert!(std::fs::read_to_string(kept).unwrap().contains("no root"));
    assert!(std::fs::read_to_string(dir.path().join("junit.xml")).unwrap().contains("failures=\"1\""));
}

#[test]
fn a_boot_that_hangs_meets_its_deadline() {
    if !wanted() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = test_bios(dir.path(), "nothing more to come", &["--timeout", "5"]);
    let table = String::from_utf8(out.stdout).unwrap();
    let expected = "this took longer than 5 s, while waiting for the system to start the verdict unit";
    assert!(table.contains(expected) && table.contains("nothing more to come"), "{table}");
}

#[test]
fn no_machine_outlives_nuvol() {
    if !wanted() {
        return;
    }
    let mut folders = Vec::new();
    for (signal, code) in [("KILL", None), ("TERM", Some(143)), ("INT", Some(130))] {
        for verb in ["run", "test"] {
            let dir = tempfile::tempdir().unwrap();
            let path = disk(dir.path(), "hello");
            let args = [verb, path.to_str().unwrap(), "--firmware", "bios"];
            let mut child =
                nuvol(dir.path(), &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let machine = machine_of(&mut child);
            folders.push(folder_of(&machine));
            Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
            assert_eq!(child.wait().unwrap().code(), code, "{verb} {signal}");
            until(&format!("QEMU to go after {signal} on {verb}"), || !machine.exists());
        }
    }
    // The next run sweeps what the killed ones left.
    let dir = tempfile::tempdir().unwrap();
    test_bios(dir.path(), "Kernel panic", &[]);
    let left: Vec<_> = folders.iter().filter(|folder| folder.exists()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_image_is_not_altered() {
    if !wanted() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = disk(dir.path(), "hello");
    let before = std::fs::read(&path).unwrap();
    test_bios(dir.path(), "hello", &["--timeout", "3", "--disk-size", "1G"]);
    assert!(before == std::fs::read(&path).unwrap());
}

/// The process folder of the QEMU that `child` starts.
fn machine_of(child: &mut Child) -> PathBuf {
    let mut found = None;
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    until("QEMU to start", || {
        let list = std::fs::read_to_string(&children).unwrap_or_default();
        found = list.split_whitespace().map(|id| Path::new("/proc").join(id)).find(|process| {
            std::fs::read_to_string(process.join("comm")).is_ok_and(|name| name.starts_with("qemu-system"))
        });
        found.is_some()
    });
    found.unwrap()
}

/// The folder that nuvol made for the QEMU `machine`, which it tells to it.
fn folder_of(machine: &Path) -> PathBuf {
    let words = std::fs::read_to_string(machine.join("cmdline")).unwrap();
    let (_, name) = words.split_once("/nuvol-vm-").expect("QEMU has nothing in a folder of nuvol");
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    Path::new("/var/tmp").join(format!("nuvol-vm-{}", &name[..end]))
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
