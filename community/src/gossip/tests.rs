use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::{Gossip, Liveness, Output, Pool, Taken, Timing};
use crate::address::HostId;
use crate::identity::hash;
use crate::object::{Label, Slot};

/// Objects of sixteen bytes of slot, eight of version, and whatever else: no signatures, which are tried elsewhere.
#[derive(Default, Clone)]
struct Heap(BTreeMap<Slot, (Label, Vec<u8>)>);

fn object(slot: u16, version: u64, length: usize) -> Vec<u8> {
    let mut bytes = hash("slot", &[&slot.to_be_bytes()])[..16].to_vec();
    bytes.extend(version.to_be_bytes());
    bytes.resize(length.max(24), 7);
    bytes
}

impl Pool for Heap {
    fn labels(&self) -> impl Iterator<Item = Label> {
        self.0.values().map(|(label, _)| *label)
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        self.0.get(&slot).map(|(label, bytes)| (*label, &**bytes))
    }

    fn rank(&self, _: Slot) -> u64 {
        0
    }

    fn offer(&mut self, _: u64, bytes: &[u8]) -> Taken {
        let (Some(slot), Some(version)) = (bytes.first_chunk(), bytes.get(16..24)) else {
            return Taken::Refused;
        };
        let slot = Slot(*slot);
        let check = *hash("check", &[bytes]).first_chunk().unwrap();
        let label = Label { slot, version: u64::from_be_bytes(version.try_into().unwrap()), check };
        if self.0.get(&slot).is_some_and(|(known, _)| !label.replaces(known)) {
            return Taken::Known;
        }
        self.0.insert(slot, (label, bytes.to_vec()));
        Taken::New(label)
    }
}

enum Event {
    Datagram(usize, usize, Vec<u8>),
    Asked(usize, usize, Vec<u8>),
    Answered(usize, usize, Option<Vec<u8>>),
}

/// Nodes in virtual time, with 5 to 60 ms between them.
struct World {
    nodes: Vec<(Gossip, Heap)>,
    alive: Vec<bool>,
    side: Vec<u8>,
    events: BinaryHeap<Reverse<(Duration, u64)>>,
    what: BTreeMap<u64, Event>,
    count: u64,
    now: Duration,
    rng: SmallRng,
    loss: f64,
    datagrams: u64,
}

fn host(node: usize) -> HostId {
    HostId(node as u64 + 1)
}

impl World {
    fn new(nodes: usize, timing: Timing, loss: f64) -> Self {
        let node = |at| (Gossip::new(host(at), 1, timing, at as u64, Duration::ZERO), Heap::default());
        let mut world = Self {
            nodes: (0..nodes).map(node).collect(),
            alive: vec![true; nodes],
            side: vec![0; nodes],
            events: BinaryHeap::new(),
            what: BTreeMap::new(),
            count: 0,
            now: Duration::ZERO,
            rng: SmallRng::seed_from_u64(1),
            loss,
            datagrams: 0,
        };
        let all: BTreeSet<HostId> = (0..nodes).map(host).collect();
        for at in 0..nodes {
            let outputs = world.nodes[at].0.set_members(Duration::ZERO, all.clone());
            world.carry_out(at, outputs);
        }
        world
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events.push(Reverse((self.now + after, self.count)));
        self.what.insert(self.count, event);
    }

    fn carry_out(&mut self, from: usize, outputs: Vec<Output>) {
        for output in outputs {
            let delay = Duration::from_millis(self.rng.random_range(5..60));
            match output {
                Output::Send { to, bytes } => {
                    assert!(bytes.len() <= super::DATAGRAM_LIMIT_BYTES + 8, "{}", bytes.len());
                    self.datagrams += 1;
                    if !self.rng.random_bool(self.loss) {
                        self.at(delay, Event::Datagram(from, to.0 as usize - 1, bytes));
                    }
                }
                Output::Ask { with, message } => {
                    self.at(delay, Event::Asked(from, with.0 as usize - 1, message))
                }
            }
        }
    }

