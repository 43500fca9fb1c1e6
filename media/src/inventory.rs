//! The disks of a machine, as `/sys`, `/proc` and udev tell of them. All is read below a given root folder, so that
//! recorded machines can be looked at too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::uses::{Use, Users};

/// sysfs counts in these, whatever the disk does.
const SYSFS_SECTOR: u64 = 512;

/// A machine: this one, or a recorded one.
#[derive(Debug, Clone)]
pub struct System {
    root: PathBuf,
}

/// A whole disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Its name in the kernel: `sda`.
    pub name: String,
    /// Its node: `/dev/sda`.
    pub path: PathBuf,
    /// Its number in the kernel: `8:0`.
    pub number: String,
    /// Who made it.
    pub vendor: Option<String>,
    /// What its maker calls it.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// How it is connected: `usb`, `sata`, `nvme`, `mmc`, `virtio`, `loop`.
    pub transport: Option<String>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Bytes of its smallest piece.
    pub sector_bytes: u64,
    /// Whether it cannot be written.
    pub read_only: bool,
    /// Whether its medium can be taken out. USB disks often say no, built-in card readers yes.
    pub removable: bool,
    /// Rises whenever another medium takes the same name.
    pub sequence: Option<u64>,
    /// Whether it can be told that a stretch is free.
    pub discards: bool,
    /// Its partitions in the order of their numbers.
    pub partitions: Vec<Partition>,
    /// Who uses it or something on it.
    pub uses: Vec<Use>,
}

/// A partition of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// Its name in the kernel: `sda1`.
    pub name: String,
    /// Where it begins, in bytes.
    pub start_bytes: u64,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its label in the partition table.
    pub label: Option<String>,
    /// The file system in it, where udev knows it.
    pub filesystem: Option<String>,
    /// The file system's label.
    pub filesystem_label: Option<String>,
}

impl System {
    /// The machine whose `/sys`, `/proc`, `/dev` and `/run` lie below `root`.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Whether it is the machine that this program runs on.
    pub fn is_this_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Its disks, in the order of their names. What is made of other disks (RAID, LVM), what has no medium, CD drives
    /// and memory are none.
    pub fn disks(&self) -> anyhow::Result<Vec<Disk>> {
        let users = Users::read(self)?;
        let mut names = self.list("sys/block")?;
        names.sort_by_key(|name| natural(name));
        let disks = names.iter().filter(|name| is_disk(name)).map(|name| self.disk(name, &users));
        let disks = disks.collect::<anyhow::Result<Vec<_>>>()?;
        Ok(disks.into_iter().filter(|disk| disk.size_bytes > 0).collect())
    }

    /// The disk called `name`, with what uses it.
    pub fn disk(&self, name: &str, users: &Users) -> anyhow::Result<Disk> {
        let folder = Path::new("sys/block").join(name);
        let number = self.text(&folder.join("dev")).with_context(|| format!("`{name}` has no number"))?;
        let udev = self.udev(&number);
        let told = |key: &str| udev.get(key).cloned();
        let own = |file: &str| self.text(&folder.join(file));
        let mut partitions = Vec::new();
        let mut names = self.list(&folder)?;
        names.retain(|it| it.starts_with(name) && self.text(&folder.join(it).join("partition")).is_some());
        names.sort_by_key(|it| natural(it));
        for partition in &names {
            partitions.push(self.partition(&folder, partition));
        }
        let link = fs::read_link(self.root.join(&folder)).unwrap_or_default();
        let transport = transport(name, &link.to_string_lossy());
        Ok(Disk {
            path: Path::new("/dev").join(name.replace('!', "/")),
            vendor: own("device/vendor").filter(|it| !it.starts_with("0x")).or_else(|| told("ID_VENDOR")),
            model: own("device/model").or_else(|| own("device/name")).or_else(|| told("ID_MODEL")),
            serial: told("ID_SERIAL_SHORT").or_else(|| self.serial(&folder)),
            transport: transport.map(str::to_owned),
            size_bytes: self.number(&folder.join("size")).unwrap_or(0) * SYSFS_SECTOR,
            sector_bytes: self.number(&folder.join("queue/logical_block_size")).unwrap_or(SYSFS_SECTOR),
            read_only: self.number(&folder.join("ro")) == Some(1),
            removable: self.number(&folder.join("removable")) == Some(1),
            sequence: self.number(&folder.join("diskseq")),
            discards: self.number(&folder.join("queue/discard_max_bytes")).is_some_and(|it| it > 0),
            uses: users.of(self, name, &names),
            name: name.to_owned(),
            number,
            partitions,
        })
    }

