//! The other end of a connection.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::guests::Guests;

/// Where a request comes from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub from: IpAddr,
    /// The node's address that it has reached.
    pub at: IpAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// Whether it is a member of the community that comes over the mesh.
    pub member: bool,
    /// By what its guesses are counted.
    pub household: IpAddr,
}

impl Peer {
    /// The peer at the end of a connection between these two, told apart from others as `guests` does.
    pub fn new(from: SocketAddr, at: SocketAddr, secure: bool, guests: &Guests) -> Self {
        let (member, household) = (guests.is_on_mesh(from.ip()), guests.household(from.ip()));
        Self { from: from.ip().to_canonical(), at: at.ip().to_canonical(), secure, member, household }
    }

    /// Whether it is on the same network as the node: only such may claim it. An IPv6 network is known by its first
    /// 64 bits, for a home's addresses are global there. The mesh is no home.
    pub fn is_near(&self) -> bool {
        match (self.from, self.at) {
            _ if self.member => false,
            (IpAddr::V4(from), _) => from.is_loopback() || from.is_private() || from.is_link_local(),
            (IpAddr::V6(from), at) => {
                let same = matches!(at, IpAddr::V6(at) if network(at) == network(from));
                from.is_loopback() || from.is_unicast_link_local() || from.is_unique_local() || same
            }
        }
    }
}

fn network(address: Ipv6Addr) -> u128 {
    address.to_bits() >> 64
}

#[cfg(test)]
mod tests {
    use super::Peer;
    use crate::guests::Guests;

    #[test]
    fn near_is_the_home_network() {
        let guests = Guests::new(9, 9);
        guests.set_mesh(Some("fd99::".parse().unwrap()));
        let peer = |from: &str, at: &str| {
            let (from, at) = (format!("{from}:5").parse().unwrap(), format!("{at}:443").parse().unwrap());
            Peer::new(from, at, true, &guests)
        };
        for (from, at, near) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("192.168.1.20", "192.168.1.2", true),
            ("10.0.2.2", "10.0.2.15", true),
            ("172.31.0.1", "172.16.0.1", true),
            ("169.254.3.4", "169.254.1.1", true),
            ("[::1]", "[::1]", true),
            ("[fe80::1]", "[fe80::2]", true),
            ("[fd00::1]", "[fd00::2]", true),
            ("[fd99::1]", "[fd99::2]", false),
            ("[2001:db8:1:2::3]", "[2001:db8:1:2::4]", true),
            ("[::ffff:192.168.1.20]", "[::ffff:192.168.1.2]", true),
            ("172.32.0.1", "172.16.0.1", false),
            ("198.51.100.7", "192.168.1.2", false),
            ("[::ffff:198.51.100.7]", "[::ffff:192.168.1.2]", false),
            ("[2001:db8:1:3::3]", "[2001:db8:1:2::4]", false),
            ("[2001:db8:1:2::3]", "192.168.1.2", false),
        ] {
            assert_eq!(peer(from, at).is_near(), near, "{from} -> {at}");
        }
    }
}
