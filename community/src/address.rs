//! Where a node is on the mesh: an address that follows from keys, so that nobody hands it out and none collide.

use std::fmt;
use std::net::Ipv6Addr;

use crate::identity::{NodeId, first, hash};

/// Which community: it follows from the founder's key and a salt, so nobody else can found the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommunityId(pub [u8; 16]);

/// A member's place within the mesh: the last 64 bits of its address, the hash of its key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u64);

impl CommunityId {
    /// The community that this node founds with this salt.
    pub fn new(founder: &NodeId, salt: &[u8; 16]) -> Self {
        Self(first(hash("nuvol-community-1", &[&founder.0, salt])))
    }

    /// The first address of the community's /64: `fd` and 40 bits of the community (RFC 4193), subnet 0.
    pub fn prefix(&self) -> Ipv6Addr {
        let [a, b, c, d, e, ..] = self.0;
        let group = |high, low| u16::from_be_bytes([high, low]);
        Ipv6Addr::new(group(0xfd, a), group(b, c), group(d, e), 0, 0, 0, 0, 0)
    }

    /// The address of one of its members.
    pub fn address(&self, host: HostId) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.prefix().to_bits() | u128::from(host.0))
    }

    /// Whose address this is; nothing where it is not in this community's mesh.
    pub fn host(&self, address: Ipv6Addr) -> Option<HostId> {
        let bits = address.to_bits();
        let host = HostId(u64::try_from(bits & u128::from(u64::MAX)).ok()?);
        (self.address(host) == address).then_some(host)
    }
}

impl From<&NodeId> for HostId {
    fn from(id: &NodeId) -> Self {
        Self(u64::from_be_bytes(first(hash("nuvol-host-1", &[&id.0]))))
    }
}

impl fmt::Display for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{CommunityId, HostId};
    use crate::identity::NodeKey;

    #[test]
    fn an_address_names_community_and_member() {
        let founder = NodeKey::from_bytes(&[1; 32]).id();
        let here = CommunityId::new(&founder, &[2; 16]);
        let elsewhere = CommunityId::new(&founder, &[3; 16]);
        let host = HostId::from(&founder);
        let address = here.address(host);
        assert_eq!(address.octets()[0], 0xfd);
        assert_eq!(here.host(address), Some(host));
        assert_eq!(elsewhere.host(address), None);
        assert_eq!(here.host(std::net::Ipv6Addr::LOCALHOST), None);
        assert_ne!(HostId::from(&NodeKey::from_bytes(&[2; 32]).id()), host);
    }
}
