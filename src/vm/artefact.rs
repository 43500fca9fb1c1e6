//! An image file: what is in it, how it may be plugged in, and a layer that keeps it unaltered.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use xshell::cmd;

use super::firmware::Firmware;
use super::machine::{Drive, Medium};
use crate::host::Host;
use crate::spec::Architecture;

const SECTOR: u64 = 512;

/// What an image file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A disk, byte for byte.
    Raw,
    /// A disk in QEMU's format.
    Qcow2,
    /// A disk in VMware's format.
    Vmdk,
    /// A disk in VirtualBox's format.
    Vdi,
    /// A disk in Hyper-V's format.
    Vhdx,
    /// A live medium.
    Iso,
}

/// An image file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Its absolute path.
    pub path: PathBuf,
    /// What is in it.
    pub kind: Kind,
    /// The machine that it is for.
    pub architecture: Architecture,
    /// Size of the disk that it shows to a guest.
    pub size_bytes: u64,
}

/// One way to boot an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// What starts the machine.
    pub firmware: Firmware,
    /// How the image is plugged in.
    pub medium: Medium,
}

impl Artefact {
    /// Looks at the file `path`.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let path = path.canonicalize().with_context(|| format!("opening the image `{shown}`"))?;
        let mut file = File::open(&path).with_context(|| format!("opening the image `{shown}`"))?;
        let head = bytes_at(&mut file, 0, 512)?;
        let volume = bytes_at(&mut file, 32769, 5)?;
        let kind = kind(&head, &volume);
        if kind == Kind::Raw && bytes_at(&mut file, 510, 2)? != [0x55, 0xaa] {
            anyhow::bail!(
                "`{shown}` is no bootable image (raw, qcow2, vmdk, vdi, vhdx and iso are known); unpack it if it is \
                 compressed or an OVA"
            );
        }
        let size_bytes = match kind {
            Kind::Raw | Kind::Iso => file.metadata().with_context(|| format!("looking at `{shown}`"))?.len(),
            // QEMU's documentation (interop/qcow2): the virtual size lies at byte 24, big end first.
            Kind::Qcow2 => {
                bytes_at(&mut file, 24, 8)?.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
            }
            // Where each format's header has it; that of a VMDK counts in sectors.
            Kind::Vmdk => number(&head, 12, 8).saturating_mul(SECTOR),
            Kind::Vdi => number(&head, 368, 8),
            Kind::Vhdx => size_of_vhdx(&mut file)?,
        };
        let architecture = architecture_by_name(&path);
        Ok(Self { path, kind, architecture, size_bytes })
    }

    /// The same, for machines of `architecture` if that is given.
    #[must_use]
    pub fn on(self, architecture: Option<Architecture>) -> Self {
        Self { architecture: architecture.unwrap_or(self.architecture), ..self }
    }

    /// The file's name, for reports.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// The ways in which an image of this kind must boot.
    pub fn ways(&self) -> Vec<Way> {
        Firmware::of(self.architecture).into_iter().map(|firmware| self.way(firmware)).collect()
    }

    /// The usual way to boot it with `firmware`.
    pub fn way(&self, firmware: Firmware) -> Way {
        let medium = match (self.kind, firmware) {
            (Kind::Iso, Firmware::Bios) => Medium::Cd,
            (Kind::Iso, Firmware::Uefi | Firmware::SecureBoot) => Medium::Usb,
            (_, _) => Medium::Disk,
        };
        Way { firmware, medium }
    }

    /// A drive that shows the image; what the guest writes goes to `layer`, which is made unless it is
    /// there. A disk has at least `size_bytes`.
    pub fn drive(&self, host: &Host, medium: Medium, layer: &Path, size_bytes: u64) -> anyhow::Result<Drive> {
        if medium != Medium::Disk {
            return Ok(Drive { path: self.path.clone(), format: "raw", medium });
        }
        let (shell, path, format) = (host.shell(), &self.path, self.kind.qemu_format());
        if layer.exists() {
            let told = host.read(cmd!(shell, "qemu-img info --force-share --output=json {layer}"))?;
            let below = below(&told).with_context(|| format!("looking at `{}`", layer.display()))?;
            anyhow::ensure!(
                below == *path,
                "`{}` goes on from the image `{}`, not from `{}`; name another file",
                layer.display(),
                below.display(),
                path.display()
            );
        } else {
            let size = size_bytes.max(self.size_bytes).next_multiple_of(SECTOR).to_string();
            host.run(cmd!(shell, "qemu-img create -q -f qcow2 -F {format} -b {path} {layer} {size}"))?;
        }
        Ok(Drive { path: layer.to_owned(), format: "qcow2", medium })
    }
}

impl Kind {
    fn qemu_format(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Vhdx => "vhdx",
            Self::Raw | Self::Iso => "raw",
        }
    }
}

/// A release names its images after the architecture; any other name stands for the usual one.
fn architecture_by_name(path: &Path) -> Architecture {
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let named = Architecture::ALL.into_iter().find(|it| name.contains(&format!("-{it}.")));
    named.unwrap_or_default()
}

