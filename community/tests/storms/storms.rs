//! Loss, broken streams, restarts, splits: in the end all have the same, and it is the newest.

use std::collections::BTreeMap;
use std::time::Duration;

use nuvol_community::gossip::Timing;
use nuvol_community::object::Slot;
use rand::RngExt;

use crate::heap::{Heap, object};
use crate::world::{Weather, World};
use crate::{MINUTE, SECOND, community, given, seeds};

/// Objects, each with its version.
type Newest = BTreeMap<Slot, (u64, Vec<u8>)>;

/// The newest of everything that any of these nodes has.
fn newest<'a>(heaps: impl Iterator<Item = &'a Heap>) -> Newest {
    let mut newest = Newest::new();
    for (slot, (label, bytes)) in heaps.flat_map(|it| &it.objects) {
        if newest.get(slot).is_none_or(|(version, _)| *version < label.version) {
            newest.insert(*slot, (label.version, bytes.clone()));
        }
    }
    newest
}

/// A world in which anything happens.
struct Storm {
    world: World<Heap>,
    all: std::collections::BTreeSet<nuvol_community::address::HostId>,
    off: Vec<Duration>,
    said: Newest,
}

impl Storm {
    fn round(&mut self, round: u64) {
        let nodes = self.world.nodes.len();
        let node = self.world.rng.random_range(0..nodes);
        match self.world.rng.random_range(0..10) {
            0 if self.world.living().count() > nodes / 2 => {
                self.world.stop(node);
                self.off[node] = self.world.now;
            }
            1 => self.world.nodes[node].side ^= 1,
            2 | 3 if !self.world.nodes[node].alive => self.switch_on(node),
            _ if self.world.nodes[node].alive => {
                // Each object has one author. A short one stands for one that was withdrawn.
                let number = node as u32 * 8 + self.world.rng.random_range(0..8);
                let length = if self.world.rng.random_bool(0.3) { 24 } else { 400 };
                let bytes = object(number, round + 1, length);
                let slot = Slot(*bytes.first_chunk().unwrap());
                self.world.publish(node, [bytes.clone()]);
                self.said.insert(slot, (round + 1, bytes));
            }
            _ => {}
        }
        let pause = self.world.rng.random_range(100..4000);
        self.world.pass(Duration::from_millis(pause));
    }

    /// It has what it kept; or, where nothing of it is on its way any more, it may have lost all.
    fn switch_on(&mut self, node: usize) {
        let long = self.world.now - self.off[node] > MINUTE;
        if long && self.world.rng.random_bool(0.3) {
            self.world.nodes[node].pool = Heap::default();
            // What nobody had heard is gone with it.
            self.said = newest(self.world.nodes.iter().map(|it| &it.pool));
        }
        // Its clock may be wrong by another day.
        self.world.nodes[node].skew_s = self.world.rng.random_range(-86_400..86_400);
        self.world.start(node, &self.all);
    }
}

#[test]
fn after_any_storm_all_have_the_newest_of_everything() {
    let nodes = given("NUVOL_SIM_NODES", 24) as usize;
    for seed in seeds() {
        let weather = Weather { loss: 0.1, broken: 0.1, stream_bytes_per_s: 40_000.0 };
        let (world, all) = community(nodes, weather, Timing::Lan, seed);
        let mut storm = Storm { world, all, off: vec![Duration::ZERO; nodes], said: Newest::new() };
        (0..150).for_each(|round| storm.round(round));
        let Storm { mut world, all, said, .. } = storm;
        world.nodes.iter_mut().for_each(|it| it.side = 0);
        for node in 0..nodes {
            if !world.nodes[node].alive {
                world.start(node, &all);
            }
        }
        let same = |it: &World<Heap>| it.living().all(|it| newest([&it.pool].into_iter()) == said);
        let calm = world.until(10 * MINUTE, SECOND, same);
        assert!(calm.is_some_and(|it| it < 3 * MINUTE), "seed {seed}: all have the same after {calm:?}");
        let calm = world.until(10 * MINUTE, SECOND, World::all_know_all);
        assert!(calm.is_some_and(|it| it < 3 * MINUTE), "seed {seed}: all know all after {calm:?}");
    }
}

#[test]
fn what_was_split_for_five_minutes_is_whole_in_two() {
    let nodes = given("NUVOL_SIM_NODES", 30) as usize;
    for (seed, timing) in seeds().flat_map(|seed| [(seed, Timing::Lan), (seed, Timing::Wan)]) {
        let (mut world, _) = community(nodes, Weather::with_loss(0.05), timing, seed);
        world.nodes[nodes / 3..].iter_mut().for_each(|it| it.side = 1);
        world.pass(4 * MINUTE);
        for node in 0..nodes {
            world.publish(node, [object(node as u32, 1, 350)]);
        }
        world.pass(MINUTE);
        world.nodes.iter_mut().for_each(|it| it.side = 0);
        let whole = |it: &World<Heap>| it.all_know_all() && it.living().all(|it| it.pool.len() == nodes);
        let healed = world.until(10 * MINUTE, SECOND, whole);
        assert!(healed.is_some_and(|it| it < 2 * MINUTE), "seed {seed}, {timing:?}: {healed:?}");
    }
}

#[test]
fn a_node_whose_clock_went_back_is_heard_as_soon_as_any() {
    for seed in seeds() {
        let (mut world, all) = community(10, Weather::with_loss(0.01), Timing::Lan, seed);
        for back_s in [86_400, 1_700_000_000] {
            world.stop(4);
            world.pass(SECOND);
            world.nodes[4].skew_s -= back_s;
            world.start(4, &all);
            // Until then some take it for the one that it was.
            world.pass(20 * SECOND);
            let back = world.until(10 * MINUTE, SECOND, World::all_know_all);
            assert!(back.is_some_and(|it| it < 10 * SECOND), "seed {seed}, {back_s} s: {back:?}");
        }
    }
}
