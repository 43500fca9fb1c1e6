//! A service of the catalogue, as the image describes it. A value that exists is legal.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::setting::Setting;

/// A service that the image carries. Keys that a newer image has and this agent does not know are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// Its name in the catalogue.
    pub name: Name,
    /// Name for people.
    pub title: Text,
    /// One line for people.
    pub summary: Text,
    /// What kind of service it is (`storage`).
    pub role: Name,
    /// systemd units, the main one first.
    pub units: Units,
    /// When it runs.
    pub start: Start,
    /// Ports it listens on.
    #[serde(default)]
    pub ports: Vec<Port>,
    /// How it is announced to others.
    #[serde(default)]
    pub announce: Option<Announce>,
    /// What it keeps.
    #[serde(default)]
    pub data: Vec<DataPath>,
    /// What its owner may set.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// What it drew for itself and its owner needs to know.
    #[serde(default)]
    pub shown: Vec<Shown>,
}

impl Service {
    /// Whether people may be reaching the node's pages by it: by a name that it tells, or through it.
    pub fn is_way_in(&self) -> bool {
        ["discovery", "mesh"].contains(&&*self.role)
    }
}

/// Something that a service drew for itself, such as a password: `key=value` on a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Shown {
    /// Its name within the service.
    pub name: Name,
    /// Name for people.
    pub title: Text,
    /// The file that it stands in.
    pub file: DataPath,
    /// What stands before the `=`.
    pub key: Name,
}

/// When a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// From boot.
    Always,
    /// When the owner switches it on.
    OnDemand,
}

/// A port that a service listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Port {
    /// Its name within the service.
    pub name: Name,
    /// Port number.
    pub port: std::num::NonZeroU16,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Who may reach it.
    pub scope: Scopes,
}

/// Transport of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Who may reach a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Programs on the node.
    Loopback,
    /// The home network.
    Lan,
    /// The members of the mesh.
    Mesh,
    /// Everybody: what reaches the node from outside, as through a port that the router passes on.
    Internet,
}

/// Who may reach a port: one word, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "OneOrMore")]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether these may reach it.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Scope),
    More(BTreeSet<Scope>),
}

impl From<OneOrMore> for Scopes {
    fn from(written: OneOrMore) -> Self {
        match written {
            OneOrMore::One(scope) => Self([scope].into()),
            OneOrMore::More(scopes) => Self(scopes),
        }
    }
}

impl From<Scopes> for OneOrMore {
    fn from(Scopes(scopes): Scopes) -> Self {
        match scopes.first() {
            Some(only) if scopes.len() == 1 => Self::One(*only),
            _ => Self::More(scopes),
        }
    }
}

/// DNS-SD announcement of one of the service's ports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Announce {
    /// DNS-SD service type (`_syncthing._tcp`).
    #[serde(rename = "type")]
    pub service_type: String,
    /// Name of the port.
    pub port: Name,
    /// What programs of others need to know: TXT keys, each with the name of something [`Shown`].
    #[serde(default)]
    pub txt: BTreeMap<Name, Name>,
}

/// A word of lower-case letters, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let legal = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if legal {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is not a name (lower-case letters, digits and `-`, 64 at most)"))
        }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Text for people, without characters that hide or reorder what stands around them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Text(String);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.chars().filter(|c| Self::shows(*c)).collect())
    }
}

impl Text {
    /// Whether this character stands for itself and leaves its neighbours alone.
    pub fn shows(c: char) -> bool {
        let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}');
        !c.is_control() && !reorders
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A path that a service keeps something in: absolute, and without `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DataPath(String);

impl TryFrom<String> for DataPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let legal = text.strip_prefix('/').is_some_and(|rest| {
            let mut parts = rest.split('/');
            parts.all(|part| !["", ".", ".."].contains(&part)) && !rest.chars().any(char::is_control)
        });
        if legal {
            Ok(Self(text))
        } else {
            Err(format!("`{}` is not a path (absolute, without `..` and `//`)", text.escape_default()))
        }
    }
}

impl Deref for DataPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The systemd units of a service: at least one, the main one first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<UnitName>")]
pub struct Units(Vec<String>);

impl TryFrom<Vec<UnitName>> for Units {
    type Error = &'static str;

    fn try_from(names: Vec<UnitName>) -> Result<Self, Self::Error> {
        if names.is_empty() {
            return Err("a service needs at least one unit");
        }
        Ok(Self(names.into_iter().map(|UnitName(name)| name).collect()))
    }
}

impl Deref for Units {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

/// The name of one systemd unit (systemd.unit(5)).
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct UnitName(String);

impl TryFrom<String> for UnitName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        const KINDS: [&str; 7] =
            [".service", ".socket", ".target", ".timer", ".path", ".mount", ".automount"];
        let legal = text.len() <= 255
            && KINDS.iter().any(|kind| text.strip_suffix(kind).is_some_and(|stem| !stem.is_empty()))
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ":_.@\\-".contains(c));
        if legal { Ok(Self(text)) } else { Err(format!("`{text}` is not the name of a systemd unit")) }
    }
}