fn kind(head: &[u8], volume: &[u8]) -> Kind {
    if head.starts_with(b"QFI\xfb") {
        Kind::Qcow2
    } else if head.starts_with(b"KDMV") {
        Kind::Vmdk
    } else if head.starts_with(b"vhdxfile") {
        Kind::Vhdx
    } else if number(head, 64, 4) == 0xbeda_107f {
        Kind::Vdi
    } else if volume == b"CD001" {
        Kind::Iso
    } else {
        Kind::Raw
    }
}

/// The size that a VHDX shows: an item of the metadata, which are one of the regions ([MS-VHDX]). Identities lie there
/// with the first three of their parts little end first.
fn size_of_vhdx(file: &mut File) -> anyhow::Result<u64> {
    const METADATA: [u8; 16] = 0x06a2_7c8b_9047_9a4b_b8fe_575f_050f_886e_u128.to_be_bytes();
    const SIZE: [u8; 16] = 0x2442_a52f_1bcd_7648_b211_5dbe_d83b_f4b8_u128.to_be_bytes();
    const ENTRY: usize = 32;
    let regions = bytes_at(file, 192 << 10, 64 << 10)?;
    let region = regions.get(16..).and_then(|it| it.chunks(ENTRY).find(|it| it.starts_with(&METADATA)));
    let begin = region.map_or(0, |it| number(it, 16, 8));
    let items = bytes_at(file, begin, 64 << 10)?;
    let item = items.get(ENTRY..).and_then(|it| it.chunks(ENTRY).find(|it| it.starts_with(&SIZE)));
    let item = item.context("the VHDX does not say how large it is")?;
    Ok(number(&bytes_at(file, begin + number(item, 16, 4), 8)?, 0, 8))
}

/// A number of `size` bytes at `at`, little end first; 0 where the bytes end before.
fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    let bytes = bytes.get(at..at + size).unwrap_or_default();
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The image that a layer lies on, from what `qemu-img info` tells of the layer.
fn below(told: &str) -> anyhow::Result<PathBuf> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Info {
        backing_filename: Option<PathBuf>,
    }
    let info: Info = serde_json::from_str(told).context("reading what `qemu-img` told")?;
    info.backing_filename.context("it is not what an earlier run kept; name another file")
}

/// Up to `count` bytes at `offset`; fewer if the file ends before.
fn bytes_at(file: &mut File, offset: u64, count: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset)).context("reading the image")?;
    file.take(count).read_to_end(&mut bytes).context("reading the image")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Artefact, Kind, Way, architecture_by_name, below};
    use crate::spec::Architecture;
    use crate::vm::firmware::Firmware;
    use crate::vm::machine::Medium;

    fn check(name: &str, at: usize, magic: &[u8]) -> anyhow::Result<Artefact> {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = vec![0; 40_000];
        bytes[at..at + magic.len()].copy_from_slice(magic);
        std::fs::write(dir.path().join(name), bytes).unwrap();
        Artefact::open(&dir.path().join(name))
    }

    #[test]
    fn an_image_is_known_by_what_is_in_it() {
        let header = b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\x01\0\0\0\0";
        let qcow2 = check("a", 0, header).unwrap();
        assert_eq!((qcow2.kind, qcow2.size_bytes), (Kind::Qcow2, 4 << 30));
        assert_eq!(check("a", 0, b"KDMV\x03\0\0\0\x01\0\x03\0\0\x08\0\0").unwrap().size_bytes, 1 << 20);
        assert_eq!(check("a", 64, b"\x7f\x10\xda\xbe").unwrap().kind, Kind::Vdi);
        assert_eq!(check("a", 32769, b"CD001").unwrap().kind, Kind::Iso);
        assert_eq!(check("a", 510, b"\x55\xaa").unwrap().kind, Kind::Raw);
        let err = check("a.raw.zst", 0, b"\x28\xb5\x2f\xfd").unwrap_err();
        assert!(err.to_string().contains("unpack it"), "{err}");
    }

    #[test]
    fn the_name_of_an_image_tells_its_machine() {
        let named = |name: &str| architecture_by_name(name.as_ref());
        assert_eq!(named("/w/nuvol-home-0.1.0-arm64.raw"), Architecture::Arm64);
        assert_eq!(named("/w/disk.raw"), Architecture::Amd64);
    }

    #[test]
    fn a_kept_layer_knows_its_image() {
        let told = r#"{"filename": "k", "format": "qcow2", "backing-filename": "/w/home.raw"}"#;
        assert_eq!(below(told).unwrap(), std::path::Path::new("/w/home.raw"));
        assert!(below(r#"{"format": "raw"}"#).unwrap_err().to_string().contains("another file"));
    }

    #[test]
    fn a_live_medium_boots_as_cd_and_as_stick() {
        let iso = Artefact {
            path: "/w/n.iso".into(),
            kind: Kind::Iso,
            architecture: Architecture::Amd64,
            size_bytes: 0,
        };
        let way = |firmware, medium| Way { firmware, medium };
        assert_eq!(
            iso.ways(),
            [
                way(Firmware::Bios, Medium::Cd),
                way(Firmware::Uefi, Medium::Usb),
                way(Firmware::SecureBoot, Medium::Usb)
            ]
        );
    }
}
