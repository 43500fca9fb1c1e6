//! Who uses a disk: file systems, swap, and what is made of disks (LVM, RAID, encryption, ZFS), down every chain.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::inventory::System;

/// Folders that the running system cannot do without.
const OWN: [&str; 7] = ["/", "/usr", "/boot", "/boot/efi", "/efi", "/var", "/etc"];
/// Where a live system has what it was started from: the medium, and what lies in it.
const LIVE: &str = "/run/nuvol/";
/// There it notes the device, which stays the medium when all of it was copied to memory.
const MEDIUM_DEVICE: &str = "run/nuvol/device";

/// One use of a disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "use", rename_all = "kebab-case")]
pub enum Use {
    /// The running system lives on it.
    System {
        /// The device that is mounted.
        device: String,
        /// Where.
        mountpoint: String,
    },
    /// A file system on it is mounted.
    Mounted {
        /// The device that is mounted.
        device: String,
        /// Where.
        mountpoint: String,
    },
    /// The kernel swaps to it.
    Swap {
        /// The device.
        device: String,
    },
    /// Something is made of it.
    Member {
        /// The device.
        device: String,
        /// What it belongs to.
        of: String,
    },
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { device, mountpoint } => {
                write!(f, "`{device}` is mounted at `{mountpoint}`: the system runs from this disk")
            }
            Self::Mounted { device, mountpoint } => write!(f, "`{device}` is mounted at `{mountpoint}`"),
            Self::Swap { device } => write!(f, "`{device}` is swap space in use"),
            Self::Member { device, of } => write!(f, "`{device}` belongs to {of}, which is active"),
        }
    }
}

/// All that uses block devices on a machine.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// Mount points by number and by name of the device.
    mounts: BTreeMap<String, BTreeSet<String>>,
    /// Names of devices that are swapped to.
    swaps: BTreeSet<String>,
    /// Members of RAID arrays, and the array.
    arrays: BTreeMap<String, String>,
    /// ZFS pools that are imported.
    pools: Vec<String>,
}

impl Users {
    /// Reads who uses block devices.
    pub fn read(system: &System) -> anyhow::Result<Self> {
        let mut users = Self::default();
        // The first process may see mounts that we do not.
        for table in ["proc/1/mountinfo", "proc/self/mountinfo"] {
            users.add_mounts(&system.text(Path::new(table)).unwrap_or_default());
        }
        users.add_medium(system);
        users.add_btrfs(system)?;
        let swaps = system.text(Path::new("proc/swaps")).unwrap_or_default();
        users.swaps =
            swaps.lines().skip(1).filter_map(|line| base(line.split_whitespace().next()?)).collect();
        users.add_arrays(&system.text(Path::new("proc/mdstat")).unwrap_or_default());
        let folders = system.list("proc/spl/kstat/zfs")?;
        let is_pool = |name: &String| system.text(&Path::new("proc/spl/kstat/zfs").join(name).join("state"));
        users.pools = folders.into_iter().filter(|name| is_pool(name).is_some()).collect();
        Ok(users)
    }

