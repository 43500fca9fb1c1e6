//! Formats: the words for what a build writes, and what each file is called.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, ProfileName, Version};

/// What a build writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The disk itself, sparse.
    Raw,
    /// The disk for QEMU and KVM, compressed.
    Qcow2,
    /// Live medium for CD and USB stick that holds the disk.
    Iso,
    /// The disk itself, compressed, for downloading; its block map comes with it.
    #[serde(rename = "raw.zst")]
    RawZst,
    /// Block map of the disk: which blocks must be written, and their checksums.
    Bmap,
    /// The disk for VMware, compressed for downloading (`streamOptimized`).
    Vmdk,
    /// Virtual machine for VMware and VirtualBox: a descriptor and that disk in one file.
    Ova,
    /// The disk for VirtualBox.
    Vdi,
    /// The disk for Hyper-V.
    Vhdx,
    /// Container for Incus and LXC.
    Lxc,
    /// Container template for Proxmox.
    Proxmox,
    /// Container for podman and Docker (an OCI layout in a tar).
    Oci,
}

impl Format {
    /// Every format, in order.
    pub const ALL: [Self; 12] = [
        Self::Raw,
        Self::Qcow2,
        Self::Iso,
        Self::RawZst,
        Self::Bmap,
        Self::Vmdk,
        Self::Ova,
        Self::Vdi,
        Self::Vhdx,
        Self::Lxc,
        Self::Proxmox,
        Self::Oci,
    ];

    /// The word that stands in profiles.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Iso => "iso",
            Self::RawZst => "raw.zst",
            Self::Bmap => "bmap",
            Self::Vmdk => "vmdk",
            Self::Ova => "ova",
            Self::Vdi => "vdi",
            Self::Vhdx => "vhdx",
            Self::Lxc => "lxc",
            Self::Proxmox => "proxmox",
            Self::Oci => "oci",
        }
    }

    /// Whether it is made from the disk; the others are made from the root file system.
    pub fn has_disk(self) -> bool {
        !matches!(self, Self::Lxc | Self::Proxmox | Self::Oci)
    }

    /// The file's name in a release.
    pub fn file_name(self, profile: &ProfileName, version: &Version, architecture: Architecture) -> String {
        let extension = match self {
            // The words of Proxmox's own templates: name, version, architecture, by underscores.
            Self::Proxmox => return format!("nuvol-{profile}_{version}_{architecture}.tar.zst"),
            Self::Lxc => "lxc.tar.zst",
            Self::Oci => "oci.tar",
            disk => disk.as_str(),
        };
        format!("nuvol-{profile}-{version}-{architecture}.{extension}")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is not a format ({known})")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Format;
    use crate::spec::Architecture;

    #[test]
    fn the_word_is_the_same_everywhere() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.as_str());
        }
        let err = "rwa".parse::<Format>().unwrap_err();
        assert!(err.starts_with("`rwa` is not a format (raw, qcow2, iso, raw.zst, "), "{err}");
    }

    #[test]
    fn files_are_called_as_their_readers_expect() {
        let name = |format: Format| {
            format.file_name(&"home".parse().unwrap(), &"0.1.0".parse().unwrap(), Architecture::Amd64)
        };
        assert_eq!(name(Format::RawZst), "nuvol-home-0.1.0-amd64.raw.zst");
        // bmaptool finds it by itself beside the disk, compressed or not.
        assert_eq!(name(Format::Bmap), "nuvol-home-0.1.0-amd64.bmap");
        assert_eq!(name(Format::Proxmox), "nuvol-home_0.1.0_amd64.tar.zst");
        assert_eq!(name(Format::Oci), "nuvol-home-0.1.0-amd64.oci.tar");
    }
}
