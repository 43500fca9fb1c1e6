//! A community in virtual time: every node is the real engine, and only the network between them is pretended.
//!
//! Datagrams take 5 to 60 ms, overtake each other and get lost. Streams have to be opened, take time for each byte and
//! for each segment that was lost, and some break, before the other has heard or after. Nobody's clock is right.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::gossip::{
    DATAGRAM_LIMIT_BYTES, Gossip, Liveness, MESSAGE_LIMIT_BYTES, Output, Pool, Taken, Timing,
};
use nuvol_community::identity::hash;
use nuvol_community::object::Slot;
use nuvol_community::seal::OVERHEAD_BYTES;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// The true time when a world begins.
pub const BEGIN_UNIX_S: u64 = 1_790_000_000;
/// IPv6 and UDP.
const UDP_BYTES: usize = 48;
/// IPv6 and TCP, for each segment.
const TCP_BYTES: usize = 60;
const SEGMENT_BYTES: usize = 1300;
/// The agent sleeps no shorter.
const NAP: Duration = Duration::from_millis(10);
/// How long nobody answers until a stream is given up.
const UNREACHABLE: Duration = Duration::from_secs(5);
/// TCP waits so long for what was lost.
const RESENT: Duration = Duration::from_millis(200);

/// What nodes keep, and whether it changed who is a member.
pub trait Stock: Pool {
    /// The members, where they are others than before.
    fn changed_members(&mut self) -> Option<BTreeSet<HostId>>;
}

/// How the network is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// The share of datagrams, and of segments of streams, that get lost.
    pub loss: f64,
    /// The share of streams that break.
    pub broken: f64,
    /// What a stream carries.
    pub stream_bytes_per_s: f64,
}

impl Weather {
    /// Of an ordinary mesh, with this loss: a slow home's upload, and one stream in fifty breaks.
    pub fn with_loss(loss: f64) -> Self {
        Self { loss, broken: 0.02, stream_bytes_per_s: 125_000.0 }
    }
}

/// What a node has sent, with all headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traffic {
    pub datagrams: u64,
    pub datagram_bytes: u64,
    pub streams: u64,
    pub stream_bytes: u64,
}

pub struct Node<P> {
    pub gossip: Gossip,
    pub pool: P,
    pub host: HostId,
    pub alive: bool,
    /// Those of different sides do not reach each other.
    pub side: u8,
    /// How wrong its clock is, in seconds.
    pub skew_s: i64,
    pub traffic: Traffic,
    wakes: Duration,
}

enum Event {
    Wake(usize),
    Datagram { from: usize, to: usize, bytes: Vec<u8> },
    Asked { from: usize, to: usize, message: Vec<u8>, deaf: bool },
    Answered { by: usize, to: usize, answer: Option<Vec<u8>> },
}

struct Due {
    at: Duration,
    number: u64,
    event: Event,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

pub struct World<P> {
    pub nodes: Vec<Node<P>>,
    pub now: Duration,
    pub rng: SmallRng,
    weather: Weather,
    timing: Timing,
    hosts: BTreeMap<HostId, usize>,
    due: BinaryHeap<Reverse<Due>>,
    count: u64,
}

/// The host of the node with this number: like those of keys, in no order.
pub fn host(node: usize) -> HostId {
    HostId(u64::from_be_bytes(
        *hash("host", &[&node.to_be_bytes()]).first_chunk().expect("eight of 32 bytes"),
    ))
}

impl<P: Stock> World<P> {
    pub fn new(weather: Weather, timing: Timing, seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            now: Duration::ZERO,
            rng: SmallRng::seed_from_u64(seed),
            weather,
            timing,
            hosts: BTreeMap::new(),
            due: BinaryHeap::new(),
            count: 0,
        }
    }

