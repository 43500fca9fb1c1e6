//! Which disks hold a configuration: the node's own, and sticks that are plugged in.
//!
//! The own one is known by where the system runs from, never by a label alone: a stick may have the same. All is read
//! from the kernel's tables, and the file systems without mounting them, so it takes no right but to open the devices.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use nuvol_seed::{Disk, Extent, Volume, find, is_ours};

const TABLE_BYTES: u64 = 1 << 20;
/// The name of the partition on a disk.
const PARTITION: &str = "nuvol-cfg";
/// What the live system was started from.
const MEDIUM: &str = "/run/nuvol/medium";
/// The class of USB devices that are disks.
const MASS_STORAGE: &str = "08";
/// How long a stick that the machine knows of may take to show its disk.
const PATIENCE: u32 = 50;
const TICK: Duration = Duration::from_millis(100);

/// Where the kernel tells what there is.
#[derive(Debug, Clone)]
pub struct Disks {
    /// `/sys`
    pub sys: PathBuf,
    /// `/dev`
    pub dev: PathBuf,
    /// `/proc/self/mountinfo`
    pub mounts: PathBuf,
}

/// A file system with a configuration, or room for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What to open.
    pub device: PathBuf,
    /// Where it lies in that.
    pub extent: Extent,
}

impl Disks {
    /// The one on the disk that the system runs from.
    pub fn own(&self) -> anyhow::Result<Option<Found>> {
        let Some(disk) = self.own_disk()? else { return Ok(None) };
        let partitions = self.partitions(&disk);
        let named = partitions.iter().filter(|path| self.is_named(path));
        let others = partitions.iter().filter(|path| !self.is_named(path));
        for path in named.chain(others) {
            let is_named = self.is_named(path);
            let device = self.device(path);
            let Ok((file, whole)) = open(&device) else { continue };
            if is_ours(&file, whole) || (is_named && Volume::open(&file, whole).is_ok()) {
                return Ok(Some(Found { device, extent: whole }));
            }
        }
        // Of a CD the kernel shows no partitions.
        let device = self.device(&disk);
        let (file, _) = open(&device).with_context(|| format!("opening `{}`", device.display()))?;
        let extent = find(&file).with_context(|| format!("reading `{}`", device.display()))?;
        Ok(extent.map(|extent| Found { device, extent }))
    }

    /// Those on all other disks.
    pub fn sticks(&self, own: Option<&Found>) -> Vec<Found> {
        self.wait_for_sticks();
        let own_disk = self.own_disk().ok().flatten();
        let is_own = |path: &Path| own_disk.as_ref().is_some_and(|own| path.starts_with(own));
        let mut all = folder(&self.sys.join("class/block"));
        all.sort();
        let mut sticks = Vec::new();
        for entry in all {
            let Ok(path) = entry.canonicalize() else { continue };
            // Another node's disk is no stick: its name and keys are not for this one, nor for what is installed over it.
            if is_own(&path) || self.is_made_up(&path) || self.is_named(&path) {
                continue;
            }
            let device = self.device(&path);
            let Ok((file, extent)) = open(&device) else { continue };
            let found = Found { device, extent };
            if is_ours(&file, extent) && own != Some(&found) {
                sticks.push(found);
            }
        }
        sticks
    }

    /// The folder of the disk with `/` in it; in the live system, that of the medium.
    fn own_disk(&self) -> anyhow::Result<Option<PathBuf>> {
        let mut table = String::new();
        let mut read = || File::open(&self.mounts)?.take(TABLE_BYTES).read_to_string(&mut table);
        read().with_context(|| format!("reading `{}`", self.mounts.display()))?;
        let Some(number) = number_of(&table, "/").or_else(|| number_of(&table, MEDIUM)) else {
            return Ok(None);
        };
        let Ok(path) = self.sys.join("dev/block").join(number).canonicalize() else { return Ok(None) };
        let is_partition = path.join("partition").exists();
        Ok(if is_partition { path.parent().map(Path::to_owned) } else { Some(path) })
    }

    fn partitions(&self, disk: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<_> =
            folder(disk).into_iter().filter(|path| path.join("partition").exists()).collect();
        paths.sort();
        paths
    }

    fn is_named(&self, partition: &Path) -> bool {
        text(&partition.join("uevent")).lines().any(|line| line.strip_prefix("PARTNAME=") == Some(PARTITION))
    }

    /// Whether it is no disk that somebody could plug in: a file, memory, a part of others. Drives for floppies wait
    /// for seconds.
    fn is_made_up(&self, path: &Path) -> bool {
        let mut names = path.components().map(|part| part.as_os_str().to_string_lossy());
        names.any(|name| name == "virtual" || name.starts_with("floppy"))
    }

    fn device(&self, path: &Path) -> PathBuf {
        let named = text(&path.join("uevent"));
        let name = named.lines().find_map(|line| line.strip_prefix("DEVNAME="));
        let last = path.file_name().map(|name| name.to_string_lossy().replace('!', "/")).unwrap_or_default();
        self.dev.join(name.unwrap_or(&last))
    }

    /// A stick needs a second or two from being known to being readable. Without any there is no waiting.
    fn wait_for_sticks(&self) {
        for _ in 0..PATIENCE {
            let interfaces = folder(&self.sys.join("bus/usb/devices"));
            let disks =
                interfaces.iter().filter(|it| text(&it.join("bInterfaceClass")).trim() == MASS_STORAGE);
            if disks.into_iter().all(|it| has_block_device(it, 4)) {
                return;
            }
            sleep(TICK);
        }
    }
}

fn has_block_device(path: &Path, depth: u32) -> bool {
    // Links lead anywhere, also back.
    let folders = || folder(path).into_iter().filter(|it| it.is_dir() && !it.is_symlink());
    folders().any(|it| it.file_name().is_some_and(|name| name == "block"))
        || (depth > 0 && folders().any(|it| has_block_device(&it, depth - 1)))
}

/// `8:2` of the last file system that was mounted at `place`, unless it is on no device (proc_pid_mountinfo(5)).
fn number_of(table: &str, place: &str) -> Option<String> {
    let mount = table.lines().rev().find_map(|line| {
        let mut words = line.split(' ').skip(2);
        let number = words.next()?;
        (words.nth(1) == Some(place)).then(|| number.to_owned())
    });
    mount.filter(|number| !number.starts_with("0:"))
}

fn open(device: &Path) -> io::Result<(File, Extent)> {
    let file = File::open(device)?;
    let size = Disk::size(&file)?;
    Ok((file, Extent { offset: 0, size }))
}

fn folder(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}

/// A short file of the kernel; empty where there is none.
fn text(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(TABLE_BYTES).read_to_string(&mut text));
    read.map(|_| text).unwrap_or_default()
}
