use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nuvol_seed::{CONFIG_FILE, Outcome, RESULT_FILE, Section, State};

use super::disks::{Disks, Found};
use super::{Places, put, run, take};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGnvFnZGPEPGnWEzlCmE7o0PTwCyeDJ0Bf3G2RSNkwcp ana@laptop";

/// A machine as the kernel would show it, and its system.
struct Machine {
    dir: tempfile::TempDir,
    disks: Disks,
    places: Places,
}

fn file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

impl Machine {
    /// It runs from the fourth partition of `vda`; the third is NUVOL-CFG.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        let disks = Disks { sys: at("sys"), dev: at("dev"), mounts: at("mounts") };
        let places = Places {
            state: at("state"),
            networks: at("networks"),
            keys: at("keys"),
            wpa: at("wpa_supplicant"),
            localtime: at("etc/localtime"),
            zones: at("zoneinfo"),
            live: at("live"),
            group: None,
        };
        for path in
            [&disks.dev, &places.state, &places.networks, &places.keys, &at("sys/dev/block"), &at("etc")]
        {
            fs::create_dir_all(path).unwrap();
        }
        file(
            &disks.mounts,
            "21 1 254:4 / / rw - ext4 /dev/root rw\n30 21 0:5 / /dev rw - devtmpfs udev rw\n",
        );
        let machine = Self { dir, disks, places };
        machine.partition("pci0/vda", "vda", "");
        machine.partition("pci0/vda/vda3", "vda3", "PARTNAME=nuvol-cfg\n");
        machine.partition("pci0/vda/vda4", "vda4", "PARTNAME=root\n");
        symlink("../../devices/pci0/vda/vda4", machine.disks.sys.join("dev/block/254:4")).unwrap();
        machine.formatted("vda3", b"NUVOL-CFG  ");
        machine
    }

    fn partition(&self, path: &str, name: &str, more: &str) {
        let at = self.disks.sys.join("devices").join(path);
        file(&at.join("uevent"), &format!("DEVNAME={name}\n{more}"));
        if name.ends_with(|it: char| it.is_ascii_digit()) {
            file(&at.join("partition"), "1\n");
        }
        let class = self.disks.sys.join("class/block");
        fs::create_dir_all(&class).unwrap();
        symlink(at, class.join(name)).unwrap();
        file(&self.disks.dev.join(name), "");
    }

    fn formatted(&self, name: &str, label: &[u8; 11]) -> PathBuf {
        let path = self.disks.dev.join(name);
        let file = File::options().read(true).write(true).open(&path).unwrap();
        file.set_len(4 << 20).unwrap();
        let options = fatfs::FormatVolumeOptions::new().volume_label(*label);
        fatfs::format_volume(&file, options).unwrap();
        path
    }

    fn own(&self) -> Found {
        self.disks.own().unwrap().unwrap()
    }

    /// Boots with `text` on its own NUVOL-CFG.
    fn boot(&self, text: &str) -> Outcome {
        put(&self.own(), CONFIG_FILE, text.as_bytes()).unwrap();
        run(&self.disks, &self.places).unwrap();
        self.result(&self.own())
    }

    fn result(&self, place: &Found) -> Outcome {
        let file = File::open(&place.device).unwrap();
        let bytes = nuvol_seed::Volume::open(&file, place.extent).unwrap().read(RESULT_FILE).unwrap();
        serde_json::from_slice(&bytes.unwrap()).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in [&self.places.keys, &self.places.networks, &self.places.state] {
            let entries = fs::read_dir(folder).unwrap();
            let mut here: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
            here.sort();
            names.extend(here);
        }
        names
    }
}

fn state(outcome: &Outcome, section: Section) -> State {
    outcome.keys[&section].state
}

const GOOD: &str = "version = 1\nname = \"ana\"\ninvite = \"nuvol:gwH-x_9\"\n\
    [[network]]\naddresses = [\"10.0.2.15/24\"]\ngateway = \"10.0.2.2\"\n[[network]]\ninterface = \"enp9*\"\n";

