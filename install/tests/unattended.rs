//! The installer without anybody at a keyboard, on loop devices.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the program under test is run as systemd would")]

#[allow(dead_code)]
#[path = "common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "../../tests/all/flash/disks.rs"]
mod disks;

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use common::{DATA, Medium, config, disk, has_data, older_node, size, words};

#[test]
fn a_disk_is_found_by_what_is_said_of_it_and_installed_on() {
    let medium = Medium::new();
    let Some(disk) = disk(&medium.at("disk"), size(1)) else { return };
    let text = "version = 1\nname = \"ana\"\n\n[install]\nmin-size = \"8125MB\"\nmax-size = \"8126MB\"\nthen = \"reboot\"\n";
    let (said, well) = medium.unattended("boot=nuvol quiet", Some(text));
    assert!(well, "{said}");
    assert!(said.contains("On it is nothing: it is empty."), "{said}");
    assert!(said.contains("Its page will be http://ana.local/") && said.contains("then=reboot"), "{said}");
    assert!(medium.at("busy").exists(), "the consoles were left to others");
    medium.check(&disk);
    assert_eq!(config(&disk), "version = 1\nname = \"ana\"\n\n");

    // The machine starts from the medium once more, as it was told to.
    File::options().write(true).open(&disk.node).unwrap().write_all_at(&[1; 512], 20 << 20).unwrap();
    let (said, well) = medium.unattended("boot=nuvol quiet", Some(text));
    assert!(well && said.contains("is on the disk already; nothing was written"), "{said}");
    let mut byte = [0];
    File::open(&disk.file).unwrap().read_exact_at(&mut byte, 20 << 20).unwrap();
    assert_eq!(byte, [1], "it was written again");
}

#[test]
fn what_is_on_a_disk_goes_or_stays_as_somebody_said() {
    let (medium, ours) = (Medium::new(), words(2));
    let Some(disk) = disk(&medium.at("disk"), size(2)) else { return };
    older_node(&disk, DATA);
    let (said, well) = medium.unattended(&ours, None);
    assert!(!well && said.contains("is a Nuvol node `eva` with 34 MB of data, and nobody said"), "{said}");
    assert!(has_data(&disk, DATA), "a refused disk was written to");

    let (said, well) = medium.unattended(&format!("{ours} nuvol.install.existing=preserve"), None);
    assert!(well && said.contains("Kept the data partition (nuvol-data, 34 MB)."), "{said}");
    medium.check(&disk);
    assert!(has_data(&disk, DATA), "the data are gone");
    assert_eq!(config(&disk), "version = 1\nname = \"eva\"\n", "the node forgot its name");

    // Of a medium with a configuration, that one counts.
    let preserve = format!("{ours} nuvol.install.existing=preserve");
    let (said, well) = medium.unattended(&preserve, Some("version = 1\nname = \"ana\"\n"));
    assert!(well && said.contains("https://ana.local/"), "{said}");
    assert!(has_data(&disk, DATA) && config(&disk).contains("ana"), "{said}");

    let (said, well) = medium.unattended(&format!("{ours} nuvol.install.existing=overwrite"), None);
    assert!(well && said.contains("all on it goes") && said.contains("then=poweroff"), "{said}");
    medium.check(&disk);
    assert!(!has_data(&disk, DATA));
    let (said, well) = medium.unattended(&preserve, None);
    assert!(!well && said.contains("choose Overwrite (`existing = \"overwrite\"`)"), "{said}");
}

#[test]
fn data_where_the_image_must_go_are_not_lost() {
    let (medium, ours) = (Medium::new(), words(3));
    let Some(disk) = disk(&medium.at("disk"), size(3)) else { return };
    older_node(&disk, 30 << 20);
    let (said, well) = medium.unattended(&format!("{ours} nuvol.install.existing=preserve"), None);
    assert!(!well && said.contains("copy the data elsewhere, then choose Overwrite"), "{said}");
    assert!(has_data(&disk, 30 << 20), "a refused disk was written to");
}

#[test]
fn no_disk_is_guessed() {
    let (medium, ours) = (Medium::new(), words(4));
    let Some(one) = disk(&medium.at("disk"), size(4)) else { return };
    let other = disk(&medium.at("other"), size(4)).unwrap();
    let (said, well) = medium.unattended(&ours, None);
    let both = said.contains(&format!("`{}`", one.node)) && said.contains(&format!("`{}`", other.node));
    assert!(!well && both && said.contains("say more of the disk"), "{said}");
    let (said, well) = medium.unattended("nuvol.install.serial=nobody-has-this", None);
    assert!(
        !well && said.contains("no disk is what was asked for") && said.contains("the disks are:"),
        "{said}"
    );
    let (said, well) = medium.unattended("nuvol.install=auto", None);
    assert!(!well && said.contains("nothing says which disk it is"), "{said}");
    let small = disk(&medium.at("small"), 7_123_456_512).unwrap();
    let (said, well) = medium.unattended("nuvol.install.min-size=7123MB nuvol.install.max-size=7124MB", None);
    let why = format!("`{}` has 7.1 GB; a node needs a disk of 8 GB", small.node);
    assert!(!well && said.contains(&why), "{said}");
    assert!(said.contains("The live system goes on."), "{said}");
}

#[test]
fn a_medium_that_is_damaged_is_told_before_anything_is_written() {
    let (medium, ours) = (Medium::new(), words(5));
    let Some(disk) = disk(&medium.at("disk"), size(5)) else { return };
    older_node(&disk, DATA);
    let raw = File::options().read(true).write(true).open(medium.at("disk.raw")).unwrap();
    let mut byte = [0];
    raw.read_exact_at(&mut byte, 14 << 20).unwrap();
    raw.write_all_at(&[byte[0] ^ 1], 14 << 20).unwrap();
    let (said, well) = medium.unattended(&format!("{ours} nuvol.install.existing=overwrite"), None);
    assert!(!well && said.contains("the medium is damaged; nothing was written"), "{said}");
    assert!(has_data(&disk, DATA), "the disk was written to");
}

#[test]
fn a_live_system_stays_one_where_nobody_asked() {
    let medium = Medium::new();
    let (said, well) = medium.unattended("boot=nuvol quiet", Some("version = 1\nname = \"ana\"\n"));
    assert!(well && said.is_empty(), "{said}");
    assert!(!medium.at("busy").exists());
}
