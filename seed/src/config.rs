//! What can be set before boot, as values.

use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::install::Install;

/// `nuvol.toml`: what the owner sets before boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Version of this file's format: 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub version: u32,
    /// The node's name on its network: lower-case letters, digits and hyphens, at most 63.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")))]
    pub name: Option<String>,
    /// The time zone that the node's clock shows: area and city, `Europe/Madrid`.
    pub timezone: Option<String>,
    /// The argon2id hash of the claim code that makes the node somebody's; `nuvol seed --claim-code` draws one.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^\\$argon2id\\$")))]
    pub claim_code_hash: Option<String>,
    /// An invitation into a community, which the node takes up once it has an owner.
    pub invite: Option<String>,
    /// Who may log in from elsewhere.
    pub ssh: Option<Ssh>,
    /// Wired ports, and addresses of any port.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<Network>,
    /// The wireless network to join.
    pub wifi: Option<Wifi>,
    /// On the ISO: the disk to install on, without asking.
    pub install: Option<Install>,
}

/// Who may log in from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ssh {
    /// Public keys that log in as root: each the line of a `.pub` file.
    pub keys: Vec<String>,
}

/// How a port finds into its network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Network {
    /// Name of the port, `*` and `?` stand for any letters: `enp3s0`, `en*`. With neither this nor `mac`, every
    /// wired port.
    pub interface: Option<String>,
    /// Hardware address of the port: `52:54:00:12:34:56`.
    pub mac: Option<String>,
    /// Whether it asks the network for an address. Unless said, it does where no `addresses` are given.
    pub dhcp: Option<bool>,
    /// Addresses of its own, each with the length of the network's prefix: `192.168.1.20/24`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The router to all other networks.
    pub gateway: Option<String>,
    /// Name servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
}

impl Network {
    /// Whether it asks the network for an address.
    pub fn asks(&self) -> bool {
        self.dhcp.unwrap_or(self.addresses.is_empty())
    }
}

/// The wireless network to join.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wifi {
    /// The network's name, 32 bytes at most.
    pub ssid: String,
    /// Its password: 8 to 63 letters, or 64 hexadecimal digits. Without one the network is open.
    pub password: Option<String>,
    /// The country whose rules for radio hold: two capital letters, `ES`.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[A-Z]{2}$")))]
    pub country: String,
}

/// Without the password.
impl fmt::Debug for Wifi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wifi")
            .field("ssid", &self.ssid)
            .field("country", &self.country)
            .finish_non_exhaustive()
    }
}

/// A setting: applied as a whole or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// `name`
    Name,
    /// `timezone`
    Timezone,
    /// `claim-code-hash`
    ClaimCodeHash,
    /// `invite`
    Invite,
    /// `[ssh]`
    Ssh,
    /// `[[network]]`, all of them
    Network,
    /// `[wifi]`
    Wifi,
}

impl Section {
    /// All of them, in the order of [`Config`].
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Timezone, Self::ClaimCodeHash, Self::Invite, Self::Ssh, Self::Network, Self::Wifi];

    /// Its key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Timezone => "timezone",
            Self::ClaimCodeHash => "claim-code-hash",
            Self::Invite => "invite",
            Self::Ssh => "ssh",
            Self::Network => "network",
            Self::Wifi => "wifi",
        }
    }
}

impl Config {
    /// Whether it says anything of `section`.
    pub fn has(&self, section: Section) -> bool {
        match section {
            Section::Name => self.name.is_some(),
            Section::Timezone => self.timezone.is_some(),
            Section::ClaimCodeHash => self.claim_code_hash.is_some(),
            Section::Invite => self.invite.is_some(),
            Section::Ssh => self.ssh.is_some(),
            Section::Network => !self.network.is_empty(),
            Section::Wifi => self.wifi.is_some(),
        }
    }
}
