//! Who is in the mesh.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Endpoint, MeshKey};

/// The most members besides oneself.
pub const PEERS_LIMIT: usize = 2000;
/// The most ways to call one of them.
pub const ENDPOINTS_LIMIT: usize = 4;

/// What tinc calls a member: `n` and the last 64 bits of its address in hexadecimal. Never what people call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TincName(pub u64);

/// This node's own end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// Its address.
    pub address: Ipv6Addr,
    /// The first address of the community's /64.
    pub prefix: Ipv6Addr,
}

/// Another member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its address, which its name follows from.
    pub address: Ipv6Addr,
    /// By which its program proves that it is this one.
    pub key: MeshKey,
    /// Where it can be called; nothing behind a router that lets nobody in.
    pub endpoints: Vec<Endpoint>,
    /// Whether it was seen in the same home, and so is called before others.
    pub near: bool,
}

impl TincName {
    /// The name of the member with this address.
    pub fn of(address: Ipv6Addr) -> Self {
        let [.., a, b, c, d, e, f, g, h] = address.octets();
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

impl fmt::Display for TincName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{:016x}", self.0)
    }
}

impl FromStr for TincName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let text: String = text.chars().take(32).flat_map(char::escape_default).collect();
            format!("`{text}` is not the name of a member (`n` and 16 digits)")
        };
        let digits = text.strip_prefix('n').filter(|it| it.len() == 16).ok_or_else(wrong)?;
        // from_str_radix would take signs and capitals too.
        if !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        u64::from_str_radix(digits, 16).map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for TincName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TincName> for String {
    fn from(name: TincName) -> Self {
        name.to_string()
    }
}

impl Own {
    /// Its name.
    pub fn name(&self) -> TincName {
        TincName::of(self.address)
    }

    /// Whether this address is in the mesh.
    pub fn is_inside(&self, address: Ipv6Addr) -> bool {
        address.to_bits() >> 64 == self.prefix.to_bits() >> 64
    }
}

impl Peer {
    /// Its name.
    pub fn name(&self) -> TincName {
        TincName::of(self.address)
    }
}

/// Whether these make a mesh; if not, why.
pub fn check(own: &Own, peers: &[Peer]) -> Result<(), String> {
    let Own { address, prefix } = own;
    if prefix.octets()[0] != 0xfd || prefix.to_bits() as u64 != 0 {
        return Err(format!("{prefix}/64 is not the network of a community"));
    }
    if peers.len() > PEERS_LIMIT {
        return Err(format!("{} members are more than {PEERS_LIMIT}", peers.len()));
    }
    let mut seen = BTreeSet::new();
    for address in std::iter::once(address).chain(peers.iter().map(|peer| &peer.address)) {
        if !own.is_inside(*address) || address == prefix {
            return Err(format!("{address} is not an address of a member in {prefix}/64"));
        }
        if !seen.insert(*address) {
            return Err(format!("two members have {address}"));
        }
    }
    match peers.iter().find(|peer| peer.endpoints.len() > ENDPOINTS_LIMIT) {
        Some(peer) => Err(format!("{} has more than {ENDPOINTS_LIMIT} endpoints", peer.name())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Own, TincName, check};
    use crate::mesh::files::tests::{own, peer};

    #[test]
    fn a_name_follows_from_the_address_and_back() {
        let name = TincName::of("fd01:2:3::fe00:0:0:1".parse().unwrap());
        assert_eq!(name.to_string(), "nfe00000000000001");
        assert_eq!(name.to_string().parse(), Ok(name));
        for bad in [
            "",
            "n",
            "nfe0000000000001",
            "nFE00000000000001",
            "n+e00000000000001",
            "../../etc/passwd",
            "mfe00000000000001",
        ] {
            assert!(bad.parse::<TincName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_members_of_one_community_make_a_mesh() {
        assert_eq!(check(&own(1), &[peer(2), peer(3)]), Ok(()));
        assert_eq!(check(&own(1), &[]), Ok(()));
        let at = |text: &str| text.parse().unwrap();
        let foreign = [
            (own(1), vec![peer(2), peer(2)], "two members have fd01:2:3::2"),
            (own(1), vec![peer(1)], "two members have fd01:2:3::1"),
            (own(0), vec![], "fd01:2:3:: is not an address of a member in fd01:2:3::/64"),
            (
                Own { address: at("fe80::1"), prefix: at("fe80::") },
                vec![],
                "fe80::/64 is not the network of a community",
            ),
            (
                Own { prefix: at("fd01:2:3::1"), ..own(1) },
                vec![],
                "fd01:2:3::1/64 is not the network of a community",
            ),
            (own(1), vec![peer(2); 2001], "2001 members are more than 2000"),
        ];
        for (own, peers, why) in foreign {
            assert_eq!(check(&own, &peers).unwrap_err(), why);
        }
        let mut other = peer(2);
        other.address = at("fd01:2:3:1::2");
        assert!(check(&own(1), &[other]).unwrap_err().starts_with("fd01:2:3:1::2 is not"));
        let mut much = peer(2);
        much.endpoints = vec!["h.example 1".parse().unwrap(); 5];
        assert_eq!(check(&own(1), &[much]).unwrap_err(), "n0000000000000002 has more than 4 endpoints");
    }
}
