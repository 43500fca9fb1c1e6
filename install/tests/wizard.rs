//! The installer's questions, answered by pipes, at a terminal, and on a recorded machine.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the program under test is run as a person would")]

#[allow(dead_code)]
#[path = "common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "../../tests/all/flash/disks.rs"]
mod disks;
#[path = "../../tests/all/flash/machine.rs"]
mod machine;

use std::fs::File;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{DATA, Medium, config, disk, has_data, older_node, said, size};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A person: answers one question after the other as they appear.
struct Person<W, R> {
    types: W,
    reads: R,
    seen: String,
}

impl<W: std::io::Write, R: std::io::Read> Person<W, R> {
    /// Reads until `text` appears behind all that was read before.
    fn waits_for(&mut self, text: &str) -> String {
        let since = Instant::now();
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            assert!(since.elapsed() < Duration::from_secs(120), "no `{text}` in:\n{}", self.seen);
            let count = self.reads.read(&mut buffer).unwrap_or(0);
            assert!(count > 0, "it ended without `{text}`:\n{}", self.seen);
            self.seen += &String::from_utf8_lossy(&buffer[..count]);
        }
        let end = self.seen.find(text).unwrap() + text.len();
        let rest = self.seen.split_off(end);
        std::mem::replace(&mut self.seen, rest)
    }

    fn types(&mut self, line: &str) {
        self.types.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.types.flush().unwrap();
    }

    /// The number that stands before `node` in the list of disks.
    fn number_of(&mut self, node: &str) -> String {
        let list = self.waits_for("Number of the disk");
        let line = list
            .lines()
            .find(|line| line.contains(&format!(" {node}  ")))
            .unwrap_or_else(|| panic!("{list}"));
        line.split_whitespace().next().unwrap().to_owned()
    }
}

#[test]
fn a_node_is_installed_by_answers() {
    let medium = Medium::new();
    let Some(disk) = disk(&medium.at("disk"), size(11)) else { return };
    older_node(&disk, DATA);
    let mut child = medium.installer("", None).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (types, reads) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut person = Person { types, reads, seen: String::new() };
    person.waits_for("Number of the disk");
    person.types("99");
    person.waits_for("`99` is no number of a disk");
    let number = person.number_of(&disk.node);
    person.types(&number);
    let text = person.waits_for("1 or 2 (b: back)");
    assert!(text.contains("is a Nuvol node `eva` with 34 MB of data"), "{text}");
    // Back, Enter, and another mind.
    person.types("2");
    person.waits_for("Name of the node (Enter: nuvol- and eight digits of its own; b: back)");
    person.types("b");
    person.waits_for("1 or 2 (b: back)");
    person.types("");
    person.waits_for("1 or 2 (b: back)");
    person.types("1");
    person.waits_for("Name of the node (Enter: eva; b: back)");
    person.types("No Name");
    person.waits_for("`No Name` is no name that networks know");
    person.types("ana");
    let text = person.waits_for("Type four or more characters of");
    assert!(text.contains("Then    its data stay (34 MB), all else on the disk goes"), "{text}");
    for wrong in ["yes", ""] {
        person.types(wrong);
        person.waits_for("Nothing was written: that is not this disk.");
        assert!(has_data(&disk, DATA));
    }
    person.types(disk.token());
    let text = person.waits_for("Take the medium out");
    assert!(text.contains("Its page will be https://ana.local/") && text.contains("\rverify"), "{text}");
    person.types("o");
    assert!(child.wait().unwrap().success());
    medium.check(&disk);
    assert!(has_data(&disk, DATA), "the data are gone");
    assert_eq!(config(&disk), "version = 1\nname = 'ana'\n");
}

#[test]
fn it_asks_on_a_terminal_of_the_machine() {
    let medium = Medium::new();
    let Some(disk) = disk(&medium.at("disk"), size(12)) else { return };
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let mut installer = medium.installer("boot=nuvol nuvol.install", None);
    // Beside a port that is not there.
    installer.args(["--at-boot", "--console", &path, "--console", "/dev/nuvol-no-console"]);
    let mut child = installer.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let master = File::from(master);
    let mut person = Person { types: master.try_clone().unwrap(), reads: master, seen: String::new() };
    let number = person.number_of(&disk.node);
    person.types(&number);
    person.waits_for("Name of the node");
    person.types("");
    let text = person.waits_for("Type four or more characters of");
    assert!(text.contains("On it   nothing\r\n"), "lines end as terminals want it: {text:?}");
    person.types(disk.token());
    let text = person.waits_for("Take the medium out");
    assert!(
        text.contains(disk.token()) && text.contains("`nuvol find` lists it"),
        "what is typed is seen: {text}"
    );
    person.types("");
    assert!(child.wait().unwrap().success());
    medium.check(&disk);
}

#[test]
fn the_medium_is_no_choice() {
    let (root, medium) = (tempfile::tempdir().unwrap(), Medium::new());
    machine::lay("live", root.path());
    let list = || {
        let mut installer = medium.installer("", None);
        installer.arg("--system").arg(root.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = installer.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"q\n").unwrap();
        let (text, well) = said(&child.wait_with_output().unwrap());
        assert!(well, "{text}");
        text
    };
    let text = list();
    for expected in [
        "  -  /dev/sdb  Kingston DataTraveler 3.0, 15.5 GB, serial 60A44C413FAE, usb\n",
        "        not possible: `/dev/sdb` is the medium that this system was started from\n",
        "        not possible: `/dev/sdc` has 4.0 GB; a node needs a disk of 8 GB\n",
        "  1  /dev/sda  WDC WD10EZEX, 1.00 TB, serial WD-WCC6Y1234567, sata\n        sda1  1.00 TB, ntfs, label Photos\n",
    ] {
        assert!(text.contains(expected), "no `{expected}` in:\n{text}");
    }
    // All of it was copied to memory: nothing of the stick is mounted.
    let mounts =
        "21 1 0:25 / / rw - overlay nuvol-live rw\n30 21 0:30 / /run/nuvol/medium rw - tmpfs nuvol-ram rw\n";
    std::fs::write(root.path().join("proc/self/mountinfo"), mounts).unwrap();
    let text = list();
    assert!(text.contains("`/dev/sdb` is the medium that this system was started from"), "{text}");
}

#[test]
fn a_machine_with_too_little_memory_is_told_so() {
    let (root, medium) = (tempfile::tempdir().unwrap(), Medium::new());
    machine::lay("live", root.path());
    std::fs::write(root.path().join("proc/meminfo"), "MemTotal:         240000 kB\n").unwrap();
    let output = medium.installer("", None).arg("--system").arg(root.path()).output().unwrap();
    let (text, well) = said(&output);
    assert!(well && text.contains("a node needs a machine with 512 MB or more"), "{text}");
    assert!(!text.contains("Number of the disk"), "{text}");
}
