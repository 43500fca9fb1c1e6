//! What is new goes to a few members at once, who tell a few others.

use std::time::Duration;

use minicbor::Encoder;

use super::{
    DATAGRAM_LIMIT_BYTES, EXCHANGE_PAUSE, Gossip, Output, Pool, RUMOUR, RUMOURS_MANY, RUMOURS_PER_S,
};
use crate::object::Slot;

/// More rumours than this are left to exchanges.
const RUMOURS_LIMIT: usize = 2048;
/// So many new ones in a datagram's time mean that there are more where they come from.
const NEWS_MANY: u32 = 8;

impl Gossip {
    pub(super) fn tell_on(&mut self, now: Duration, slot: Slot) {
        if self.rumours.len() >= RUMOURS_LIMIT {
            self.exchange_at = self.exchange_at.min(now + EXCHANGE_PAUSE);
        } else if !self.rumours.contains(&slot) {
            self.rumours.push_back(slot);
        }
    }

    /// Sends what is to be told, as fast as it may go.
    pub(super) fn spread<P: Pool>(&mut self, now: Duration, pool: &P, outputs: &mut Vec<Output>) {
        let passed = now.saturating_sub(self.filled);
        self.tokens = (self.tokens + passed.as_secs_f64() * RUMOURS_PER_S).min(RUMOURS_PER_S);
        self.filled = now;
        while !self.rumours.is_empty() && self.tokens >= 1.0 {
            let fanout = fanout(self.members.len(), self.rumours.len());
            let to = self.some_live(fanout);
            if to.is_empty() {
                // Nobody is there; an exchange will tell whoever comes.
                self.rumours.clear();
                return;
            }
            let bytes = self.datagram_of_rumours(pool);
            self.tokens -= to.len() as f64;
            outputs.extend(to.into_iter().map(|to| Output::Send { to, bytes: bytes.clone() }));
        }
    }

    /// As many rumours as one datagram holds.
    fn datagram_of_rumours<P: Pool>(&mut self, pool: &P) -> Vec<u8> {
        let mut objects: Vec<&[u8]> = Vec::new();
        let mut room = DATAGRAM_LIMIT_BYTES;
        while let Some(slot) = self.rumours.front() {
            if let Some((_, bytes)) = pool.get(*slot) {
                if !objects.is_empty() && bytes.len() + 3 > room {
                    break;
                }
                room = room.saturating_sub(bytes.len() + 3);
                objects.push(bytes);
            }
            self.rumours.pop_front();
        }
        rumour(&objects)
    }

    pub(super) fn heard_news(&mut self, now: Duration) {
        let (since, count) = &mut self.news;
        if now.saturating_sub(*since) > Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count == NEWS_MANY {
            self.exchange_soon(now);
        }
    }
}

/// A datagram with these objects, for a member that nobody else would tell.
pub fn rumour(objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![RUMOUR];
    let mut e = Encoder::new(&mut bytes);
    // Writing to memory does not fail.
    e.array(objects.len() as u64).ok();
    for object in objects {
        e.bytes(object).ok();
    }
    bytes
}

/// To how many each rumour goes: whoever hears it once tells it on once, so that e^-fanout of all do not hear it.
fn fanout(members: usize, rumours: usize) -> usize {
    if rumours > RUMOURS_MANY {
        return 3;
    }
    // The natural logarithm, near enough.
    let log = (usize::BITS - members.max(1).leading_zeros()) as usize * 7 / 10;
    log + 4
}
