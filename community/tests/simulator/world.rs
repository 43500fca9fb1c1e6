//! A community in virtual time: nodes that run the very engine, and between them a network that delays, loses,
//! reorders, breaks and falls apart. The same seed gives the same run, event by event.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use nuvol_community::CLOCK_EPOCH_S;
use nuvol_community::address::HostId;
use nuvol_community::gossip::{
    DATAGRAM_LIMIT_BYTES, Gossip, Liveness, MESSAGE_LIMIT_BYTES, Output, Pool, Taken, Timing,
};
use nuvol_community::object::Slot;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// A minute of virtual time.
pub const MINUTE: Duration = Duration::from_secs(60);
/// When virtual time begins, by a right clock.
pub const BEGIN_S: u64 = CLOCK_EPOCH_S + 1_000_000;
/// What a stream carries in a second, in bytes: a home's line upwards.
const STREAM_BYTES_PER_S: f64 = 250_000.0;
/// A connection to somebody who is not there is given up after this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Datagrams are longer than this only by what foca or a rumour of one long object adds.
const SLACK_BYTES: usize = 8;

/// What a node shares, and what the world asks of it besides.
pub trait Share: Pool {
    /// Who the members are, where that has changed since this was asked last.
    fn changed(&mut self) -> Option<BTreeSet<HostId>> {
        None
    }
}

/// How a world is.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// How many nodes.
    pub nodes: usize,
    /// How patient they are.
    pub timing: Timing,
    /// The share of datagrams that get lost; half as many streams break.
    pub loss: f64,
    /// Everything by chance follows from it.
    pub seed: u64,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    /// Datagrams.
    pub datagrams: u64,
    /// Their bytes, without what seal, UDP and IP add.
    pub datagram_bytes: u64,
    /// Messages on streams, both ways.
    pub messages: u64,
    /// Their bytes.
    pub message_bytes: u64,
}

/// One node.
pub struct Node<P> {
    /// Its part of gossip.
    pub gossip: Gossip,
    /// What it has.
    pub pool: P,
    /// Whether it is on.
    pub on: bool,
    /// Only those of one side reach each other.
    pub side: u8,
    /// How far its clock is ahead, in seconds.
    pub ahead_s: i64,
    /// What it sent.
    pub sent: Sent,
    /// In which run of its program it is; its next one is the next, unless somebody changes this.
    pub bump: u32,
    wake: Duration,
}

enum Event {
    /// A node's time has come.
    Wake(usize),
    Datagram {
        from: usize,
        to: usize,
        bytes: Vec<u8>,
    },
    Asked {
        from: usize,
        to: usize,
        run: u32,
        message: Vec<u8>,
    },
    Answered {
        from: usize,
        to: usize,
        run: u32,
        answer: Option<Vec<u8>>,
    },
}

struct Entry {
    at: Duration,
    count: u64,
    event: Event,
}

/// The nodes, and the network between them.
pub struct World<P> {
    /// How it is.
    pub setting: Setting,
    /// Those who are there.
    pub nodes: Vec<Node<P>>,
    /// Virtual time.
    pub now: Duration,
    /// Of what happens by chance.
    pub rng: SmallRng,
    /// Of whom no program of ours runs: what is sent to them is gathered here.
    pub caught: Vec<(HostId, Vec<u8>)>,
    hosts: Vec<HostId>,
    indices: BTreeMap<HostId, usize>,
    queue: BinaryHeap<Entry>,
    count: u64,
}

impl<P: Share> World<P> {
    /// Nodes that know of each other by their certificates, and are all off.
    pub fn new(setting: Setting, hosts: Vec<HostId>, mut pool: impl FnMut(usize) -> P) -> Self {
        let node = |(at, host): (usize, &HostId)| Node {
            gossip: Gossip::new(*host, 0, setting.timing, 0, Duration::ZERO),
            pool: pool(at),
            on: false,
            side: 0,
            ahead_s: 0,
            sent: Sent::default(),
            bump: 0,
            wake: Duration::MAX,
        };
        Self {
            setting,
            nodes: hosts.iter().enumerate().map(node).collect(),
            now: Duration::ZERO,
            rng: SmallRng::seed_from_u64(setting.seed),
            caught: Vec::new(),
            indices: hosts.iter().enumerate().map(|(at, host)| (*host, at)).collect(),
            hosts,
            queue: BinaryHeap::new(),
            count: 0,
        }
    }

    /// A node's place in the mesh.
    pub fn host(&self, node: usize) -> HostId {
        self.hosts[node]
    }

    /// Everybody.
    pub fn everybody(&self) -> BTreeSet<HostId> {
        self.hosts.iter().copied().collect()
    }

    /// A node starts, as a new run of its program, and knows by its pool or from `members` who is one.
    pub fn start(&mut self, at: usize, members: BTreeSet<HostId>) {
        let (host, timing, seed, now) = (self.hosts[at], self.setting.timing, self.rng.random(), self.now);
        let node = &mut self.nodes[at];
        node.bump += 1;
        node.on = true;
        node.gossip = Gossip::new(host, node.bump, timing, seed, now);
        let outputs = node.gossip.set_members(now, members);
        self.carry_out(at, outputs);
    }

