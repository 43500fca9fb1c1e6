//! A profile as it is written: `profiles/<name>.yaml`.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use crate::spec::{
    At, ByteSize, Format, HostName, KernelArgument, KeyringName, MirrorUrl, Only, OverlayName, PackageRef,
    ProfileName, ServiceName, SnapshotTime, UnitName, VariableName, Version,
};

/// A product: what an image is made of. Lists append to the parent's, maps merge, scalars replace.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Profile {
    /// One line for people.
    pub summary: Option<At<String>>,
    /// The profile that this one builds on.
    pub extends: Option<At<ProfileName>>,
    /// The version of the release.
    pub version: Option<At<Version>>,
    /// The host name of a node; `{id}` is drawn on first boot, unique per node.
    pub hostname: Option<At<HostName>>,
    /// Debian packages, and `@set`s of the catalogue.
    pub packages: Vec<At<Only<PackageRef>>>,
    /// Services of the catalogue.
    pub services: Vec<At<ServiceName>>,
    /// Folders of `overlays/`.
    pub overlays: Vec<At<OverlayName>>,
    /// systemd units that run from boot, apart from services.
    pub units: Vec<At<UnitName>>,
    /// What a build writes.
    pub formats: Vec<At<Format>>,
    /// Words for the kernel's command line.
    pub kernel_arguments: Vec<At<Only<KernelArgument>>>,
    /// What templates of overlays may name.
    pub variables: BTreeMap<At<VariableName>, At<Scalar>>,
    /// The disk.
    pub disk: Option<At<DiskSpec>>,
    /// The Debian archive that packages come from.
    pub archive: Option<At<ArchiveSpec>>,
    /// What is taken away from the parent's.
    pub remove: Removal,
}

/// The archive of a profile; what is not said is Debian's, by the mirror that the machine's apt uses.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ArchiveSpec {
    /// Its mirror, or with `snapshot` the address of the snapshot service; `--mirror` goes before it.
    pub mirror: Option<At<MirrorUrl>>,
    /// The file of `keys/` with the public keys that sign it, instead of Debian's.
    pub keyring: Option<At<KeyringName>>,
    /// The archive as a snapshot service kept it at this moment, as in `20261101T000000Z`.
    pub snapshot: Option<At<SnapshotTime>>,
}

/// The disk of a profile.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DiskSpec {
    /// The root partition; the rest of the disk becomes the data partition on first boot.
    pub root: RootSpec,
}

/// The root partition of a profile.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RootSpec {
    /// Its file system.
    pub filesystem: Option<At<FileSystem>>,
    /// Its size: `auto` (content and headroom for upgrades), or a size such as `4G`.
    pub size: Option<At<RootSize>>,
}

/// What is taken away from what the parents gave. Naming what they did not give is an error.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Removal {
    /// Packages and `@set`s.
    pub packages: Vec<At<PackageRef>>,
    /// Services.
    pub services: Vec<At<ServiceName>>,
    /// Overlays.
    pub overlays: Vec<At<OverlayName>>,
    /// Units.
    pub units: Vec<At<UnitName>>,
    /// Formats.
    pub formats: Vec<At<Format>>,
    /// Words of the kernel's command line.
    pub kernel_arguments: Vec<At<KernelArgument>>,
    /// Variables.
    pub variables: Vec<At<VariableName>>,
}

/// A file system for the root partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileSystem {
    /// ext4.
    Ext4,
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ext4 => "ext4",
        })
    }
}

/// The size of the root partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub enum RootSize {
    /// Content and headroom.
    Auto,
    /// Just this.
    Fixed(ByteSize),
}

impl TryFrom<String> for RootSize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        text.parse().map(Self::Fixed).map_err(|wrong| format!("{wrong}, nor `auto`"))
    }
}

impl fmt::Display for RootSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(size) => write!(f, "{size}"),
        }
    }
}

/// A value of `variables:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a whole number, `true` or `false`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Flag(flag))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}