    fn run(&mut self, time: Duration, mut until: impl FnMut(&Self) -> bool) -> Option<Duration> {
        let (begun, end) = (self.now, self.now + time);
        while self.now < end {
            let step = (self.now + Duration::from_millis(20)).min(end);
            while self.events.peek().is_some_and(|Reverse((at, _))| *at <= step) {
                let Some(Reverse((at, id))) = self.events.pop() else { break };
                self.now = at;
                let event = self.what.remove(&id).unwrap();
                self.happen(event);
            }
            self.now = step;
            for at in 0..self.nodes.len() {
                let (gossip, heap) = &mut self.nodes[at];
                if self.alive[at] && gossip.wake() <= step {
                    let outputs = gossip.tick(step, heap);
                    self.carry_out(at, outputs);
                }
            }
            if until(self) {
                return Some(self.now - begun);
            }
        }
        None
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        let (from, to) = match &event {
            Event::Datagram(from, to, _) | Event::Asked(from, to, _) | Event::Answered(from, to, _) => {
                (*from, *to)
            }
        };
        let meets = self.alive[to] && self.side[from] == self.side[to];
        let (gossip, heap) = &mut self.nodes[to];
        match event {
            Event::Datagram(_, _, bytes) if meets => {
                let outputs = gossip.datagram(now, 0, heap, host(from), &bytes);
                self.carry_out(to, outputs);
            }
            Event::Asked(_, _, message) if meets => {
                let (answer, outputs) = gossip.asked(now, 0, heap, host(from), &message);
                self.carry_out(to, outputs);
                self.at(Duration::from_millis(40), Event::Answered(to, from, Some(answer)));
            }
            Event::Asked(..) => self.at(Duration::from_secs(5), Event::Answered(to, from, None)),
            Event::Answered(_, _, answer) if self.alive[to] => {
                let answer = answer.filter(|_| meets);
                let outputs = gossip.answered(now, 0, heap, host(from), answer.as_deref());
                self.carry_out(to, outputs);
            }
            Event::Datagram(..) | Event::Answered(..) => {}
        }
    }

    fn publish(&mut self, node: usize, objects: impl IntoIterator<Item = Vec<u8>>) {
        let (gossip, heap) = &mut self.nodes[node];
        let slots: Vec<Slot> = objects
            .into_iter()
            .map(|it| match heap.offer(0, &it) {
                Taken::New(label) => label.slot,
                other => panic!("{other:?}"),
            })
            .collect();
        let outputs = gossip.publish(self.now, heap, slots);
        self.carry_out(node, outputs);
    }

    fn all_have(&self, objects: usize) -> bool {
        self.nodes.iter().zip(&self.alive).all(|((_, heap), alive)| !alive || heap.0.len() == objects)
    }