    /// Everybody starts within this time.
    pub fn start_all(&mut self, within: Duration) {
        let all = self.everybody();
        let mut times: Vec<(Duration, usize)> =
            (0..self.nodes.len()).map(|at| (within.mul_f64(self.rng.random_range(0.0..1.0)), at)).collect();
        times.sort();
        let begun = self.now;
        for (time, at) in times {
            self.pass((begun + time).saturating_sub(self.now));
            self.start(at, all.clone());
        }
    }

    /// A node stops as a machine does that loses its power.
    pub fn stop(&mut self, at: usize) {
        self.nodes[at].on = false;
    }

    /// Unix time by a node's clock.
    pub fn unix_s(&self, at: usize) -> u64 {
        (BEGIN_S + self.now.as_secs()).saturating_add_signed(self.nodes[at].ahead_s)
    }

    /// A node says something new.
    pub fn publish(&mut self, at: usize, objects: impl IntoIterator<Item = Vec<u8>>) {
        let unix_s = self.unix_s(at);
        let node = &mut self.nodes[at];
        let slots: Vec<Slot> = objects
            .into_iter()
            .map(|it| match node.pool.offer(unix_s, &it) {
                Taken::New(label) => label.slot,
                other => panic!("{other:?}"),
            })
            .collect();
        self.announce(at, slots);
    }

    /// A node tells of what its pool has already.
    pub fn announce(&mut self, at: usize, slots: Vec<Slot>) {
        let node = &mut self.nodes[at];
        let outputs = node.gossip.publish(self.now, &node.pool, slots);
        self.carry_out(at, outputs);
    }

    /// Time passes.
    pub fn pass(&mut self, time: Duration) {
        self.run(time, time, |_| false);
    }

    /// Time passes until something is so, which is asked so often; says how long it took.
    pub fn run(
        &mut self,
        time: Duration,
        every: Duration,
        mut until: impl FnMut(&Self) -> bool,
    ) -> Option<Duration> {
        let (begun, end) = (self.now, self.now + time);
        while self.now < end {
            let step = (self.now + every).min(end);
            while self.queue.peek().is_some_and(|it| it.at <= step) {
                let Some(Entry { at, event, .. }) = self.queue.pop() else { break };
                self.now = at;
                self.happen(event);
            }
            self.now = step;
            if until(self) {
                return Some(self.now - begun);
            }
        }
        None
    }

    /// A datagram of whoever runs a program of their own, such as a hostile member.
    pub fn inject(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        let delay = self.delay();
        self.at(delay, Event::Datagram { from, to, bytes });
    }

    /// What they ask on a stream, without waiting for the answer.
    pub fn inject_ask(&mut self, from: usize, to: usize, message: Vec<u8>) {
        let delay = self.delay();
        self.at(delay, Event::Asked { from, to, run: u32::MAX, message });
    }

