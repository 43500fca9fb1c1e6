//! The other end of a connection.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Where a request comes from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub from: IpAddr,
    /// The node's address that it has reached.
    pub at: IpAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

impl Peer {
    /// The peer at the end of a connection between these two.
    pub fn new(from: SocketAddr, at: SocketAddr, secure: bool) -> Self {
        Self { from: from.ip().to_canonical(), at: at.ip().to_canonical(), secure }
    }

    /// Whether it is on the same network as the node: only such may claim it. An IPv6 network is known by its first
    /// 64 bits, for a home's addresses are global there.
    pub fn is_near(&self) -> bool {
        match (self.from, self.at) {
            (IpAddr::V4(from), _) => from.is_loopback() || from.is_private() || from.is_link_local(),
            (IpAddr::V6(from), at) => {
                let same = matches!(at, IpAddr::V6(at) if network(at) == network(from));
                from.is_loopback() || from.is_unicast_link_local() || from.is_unique_local() || same
            }
        }
    }

    /// By what its guesses are counted: a machine has as many addresses as it likes within its network.
    pub fn household(&self) -> IpAddr {
        household(self.from)
    }
}

/// One machine has as many IPv6 addresses as it likes within its /64: they count as one.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(network(address) << 64)),
        v4 => v4,
    }
}

fn network(address: Ipv6Addr) -> u128 {
    address.to_bits() >> 64
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn near_is_the_home_network() {
        let peer = |from: &str, at: &str| {
            Peer::new(format!("{from}:5").parse().unwrap(), format!("{at}:443").parse().unwrap(), true)
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
