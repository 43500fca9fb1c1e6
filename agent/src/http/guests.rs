//! Who is connected: so many in all, and so many from one address, so that nobody can keep all others out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::peer::household;

/// Connections at one time.
const ALL: usize = 128;
/// Connections at one time from one address: a browser opens six to a host.
const EACH: usize = 24;

/// The connections that are open, by where they come from.
#[derive(Debug, Clone, Default)]
pub struct Guests(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One connection's place. Leaving it makes room for another.
#[must_use]
#[derive(Debug)]
pub struct Place {
    guests: Guests,
    from: IpAddr,
}

impl Guests {
    /// A place for a connection from this address, where there is one left.
    pub fn seat(&self, from: IpAddr) -> Option<Place> {
        let from = household(from);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= ALL {
            return None;
        }
        let seats = open.entry(from).or_default();
        if *seats >= EACH {
            return None;
        }
        *seats += 1;
        Some(Place { guests: self.clone(), from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seats) = open.get_mut(&self.from) {
            *seats -= 1;
            if *seats == 0 {
                open.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, EACH, Guests};

    #[test]
    fn one_guest_cannot_keep_the_others_out() {
        let guests = Guests::default();
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
        assert!(guests.0.lock().unwrap().is_empty());
    }

    #[test]
    fn the_house_fills_up() {
        let guests = Guests::default();
        let all: Vec<_> = (0..ALL).map(|n| guests.seat([10, 0, 0, n as u8].into()).unwrap()).collect();
        assert!(guests.seat([192, 0, 2, 1].into()).is_none());
        drop(all);
        assert!(guests.seat([192, 0, 2, 1].into()).is_some());
    }
}
