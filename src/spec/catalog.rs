//! The catalogue as it is written: `packages.yaml`, with named package sets and services.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{
    At, DnsSdType, ImagePath, Only, OverlayName, PackageName, Scopes, ServiceName, SetName, SettingSpec,
    ShownSpec, UnitName, Word,
};

/// Debian packages, each for all architectures or for one.
pub type PackageList = Vec<At<Only<PackageName>>>;

/// Named package sets, and services.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Catalog {
    /// Package sets; profiles name them as `@set`.
    pub sets: BTreeMap<At<SetName>, PackageList>,
    /// Services.
    pub services: BTreeMap<At<ServiceName>, ServiceSpec>,
}

/// A service: what it installs, enables, opens, announces, probes and keeps.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceSpec {
    /// Name for people.
    pub title: At<String>,
    /// One line for people.
    pub summary: At<String>,
    /// What kind of service it is.
    pub role: At<Role>,
    /// Debian packages that it needs.
    #[serde(default)]
    pub packages: PackageList,
    /// The folder of `overlays/` that configures it.
    pub overlay: Option<At<OverlayName>>,
    /// systemd units, the main one first.
    pub units: At<Vec<At<UnitName>>>,
    /// When it runs.
    pub start: Start,
    /// Ports it listens on.
    #[serde(default)]
    pub ports: Vec<At<PortSpec>>,
    /// How it is announced to others.
    pub announce: Option<AnnounceSpec>,
    /// How the agent finds out whether it works.
    pub probe: Option<ProbeSpec>,
    /// What it keeps; these paths live on the data partition.
    #[serde(default)]
    pub data: Vec<At<ImagePath>>,
    /// What its owner may set.
    #[serde(default)]
    pub settings: Vec<SettingSpec>,
    /// What it drew for itself and its owner needs to know.
    #[serde(default)]
    pub shown: Vec<ShownSpec>,
}

/// A port that a service listens on.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PortSpec {
    /// Its name within the service.
    pub name: At<Word>,
    /// Port number.
    pub port: At<NonZeroU16>,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Who may reach it: one word, or a list of them.
    pub scope: Scopes,
}

/// DNS-SD announcement of one of the service's ports.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AnnounceSpec {
    /// DNS-SD service type, as in `_syncthing._tcp`.
    #[serde(rename = "type")]
    pub service_type: DnsSdType,
    /// Name of the port.
    pub port: At<Word>,
    /// What programs of others need to know (RFC 6763, section 6): for each key the name of something `shown`.
    #[serde(default)]
    pub txt: BTreeMap<At<Word>, At<Word>>,
}

/// A probe of one of the service's ports.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProbeSpec {
    /// Kind of probe (`tcp`, `http`, `syncthing`, ...).
    pub kind: Word,
    /// Name of the port.
    pub port: At<Word>,
}

/// What kind of service it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Joins nodes into one network.
    Mesh,
    /// Keeps files.
    Storage,
    /// Shares files.
    Sharing,
    /// Sends sound and pictures.
    Streaming,
    /// Lets people talk.
    Voice,
    /// Serves pages.
    Web,
    /// Finds others.
    Discovery,
    /// Lets the owner in.
    Access,
}

/// When a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// From boot.
    Always,
    /// When the owner switches it on.
    OnDemand,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}
