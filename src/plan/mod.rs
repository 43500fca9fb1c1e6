//! Every decision of a build, made before anything happens: sorted, complete, plain data.

mod ids;
mod inherit;
mod origin;
mod resolve;
mod services;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use uuid::Uuid;

use crate::spec::{
    Architecture, ByteSize, Format, KeyringName, MirrorUrl, OverlayName, PackageName, ProfileName, Protocol,
    Role, Scalar, Scopes, ServiceName, SnapshotTime, Start, UnitName, Version,
};

pub use origin::{Origins, Step, Verb};
pub use resolve::{Resolved, check, check_catalogue, is_reserved, resolve};
pub use services::OWN_DATA;
pub use settings::{Choice, Kind, Setting, Shown};

/// What a profile means, with all that it inherits: the input of every later stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The profile that was asked for.
    pub profile: ProfileName,
    /// One line for people.
    pub summary: String,
    /// The version of the release.
    pub version: Version,
    /// The profiles it is made of, the root of all first.
    pub lineage: Vec<ProfileName>,
    /// Host name with `{id}` where the node's own id goes on first boot.
    pub hostname: String,
    /// What is installed from the Debian archive.
    pub base: Base,
    /// Where that archive is, if it is not simply Debian's.
    #[serde(skip_serializing_if = "Archive::is_debians")]
    pub archive: Archive,
    /// systemd units that run from boot apart from services; everything else is disabled.
    pub units: BTreeSet<UnitName>,
    /// The services of the catalogue that this image carries.
    pub services: BTreeMap<ServiceName, Service>,
    /// Overlays, later ones after the ones they build on.
    pub overlays: Vec<OverlayName>,
    /// What templates may name.
    pub variables: BTreeMap<String, Scalar>,
    /// The disk, where any format needs one.
    pub disk: Option<Disk>,
}

/// The Debian part: suite, packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Base {
    /// The Debian release by code name.
    pub suite: String,
    /// Archive components.
    pub components: Vec<String>,
    /// The machine that it is for.
    pub architecture: Architecture,
    /// Architectures whose packages may stand beside that one's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Architecture>,
    /// Source packages that come from the suite's backports; nothing else does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub backports: Vec<String>,
    /// Packages by name, without what they pull in.
    pub packages: BTreeSet<PackageName>,
}

/// Where the archive is and who signs it. It says where bytes come from, never what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Archive {
    /// Its mirror, or the address of the snapshot service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<MirrorUrl>,
    /// The file of `keys/` with the keys that sign it, where they are not Debian's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyring: Option<KeyringName>,
    /// The moment at which a snapshot service kept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotTime>,
}

impl Archive {
    fn is_debians(&self) -> bool {
        *self == Self::default()
    }
}

/// The raw disk and what is made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Size of the root partition; `None` means: content and headroom.
    pub root_size: Option<ByteSize>,
    /// Words for the kernel's command line, in order.
    pub kernel_arguments: Vec<String>,
    /// The formats, in order.
    pub formats: BTreeSet<Format>,
    /// Identities, derived from profile and version.
    pub ids: DiskIds,
}

/// Identities on the disk. Derived, never drawn: the same profile and version give the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiskIds {
    /// GPT disk GUID.
    pub disk: Uuid,
    /// Partition GUIDs, in order: BIOS boot, ESP, NUVOL-CFG, root.
    pub partitions: [Uuid; 4],
    /// UUID of the root file system.
    pub root: Uuid,
    /// FAT volume id of the ESP.
    pub esp: u32,
    /// FAT volume id of NUVOL-CFG.
    pub config: u32,
    /// Identifies the build on its live medium (`/.disk/<build>`).
    pub build: Uuid,
}

/// A service of the catalogue, as it is laid into the image and read by the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// Name for people.
    pub title: String,
    /// One line for people.
    pub summary: String,
    /// What kind of service it is.
    pub role: Role,
    /// systemd units, the main one first.
    pub units: Vec<UnitName>,
    /// When it runs.
    pub start: Start,
    /// Ports it listens on.
    pub ports: Vec<Port>,
    /// How it is announced to others, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announce: Option<Announce>,
    /// How it is probed, where it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// What it keeps; these paths live on the data partition.
    pub data: Vec<String>,
    /// What its owner may set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// What it drew for itself and its owner needs to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<Shown>,
}

/// A port that a service listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Port {
    /// Its name within the service.
    pub name: String,
    /// Port number.
    pub port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Who may reach it.
    pub scope: Scopes,
}

/// DNS-SD announcement of one of the service's ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Announce {
    /// DNS-SD service type (`_syncthing._tcp`).
    #[serde(rename = "type")]
    pub service_type: String,
    /// Name of the port.
    pub port: String,
    /// TXT keys, each with the name of something `shown`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub txt: BTreeMap<String, String>,
}

/// How the agent finds out whether the service works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// Kind of probe (`tcp`, `http`, `syncthing`, ...).
    pub kind: String,
    /// Name of the port.
    pub port: String,
}
