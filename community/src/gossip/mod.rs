//! How members hear of each other, and how what they sign reaches everybody.
//!
//! Three things go on, all of them between members only:
//!
//! - *Membership* ([`swim`]): each member asks another one now and then whether it is there, and tells what it heard.
//! - *Rumours*: what is new goes to a few members at once, who tell a few others.
//! - *Exchange* ([`exchange`]): every half minute, and whenever it may be needed, two members compare all that they have.
//!   Without it joining takes twenty times as long, and under loss some never hear some things (measured with foca 2.0).
//!
//! Messages here carry no signature: [`crate::seal`] is around each of them. Time is counted from any fixed moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use minicbor::Decoder;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

mod company;
mod exchange;
mod gate;
mod pool;
mod rumours;
mod swim;

pub use exchange::{MESSAGE_LIMIT_BYTES, Step};
pub use pool::{Pool, Taken};
pub use rumours::rumour;
pub use swim::{Liveness, Timing};

use crate::address::HostId;
use crate::object::Slot;
use swim::Swim;

/// The port of gossip, on the mesh: datagrams and streams.
pub const PORT: u16 = 6551;
/// No datagram is longer, before it is sealed: it has to fit the mesh's packets.
pub const DATAGRAM_LIMIT_BYTES: usize = 1200;

/// Two members compare all they have so often.
const EXCHANGE_EVERY: Duration = Duration::from_secs(30);
/// Soonest after another exchange of one's own.
const EXCHANGE_PAUSE: Duration = Duration::from_secs(1);
/// An exchange that nobody answered is over.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(20);
/// Rumours, in datagrams a second, and at once.
const RUMOURS_PER_S: f64 = 256.0;
/// With more than these to tell, each is told to fewer.
const RUMOURS_MANY: usize = 16;

const SWIM: u8 = 1;
const RUMOUR: u8 = 2;
/// Are you there? Nothing follows.
const QUESTION: u8 = 3;
/// I am; the bump follows.
const ANSWER: u8 = 4;

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A datagram.
    Send {
        /// To whom.
        to: HostId,
        /// What.
        bytes: Vec<u8>,
    },
    /// A request on a stream; its answer, or that there was none, is for [`Gossip::answered`].
    Ask {
        /// Whom.
        with: HostId,
        /// What.
        message: Vec<u8>,
    },
}

/// How much a member's part remembers, each counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Members heard of.
    pub known: usize,
    /// Timers that are set.
    pub timers: usize,
    /// Who came and went, as far as others are still to be told.
    pub changes: usize,
    /// Objects that are still to be told.
    pub rumours: usize,
}

/// One member's part in it.
pub struct Gossip {
    me: HostId,
    swim: Swim,
    members: BTreeSet<HostId>,
    rng: SmallRng,
    rumours: VecDeque<Slot>,
    tokens: f64,
    filled: Duration,
    exchange_at: Duration,
    exchanging: Option<(HostId, Duration)>,
    exchanged: Duration,
    news: (Duration, u32),
    alone: bool,
}

