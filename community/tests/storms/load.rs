//! Gossip costs each node about as much among many as among few, and keeps to its limits.

use nuvol_community::address::HostId;
use nuvol_community::gossip::{Pool, Taken, Timing, rumour};

use crate::heap::{Heap, Picky, object};
use crate::world::{Traffic, Weather, World, host};
use crate::{MINUTE, SECOND, community, given, seeds};

/// Datagrams and all bytes of a node, each second, when nothing happens.
fn steady(nodes: usize) -> (f64, f64) {
    let (mut world, _) = community(nodes, Weather::with_loss(0.01), Timing::Lan, 1);
    world.pass(MINUTE);
    world.nodes.iter_mut().for_each(|it| it.traffic = Traffic::default());
    world.pass(2 * MINUTE);
    let each = nodes as f64 * 120.0;
    let sum =
        |of: fn(&Traffic) -> u64| world.nodes.iter().map(|it| of(&it.traffic)).sum::<u64>() as f64 / each;
    (sum(|it| it.datagrams), sum(|it| it.datagram_bytes + it.stream_bytes))
}

#[test]
fn a_larger_community_costs_each_node_hardly_more() {
    let many = given("NUVOL_SIM_NODES", 120) as usize;
    let (few, more) = (steady(15), steady(many));
    assert!(more.0 < few.0 * 1.5, "datagrams: {few:?}, {more:?}");
    assert!(more.1 < few.1 * 2.0, "bytes: {few:?}, {more:?}");
}

#[test]
fn two_hundred_services_of_one_node_are_everywhere_in_seconds() {
    for seed in seeds() {
        let (mut world, _) = community(40, Weather::with_loss(0.01), Timing::Lan, seed);
        world.publish(3, [object(0, 1, 350)]);
        let one = world.until(MINUTE, SECOND / 50, |it| it.living().all(|it| it.pool.len() == 1));
        assert!(one.is_some_and(|it| it < SECOND), "seed {seed}: {one:?}");
        world.publish(3, (1..201).map(|it| object(it, 1, 350)));
        let all = world.until(MINUTE, SECOND / 50, |it| it.living().all(|it| it.pool.len() == 201));
        assert!(all.is_some_and(|it| it < 10 * SECOND), "seed {seed}: {all:?}");
    }
}

#[test]
fn the_dead_are_missed_in_time() {
    for (seed, (timing, limit)) in
        seeds().flat_map(|seed| [(Timing::Lan, 8), (Timing::Wan, 30)].map(|it| (seed, it)))
    {
        let (mut world, _) = community(30, Weather::with_loss(0.01), timing, seed);
        world.stop(7);
        let missed = world.until(2 * MINUTE, SECOND / 10, |it| it.missing(7) == 29);
        assert!(missed.is_some_and(|it| it < limit * SECOND), "seed {seed}, {timing:?}: {missed:?}");
    }
}

#[test]
fn nobody_is_missed_who_is_there_though_a_tenth_is_lost() {
    for seed in seeds() {
        let (mut world, _) = community(30, Weather::with_loss(0.1), Timing::Wan, seed);
        let mut missed = 0;
        world.until(10 * MINUTE, SECOND, |it| {
            missed += (0..30).filter(|node| it.missing(*node) > 0).count();
            false
        });
        assert_eq!(missed, 0, "seed {seed}");
    }
}

#[test]
fn a_stranger_who_knows_all_is_known_by_nobody() {
    let (mut world, all) = community(8, Weather::with_loss(0.0), Timing::Lan, 1);
    let stranger = world.add(host(99), Heap::default(), 0);
    let mut everybody = all.clone();
    everybody.insert(host(99));
    world.start(stranger, &everybody);
    world.publish(stranger, [object(1, 1, 300)]);
    // One of the members takes it for a member, and tells the others of it.
    world.set_members(0, &everybody);
    world.pass(3 * MINUTE);
    for node in 1..8 {
        let it = &world.nodes[node];
        assert_eq!(it.gossip.liveness(host(99)), None, "node {node}");
        let live: std::collections::BTreeSet<HostId> = it.gossip.live().collect();
        assert_eq!(live.len(), 7, "node {node}");
        assert!(live.is_subset(&all), "node {node}");
    }
    // Neither by a datagram that says it comes from it.
    let now = world.now;
    let Heap { objects } = &mut world.nodes[1].pool.clone();
    let before = objects.len();
    let node = &mut world.nodes[1];
    let outputs = node.gossip.datagram(now, 0, &mut node.pool, host(99), &rumour(&[&object(2, 1, 300)]));
    assert_eq!((outputs, node.pool.len()), (Vec::new(), before));
}

#[test]
fn what_one_refuses_is_not_offered_without_end_and_is_in_nobodys_way() {
    let mut world = World::new(Weather::with_loss(0.0), Timing::Lan, 1);
    let both = [host(0), host(1)].into();
    for node in 0..2 {
        world.add(host(node), Picky { picky: node == 1, ..Picky::default() }, 0);
        world.start(node, &both);
    }
    world.until(MINUTE, SECOND, World::all_know_all).expect("both know each other");
    // Told by none: only exchanges find it. More is refused than one message holds.
    let pool = &mut world.nodes[0].pool;
    for (number, version) in (0..600).map(|it| (it, 1)).chain((600..640).map(|it| (it, 2))) {
        assert!(matches!(pool.offer(0, &object(number, version, 350)), Taken::New(_)));
    }
    world.nodes.iter_mut().for_each(|it| it.traffic = Traffic::default());
    world.pass(5 * MINUTE);
    let asked = (world.nodes[0].traffic.streams + world.nodes[1].traffic.streams) as f64 / 300.0;
    assert!(asked < 0.5, "{asked} requests a second for nothing");
    world
        .until(30 * MINUTE, SECOND, |it| it.nodes[1].pool.heap.len() == 40)
        .expect("what it does not refuse");
}