    /// Lines as `36 35 8:3 / /home rw - ext4 /dev/sda3 rw` (proc(5)).
    fn add_mounts(&mut self, text: &str) {
        for line in text.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let mut left = left.split(' ');
            let (Some(number), Some(mountpoint)) = (left.nth(2), left.nth(1)) else { continue };
            // btrfs and others give a number that no device has; the source is its name then.
            let source = right.split(' ').nth(1).filter(|it| it.starts_with("/dev/")).and_then(base);
            for key in [Some(number.to_owned()), source].into_iter().flatten() {
                self.mounts.entry(key).or_default().insert(unescaped(mountpoint));
            }
        }
    }

    /// The medium that a live system was started from, which may be copied to memory and not be mounted any more.
    fn add_medium(&mut self, system: &System) {
        if let Some(device) = system.text(Path::new(MEDIUM_DEVICE)) {
            self.mounts.entry(device).or_default().insert(format!("{LIVE}medium"));
        }
    }

    /// A btrfs on several devices is mounted from one of them, and uses all.
    fn add_btrfs(&mut self, system: &System) -> anyhow::Result<()> {
        for id in system.list("sys/fs/btrfs")? {
            let devices = system.list(Path::new("sys/fs/btrfs").join(id).join("devices"))?;
            let points: BTreeSet<String> =
                devices.iter().filter_map(|it| self.mounts.get(it)).flatten().cloned().collect();
            for device in devices {
                self.mounts.entry(device).or_default().extend(points.clone());
            }
        }
        Ok(())
    }

    /// Lines as `md0 : active raid1 sdb1[1] sda1[0](F)`.
    fn add_arrays(&mut self, text: &str) {
        for line in text.lines() {
            let Some((array, rest)) = line.split_once(" : ") else { continue };
            for member in rest.split_whitespace().filter_map(|word| word.split_once('[')) {
                self.arrays.insert(member.0.to_owned(), array.to_owned());
            }
        }
    }

    /// Who uses the disk `name`, its `partitions`, or what is made of them.
    pub(super) fn of(&self, system: &System, name: &str, partitions: &[String]) -> Vec<Use> {
        let mut found = BTreeSet::new();
        let block = Path::new("sys/block");
        self.add(system, name, &block.join(name), &mut found, 0);
        for partition in partitions {
            self.add(system, partition, &block.join(name).join(partition), &mut found, 0);
        }
        found.into_iter().collect()
    }

    fn add(&self, system: &System, name: &str, folder: &Path, found: &mut BTreeSet<Use>, depth: u32) {
        let number = system.text(&folder.join("dev")).unwrap_or_default();
        let title = system.text(&folder.join("dm/name"));
        let device = title.map_or_else(|| format!("/dev/{name}"), |it| format!("/dev/mapper/{it}"));
        let keys = [Some(number.clone()), Some(name.to_owned()), base(&device)];
        for mountpoint in keys.iter().flatten().filter_map(|key| self.mounts.get(key)).flatten() {
            let (device, mountpoint) = (device.clone(), mountpoint.clone());
            let is_own = OWN.contains(&mountpoint.as_str()) || mountpoint.starts_with(LIVE);
            found.insert(if is_own {
                Use::System { device, mountpoint }
            } else {
                Use::Mounted { device, mountpoint }
            });
        }
        if keys[1..].iter().flatten().any(|key| self.swaps.contains(key)) {
            found.insert(Use::Swap { device: device.clone() });
        }
        let holders = system.list(folder.join("holders")).unwrap_or_default();
        for holder in &holders {
            let above = Path::new("sys/block").join(holder);
            let of = made_of(system, holder, &above);
            found.insert(Use::Member { device: device.clone(), of });
            // A chain without end is a mistake of whoever recorded it.
            if depth < 16 {
                self.add(system, holder, &above, found, depth + 1);
            }
        }
        if let Some(array) = self.arrays.get(name).filter(|array| !holders.contains(array)) {
            found.insert(Use::Member { device: device.clone(), of: format!("the RAID array `{array}`") });
        }
        let is_zfs = system.udev(&number).get("ID_FS_TYPE").is_some_and(|it| it == "zfs_member");
        if is_zfs && !self.pools.is_empty() {
            // Which disks a pool has, the kernel does not tell.
            let of = format!("a ZFS pool, perhaps `{}`", self.pools.join("`, `"));
            found.insert(Use::Member { device, of });
        }
    }
}

/// What the holder of a device is, in words.
fn made_of(system: &System, name: &str, folder: &Path) -> String {
    let title = system.text(&folder.join("dm/name")).unwrap_or_else(|| name.to_owned());
    let id = system.text(&folder.join("dm/uuid")).unwrap_or_default();
    match id.split('-').next() {
        Some("LVM") => format!("the LVM volume `{title}`"),
        Some("CRYPT") => format!("the encrypted volume `{title}`"),
        Some("mpath") => format!("the multipath device `{title}`"),
        _ if name.starts_with("md") => format!("the RAID array `{name}`"),
        _ if name.starts_with("bcache") => format!("the cache `{name}`"),
        _ => format!("the device `{title}`"),
    }
}

fn base(path: &str) -> Option<String> {
    Some(Path::new(path).file_name()?.to_str()?.to_owned())
}

/// A path of mountinfo, where blanks and the like stand as three octal digits.
fn unescaped(path: &str) -> String {
    let mut parts = path.split('\\');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|it| u8::from_str_radix(it, 8).ok()) {
            Some(byte) => text += &format!("{}{}", char::from(byte), &part[3..]),
            None => text += &format!("\\{part}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn mount_points_may_have_blanks() {
        assert_eq!(unescaped(r"/media/My\040Stick"), "/media/My Stick");
        assert_eq!(unescaped(r"/odd\"), r"/odd\");
    }
}
