//! Who is there and who is not, as far as this member knows; and who is asked whether it is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Liveness;
use super::gate::Id;
use crate::address::HostId;

/// Whoever is called dead is asked so often whether it is: where every twentieth datagram gets lost, one in ten thousand
/// who are there does not answer any of these.
const QUESTIONS: u8 = 4;

/// Members by what is known of them.
#[derive(Default)]
pub(super) struct Company {
    known: BTreeMap<HostId, Known>,
    /// Those who answer, in no order: so that some can be drawn, and all counted, without looking at everybody.
    up: Vec<HostId>,
    doubts: BTreeMap<HostId, Doubt>,
}

struct Known {
    liveness: Liveness,
    id: Id,
    heard: Duration,
    place: usize,
}

/// Somebody said that this one is dead, and it was asked.
struct Doubt {
    questions: u8,
    due: Duration,
}

impl Company {
    pub(super) fn liveness(&self, host: HostId) -> Option<Liveness> {
        self.known.get(&host).map(|it| it.liveness)
    }

    pub(super) fn is_up(&self, host: HostId) -> bool {
        self.liveness(host) == Some(Liveness::Up)
    }

    /// The run in which somebody was known last.
    pub(super) fn id(&self, host: HostId) -> Option<Id> {
        self.known.get(&host).map(|it| it.id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        self.known.values().map(|it| it.id)
    }

    pub(super) fn up(&self) -> &[HostId] {
        &self.up
    }

    /// Somebody came, or came back.
    pub(super) fn rise(&mut self, now: Duration, id: Id) {
        let host = HostId(id.host);
        let place = match self.known.get(&host) {
            Some(known) if known.liveness == Liveness::Up => known.place,
            _ => {
                self.up.push(host);
                self.up.len() - 1
            }
        };
        self.known.insert(host, Known { liveness: Liveness::Up, id, heard: now, place });
    }

    pub(super) fn fall(&mut self, now: Duration, id: Id) {
        let host = HostId(id.host);
        self.leave_up(host);
        self.doubts.remove(&host);
        self.known.insert(host, Known { liveness: Liveness::Down(now), id, heard: now, place: 0 });
    }

    pub(super) fn rename(&mut self, id: Id) {
        if let Some(known) = self.known.get_mut(&HostId(id.host)) {
            known.id = id;
        }
    }

    pub(super) fn forget(&mut self, host: HostId) {
        self.leave_up(host);
        self.doubts.remove(&host);
        self.known.remove(&host);
    }

    fn leave_up(&mut self, host: HostId) {
        let Some(known) = self.known.get(&host).filter(|it| it.liveness == Liveness::Up) else { return };
        let place = known.place;
        self.up.swap_remove(place);
        if let Some(moved) = self.up.get(place).and_then(|it| self.known.get_mut(it)) {
            moved.place = place;
        }
    }

    /// Somebody spoke: it is not dead.
    pub(super) fn hear(&mut self, now: Duration, host: HostId) {
        self.doubts.remove(&host);
        if let Some(known) = self.known.get_mut(&host) {
            known.heard = now;
        }
    }

    /// Whether a claim that somebody is dead deserves that it is asked: not where it spoke within `fresh`.
    pub(super) fn doubt(&mut self, now: Duration, claimed: Id, fresh: Duration) -> bool {
        let host = HostId(claimed.host);
        let Some(known) = self.known.get(&host) else { return false };
        let settled = known.liveness != Liveness::Up || claimed.bump < known.id.bump;
        if settled || now < known.heard + fresh || self.doubts.contains_key(&host) {
            return false;
        }
        self.doubts.insert(host, Doubt { questions: 0, due: now });
        true
    }

    /// When a doubt is to be looked at.
    pub(super) fn due(&self) -> Duration {
        self.doubts.values().map(|it| it.due).min().unwrap_or(Duration::MAX)
    }

    /// Whom to ask now, and who did not answer.
    pub(super) fn look(&mut self, now: Duration, patience: Duration) -> (Vec<HostId>, Vec<Id>) {
        let (mut ask, mut dead) = (Vec::new(), Vec::new());
        for (host, doubt) in self.doubts.iter_mut().filter(|(_, it)| it.due <= now) {
            if doubt.questions < QUESTIONS {
                doubt.questions += 1;
                doubt.due = now + patience;
                ask.push(*host);
            } else if let Some(known) = self.known.get(host) {
                dead.push(known.id);
            }
        }
        for id in &dead {
            self.doubts.remove(&HostId(id.host));
        }
        (ask, dead)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Company;
    use crate::address::HostId;
    use crate::gossip::Liveness;
    use crate::gossip::gate::Id;

    const S: Duration = Duration::from_secs(1);

    fn id(host: u64) -> Id {
        Id { host, bump: 1 }
    }

    #[test]
    fn those_who_are_up_are_counted_right() {
        let mut company = Company::default();
        (0..5).for_each(|it| company.rise(S, id(it)));
        company.rise(S, id(3));
        company.fall(S, id(0));
        company.fall(S, id(0));
        company.forget(HostId(2));
        company.rise(S, id(0));
        company.fall(2 * S, id(4));
        let mut up: Vec<u64> = company.up().iter().map(|it| it.0).collect();
        up.sort_unstable();
        assert_eq!(up, [0, 1, 3]);
        assert_eq!(company.liveness(HostId(4)), Some(Liveness::Down(2 * S)));
        assert_eq!(company.liveness(HostId(2)), None);
    }

    #[test]
    fn nobody_is_dead_by_a_word() {
        let mut company = Company::default();
        company.rise(S, id(1));
        assert!(!company.doubt(S * 2, id(1), S * 3));
        assert!(company.doubt(S * 9, id(1), S * 3));
        assert!(!company.doubt(S * 9, id(1), S * 3));
        assert_eq!(company.look(S * 9, S), (vec![HostId(1)], vec![]));
        assert_eq!(company.due(), S * 10);
        company.hear(S * 9, HostId(1));
        assert_eq!(company.look(S * 20, S), (vec![], vec![]));
        // It does not answer any more.
        assert!(company.doubt(S * 30, id(1), S));
        for after in 30..34 {
            assert_eq!(company.look(S * after, S), (vec![HostId(1)], vec![]));
        }
        assert_eq!(company.look(S * 34, S), (vec![], vec![id(1)]));
        assert_eq!(company.due(), Duration::MAX);
    }
}