impl Gossip {
    /// For a member. `bump` grows with each start of its program; `seed` is drawn by the caller.
    pub fn new(me: HostId, bump: u32, timing: Timing, seed: u64, now: Duration) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let swim = Swim::new(me, bump, timing, rng.random());
        Self {
            me,
            swim,
            members: BTreeSet::new(),
            rng,
            rumours: VecDeque::new(),
            tokens: RUMOURS_PER_S,
            filled: now,
            exchange_at: now,
            exchanging: None,
            exchanged: now,
            news: (now, 0),
            alone: true,
        }
    }

    /// Those who hold a certificate now: nobody else is spoken to, or heard.
    pub fn set_members(&mut self, now: Duration, members: BTreeSet<HostId>) -> Vec<Output> {
        self.members = members;
        self.members.remove(&self.me);
        let mut outputs = Vec::new();
        self.swim.set_members(now, &self.members, &mut outputs);
        outputs
    }

    /// Whether a member answers; nothing where it was never heard.
    pub fn liveness(&self, host: HostId) -> Option<Liveness> {
        self.swim.liveness(host)
    }

    /// How long a member takes to answer over the mesh, there and back; nothing before that was measured. Each member is
    /// asked in turn, so it may be minutes old.
    pub fn latency(&self, host: HostId) -> Option<Duration> {
        self.swim.latency(host)
    }

    /// Members that answer, in no order.
    pub fn live(&self) -> impl Iterator<Item = HostId> + '_ {
        self.swim.live().iter().copied()
    }

    /// How many they are.
    pub fn live_count(&self) -> usize {
        self.swim.live().len()
    }

    /// What it remembers besides its members: none of it may grow without end, whoever speaks.
    pub fn load(&self) -> Load {
        let (known, timers, changes) = self.swim.load();
        Load { known, timers, changes, rumours: self.rumours.len() }
    }

    /// This member has something new to tell.
    pub fn publish<P: Pool>(
        &mut self,
        now: Duration,
        pool: &P,
        slots: impl IntoIterator<Item = Slot>,
    ) -> Vec<Output> {
        for slot in slots {
            self.tell_on(now, slot);
        }
        let mut outputs = Vec::new();
        self.spread(now, pool, &mut outputs);
        outputs
    }

    /// A datagram from a member came. What makes no sense counts for nothing.
    pub fn datagram<P: Pool>(
        &mut self,
        now: Duration,
        unix_s: u64,
        pool: &mut P,
        from: HostId,
        bytes: &[u8],
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        if !self.members.contains(&from) {
            return outputs;
        }
        self.swim.hear(now, from);
        match bytes.split_first() {
            Some((&QUESTION, [])) => outputs.push(self.swim.answer(from)),
            Some((&ANSWER, rest)) => self.swim.answered(now, from, rest, &mut outputs),
            Some((&SWIM, rest)) => self.swim.datagram(now, from, rest, &mut outputs),
            Some((&RUMOUR, rest)) => {
                // The first that makes no sense ends it.
                let mut d = Decoder::new(rest);
                let count = d.array().ok().flatten().unwrap_or_default();
                for _ in 0..count {
                    let Ok(object) = d.bytes() else { break };
                    if let Taken::New(label) = pool.offer(unix_s, object) {
                        self.heard_news(now);
                        self.tell_on(now, label.slot);
                    }
                }
                self.spread(now, pool, &mut outputs);
            }
            _ => {}
        }
        self.see_company(now);
        outputs
    }

    /// Some time has passed.
    pub fn tick<P: Pool>(&mut self, now: Duration, pool: &P) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.swim.tick(now, &self.members, &mut outputs);
        self.see_company(now);
        self.spread(now, pool, &mut outputs);
        if self.exchanging.is_some_and(|(_, since)| now.saturating_sub(since) >= EXCHANGE_TIMEOUT) {
            self.exchanging = None;
        }
        if self.exchanging.is_none() && now >= self.exchange_at {
            self.begin_exchange(now, pool, &mut outputs);
        }
        outputs
    }

    /// When [`Gossip::tick`] is needed next.
    pub fn wake(&self) -> Duration {
        let spread =
            if self.rumours.is_empty() { Duration::MAX } else { self.filled + Duration::from_millis(50) };
        let exchange = self.exchanging.map_or(self.exchange_at, |(_, since)| since + EXCHANGE_TIMEOUT);
        self.swim.wake().min(exchange).min(spread)
    }

    /// The way to others has just opened: whoever is alone calls them now.
    pub fn begin(&mut self, now: Duration) {
        self.swim.begin(now);
    }

    /// A member asks on a stream; this is the answer.
    pub fn asked<P: Pool>(
        &mut self,
        now: Duration,
        unix_s: u64,
        pool: &mut P,
        from: HostId,
        message: &[u8],
    ) -> (Vec<u8>, Vec<Output>) {
        let mut outputs = Vec::new();
        if !self.members.contains(&from) {
            return (Vec::new(), outputs);
        }
        let hosts = self.swim.hosts();
        let (answer, taken) = exchange::answer(unix_s, pool, &hosts, self.rng.random(), message);
        self.take(now, taken, &mut outputs);
        (answer, outputs)
    }

    /// The answer of a member to what was asked of it came, or nothing did.
    pub fn answered<P: Pool>(
        &mut self,
        now: Duration,
        unix_s: u64,
        pool: &mut P,
        with: HostId,
        answer: Option<&[u8]>,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        if self.exchanging.is_none_or(|(host, _)| host != with) {
            return outputs;
        }
        let Some(answer) = answer else {
            self.exchanging = None;
            // Somebody else, soon.
            self.exchange_at = now + EXCHANGE_PAUSE * 3;
            return outputs;
        };
        let (step, taken) = exchange::go_on(unix_s, pool, &self.swim.hosts(), self.rng.random(), answer);
        let learned = !taken.new.is_empty();
        self.take(now, taken, &mut outputs);
        match step {
            Step::Ask(message) => {
                self.exchanging = Some((with, now));
                outputs.push(Output::Ask { with, message });
            }
            Step::Again => {
                self.exchanging = Some((with, now));
                outputs.push(Output::Ask { with, message: exchange::begin(pool, &self.swim.hosts()) });
            }
            Step::Over => {
                self.exchanging = None;
                if learned {
                    // Where so much passed one by, somebody else may have more of it.
                    self.exchange_soon(now);
                }
            }
        }
        outputs
    }

    /// What came with an exchange: who is there, and what is new. That is told on too, for it may be new to many.
    fn take(&mut self, now: Duration, taken: exchange::Gain, outputs: &mut Vec<Output>) {
        let known: Vec<_> = taken.hosts.into_iter().filter(|(host, _)| self.members.contains(host)).collect();
        self.swim.hear_of(now, known, outputs);
        // A node that has just joined hears all of it, and need not tell it on.
        if taken.new.len() <= RUMOURS_MANY {
            taken.new.into_iter().for_each(|slot| self.tell_on(now, slot));
        }
    }

    fn exchange_soon(&mut self, now: Duration) {
        let soon = Duration::from_millis(self.rng.random_range(1000..3000));
        self.exchange_at = self.exchange_at.min(now + soon);
    }

    /// Whoever was alone and is not any more, or hears somebody again who was away, has something to catch up on.
    fn see_company(&mut self, now: Duration) {
        let alone = self.swim.live().is_empty();
        if self.swim.take_returned() || (self.alone && !alone) {
            let soon = if self.alone { 0 } else { self.rng.random_range(0..2000) };
            let soonest = self.exchanged + EXCHANGE_PAUSE;
            self.exchange_at = self.exchange_at.min(soonest.max(now + Duration::from_millis(soon)));
        }
        self.alone = alone;
    }

    fn begin_exchange<P: Pool>(&mut self, now: Duration, pool: &P, outputs: &mut Vec<Output>) {
        let pause = EXCHANGE_EVERY.mul_f64(self.rng.random_range(0.75..1.25));
        self.exchange_at = now + pause;
        let Some(with) = self.some_live(1).pop() else { return };
        (self.exchanging, self.exchanged) = (Some((with, now)), now);
        outputs.push(Output::Ask { with, message: exchange::begin(pool, &self.swim.hosts()) });
    }

    /// Some members that answer, by lot.
    fn some_live(&mut self, count: usize) -> Vec<HostId> {
        let live = self.swim.live();
        // Few of many: whoever is drawn twice is drawn again. Many of few: by looking at each.
        if count * 4 > live.len() {
            let mut live = live.to_vec();
            let count = count.min(live.len());
            for at in 0..count {
                let other = self.rng.random_range(at..live.len());
                live.swap(at, other);
            }
            live.truncate(count);
            return live;
        }
        let mut some = Vec::with_capacity(count);
        while some.len() < count {
            let host = live[self.rng.random_range(0..live.len())];
            if !some.contains(&host) {
                some.push(host);
            }
        }
        some
    }
}

/// The hosts of a member's liveness, with their bumps.
pub(crate) type Hosts = BTreeMap<HostId, u32>;
