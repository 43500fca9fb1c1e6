//! Why a disk is left alone, and what would help. All reasons are told at once.

use std::fmt;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::inventory::{Disk, System, is_disk};
use super::uses::{Use, Users};

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is there.
    Missing(PathBuf),
    /// A file, a folder or something else that is no disk.
    NotBlockDevice(PathBuf),
    /// A part of a disk, or something made of disks.
    NotWholeDisk {
        /// What was named.
        path: PathBuf,
        /// The disk that it is a part of.
        disk: Option<PathBuf>,
    },
    /// A drive without a medium.
    NoMedium(PathBuf),
    /// It is in use.
    InUse(PathBuf, Use),
    /// Somebody took it for himself, without a trace in what the kernel tells.
    Taken(PathBuf),
    /// It cannot be written.
    ReadOnly(PathBuf),
    /// The image does not fit.
    TooSmall {
        /// The disk.
        path: PathBuf,
        /// Its size.
        size_bytes: u64,
        /// What is needed.
        needed_bytes: u64,
    },
    /// The image is made for disks with other sectors.
    OtherSectors {
        /// The disk.
        path: PathBuf,
        /// What it has.
        sector_bytes: u64,
    },
    /// Another disk took the name meanwhile.
    Exchanged(PathBuf),
    /// There is no data partition to keep.
    NothingToPreserve(PathBuf),
    /// What should be kept lies where the image must go.
    DataInTheWay {
        /// Where the data partition begins.
        data_bytes: u64,
        /// Where the image's partitions end.
        needed_bytes: u64,
    },
    /// Only disk images have a place for a data partition.
    NotPreservable(PathBuf),
    /// What was typed or given is not this disk.
    NotConfirmed {
        /// The disk.
        path: PathBuf,
        /// What had to be given.
        expected: String,
    },
    /// No disk, or more than one, is what was asked for.
    NotOne(Vec<PathBuf>),
}

/// Nothing was written, for these reasons: the program ends with 4.
#[derive(Debug, thiserror::Error)]
#[error("nothing was written{}", listed(.0))]
pub struct Refused(pub Vec<Refusal>);

fn listed(reasons: &[Refusal]) -> String {
    reasons.iter().map(|reason| format!("\n  {reason}\n    {}", reason.remedy())).collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "there is no `{}`", path.display()),
            Self::NotBlockDevice(path) => write!(f, "`{}` is not a block device", path.display()),
            Self::NotWholeDisk { path, disk: Some(disk) } => {
                write!(f, "`{}` is a partition of `{}`", path.display(), disk.display())
            }
            Self::NotWholeDisk { path, disk: None } => {
                write!(f, "`{}` is not a disk of its own", path.display())
            }
            Self::NoMedium(path) => write!(f, "`{}` has no medium", path.display()),
            Self::InUse(path, it) => write!(f, "`{}` is in use: {it}", path.display()),
            Self::Taken(path) => write!(f, "`{}` is in use by somebody who holds it alone", path.display()),
            Self::ReadOnly(path) => write!(f, "`{}` is read-only", path.display()),
            Self::TooSmall { path, size_bytes, needed_bytes } => {
                write!(f, "`{}` has {size_bytes} bytes, the image needs {needed_bytes}", path.display())
            }
            Self::OtherSectors { path, sector_bytes } => {
                write!(f, "`{}` has sectors of {sector_bytes} bytes, the image is for 512", path.display())
            }
            Self::Exchanged(path) => write!(f, "`{}` is another disk than a moment ago", path.display()),
            Self::NothingToPreserve(path) => {
                write!(f, "`{}` has no data partition of a Nuvol node", path.display())
            }
            Self::DataInTheWay { data_bytes, needed_bytes } => write!(
                f,
                "the data partition begins at byte {data_bytes}, the image needs all up to {needed_bytes}"
            ),
            Self::NotPreservable(path) => {
                write!(f, "`{}` is no disk image, so it leaves no place for a data partition", path.display())
            }
            Self::NotConfirmed { path, .. } => write!(f, "`{}` was not confirmed", path.display()),
            Self::NotOne(found) if found.is_empty() => write!(f, "no disk is what was asked for"),
            Self::NotOne(found) => {
                let found: Vec<String> = found.iter().map(|it| format!("`{}`", it.display())).collect();
                write!(f, "{} disks are what was asked for: {}", found.len(), found.join(", "))
            }
        }
    }
}

impl Refusal {
    /// What would help.
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing(_) => "plug it in, and look at `nuvol flash --list`".to_owned(),
            Self::NotBlockDevice(_) => "name a disk of `nuvol flash --list`".to_owned(),
            Self::NotWholeDisk { disk: Some(disk), .. } => {
                format!("an image is written to a whole disk: name `{}`", disk.display())
            }
            Self::NotWholeDisk { disk: None, .. } => "name a disk of `nuvol flash --list`".to_owned(),
            Self::NoMedium(_) => "put a medium in".to_owned(),
            Self::InUse(_, it) => remedy_of(it),
            Self::Taken(_) => {
                "close what uses it (another `nuvol flash`, a virtual machine), or unplug it and \
                               plug it in again"
                    .to_owned()
            }
            Self::ReadOnly(_) => {
                "move the switch on the card or stick, or use another one: many that wear out \
                                  become read-only"
                    .to_owned()
            }
            Self::TooSmall { needed_bytes, .. } => {
                format!("use a disk of {} GB or more", needed_bytes.div_ceil(1_000_000_000))
            }
            Self::OtherSectors { .. } => "use a disk that has, or shows, sectors of 512 bytes".to_owned(),
            Self::Exchanged(_) => "choose again".to_owned(),
            Self::NothingToPreserve(_) => "leave `--preserve` out if all on it may go".to_owned(),
            Self::DataInTheWay { .. } => {
                "copy the data to another disk, then write without `--preserve`".to_owned()
            }
            Self::NotPreservable(_) => "use the `.raw` or `.raw.zst` of the release".to_owned(),
            Self::NotConfirmed { expected, .. } => format!("its name for that: {expected}"),
            Self::NotOne(found) if found.is_empty() => "look at `nuvol flash --list`".to_owned(),
            Self::NotOne(_) => "ask for more, as the serial number".to_owned(),
        }
    }
}

