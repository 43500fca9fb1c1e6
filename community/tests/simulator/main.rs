//! Gossip in virtual time: what must be so whatever the network does, and whatever one member does.
//!
//! Small by default. `NUVOL_SIM_NODES` and `NUVOL_SIM_SEEDS` make more of it.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod board;
mod clocks;
mod heap;
mod hostile;
#[allow(dead_code, reason = "the example uses more of it")]
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use nuvol_community::gossip::Timing;
use rand::RngExt;

use heap::{Heap, object};
use world::{MINUTE, Setting, World, fingerprints, numbered};

const SOON: Duration = Duration::from_millis(50);
const S: Duration = Duration::from_secs(1);

#[allow(clippy::disallowed_methods, reason = "how much is tried comes from outside, as in the other tests")]
fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// As many nodes as were asked for, or these.
fn nodes(otherwise: usize) -> usize {
    number("NUVOL_SIM_NODES", otherwise)
}

fn seeds() -> impl Iterator<Item = u64> {
    1..=number("NUVOL_SIM_SEEDS", 2) as u64
}

/// A world whose nodes all know each other.
fn whole(setting: Setting) -> World<Heap> {
    let mut world = World::new(setting, numbered(setting.nodes), |_| Heap::default());
    world.start_all(10 * S);
    world.run(5 * MINUTE, SOON, World::all_know_all).expect("all know all");
    world
}

fn all_have(world: &World<Heap>, objects: usize) -> bool {
    world.running().all(|(_, node)| node.pool.0.len() == objects)
}

fn restart(world: &mut World<Heap>, at: usize, keep: bool) {
    if !keep {
        world.nodes[at].pool = Heap::default();
    }
    let all = world.everybody();
    world.start(at, all);
}

#[test]
fn forty_hear_of_everything_within_a_second() {
    for seed in seeds() {
        let mut world = whole(Setting { nodes: nodes(40), timing: Timing::Lan, loss: 0.01, seed });
        world.publish(3, [object(1, 1, 350)]);
        let one = world.run(MINUTE, SOON, |it| all_have(it, 1)).expect("one");
        assert!(one < S, "{one:?}");
        // Two hundred of one node, and a change of each.
        world.publish(5, (2..202).map(|it| object(it, 1, 350)));
        let many = world.run(2 * MINUTE, SOON, |it| all_have(it, 201)).expect("two hundred");
        assert!(many < 20 * S, "{many:?}");
        world.publish(5, (2..202).map(|it| object(it, 2, 350)));
        let newest = |it: &World<Heap>| it.running().all(|(_, node)| node.pool.of_version(2) == 200);
        world.run(2 * MINUTE, SOON, newest).expect("the newest");
    }
}

#[test]
fn who_is_there_is_known_within_seconds() {
    for (timing, loss) in [(Timing::Lan, 0.01), (Timing::Wan, 0.05)] {
        let setting = Setting { nodes: nodes(40), timing, loss, seed: 3 };
        let mut world = World::new(setting, numbered(setting.nodes), |_| Heap::default());
        world.start_all(10 * S);
        let took = world.run(5 * MINUTE, SOON, World::all_know_all).expect("all know all");
        assert!(took < 30 * S, "{timing:?}: {took:?}");
    }
}

#[test]
fn under_loss_and_churn_everybody_has_the_same_in_the_end() {
    for seed in seeds() {
        let setting = Setting { nodes: nodes(24), timing: Timing::Lan, loss: 0.15, seed };
        let mut world = whole(setting);
        let mut versions = vec![0; 60];
        for _ in 0..40 {
            let at = world.rng.random_range(0..setting.nodes);
            if world.nodes[at].on {
                let slot = world.rng.random_range(0..versions.len());
                versions[slot] += 1;
                world.publish(at, [object(slot, versions[slot], 300)]);
                // Whoever says something new and dies at once has said nothing: these live on for a while.
                world.pass(2 * S);
            }
            let other = world.rng.random_range(0..setting.nodes);
            if world.nodes[other].on && world.running().count() > setting.nodes / 2 {
                world.stop(other);
            } else if !world.nodes[other].on {
                let keep = world.rng.random_bool(0.5);
                restart(&mut world, other, keep);
            }
            let time = Duration::from_millis(world.rng.random_range(0..5000));
            world.pass(time);
        }
        for at in 0..setting.nodes {
            if !world.nodes[at].on {
                restart(&mut world, at, at % 2 == 0);
            }
        }
        world
            .run(5 * MINUTE, S, |it| it.all_know_all() && fingerprints(&it.nodes).len() == 1)
            .expect("the same");
        let newest: BTreeSet<(usize, u64)> =
            versions.iter().copied().enumerate().filter(|it| it.1 > 0).collect();
        let mut wanted = Heap::default();
        for (slot, version) in newest {
            nuvol_community::gossip::Pool::offer(&mut wanted, 0, &object(slot, version, 300));
        }
        assert!(world.nodes.iter().all(|node| node.pool.0 == wanted.0), "not the newest (seed {seed})");
    }
}

