//! How the mesh is, from the list of nodes that tinc 1.0 writes when it is asked (`SIGUSR2`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{TincName, Trouble};

/// So many strangers are named; one is bad enough.
const STRANGERS_LIMIT: usize = 16;
/// tinc's bits of a node's state: it has a key for it, and there is some way to it.
const VALID_KEY: u32 = 1 << 1;
const REACHABLE: u32 = 1 << 4;

/// How the mesh is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether the program runs. If not, nobody is reachable.
    pub running: bool,
    /// Every other member, by name.
    pub peers: Vec<PeerStatus>,
    /// Names of nodes that are in the mesh and no members: somebody lets them in. They reach nobody who has the files
    /// of the members, and are told because that somebody should be known.
    pub strangers: Vec<String>,
}

impl Status {
    /// Whether there is a way to nobody, though there are others.
    pub fn is_alone(&self) -> bool {
        self.running && !self.peers.is_empty() && self.peers.iter().all(|peer| peer.path.is_none())
    }
}

/// How a member is, as seen from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Which one.
    pub name: TincName,
    /// The way to it, where there is any.
    pub path: Option<Path>,
    /// Where it is outside the mesh, as far as known.
    pub address: Option<SocketAddr>,
    /// What went wrong last when it was called, unless a call went well since.
    pub trouble: Option<Trouble>,
}

/// Which way packets to a member take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Straight to it, each packet by itself.
    Direct,
    /// Straight to it, but through one connection: something on the way lets no single packets through.
    DirectTcp,
    /// Through other members.
    Relayed {
        /// The first of them, unless it is no member.
        via: Option<TincName>,
    },
    /// Nothing was sent yet. The first packets will go through others, and those after them perhaps straight.
    Untried {
        /// The first of the others, unless it is no member.
        via: Option<TincName>,
    },
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it is, if tinc knows; of itself and of whoever it has never seen it does not.
    pub address: Option<SocketAddr>,
    /// Whether this is the node that wrote the list.
    pub is_self: bool,
    /// The way to it.
    pub path: Option<Path>,
}

/// The nodes in what tinc wrote; what is no line of the list is passed over.
pub fn parse(text: &str) -> Vec<Node> {
    text.lines().filter_map(node).collect()
}

/// How the mesh is for these members (without oneself), by what tinc and its log say.
pub fn status(
    nodes: Vec<Node>,
    members: &BTreeSet<TincName>,
    mut troubles: BTreeMap<TincName, Trouble>,
) -> Status {
    let mut known: BTreeMap<TincName, Node> = BTreeMap::new();
    let mut strangers = Vec::new();
    for node in nodes {
        match node.name.parse() {
            Ok(name) if members.contains(&name) => drop(known.insert(name, node)),
            _ if node.is_self || node.path.is_none() => {}
            _ if strangers.len() < STRANGERS_LIMIT => strangers.push(node.name),
            _ => {}
        }
    }
    let peer = |name: &TincName| {
        let node = known.remove(name);
        let (path, address) = node.map_or((None, None), |node| (node.path, node.address));
        PeerStatus { name: *name, path, address, trouble: troubles.remove(name) }
    };
    Status { running: true, peers: members.iter().map(peer).collect(), strangers }
}

/// ` NAME at ADDRESS port PORT cipher 0 digest 0 maclength 0 compression 0 options 0 status 0012 nexthop NAME via NAME
/// pmtu 1518 (min 0 max 1518)`; in the place of the address may stand `MYSELF` or `(null)`.
fn node(line: &str) -> Option<Node> {
    let words: Vec<&str> = line.strip_prefix(' ')?.split(' ').collect();
    let ([name, "at", place @ ..], ["cipher", rest @ ..]) =
        words.split_at_checked(words.iter().position(|word| *word == "cipher")?)?
    else {
        return None;
    };
    let [_, "digest", _, "maclength", _, "compression", _, "options", _, rest @ ..] = rest else {
        return None;
    };
    let ["status", status, "nexthop", next, "via", via, "pmtu", _, "(min", least, "max", _] = rest else {
        return None;
    };
    if !is_tinc_name(name) {
        return None;
    }
    let status = u32::from_str_radix(status, 16).ok()?;
    let least: u32 = least.parse().ok()?;
    let (has_key, passes) = (status & VALID_KEY != 0, least > 0);
    let path = if next == name {
        // A neighbour: there is a connection, and it is used where packets do not pass.
        if passes { Path::Direct } else { Path::DirectTcp }
    } else if has_key && passes && via == name {
        Path::Direct
    } else if has_key {
        Path::Relayed { via: next.parse().ok() }
    } else {
        Path::Untried { via: next.parse().ok() }
    };
    let reachable = status & REACHABLE != 0;
    let is_self = matches!(place, ["MYSELF"]);
    Some(Node {
        name: (*name).to_owned(),
        address: address(place),
        is_self,
        path: (reachable && !is_self).then_some(path),
    })
}

