//! What has to be so of gossip, whatever the network does. `NUVOL_SIM_NODES` and `NUVOL_SIM_SEEDS` make it larger.

mod boards;
mod heap;
mod load;
mod shelf;
mod storms;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::gossip::Timing;
use rand::RngExt;

use heap::Heap;
use world::{Weather, World, host};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn given(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn seeds() -> std::ops::Range<u64> {
    0..given("NUVOL_SIM_SEEDS", 2)
}

/// Nodes that are on, and know each other; their clocks are wrong by up to a day.
fn community(nodes: usize, weather: Weather, timing: Timing, seed: u64) -> (World<Heap>, BTreeSet<HostId>) {
    let mut world = World::new(weather, timing, seed);
    let all: BTreeSet<HostId> = (0..nodes).map(host).collect();
    for node in 0..nodes {
        let skew_s = world.rng.random_range(-86_400..86_400);
        world.add(host(node), Heap::default(), skew_s);
        world.start(node, &all);
    }
    world.until(5 * MINUTE, SECOND, World::all_know_all).expect("all know all");
    (world, all)
}