fn remedy_of(it: &Use) -> String {
    match it {
        Use::System { .. } => "use another disk; this one would take the running system with it".to_owned(),
        Use::Mounted { mountpoint, .. } => format!("`umount '{mountpoint}'`, if nothing on it is needed"),
        Use::Swap { device } => format!("`swapoff {device}`, if it is not needed"),
        Use::Member { of, .. } => {
            let way = [
                ("LVM", "`vgchange --activate n` its volume group"),
                ("RAID", "`mdadm --stop` the array"),
                ("encrypted", "`cryptsetup close` the volume"),
                ("ZFS", "`zpool export` the pool"),
            ];
            let found = way.iter().find(|(sign, _)| of.contains(sign)).map_or("stop it", |(_, way)| way);
            format!("{found}, if nothing on it is needed")
        }
    }
}

impl System {
    /// The disk that `path` names, which may be a link as in `/dev/disk/by-id`. Nothing is ever created.
    pub fn find(&self, path: &Path) -> anyhow::Result<Result<Disk, Refusal>> {
        let real = if self.is_this_machine() { path.to_owned() } else { self.real(path) };
        let Ok(metadata) = fs::metadata(&real) else { return Ok(Err(Refusal::Missing(path.to_owned()))) };
        let target = fs::canonicalize(&real).unwrap_or(real);
        let name = target.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let number = if self.is_this_machine() {
            if !metadata.file_type().is_block_device() {
                return Ok(Err(Refusal::NotBlockDevice(path.to_owned())));
            }
            format!("{}:{}", rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()))
        } else {
            // No recording can have device nodes: the number is that of the name.
            match self.text(&Path::new("sys/class/block").join(&name).join("dev")) {
                Some(number) => number,
                None => return Ok(Err(Refusal::NotBlockDevice(path.to_owned()))),
            }
        };
        self.find_number(path, &number)
    }

    fn find_number(&self, path: &Path, number: &str) -> anyhow::Result<Result<Disk, Refusal>> {
        let users = Users::read(self)?;
        let block = Path::new("sys/block");
        for name in self.list(block)? {
            if self.text(&block.join(&name).join("dev")).as_deref() == Some(number) {
                if !is_disk(&name) {
                    return Ok(Err(Refusal::NotWholeDisk { path: path.to_owned(), disk: None }));
                }
                let disk = self.disk(&name, &users)?;
                let empty = disk.size_bytes == 0;
                return Ok(if empty { Err(Refusal::NoMedium(path.to_owned())) } else { Ok(disk) });
            }
            for part in self.list(block.join(&name))?.iter().filter(|it| it.starts_with(&name)) {
                if self.text(&block.join(&name).join(part).join("dev")).as_deref() == Some(number) {
                    let disk = Some(Path::new("/dev").join(&name));
                    return Ok(Err(Refusal::NotWholeDisk { path: path.to_owned(), disk }));
                }
            }
        }
        Ok(Err(Refusal::NotBlockDevice(path.to_owned())))
    }
}

impl Disk {
    /// Every reason not to write `needed_bytes` to it.
    pub fn refusals(&self, needed_bytes: u64) -> Vec<Refusal> {
        let path = || self.path.clone();
        let is_system = |it: &&Use| matches!(it, Use::System { .. });
        // Nobody shall think that it could be had by taking the system apart.
        let ours = self.uses.iter().find(is_system);
        let uses = ours.map_or(&*self.uses, std::slice::from_ref);
        let mut found: Vec<Refusal> = uses.iter().map(|it| Refusal::InUse(path(), it.clone())).collect();
        if self.read_only {
            found.push(Refusal::ReadOnly(path()));
        }
        if self.size_bytes < needed_bytes {
            found.push(Refusal::TooSmall { path: path(), size_bytes: self.size_bytes, needed_bytes });
        }
        if self.sector_bytes != super::gpt::SECTOR {
            found.push(Refusal::OtherSectors { path: path(), sector_bytes: self.sector_bytes });
        }
        found
    }

    /// What a person types to show that it is this disk: its serial number, or its name if it has none.
    pub fn token(&self) -> &str {
        self.serial.as_deref().unwrap_or(&self.name)
    }

    /// Whether `typed` names this disk: a part of its token, four characters at least where it has so many.
    pub fn is_confirmed_by(&self, typed: &str) -> Result<(), Refusal> {
        let (typed, token) = (typed.trim().to_lowercase(), self.token().to_lowercase());
        if typed.chars().count() >= token.chars().count().min(4) && token.contains(&typed) {
            return Ok(());
        }
        let what = if self.serial.is_some() { "serial number" } else { "name (it has no serial number)" };
        let expected = format!("four or more characters of its {what}, `{}`", self.token());
        Err(Refusal::NotConfirmed { path: self.path.clone(), expected })
    }
}