    fn all_know_all(&self) -> bool {
        let living = self.alive.iter().filter(|it| **it).count();
        self.nodes.iter().zip(&self.alive).all(|((it, _), alive)| !alive || it.live().count() + 1 == living)
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn forty_hear_of_everything_within_a_second() {
    let mut world = World::new(40, Timing::Lan, 0.01);
    world.run(2 * MINUTE, World::all_know_all).expect("all know all");
    world.publish(3, [object(1, 1, 350)]);
    let one = world.run(MINUTE, |it| it.all_have(1)).expect("one");
    assert!(one < Duration::from_secs(1), "{one:?}");
    // Two hundred of one node, and a change of each.
    world.publish(5, (2..202).map(|it| object(it, 1, 350)));
    world.run(2 * MINUTE, |it| it.all_have(201)).expect("two hundred");
    world.publish(5, (2..202).map(|it| object(it, 2, 350)));
    let newest = |it: &World| {
        it.nodes.iter().all(|(_, heap)| heap.0.values().filter(|(it, _)| it.version == 2).count() == 200)
    };
    world.run(2 * MINUTE, newest).expect("the newest");
}

#[test]
fn under_loss_everybody_hears_everything_all_the_same() {
    let mut world = World::new(30, Timing::Wan, 0.2);
    for node in 0..30 {
        world.publish(node, (0..20).map(|it| object((node * 100 + it) as u16, 1, 300)));
    }
    world.run(5 * MINUTE, |it| it.all_have(600)).expect("all of it");
    world.run(5 * MINUTE, World::all_know_all).expect("all know all");
}

#[test]
fn the_dead_are_missed_and_those_who_come_back_are_found() {
    for (timing, limit) in [(Timing::Lan, 5), (Timing::Wan, 30)] {
        let mut world = World::new(20, timing, 0.01);
        world.run(2 * MINUTE, World::all_know_all).expect("all know all");
        world.alive[7] = false;
        let missed = |it: &World| {
            let down = |(it, _): &(Gossip, Heap)| matches!(it.liveness(host(7)), Some(Liveness::Down(_)));
            it.nodes.iter().enumerate().any(|(at, it)| at != 7 && down(it))
        };
        let first = world.run(2 * MINUTE, missed).expect("missed");
        assert!(first < Duration::from_secs(limit), "{timing:?}: {first:?}");
        world.run(MINUTE, World::all_know_all).expect("missed by all");
        world.publish(1, [object(1, 1, 300)]);
        world.run(MINUTE, |it| it.all_have(1)).expect("news");
        // As it was, or as a new run of its program that knows nothing.
        world.alive[7] = true;
        world.run(2 * MINUTE, |it| it.all_know_all() && it.all_have(1)).expect("back");
        world.alive[7] = false;
        world.run(MINUTE, World::all_know_all).expect("missed by all");
        let all: BTreeSet<HostId> = (0..20).map(host).collect();
        let mut gossip = Gossip::new(host(7), 2, timing, 99, world.now);
        let outputs = gossip.set_members(world.now, all);
        (world.nodes[7], world.alive[7]) = ((gossip, Heap::default()), true);
        world.carry_out(7, outputs);
        world.run(2 * MINUTE, |it| it.all_know_all() && it.all_have(1)).expect("new");
    }
}

#[test]
fn what_fell_apart_grows_together() {
    let mut world = World::new(20, Timing::Wan, 0.01);
    world.run(2 * MINUTE, World::all_know_all).expect("all know all");
    world.side[10..].fill(1);
    world.run(5 * MINUTE, |_| false);
    world.publish(1, [object(1, 1, 300)]);
    world.publish(15, [object(2, 1, 300)]);
    world.run(MINUTE, |_| false);
    world.side.fill(0);
    let healed = world.run(5 * MINUTE, |it| it.all_know_all() && it.all_have(2)).expect("healed");
    assert!(healed < 2 * MINUTE, "{healed:?}");
}

#[test]
fn whoever_is_expelled_is_heard_no_more() {
    let mut world = World::new(5, Timing::Lan, 0.0);
    world.run(MINUTE, World::all_know_all).expect("all know all");
    let rest: BTreeSet<HostId> = (0..4).map(host).collect();
    for at in 0..4 {
        let outputs = world.nodes[at].0.set_members(world.now, rest.clone());
        world.carry_out(at, outputs);
    }
    world.publish(4, [object(1, 1, 300)]);
    world.run(MINUTE, |_| false);
    assert!(world.nodes[..4].iter().all(|(it, heap)| heap.0.is_empty() && it.live().count() == 3));
    assert_eq!(world.nodes[0].0.liveness(host(4)), None);
}

#[test]
fn nonsense_counts_for_nothing() {
    let mut world = World::new(2, Timing::Lan, 0.0);
    world.run(MINUTE, World::all_know_all).expect("all know all");
    let mut rng = SmallRng::seed_from_u64(5);
    for _ in 0..3000 {
        let bytes: Vec<u8> = (0..rng.random_range(0..80))
            .map(|at| if at == 0 { rng.random_range(0..4) } else { rng.random() })
            .collect();
        let now = world.now;
        let (gossip, heap) = &mut world.nodes[0];
        gossip.datagram(now, 0, heap, host(1), &bytes);
        gossip.asked(now, 0, heap, host(1), &bytes);
        gossip.answered(now, 0, heap, host(1), Some(&bytes));
    }
    world.run(MINUTE, |_| false);
    assert!(world.all_know_all() && world.nodes[0].0.live().count() == 1);
}