    /// Nodes that are on.
    pub fn running(&self) -> impl Iterator<Item = (usize, &Node<P>)> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.on)
    }

    /// Whether all who are on know just each other to be.
    pub fn all_know_all(&self) -> bool {
        let running = self.running().count();
        self.running().all(|(_, node)| node.gossip.live_count() + 1 == running)
            && self.running().take(3).all(|(at, node)| {
                let others = self.running().filter(|(other, _)| *other != at);
                others.map(|(other, _)| self.hosts[other]).collect::<BTreeSet<_>>()
                    == node.gossip.live().collect()
            })
    }

    /// How many call a node dead.
    pub fn missed_by(&self, host: HostId) -> usize {
        self.running().filter(|(_, it)| matches!(it.gossip.liveness(host), Some(Liveness::Down(_)))).count()
    }

    /// What all sent since this was asked last.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        self.nodes.iter_mut().map(|node| std::mem::take(&mut node.sent)).collect()
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.queue.push(Entry { at: self.now + after, count: self.count, event });
    }

    /// One way, most of the time 5 to 60 ms.
    fn delay(&mut self) -> Duration {
        let usual = Duration::from_micros(self.rng.random_range(5_000..60_000));
        if self.rng.random_bool(0.005) {
            usual + Duration::from_millis(self.rng.random_range(0..400))
        } else {
            usual
        }
    }

    /// How long a stream takes for so many bytes: each packet that is lost comes a fifth of a second late.
    fn carriage(&mut self, bytes: usize) -> Duration {
        let late = (0..bytes / 1400 + 2).filter(|_| self.rng.random_bool(self.setting.loss)).count();
        let late = Duration::from_millis(200) * u32::try_from(late).unwrap_or(u32::MAX);
        Duration::from_secs_f64(bytes as f64 / STREAM_BYTES_PER_S) + late
    }

    fn carry_out(&mut self, from: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { to, bytes } => {
                    assert!(bytes.len() <= DATAGRAM_LIMIT_BYTES + SLACK_BYTES, "{}", bytes.len());
                    let sent = &mut self.nodes[from].sent;
                    sent.datagrams += 1;
                    sent.datagram_bytes += bytes.len() as u64;
                    let Some(to) = self.indices.get(&to).copied() else {
                        self.caught.push((to, bytes));
                        continue;
                    };
                    if !self.rng.random_bool(self.setting.loss) {
                        let delay = self.delay();
                        self.at(delay, Event::Datagram { from, to, bytes });
                    }
                }
                Output::Ask { with, message } => {
                    let Some(to) = self.indices.get(&with).copied() else { continue };
                    // To connect takes a round trip.
                    let delay = self.delay() + self.delay() + self.delay() + self.carriage(message.len());
                    let run = self.nodes[from].bump;
                    self.count_message(from, &message);
                    self.at(delay, Event::Asked { from, to, run, message });
                }
            }
        }
        self.schedule(from);
    }

    fn count_message(&mut self, by: usize, message: &[u8]) {
        assert!(message.len() <= MESSAGE_LIMIT_BYTES, "{}", message.len());
        let sent = &mut self.nodes[by].sent;
        sent.messages += 1;
        sent.message_bytes += message.len() as u64;
    }

    fn schedule(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        // No sooner than a timer of the system wakes anybody.
        let wake = node.gossip.wake().max(self.now + Duration::from_millis(1));
        if node.on && (node.wake <= self.now || wake < node.wake) {
            node.wake = wake;
            let after = wake - self.now;
            self.at(after, Event::Wake(at));
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Wake(at) => {
                let node = &mut self.nodes[at];
                // Another one was set before it.
                if node.wake != now || !node.on {
                    return;
                }
                node.wake = Duration::MAX;
                let outputs = node.gossip.tick(now, &node.pool);
                self.carry_out(at, outputs);
            }
            Event::Datagram { from, to, bytes } => {
                if self.meet(from, to) {
                    let (unix_s, host) = (self.unix_s(to), self.hosts[from]);
                    let node = &mut self.nodes[to];
                    let outputs = node.gossip.datagram(now, unix_s, &mut node.pool, host, &bytes);
                    self.settle(to, outputs);
                }
            }
            Event::Asked { from, to, run, message } => {
                if !self.meet(from, to) {
                    return self
                        .at(CONNECT_TIMEOUT, Event::Answered { from: to, to: from, run, answer: None });
                }
                if self.rng.random_bool(self.setting.loss / 2.0) {
                    let broken = Duration::from_millis(self.rng.random_range(100..5000));
                    return self.at(broken, Event::Answered { from: to, to: from, run, answer: None });
                }
                let (unix_s, host) = (self.unix_s(to), self.hosts[from]);
                let node = &mut self.nodes[to];
                let (answer, outputs) = node.gossip.asked(now, unix_s, &mut node.pool, host, &message);
                self.settle(to, outputs);
                self.count_message(to, &answer);
                let delay = self.delay() + self.carriage(answer.len());
                self.at(delay, Event::Answered { from: to, to: from, run, answer: Some(answer) });
            }
            Event::Answered { from, to, run, answer } => {
                if !self.nodes[to].on || self.nodes[to].bump != run {
                    return;
                }
                let answer = answer.filter(|_| self.meet(from, to));
                let (unix_s, host) = (self.unix_s(to), self.hosts[from]);
                let node = &mut self.nodes[to];
                let outputs = node.gossip.answered(now, unix_s, &mut node.pool, host, answer.as_deref());
                self.settle(to, outputs);
            }
        }
    }

    fn meet(&self, from: usize, to: usize) -> bool {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        to.on && from.side == to.side
    }

    /// As the agent does: where what came changes who is a member, gossip is told.
    fn settle(&mut self, at: usize, mut outputs: Vec<Output>) {
        let node = &mut self.nodes[at];
        if let Some(members) = node.pool.changed() {
            outputs.extend(node.gossip.set_members(self.now, members));
        }
        self.carry_out(at, outputs);
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The heap has the greatest first: that is the one that happens first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.count).cmp(&(self.at, self.count))
    }
}

/// Sums over nodes.
pub fn total(sent: &[Sent]) -> Sent {
    sent.iter().fold(Sent::default(), |sum, it| Sent {
        datagrams: sum.datagrams + it.datagrams,
        datagram_bytes: sum.datagram_bytes + it.datagram_bytes,
        messages: sum.messages + it.messages,
        message_bytes: sum.message_bytes + it.message_bytes,
    })
}

/// Places of nodes whose keys do not matter.
pub fn numbered(nodes: usize) -> Vec<HostId> {
    // As far apart as hashes are: what is sent of them is as long as it would be.
    (0..nodes).map(|at| HostId((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
}

/// What is in a map of times, as text.
pub fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "never".to_owned(), |it| format!("{:.1}", it.as_secs_f64()))
}

/// By node, what it has: for comparing whole worlds.
pub fn fingerprints<P: Pool>(nodes: &[Node<P>]) -> BTreeMap<Vec<(Slot, u64, [u8; 8])>, usize> {
    let mut kinds = BTreeMap::new();
    for node in nodes.iter().filter(|it| it.on) {
        let mut all: Vec<_> = node.pool.labels().map(|it| (it.slot, it.version, it.check)).collect();
        all.sort();
        *kinds.entry(all).or_default() += 1;
    }
    kinds
}
