//! The home network: what this node announces there, and what others do.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// A service of this node to announce.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Announcement {
    /// What people call it; the node's name is added.
    pub title: String,
    /// As `_http._tcp`.
    pub kind: String,
    /// The port it listens on.
    pub port: u16,
    /// Remarks for programs: at most 512 bytes in all, what is beyond is left out.
    pub txt: BTreeMap<String, String>,
}

/// A service on the local network. Nobody vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it calls itself, without what could mislead; at most 63 bytes.
    pub name: String,
    /// As `_http._tcp`.
    pub kind: String,
    /// As `printer.local`.
    pub host: String,
    /// Never loopback.
    pub address: IpAddr,
    /// Never 0.
    pub port: u16,
    /// Its remarks, keys in small letters; at most 512 bytes in all.
    pub txt: BTreeMap<String, String>,
    /// Whether this node announces it.
    pub own: bool,
    /// Whether it took a connection when last asked; `None` where that cannot be asked.
    pub available: Option<bool>,
}

impl Found {
    /// Whether it has all of these words in name, host, type or TXT, and is of this type, where one is given.
    pub fn has(&self, words: &str, kind: &str) -> bool {
        let txt = self.txt.iter().map(|(key, value)| format!(" {key} {value}")).collect::<String>();
        let text = format!("{} {} {}{txt}", self.name, self.host, self.kind).to_lowercase();
        (kind.is_empty() || self.kind == kind)
            && words.split_whitespace().all(|it| text.contains(&it.to_lowercase()))
    }
}