#[test]
fn the_dead_are_missed_and_those_who_come_back_are_found() {
    for (timing, limit) in [(Timing::Lan, 5), (Timing::Wan, 30)] {
        let mut world = whole(Setting { nodes: nodes(40), timing, loss: 0.01, seed: 4 });
        let host = world.host(7);
        world.stop(7);
        let missed = world.run(2 * MINUTE, SOON, World::all_know_all).expect("missed by all");
        assert!(missed < limit * S && world.missed_by(host) > 0, "{timing:?}: {missed:?}");
        world.publish(1, [object(1, 1, 300)]);
        world.run(MINUTE, SOON, |it| all_have(it, 1)).expect("news");
        // As it was, and as one that has lost everything.
        for keep in [true, false] {
            restart(&mut world, 7, keep);
            let back = world.run(2 * MINUTE, SOON, |it| it.all_know_all() && all_have(it, 1)).expect("back");
            assert!(back < 30 * S, "{timing:?}: {back:?}");
            world.stop(7);
            world.run(MINUTE, SOON, World::all_know_all).expect("missed by all");
        }
    }
}

#[test]
fn what_fell_apart_grows_together() {
    for seed in seeds() {
        let setting = Setting { nodes: nodes(20), timing: Timing::Wan, loss: 0.02, seed };
        let mut world = whole(setting);
        let half = setting.nodes / 2;
        world.nodes[half..].iter_mut().for_each(|it| it.side = 1);
        world.pass(240 * S);
        world.publish(1, [object(1, 1, 300)]);
        world.publish(half + 1, [object(2, 1, 300), object(1, 2, 300)]);
        world.pass(60 * S);
        assert!(!all_have(&world, 2) && !world.all_know_all());
        world.nodes.iter_mut().for_each(|it| it.side = 0);
        let healed =
            world.run(5 * MINUTE, SOON, |it| it.all_know_all() && fingerprints(&it.nodes).len() == 1);
        assert!(healed.expect("healed") < 120 * S, "{healed:?}");
        assert!(world.nodes.iter().all(|node| node.pool.of_version(2) == 1));
    }
}

#[test]
fn nobody_who_is_there_is_called_dead_under_loss() {
    let mut world = whole(Setting { nodes: nodes(30), timing: Timing::Wan, loss: 0.05, seed: 6 });
    let hosts: Vec<_> = (0..world.nodes.len()).map(|at| world.host(at)).collect();
    let wrong = world.run(10 * MINUTE, S, |it| hosts.iter().any(|host| it.missed_by(*host) > 0));
    assert_eq!(wrong, None);
}

#[test]
fn what_a_member_remembers_has_an_end() {
    let setting = Setting { nodes: nodes(30), timing: Timing::Lan, loss: 0.05, seed: 8 };
    let mut world = whole(setting);
    for round in 0..30 {
        // Ten restart, and somebody changes hundreds of things, over and over.
        for at in 0..10 {
            restart(&mut world, at, true);
        }
        world.publish(20, (0..200).map(|it| object(it, round + 1, 350)));
        world.pass(2 * S);
        for (_, node) in world.running() {
            let load = node.gossip.load();
            assert!(load.known < setting.nodes && load.changes <= setting.nodes, "{load:?}");
            assert!(load.rumours <= 2048, "{load:?}");
            assert!(load.timers < 40 + 4 * setting.nodes, "{load:?}");
        }
    }
    world.run(2 * MINUTE, S, |it| it.all_know_all() && fingerprints(&it.nodes).len() == 1).expect("the same");
    world.pass(MINUTE);
    assert!(
        world.running().all(|(_, node)| node.gossip.load().rumours == 0 && node.gossip.load().changes == 0)
    );
}

#[test]
fn load_grows_no_faster_than_the_logarithm() {
    let quiet = |nodes: usize| {
        let mut world = whole(Setting { nodes, timing: Timing::Lan, loss: 0.01, seed: 9 });
        world.pass(MINUTE);
        world.take_sent();
        world.pass(2 * MINUTE);
        let sum = world::total(&world.take_sent());
        let each = |it: u64| it as f64 / nodes as f64 / 120.0;
        (each(sum.datagrams), each(sum.datagram_bytes + sum.message_bytes))
    };
    let most = nodes(60).max(20);
    let (few, many) = (quiet(10), quiet(most));
    let growth = (most as f64).log2() / 10_f64.log2();
    assert!(many.0 < few.0 * growth * 1.2, "{few:?} {many:?}");
    assert!(many.1 < few.1 * growth * 1.2, "{few:?} {many:?}");
    // Each asks somebody twice a second, and is asked as often.
    assert!(few.0 < 5.5, "{few:?}");
}