    /// A node that is not on yet.
    pub fn add(&mut self, host: HostId, pool: P, skew_s: i64) -> usize {
        let gossip = Gossip::new(host, 0, self.timing, 0, self.now);
        let node = Node {
            gossip,
            pool,
            host,
            alive: false,
            side: 0,
            skew_s,
            traffic: Traffic::default(),
            wakes: Duration::MAX,
        };
        self.hosts.insert(host, self.nodes.len());
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Unix time as a node believes it is.
    pub fn unix_s(&self, node: usize) -> u64 {
        (BEGIN_UNIX_S + self.now.as_secs()).saturating_add_signed(self.nodes[node].skew_s)
    }

    /// Switches a node on: it has what it kept, and forgot who answers.
    pub fn start(&mut self, node: usize, members: &BTreeSet<HostId>) {
        let bump = u32::try_from(self.unix_s(node)).expect("before 2106");
        let seed = self.rng.random();
        let it = &mut self.nodes[node];
        it.gossip = Gossip::new(it.host, bump, self.timing, seed, self.now);
        it.alive = true;
        self.set_members(node, members);
    }

    pub fn stop(&mut self, node: usize) {
        self.nodes[node].alive = false;
        self.nodes[node].wakes = Duration::MAX;
    }

    pub fn set_members(&mut self, node: usize, members: &BTreeSet<HostId>) {
        let outputs = self.nodes[node].gossip.set_members(self.now, members.clone());
        self.carry_out(node, outputs);
    }

    /// A node has something new to say.
    pub fn publish(&mut self, node: usize, objects: impl IntoIterator<Item = Vec<u8>>) {
        let unix_s = self.unix_s(node);
        let it = &mut self.nodes[node];
        let offer = |object: Vec<u8>| match it.pool.offer(unix_s, &object) {
            Taken::New(label) => label.slot,
            other => panic!("{other:?}"),
        };
        let slots: Vec<Slot> = objects.into_iter().map(offer).collect();
        self.tell(node, slots);
    }

    /// A node tells what it has already.
    pub fn tell(&mut self, node: usize, slots: Vec<Slot>) {
        let it = &mut self.nodes[node];
        let outputs = it.gossip.publish(self.now, &it.pool, slots);
        self.carry_out(node, outputs);
    }

    /// Lets time pass, until something is so, which is looked at so often. Says how long it took.
    pub fn until(
        &mut self,
        time: Duration,
        every: Duration,
        mut is: impl FnMut(&Self) -> bool,
    ) -> Option<Duration> {
        let (begun, end) = (self.now, self.now + time);
        while self.now < end {
            let step = (self.now + every).min(end);
            while self.due.peek().is_some_and(|Reverse(it)| it.at <= step) {
                let Some(Reverse(it)) = self.due.pop() else { break };
                self.now = it.at;
                self.happen(it.event);
            }
            self.now = step;
            if is(self) {
                return Some(self.now - begun);
            }
        }
        None
    }

    pub fn pass(&mut self, time: Duration) {
        self.until(time, time, |_| false);
    }

    /// Nodes that are on.
    pub fn living(&self) -> impl Iterator<Item = &Node<P>> {
        self.nodes.iter().filter(|it| it.alive)
    }

    /// Whether each node that is on says exactly of all others that are on that they answer.
    pub fn all_know_all(&self) -> bool {
        let living: BTreeSet<HostId> = self.living().map(|it| it.host).collect();
        // The count first: it costs less.
        self.living().all(|it| it.gossip.live().count() + 1 == living.len())
            && self.living().all(|it| it.gossip.live().all(|host| living.contains(&host)))
    }

    /// How many of those that are on say that a node does not answer.
    pub fn missing(&self, node: usize) -> usize {
        let host = self.nodes[node].host;
        self.living().filter(|it| matches!(it.gossip.liveness(host), Some(Liveness::Down(_)))).count()
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.due.push(Reverse(Due { at: self.now + after, number: self.count, event }));
    }

    fn delay(&mut self) -> Duration {
        Duration::from_micros(self.rng.random_range(5_000..60_000))
    }

    fn lost(&mut self, share: f64) -> bool {
        share > 0.0 && self.rng.random_bool(share)
    }

    fn carry_out(&mut self, from: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { to, bytes } => self.send(from, to, bytes),
                Output::Ask { with, message } => self.ask(from, with, message),
            }
        }
        self.settle(from);
    }

    /// When it wants to be woken, and whom it talks with, may be different now.
    fn settle(&mut self, node: usize) {
        if let Some(members) = self.nodes[node].pool.changed_members() {
            self.set_members(node, &members);
        }
        let it = &mut self.nodes[node];
        let wake = it.gossip.wake().max(self.now + NAP);
        if it.alive && wake < it.wakes {
            it.wakes = wake;
            let after = wake - self.now;
            self.at(after, Event::Wake(node));
        }
    }

    fn send(&mut self, from: usize, to: HostId, bytes: Vec<u8>) {
        assert!(bytes.len() <= DATAGRAM_LIMIT_BYTES + 8, "a datagram of {} bytes", bytes.len());
        let traffic = &mut self.nodes[from].traffic;
        traffic.datagrams += 1;
        traffic.datagram_bytes += (bytes.len() + OVERHEAD_BYTES + UDP_BYTES) as u64;
        let (lost, delay) = (self.lost(self.weather.loss), self.delay());
        if let Some(to) = self.hosts.get(&to).copied().filter(|_| !lost) {
            self.at(delay, Event::Datagram { from, to, bytes });
        }
    }

    fn ask(&mut self, from: usize, with: HostId, message: Vec<u8>) {
        let to = self.hosts[&with];
        self.nodes[from].traffic.streams += 1;
        if !self.meet(from, to) {
            return self.at(UNREACHABLE, Event::Answered { by: to, to: from, answer: None });
        }
        // Three ways until the first byte is there.
        let after = self.delay() + self.delay() + self.carry(from, message.len());
        let broken = self.lost(self.weather.broken);
        if broken && self.rng.random_bool(0.5) {
            return self.at(after, Event::Answered { by: to, to: from, answer: None });
        }
        self.at(after, Event::Asked { from, to, message, deaf: broken });
    }

    /// How long these bytes take on a stream.
    fn carry(&mut self, from: usize, bytes: usize) -> Duration {
        assert!(bytes <= MESSAGE_LIMIT_BYTES, "a message of {bytes} bytes");
        let segments = (bytes + OVERHEAD_BYTES).div_ceil(SEGMENT_BYTES);
        // Each is acknowledged; opening and closing take seven more.
        self.nodes[from].traffic.stream_bytes +=
            (bytes + OVERHEAD_BYTES + TCP_BYTES * (2 * segments + 7)) as u64;
        let resent = (0..segments)
            .filter(|_| self.weather.loss > 0.0 && self.rng.random_bool(self.weather.loss))
            .count();
        let sent = Duration::from_secs_f64(bytes as f64 / self.weather.stream_bytes_per_s);
        self.delay() + sent + RESENT * u32::try_from(resent).expect("few")
    }

    fn meet(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.nodes[one], &self.nodes[other]);
        one.alive && other.alive && one.side == other.side
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Wake(node) => {
                let it = &mut self.nodes[node];
                if it.alive && it.wakes == now {
                    it.wakes = Duration::MAX;
                    let outputs = it.gossip.tick(now, &it.pool);
                    self.carry_out(node, outputs);
                }
            }
            Event::Datagram { from, to, bytes } if self.meet(from, to) => {
                let (unix_s, sender) = (self.unix_s(to), self.nodes[from].host);
                let it = &mut self.nodes[to];
                let outputs = it.gossip.datagram(now, unix_s, &mut it.pool, sender, &bytes);
                self.carry_out(to, outputs);
            }
            Event::Datagram { .. } => {}
            Event::Asked { from, to, message, deaf } if self.meet(from, to) => {
                let (unix_s, sender) = (self.unix_s(to), self.nodes[from].host);
                let it = &mut self.nodes[to];
                let (answer, outputs) = it.gossip.asked(now, unix_s, &mut it.pool, sender, &message);
                self.carry_out(to, outputs);
                let after = self.carry(to, answer.len());
                self.at(after, Event::Answered { by: to, to: from, answer: Some(answer).filter(|_| !deaf) });
            }
            Event::Asked { from, to, .. } => {
                self.at(UNREACHABLE, Event::Answered { by: to, to: from, answer: None })
            }
            Event::Answered { by, to, answer } if self.nodes[to].alive => {
                let answer = answer.filter(|_| self.meet(by, to));
                let (unix_s, sender) = (self.unix_s(to), self.nodes[by].host);
                let it = &mut self.nodes[to];
                let outputs = it.gossip.answered(now, unix_s, &mut it.pool, sender, answer.as_deref());
                self.carry_out(to, outputs);
            }
            Event::Answered { .. } => {}
        }
    }
}