#[test]
fn settings_are_applied_told_and_taken_back() {
    let machine = Machine::new();
    let ssh = format!("[ssh]\nkeys = [\"{KEY}\"]\n");
    let wifi = "[wifi]\nssid = \"Casa\"\npassword = \"long enough\"\ncountry = \"ES\"\n";
    let outcome = machine.boot(&format!("{GOOD}{ssh}{wifi}"));
    let ours = ["40-nuvol-cfg-10.network", "40-nuvol-cfg-11.network", "45-nuvol-cfg-wifi.network"];
    assert_eq!(machine.files(), [&["root"], &ours[..], &["invite", "name", "wifi.conf"]].concat());
    assert_eq!(fs::read(machine.places.keys.join("root")).unwrap(), format!("{KEY}\n").into_bytes());
    let mode = |name: &str| machine.places.state.join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("name"), mode("invite"), mode("wifi.conf")), (0o644, 0o640, 0o600));
    assert_eq!(outcome.problems, []);
    assert_eq!(state(&outcome, Section::Name), State::Applied);
    assert_eq!(state(&outcome, Section::Invite), State::Applied);
    assert_eq!(state(&outcome, Section::Wifi), State::Unsupported);
    assert_eq!(outcome.sha256.unwrap().len(), 64);

    // Another network, and nothing else any more.
    let outcome = machine.boot("version = 1\n[[network]]\n");
    assert_eq!(machine.files(), ["40-nuvol-cfg-10.network"]);
    assert_eq!(outcome.keys.keys().collect::<Vec<_>>(), [&Section::Network]);
    machine.boot("version = 1\n");
    assert!(machine.files().is_empty());
}

#[test]
fn a_mistake_leaves_what_counted_before() {
    let machine = Machine::new();
    machine.boot(GOOD);
    let before = machine.files();
    let outcome = machine.boot("version = 1\nname = \"eva\"\n[[network]]\naddresses = [\"10.0.2.15\"]\n");
    assert_eq!(fs::read(machine.places.state.join("name")).unwrap(), b"eva\n");
    assert_eq!(state(&outcome, Section::Network), State::Refused);
    assert!(outcome.keys[&Section::Network].why.as_ref().unwrap().contains("before"), "{outcome:?}");
    let told = &outcome.problems[0];
    assert_eq!((told.line, told.column, told.key), (4, 14, Some(Section::Network)));
    let network = fs::read(machine.places.networks.join("40-nuvol-cfg-10.network")).unwrap();
    assert!(String::from_utf8(network).unwrap().contains("Address=10.0.2.15/24"));
    for void in ["version = 9\n", "version = 1\nname = \"x\n"] {
        let outcome = machine.boot(void);
        assert_eq!(outcome.problems.len(), 1);
        assert_eq!(machine.files(), before.iter().filter(|it| *it != "invite").cloned().collect::<Vec<_>>());
    }
}

#[test]
fn a_boot_that_changes_nothing_writes_nothing() {
    let machine = Machine::new();
    machine.boot(GOOD);
    let bytes = fs::read(machine.own().device).unwrap();
    let inodes = || {
        use std::os::unix::fs::MetadataExt;
        let entries = fs::read_dir(&machine.places.networks).unwrap();
        entries.map(|it| it.unwrap().metadata().unwrap().ino()).collect::<Vec<_>>()
    };
    let before = inodes();
    run(&machine.disks, &machine.places).unwrap();
    assert_eq!(inodes(), before);
    assert!(fs::read(machine.own().device).unwrap() == bytes);
}