fn address(place: &[&str]) -> Option<SocketAddr> {
    let [host, "port", port] = place else { return None };
    let host: IpAddr = host.parse().ok()?;
    Some(SocketAddr::new(host.to_canonical(), port.parse().ok()?))
}

fn is_tinc_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::{Path, parse, status};
    use crate::mesh::TincName;

    /// As tinc 1.0.36 wrote it, with a stranger and a member that was never seen.
    const LIST: &str = "\
\x20evil at 192.0.2.66 port 655 cipher 0 digest 0 maclength 0 compression 0 options 700000c status 0018 nexthop n000000000000000b via evil pmtu 1518 (min 0 max 1518)
 n000000000000000a at MYSELF cipher 0 digest 0 maclength 0 compression 0 options c status 0018 nexthop n000000000000000a via n000000000000000a pmtu 1518 (min 0 max 1518)
 n000000000000000b at 192.0.2.2 port 655 cipher 427 digest 672 maclength 16 compression 0 options 700000c status 001a nexthop n000000000000000b via n000000000000000b pmtu 1459 (min 1459 max 1459)
 n000000000000000c at 2001:db8::3 port 40000 cipher 427 digest 672 maclength 16 compression 0 options 700000c status 001a nexthop n000000000000000b via n000000000000000c pmtu 1518 (min 0 max 1518)
 n000000000000000d at 192.0.2.4 port 655 cipher 427 digest 672 maclength 16 compression 0 options 700000c status 001a nexthop n000000000000000b via n000000000000000d pmtu 1459 (min 1400 max 1459)
 n000000000000000e at 192.0.2.5 port 655 cipher 0 digest 0 maclength 0 compression 0 options 700000c status 0018 nexthop n000000000000000b via n000000000000000e pmtu 1518 (min 0 max 1518)
 n000000000000000f at 192.0.2.6 port 655 cipher 0 digest 0 maclength 0 compression 0 options 700000c status 0018 nexthop n000000000000000f via n000000000000000f pmtu 1518 (min 0 max 1518)
 n0000000000000010 at (null) cipher 0 digest 0 maclength 0 compression 0 options 0 status 0000 nexthop - via - pmtu 1518 (min 0 max 1518)
";

    #[test]
    fn each_member_has_its_way_and_strangers_are_told() {
        let names = |ids: std::ops::RangeInclusive<u64>| ids.map(TincName).collect();
        let status = status(parse(LIST), &names(0xb..=0x11), [].into());
        let via = Some(TincName(0xb));
        let paths: Vec<_> = status.peers.iter().map(|peer| peer.path).collect();
        let expected = [
            Some(Path::Direct),
            Some(Path::Relayed { via }),
            Some(Path::Direct),
            Some(Path::Untried { via }),
            Some(Path::DirectTcp),
            None,
            None,
        ];
        assert_eq!(paths, expected);
        let address = |at: usize| status.peers[at].address.map(|it| it.to_string());
        assert_eq!(address(0).as_deref(), Some("192.0.2.2:655"));
        assert_eq!(address(1).as_deref(), Some("[2001:db8::3]:40000"));
        assert_eq!(address(5), None);
        assert_eq!(status.strangers, ["evil"]);
        // One is enough; and without a community nobody is missed.
        let is_alone = |ids: &[u64]| {
            super::status(parse(LIST), &ids.iter().copied().map(TincName).collect(), [].into()).is_alone()
        };
        assert!(is_alone(&[0x10, 0x11]) && !is_alone(&[0xe, 0x10]) && !is_alone(&[]));
        // Whoever was a member and is none any more is a stranger too.
        let expelled = super::status(parse(LIST), &names(0xc..=0x11), [].into());
        assert_eq!(expelled.strangers, ["evil", "n000000000000000b"]);
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "\\PC*", cut in 0usize..2000) {
            parse(&text);
            let cut = parse(&LIST[..cut.min(LIST.len())]);
            prop_assert!(cut.iter().zip(parse(LIST)).all(|(a, b)| *a == b || a.name == b.name));
        }
    }
}
