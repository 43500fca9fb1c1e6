//! Who is there and who is not, as far as this member knows; and who is asked whether it is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Liveness;
use super::gate::{Claim, Id};
use crate::address::HostId;

/// Whoever is called dead is asked so often whether it is: where every twentieth datagram gets lost, one in ten thousand
/// who are there does not answer any of these.
const QUESTIONS: u8 = 4;
/// That somebody answered none of them is remembered for so many pauses between those to whoever may be dead.
const SILENCE: u32 = 8;

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// By whoever is called dead.
    pub(super) dead: Duration,
    /// By whoever may be: all questions together take as long as it has to speak for itself.
    pub(super) suspect: Duration,
}

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
    /// How long it takes to answer.
    latency: Option<Duration>,
    place: usize,
}

/// Somebody said that this one is dead, or may be, and it was asked.
struct Doubt {
    dead: bool,
    questions: u8,
    asked: Duration,
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
        let latency = self.latency(host);
        self.known.insert(host, Known { liveness: Liveness::Up, id, heard: now, latency, place });
    }

    pub(super) fn fall(&mut self, now: Duration, id: Id) {
        let host = HostId(id.host);
        self.leave_up(host);
        self.doubts.remove(&host);
        let known = Known { liveness: Liveness::Down(now), id, heard: now, latency: None, place: 0 };
        self.known.insert(host, known);
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

    /// A member took so long to answer; single answers that were late count for little.
    pub(super) fn measured(&mut self, host: HostId, took: Duration) {
        if let Some(known) = self.known.get_mut(&host) {
            known.latency = Some(known.latency.map_or(took, |before| (before * 3 + took) / 4));
        }
    }

    /// How long a member takes to answer, where that was measured.
    pub(super) fn latency(&self, host: HostId) -> Option<Duration> {
        self.known.get(&host)?.latency
    }

    /// Takes down that somebody is said to be dead, or may be. It is asked, unless it spoke within `fresh`.
    pub(super) fn doubt(&mut self, now: Duration, claim: Claim, fresh: Duration, patience: Patience) {
        let host = HostId(claim.id.host);
        let Some(known) = self.known.get(&host) else { return };
        let settled = known.liveness != Liveness::Up || claim.id.bump < known.id.bump;
        if settled || now < known.heard + fresh {
            return;
        }
        let first = Doubt { dead: claim.dead, questions: 0, asked: now, due: now };
        let doubt = self.doubts.entry(host).or_insert(first);
        if claim.dead && !doubt.dead {
            doubt.dead = true;
            doubt.due = doubt.due.min(doubt.asked + patience.dead);
        }
    }

    /// When a doubt is to be looked at.
    pub(super) fn due(&self) -> Duration {
        self.doubts.values().map(|it| it.due).min().unwrap_or(Duration::MAX)
    }

    /// Whom to ask now, and who is called dead and did not answer.
    pub(super) fn look(&mut self, now: Duration, patience: Patience) -> (Vec<HostId>, Vec<Id>) {
        let (mut ask, mut over) = (Vec::new(), Vec::new());
        for (host, doubt) in self.doubts.iter_mut().filter(|(_, it)| it.due <= now) {
            if doubt.questions == QUESTIONS {
                over.push((*host, doubt.dead));
                continue;
            }
            (doubt.questions, doubt.asked) = (doubt.questions + 1, now);
            doubt.due = now
                + match (doubt.dead, doubt.questions) {
                    (true, _) => patience.dead,
                    (false, QUESTIONS) => patience.suspect * SILENCE,
                    (false, _) => patience.suspect,
                };
            ask.push(*host);
        }
        self.doubts.retain(|host, _| !over.iter().any(|(it, _)| it == host));
        let dead = over.into_iter().filter(|(_, dead)| *dead);
        (ask, dead.filter_map(|(host, _)| self.id(host)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Company, Patience};
    use crate::address::HostId;
    use crate::gossip::Liveness;
    use crate::gossip::gate::{Claim, Id};

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

    const PATIENCE: Patience = Patience { dead: S, suspect: Duration::from_secs(3) };

    fn claim(host: u64, dead: bool) -> Claim {
        Claim { id: id(host), dead }
    }

    #[test]
    fn nobody_is_dead_by_a_word() {
        let mut company = Company::default();
        company.rise(S, id(1));
        company.doubt(S * 2, claim(1, true), S * 3, PATIENCE);
        assert_eq!(company.due(), Duration::MAX);
        company.doubt(S * 9, claim(1, true), S * 3, PATIENCE);
        company.doubt(S * 9, claim(1, true), S * 3, PATIENCE);
        assert_eq!(company.look(S * 9, PATIENCE), (vec![HostId(1)], vec![]));
        assert_eq!(company.due(), S * 10);
        company.hear(S * 9, HostId(1));
        assert_eq!(company.look(S * 20, PATIENCE), (vec![], vec![]));
        // It does not answer any more.
        company.doubt(S * 30, claim(1, true), S, PATIENCE);
        for after in 30..34 {
            assert_eq!(company.look(S * after, PATIENCE), (vec![HostId(1)], vec![]));
        }
        assert_eq!(company.look(S * 34, PATIENCE), (vec![], vec![id(1)]));
        assert_eq!(company.due(), Duration::MAX);
    }

    #[test]
    fn whoever_may_be_dead_is_asked_before_it_is_called_so() {
        let mut company = Company::default();
        company.rise(S, id(1));
        company.doubt(S * 30, claim(1, false), S, PATIENCE);
        for after in [30, 33, 36, 39] {
            assert_eq!(company.look(S * after, PATIENCE), (vec![HostId(1)], vec![]));
        }
        // Nobody called it dead: that is no death.
        assert_eq!(company.look(S * 50, PATIENCE), (vec![], vec![]));
        company.doubt(S * 50, claim(1, true), S, PATIENCE);
        assert_eq!(company.look(S * 50, PATIENCE), (vec![], vec![id(1)]));
        // Its silence is not held against it for ever.
        company.doubt(S * 60, claim(1, false), S, PATIENCE);
        for after in [60, 63, 66, 69, 93] {
            company.look(S * after, PATIENCE);
        }
        company.doubt(S * 100, claim(1, true), S, PATIENCE);
        assert_eq!(company.look(S * 100, PATIENCE), (vec![HostId(1)], vec![]));
    }

    #[test]
    fn one_late_answer_is_no_long_way() {
        let mut company = Company::default();
        company.rise(S, id(1));
        assert_eq!(company.latency(HostId(1)), None);
        company.measured(HostId(1), S);
        company.measured(HostId(1), S * 5);
        company.rise(S * 2, id(1));
        assert_eq!(company.latency(HostId(1)), Some(S * 2));
        company.fall(S * 3, id(1));
        assert_eq!(company.latency(HostId(1)), None);
        company.measured(HostId(2), S);
        assert_eq!(company.latency(HostId(2)), None);
    }
}
