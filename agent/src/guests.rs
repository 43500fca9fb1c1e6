//! Who is connected: so many in all, and so many from one address, so that nobody can keep all others out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The connections that are open, by where they come from.
#[derive(Debug, Clone)]
pub struct Guests {
    open: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    mesh: Arc<AtomicU64>,
    all: usize,
    each: usize,
}

/// One connection's place. Leaving it makes room for another.
#[must_use]
#[derive(Debug)]
pub struct Place {
    guests: Guests,
    from: IpAddr,
}

impl Guests {
    /// So many at one time in `all`, and so many for `each`.
    pub fn new(all: usize, each: usize) -> Self {
        Self { open: Arc::default(), mesh: Arc::default(), all, each }
    }

    /// The first 64 bits of the community's addresses; nothing where there is no community.
    pub fn set_mesh(&self, prefix: Option<Ipv6Addr>) {
        self.mesh.store(prefix.map_or(0, network), Ordering::Relaxed);
    }

    /// Whether this address is on the mesh. There an address is a member's, and a member has no other.
    pub fn is_on_mesh(&self, address: IpAddr) -> bool {
        let mesh = self.mesh.load(Ordering::Relaxed);
        mesh != 0 && matches!(address.to_canonical(), IpAddr::V6(address) if network(address) == mesh)
    }

    /// Whose address this is, as far as that is known: elsewhere a machine has as many IPv6 addresses as it likes within
    /// its /64, and they count as one.
    pub fn household(&self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V6(v6) if !self.is_on_mesh(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(u128::from(network(v6)) << 64))
            }
            other => other,
        }
    }

    /// A place for a connection from this address, where there is one left.
    pub fn seat(&self, from: IpAddr) -> Option<Place> {
        let from = self.household(from);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= self.all {
            return None;
        }
        let seats = open.entry(from).or_default();
        if *seats >= self.each {
            return None;
        }
        *seats += 1;
        Some(Place { guests: self.clone(), from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.guests.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seats) = open.get_mut(&self.from) {
            *seats -= 1;
            if *seats == 0 {
                open.remove(&self.from);
            }
        }
    }
}

fn network(address: Ipv6Addr) -> u64 {
    u64::try_from(address.to_bits() >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Guests;

    const ALL: usize = 128;
    const EACH: usize = 24;

    #[test]
    fn one_guest_cannot_keep_the_others_out() {
        let guests = Guests::new(ALL, EACH);
        let seat = |address: &str| guests.seat(address.parse().unwrap());
        let greedy: Vec<_> = (1..=EACH).map(|last| seat(&format!("2001:db8::{last:x}")).unwrap()).collect();
        assert!(seat("2001:db8::ffff").is_none());
        assert!(seat("2001:db8:0:1::1").is_some());
        let one = seat("192.0.2.1").unwrap();
        let rest: Vec<_> = (1..EACH).map(|_| seat("::ffff:192.0.2.1").unwrap()).collect();
        assert!(seat("192.0.2.1").is_none());
        drop(one);
        assert!(seat("192.0.2.1").is_some());
        drop((greedy, rest));
        assert!(guests.open.lock().unwrap().is_empty());
    }

    #[test]
    fn the_house_fills_up() {
        let guests = Guests::new(ALL, EACH);
        let all: Vec<_> = (0..ALL).map(|n| guests.seat([10, 0, 0, n as u8].into()).unwrap()).collect();
        assert!(guests.seat([192, 0, 2, 1].into()).is_none());
        drop(all);
        assert!(guests.seat([192, 0, 2, 1].into()).is_some());
    }

    #[test]
    fn each_member_of_the_mesh_counts_alone() {
        let guests = Guests::new(ALL, 1);
        let seat = |address: &str| guests.seat(address.parse().unwrap());
        let one = seat("fd12:3456:789a::1").unwrap();
        assert!(seat("fd12:3456:789a::2").is_none());
        drop(one);
        guests.set_mesh(Some("fd12:3456:789a::".parse().unwrap()));
        let both = (seat("fd12:3456:789a::1").unwrap(), seat("fd12:3456:789a::2").unwrap());
        assert!(seat("fd12:3456:789a::2").is_none());
        assert!(guests.is_on_mesh("fd12:3456:789a::9".parse().unwrap()));
        assert!(!guests.is_on_mesh("fd12:3456:789b::9".parse().unwrap()));
        drop(both);
        guests.set_mesh(None);
        assert!(!guests.is_on_mesh("fd12:3456:789a::9".parse().unwrap()));
    }
}