#[test]
fn a_stick_goes_before_and_may_be_pulled_out() {
    let machine = Machine::new();
    machine.boot("version = 1\nname = \"ana\"\n");
    machine.partition("pci0/usb1/sdb", "sdb", "");
    machine.partition("pci0/usb1/sdb/sdb1", "sdb1", "");
    machine.partition("virtual/block/loop0", "loop0", "");
    machine.formatted("loop0", b"NUVOL-CFG  ");
    machine.formatted("sdb1", b"NUVOL-CFG  ");
    let sticks = machine.disks.sticks(Some(&machine.own()));
    assert_eq!(sticks.iter().map(|it| it.device.file_name().unwrap()).collect::<Vec<_>>(), ["sdb1"]);
    put(&sticks[0], CONFIG_FILE, b"version = 1\nname = \"eva\"\ncolour = 7\n").unwrap();
    run(&machine.disks, &machine.places).unwrap();
    assert_eq!(fs::read(machine.places.state.join("name")).unwrap(), b"ana\n");
    assert_eq!(machine.result(&sticks[0]).problems[0].line, 3);
    put(&sticks[0], CONFIG_FILE, b"version = 1\nname = \"eva\"\n").unwrap();
    run(&machine.disks, &machine.places).unwrap();
    assert_eq!(state(&machine.result(&sticks[0]), Section::Name), State::Applied);
    fs::remove_file(machine.disks.sys.join("class/block/sdb1")).unwrap();
    run(&machine.disks, &machine.places).unwrap();
    assert_eq!(fs::read(machine.places.state.join("name")).unwrap(), b"eva\n");
    assert_eq!(take(&machine.own()).unwrap().unwrap(), b"version = 1\nname = \"eva\"\n");
}

#[test]
fn without_a_partition_all_stays() {
    let machine = Machine::new();
    machine.boot(GOOD);
    let before = machine.files();
    // Formatted by somebody, with another label: by its name it is still ours.
    machine.formatted("vda3", b"NO NAME    ");
    assert_eq!(machine.own().device.file_name().unwrap(), "vda3");
    fs::remove_file(machine.disks.sys.join("devices/pci0/vda/vda3/uevent")).unwrap();
    assert_eq!(machine.disks.own().unwrap(), None);
    run(&machine.disks, &machine.places).unwrap();
    assert_eq!(machine.files(), before);
    // In a container there is no disk at all.
    file(&machine.disks.mounts, "21 1 0:44 / / rw - overlay overlay rw\n");
    assert_eq!(machine.disks.own().unwrap(), None);
    drop(machine.dir);
}

#[test]
fn the_clock_shows_the_zone_that_is_set_and_then_that_of_the_image_again() {
    let machine = Machine::new();
    let Places { localtime, zones, .. } = &machine.places;
    for zone in ["Europe/Madrid", "Asia/Tokyo", "Etc/UTC"] {
        file(&zones.join(zone), "TZif2");
    }
    let shown = || fs::read_link(localtime).unwrap();
    let own = Path::new("../usr/share/zoneinfo/Etc/UTC");
    symlink(own, localtime).unwrap();
    let outcome = machine.boot("version = 1\ntimezone = \"Europe/Madrid\"\n");
    assert_eq!((state(&outcome, Section::Timezone), shown()), (State::Applied, zones.join("Europe/Madrid")));
    machine.boot("version = 1\ntimezone = \"Asia/Tokyo\"\n");
    assert_eq!(shown(), zones.join("Asia/Tokyo"));
    // A slip of the pen leaves it.
    let outcome = machine.boot("version = 1\ntimezone = \"Asia/Tokio\"\n");
    assert_eq!((state(&outcome, Section::Timezone), shown()), (State::Refused, zones.join("Asia/Tokyo")));
    assert!(outcome.keys[&Section::Timezone].why.as_ref().unwrap().contains("before"), "{outcome:?}");
    // A link that was cut off half way is no hindrance.
    symlink("nowhere", localtime.with_extension("new")).unwrap();
    let outcome = machine.boot("version = 1\ntimezone = \"Africa/Cairo\"\n");
    assert_eq!(state(&outcome, Section::Timezone), State::Unsupported);
    assert_eq!(shown(), own, "the image has no such zone, so it is as if none were set");
    machine.boot("version = 1\ntimezone = \"Europe/Madrid\"\n");
    machine.boot("version = 1\n");
    assert_eq!(shown(), own);
    // What somebody sets by hand afterwards is theirs.
    fs::remove_file(localtime).unwrap();
    symlink(zones.join("Asia/Tokyo"), localtime).unwrap();
    machine.boot("version = 1\n");
    assert_eq!(shown(), zones.join("Asia/Tokyo"));
    // An image without a link gets it taken away again.
    fs::remove_file(localtime).unwrap();
    machine.boot("version = 1\ntimezone = \"Europe/Madrid\"\n");
    assert_eq!(shown(), zones.join("Europe/Madrid"));
    machine.boot("version = 1\n");
    assert!(fs::symlink_metadata(localtime).is_err());
}
