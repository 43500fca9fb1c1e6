//! Which disks `nuvol flash` shows, and which it leaves alone, on recorded machines.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use nuvol::media::{Filter, System};

use super::machine;
use crate::common::assert_golden;

/// Runs `nuvol flash` on the machine that is laid out in `root`, and says what it said.
fn flash(root: &Path, args: &[&str]) -> String {
    let mut nuvol = Command::new(env!("CARGO_BIN_EXE_nuvol"));
    nuvol.arg("flash").args(args).arg("--system").arg(root);
    let output = nuvol.current_dir(root).env("NO_COLOR", "1").output().unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    // How long it took is another thing each time.
    let messages: String =
        messages.lines().filter(|line| !line.starts_with("check ")).map(|it| format!("{it}\n")).collect();
    let results = String::from_utf8(output.stdout).unwrap();
    format!(
        "$ nuvol flash {}\n{results}{messages}--- exit {}\n",
        args.join(" "),
        output.status.code().unwrap()
    )
}

/// The machine, and an image that is all hole.
fn workshop() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    machine::lay("workshop", root.path());
    let image = File::create(root.path().join("image.raw")).unwrap();
    image.set_len(2 << 20).unwrap();
    image.write_all_at(&[0x55, 0xaa], 510).unwrap();
    root
}

#[test]
fn disks_are_shown_with_all_that_tells_them_apart() {
    let root = workshop();
    assert_golden("tests/golden/transcripts/flash-list.txt", &flash(root.path(), &["--list"]));
    assert_golden("tests/golden/transcripts/flash-list-json.txt", &flash(root.path(), &["--list", "--json"]));
}

#[test]
fn every_disk_that_must_stay_is_refused_with_a_reason_and_a_remedy() {
    let root = workshop();
    let disks = [
        "/dev/nvme0n1",
        "/dev/nvme0n1p2",
        "/dev/mapper/luks-system",
        "/dev/sdc",
        "/dev/mmcblk0",
        "/dev/sdd",
        "/dev/sde",
        "/dev/sdf",
        "/dev/sdg",
        "/dev/sdh",
        "/dev/sdi",
        "/dev/sdj",
        "/dev/sdk",
        "/dev/sdl",
        "/dev/nvme1n1",
        "/dev/null",
        "/dev/nothing",
        "image.raw",
    ];
    let said: String = disks
        .iter()
        .map(|disk| flash(root.path(), &["image.raw", disk, "--dry-run", "--allow-unsigned"]))
        .collect();
    assert_eq!(said.matches("--- exit 4\n").count(), disks.len(), "{said}");
    assert_golden("tests/golden/transcripts/flash-refusals.txt", &said);
    assert!(!root.path().join("dev/nothing").exists(), "nothing is created");
}

#[test]
fn the_disk_that_is_free_would_be_written() {
    let root = workshop();
    let dry = ["--dry-run", "--allow-unsigned"];
    let said: String = [
        ["image.raw", "/dev/sdb"].as_slice(),
        &["image.raw", "/dev/sda-link"],
        &["image.raw", "--serial", "4c530001230115112233"],
        &["image.raw", "--vendor", "sandisk", "--min-size", "16G"],
        &["image.raw", "--vendor", "sandisk", "--min-size", "64G"],
        &["image.raw", "--vendor", "s"],
        &["image.raw", "/dev/sdb", "--preserve"],
    ]
    .iter()
    .map(|args| flash(root.path(), &[*args, &dry].concat()))
    .collect();
    assert_golden("tests/golden/transcripts/flash-dry-run.txt", &said);
}

#[test]
fn without_a_disk_nobody_is_asked_where_there_is_no_terminal() {
    let root = workshop();
    let said = flash(root.path(), &["image.raw", "--dry-run", "--allow-unsigned"]);
    assert!(said.ends_with("describe it with --serial\n--- exit 2\n"), "{said}");
}

#[test]
fn what_no_disk_boots_from_is_no_image() {
    let root = workshop();
    std::fs::write(root.path().join("image.qcow2"), [b"QFI\xfb".as_slice(), &[0; 4096]].concat()).unwrap();
    let said = flash(root.path(), &["image.qcow2", "/dev/sdb", "--dry-run", "--allow-unsigned"]);
    assert!(said.contains("no image that a disk boots from") && said.ends_with("--- exit 3\n"), "{said}");
}

#[test]
fn a_recorded_machine_is_never_written_to() {
    let root = workshop();
    let said = flash(root.path(), &["image.raw", "/dev/sdb", "--allow-unsigned", "--confirm", "4C53"]);
    assert!(said.contains("can only be looked at") && said.ends_with("--- exit 1\n"), "{said}");
}

#[test]
fn a_filter_is_a_choice_only_where_one_disk_fits() {
    let root = workshop();
    let disks = System::at(root.path()).disks().unwrap();
    let choose =
        |filter: Filter| filter.choose(&disks).map(|disk| disk.name.clone()).map_err(|it| it.to_string());
    let (text, none) = (|it: &str| Some(it.to_owned()), "no disk is what was asked for");
    assert_eq!(choose(Filter { model: text("ultra"), ..Filter::default() }), Ok("sdb".into()));
    assert_eq!(choose(Filter { serial: text("WD-WCC6Y0000001"), ..Filter::default() }), Ok("sdf".into()));
    assert_eq!(
        choose(Filter { serial: text("WD-WCC6"), ..Filter::default() }),
        Err(none.into()),
        "a serial is whole"
    );
    assert_eq!(choose(Filter { vendor: text(""), ..Filter::default() }), Err(none.into()));
    let usb = Filter { transport: text("usb"), ..Filter::default() };
    let several = "3 disks are what was asked for: `/dev/sdb`, `/dev/sdc`, `/dev/sdd`";
    assert_eq!(choose(usb.clone()), Err(several.into()));
    assert_eq!(choose(Filter { min_bytes: Some(20_000_000_000), ..usb.clone() }), Ok("sdb".into()));
    assert_eq!(choose(Filter { max_bytes: Some(1_000_000), ..usb }), Ok("sdd".into()));
    assert!(choose(Filter::default()).unwrap_err().contains("disks are what was asked for"));
}

#[test]
fn four_characters_of_the_serial_number_name_a_disk() {
    let root = workshop();
    let disks = System::at(root.path()).disks().unwrap();
    let disk = |name: &str| disks.iter().find(|disk| disk.name == name).unwrap();
    let (stick, nameless) = (disk("sdb"), disk("sdk"));
    for typed in ["4C53", " 4c53\n", "4C530001230115112233"] {
        assert!(stick.is_confirmed_by(typed).is_ok(), "{typed}");
    }
    for typed in ["", "4C5", "yes", "4C54", "4C5300012301151122334"] {
        assert!(stick.is_confirmed_by(typed).is_err(), "{typed}");
    }
    assert!(nameless.is_confirmed_by("sdk").is_ok());
    assert!(nameless.is_confirmed_by("sd").is_err());
}