    fn partition(&self, disk: &Path, name: &str) -> Partition {
        let folder = disk.join(name);
        let udev = self.text(&folder.join("dev")).map(|it| self.udev(&it)).unwrap_or_default();
        let told = |key: &str| udev.get(key).cloned();
        let bytes = |file: &str| self.number(&folder.join(file)).unwrap_or(0) * SYSFS_SECTOR;
        let uevent = self.text(&folder.join("uevent")).unwrap_or_default();
        let label = uevent.lines().find_map(|line| line.strip_prefix("PARTNAME=")).map(str::to_owned);
        Partition {
            name: name.to_owned(),
            start_bytes: bytes("start"),
            size_bytes: bytes("size"),
            label: label.or_else(|| told("ID_PART_ENTRY_NAME")),
            filesystem: told("ID_FS_TYPE"),
            filesystem_label: told("ID_FS_LABEL"),
        }
    }

    /// The serial number without udev: the disk's own, the page where SCSI disks have it, or the USB device's.
    fn serial(&self, folder: &Path) -> Option<String> {
        let own = ["device/serial", "serial"].iter().find_map(|file| self.text(&folder.join(file)));
        let page = || {
            let bytes = fs::read(self.root.join(folder).join("device/vpd_pg80")).ok()?;
            named(&String::from_utf8_lossy(bytes.get(4..)?))
        };
        let usb = || {
            let place = fs::canonicalize(self.root.join(folder)).ok()?;
            let device = place.ancestors().find(|it| it.join("idVendor").exists())?;
            named(&fs::read_to_string(device.join("serial")).ok()?)
        };
        own.or_else(page).or_else(usb)
    }

    /// What udev remembers of the device with this number.
    pub(super) fn udev(&self, number: &str) -> BTreeMap<String, String> {
        let text = self.text(&Path::new("run/udev/data").join(format!("b{number}"))).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('='));
        lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// The text of a file without blanks around it; nothing if it is empty or cannot be read.
    pub(super) fn text(&self, path: &Path) -> Option<String> {
        named(&String::from_utf8_lossy(&fs::read(self.root.join(path)).ok()?))
    }

    fn number(&self, path: &Path) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// The names in a folder; none if it is not there.
    pub(super) fn list(&self, folder: impl AsRef<Path>) -> anyhow::Result<Vec<String>> {
        let path = self.root.join(folder);
        let what = || format!("reading `{}`", path.display());
        let entries = match fs::read_dir(&path) {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(what)?,
        };
        let name = |entry: std::io::Result<fs::DirEntry>| {
            Ok(entry.with_context(what)?.file_name().to_string_lossy().into_owned())
        };
        entries.map(name).collect()
    }

    /// `path` on this machine.
    pub(super) fn real(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// Whether a block device of this name can be a disk of its own.
pub(super) fn is_disk(name: &str) -> bool {
    const NONE: [&str; 8] = ["dm-", "md", "bcache", "ram", "zram", "sr", "fd", "drbd"];
    // The boot parts of an eMMC are disks to the kernel.
    let is_boot_part = name.starts_with("mmcblk") && name.contains("boot");
    !is_boot_part && !NONE.iter().any(|it| name.starts_with(it))
}

fn transport(name: &str, place: &str) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 6] = [
        ("/usb", "usb"),
        ("/ata", "sata"),
        ("/nvme", "nvme"),
        ("/mmc", "mmc"),
        ("/virtio", "virtio"),
        ("/host", "scsi"),
    ];
    if name.starts_with("loop") {
        return Some("loop");
    }
    SIGNS.iter().find(|(sign, _)| place.contains(sign)).map(|(_, transport)| *transport)
}

fn named(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// Orders `sda10` behind `sda9`.
fn natural(name: &str) -> (usize, String) {
    (name.len(), name.to_owned())
}
