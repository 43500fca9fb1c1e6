//! The home network: what this node announces there, and what others do.
//!
//! Members in one home also find each other's end of the mesh so. A router that was replaced gives all of them other
//! addresses at once, and none could tell the others over the mesh. Anybody may announce anything, but tinc calls
//! nobody a member who has not its key.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use nuvol_community::object::Endpoint;

use super::View;
use super::mesh::MESH_PORT;
use crate::node::{Action, Moment, Node};

/// As what a member's end of the mesh is announced.
pub(super) const MESH_KIND: &str = "_nuvol-mesh._tcp";
/// Its TXT key: the member's address on the mesh.
const ADDRESS: &str = "address";

/// Where members' ends of the mesh were seen on the home network, by their addresses on the mesh.
pub(super) type Ends = BTreeMap<Ipv6Addr, Endpoint>;

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

/// This node's end of the mesh, for other members in the same home.
pub(super) fn own_end(address: Ipv6Addr) -> Announcement {
    let txt = BTreeMap::from([(ADDRESS.to_owned(), address.to_string())]);
    Announcement { title: "Nuvol mesh".to_owned(), kind: MESH_KIND.to_owned(), port: MESH_PORT, txt }
}

/// Whose end of the mesh it is, and where, by the word of whoever announces it.
fn end(found: &Found) -> Option<(Ipv6Addr, Endpoint)> {
    if found.kind != MESH_KIND || found.own || found.available != Some(true) {
        return None;
    }
    // Without its interface it cannot be called.
    if matches!(found.address, IpAddr::V6(address) if address.is_unicast_link_local()) {
        return None;
    }
    let member = found.txt.get(ADDRESS)?.parse().ok()?;
    Some((member, Endpoint::new(&found.address.to_string(), found.port)?))
}

/// Where members that do not answer were seen, besides what they tell themselves. What helped once stays until they tell
/// it: tinc drops the connection to whoever's endpoints change.
fn missed(view: &View, seen: &Ends, kept: &Ends) -> Ends {
    let end = |it: &super::Member| {
        let seen = seen.get(&it.address).filter(|_| !it.liveness.is_near());
        let end = seen.or(kept.get(&it.address)).filter(|end| !it.endpoints.contains(end))?;
        Some((it.address, end.clone()))
    };
    view.members.iter().filter_map(end).collect()
}

impl Node {
    /// What is on the home network now.
    pub(in crate::node) fn see_near(&mut self, now: Moment, found: Vec<Found>) -> Vec<Action> {
        self.cable.seen = found.iter().filter_map(end).collect();
        // That one is for nodes, not for people.
        let others = found.into_iter().filter(|it| !it.own && it.kind != MESH_KIND);
        self.belonging.near = Arc::new(others.collect());
        self.look_near();
        self.tell_mesh(now)
    }

    /// Has the mesh call those who are missed where they were seen.
    pub(super) fn look_near(&mut self) {
        if let Some(view) = &self.belonging.view {
            self.cable.near = missed(view, &self.cable.seen, &self.cable.near);
        }
    }
}
