//! Whether a service answers at all: a connection that is opened and closed again, to the local network only.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer takes no service of the same network.
const LIMIT: Duration = Duration::from_secs(2);

/// Whether an address is one of another machine, or of this one towards others: no loopback, no group of machines,
/// not nothing.
pub(super) fn is_a_machine(address: IpAddr) -> bool {
    let broadcast =
        matches!(address, IpAddr::V4(address) if address.is_broadcast() || address.octets()[0] == 0);
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || broadcast)
}

/// Whether an address belongs to a local network. Nobody may make this node knock anywhere else.
pub(super) fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// Whether something takes connections there; `None` where that cannot be known: no TCP, or not near. `interface`
/// is the index of the network interface, for addresses that mean nothing without.
pub(super) async fn probe(kind: &str, address: IpAddr, port: u16, interface: u32) -> Option<bool> {
    if !kind.ends_with("._tcp") || !is_near(address) {
        return None;
    }
    let target = match address {
        IpAddr::V4(_) => SocketAddr::new(address, port),
        IpAddr::V6(six) => {
            let scope = if six.is_unicast_link_local() { interface } else { 0 };
            SocketAddrV6::new(six, port, 0, scope).into()
        }
    };
    Some(matches!(timeout(LIMIT, TcpStream::connect(target)).await, Ok(Ok(_))))
}

#[cfg(test)]
mod tests {
    use super::{is_a_machine, is_near, probe};

    #[test]
    fn only_the_local_network_is_near() {
        for near in ["10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.3.4", "fd00::1", "fe80::1"] {
            assert!(is_near(near.parse().unwrap()) && is_a_machine(near.parse().unwrap()), "{near}");
        }
        for far in ["127.0.0.1", "::1", "8.8.8.8", "172.32.0.1", "2001:db8::1", "0.0.0.0", "::ffff:10.0.0.1"]
        {
            assert!(!is_near(far.parse().unwrap()), "{far}");
        }
        for none in
            ["127.0.0.1", "::1", "0.0.0.0", "0.1.2.3", "::", "224.0.0.251", "ff02::fb", "255.255.255.255"]
        {
            assert!(!is_a_machine(none.parse().unwrap()), "{none}");
        }
    }

    #[tokio::test]
    async fn nobody_knocks_at_loopback_or_far_away_or_over_udp() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for (kind, address) in
            [("_http._tcp", "127.0.0.1"), ("_http._tcp", "192.0.2.1"), ("_sip._udp", "10.0.0.1")]
        {
            assert_eq!(probe(kind, address.parse().unwrap(), port, 1).await, None, "{kind} {address}");
        }
    }
}
