//! Measures gossip in virtual time: `simulate NODES lan|wan LOSS [SEED]` prints one row, `simulate head` what it means.
//!
//! Traffic is what a node sends. To each datagram come 28 bytes of IPv4 and UDP and the seal; to each message on a
//! stream nothing comes, for that depends on whether streams are kept.

use std::collections::BTreeSet;
use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::gossip::{Liveness, Timing};
use nuvol_community::seal;

#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/simulator/heap.rs"]
mod heap;
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/simulator/world.rs"]
mod world;

use heap::{Heap, object};
use world::{MINUTE, Setting, World, numbered, seconds, total};

const IP_UDP_BYTES: u64 = 28;
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [nodes, timing, loss, rest @ ..] = &words[..] else {
        println!(
            "| nodes, timing, loss | quiet: datagrams/s, B/s; exchanges B/s | all know all | 1 object: 50/99/100 % | \
            200 of one | 50 of each of 40 | dead: first/all | called dead wrongly, per node and hour | whole after a split \
            | memory a node |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|");
        return;
    };
    let timing = match *timing {
        "lan" => Timing::Lan,
        "wan" => Timing::Wan,
        other => panic!("neither lan nor wan: {other}"),
    };
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("no number: {text}"));
    let seed = rest.first().map_or(1, |it| number(it) as u64);
    let setting = Setting { nodes: number(nodes) as usize, timing, loss: number(loss) / 100.0, seed };
    measure(setting);
}

fn measure(setting: Setting) {
    let empty = resident();
    let mut world = World::new(setting, numbered(setting.nodes), |_| Heap::default());
    world.start_all(Duration::from_secs(10));
    let begun = world.now - Duration::from_secs(10).min(world.now);
    let whole = world.run(20 * MINUTE, Duration::from_millis(100), World::all_know_all);
    let whole = whole.map(|_| world.now - begun);
    world.pass(2 * MINUTE);
    let memory = (resident() - empty) / setting.nodes as f64;
    let quiet = quiet(&mut world);
    let one = one_object(&mut world);
    world.publish(1 % setting.nodes, (10..210).map(|it| object(it, 1, 350)));
    let many = world.run(10 * MINUTE, Duration::from_millis(50), |it| all_have(it, 201));
    world.pass(MINUTE);
    let authors = setting.nodes.min(40);
    for at in 0..authors {
        world.publish(at, (0..50).map(|it| object(1000 + at * 50 + it, 1, 350)));
    }
    let each = world.run(10 * MINUTE, Duration::from_millis(50), |it| all_have(it, 201 + authors * 50));
    world.pass(MINUTE);
    let dead = dead(&mut world);
    let split = split(&mut world);
    println!(
        "| {} {:?} {} % | {quiet} | {} s | {one} | {} s | {} s | {dead} | {split} s | {memory:.0} KiB |",
        setting.nodes,
        setting.timing,
        setting.loss * 100.0,
        seconds(whole),
        seconds(many),
        seconds(each),
    );
}

/// What a node sends while nothing is new.
fn quiet(world: &mut World<Heap>) -> String {
    let time = 3 * MINUTE;
    world.take_sent();
    world.pass(time);
    let all = world.take_sent();
    let sum = total(&all);
    let each = |it: u64| it as f64 / time.as_secs_f64() / all.len() as f64;
    let overhead = sum.datagrams * (IP_UDP_BYTES + seal::OVERHEAD_BYTES as u64);
    let busiest = all.iter().map(|it| it.datagrams).max().unwrap_or_default();
    format!(
        "{:.2} (busiest {:.2}), {:.0}; {:.0}",
        each(sum.datagrams),
        busiest as f64 / time.as_secs_f64(),
        each(sum.datagram_bytes + overhead),
        each(sum.message_bytes)
    )
}

fn have(world: &World<Heap>, objects: usize) -> usize {
    world.running().filter(|(_, node)| node.pool.0.len() >= objects).count()
}

fn all_have(world: &World<Heap>, objects: usize) -> bool {
    have(world, objects) == world.running().count()
}

fn one_object(world: &mut World<Heap>) -> String {
    world.publish(0, [object(1, 1, 350)]);
    let (begun, nodes) = (world.now, world.nodes.len());
    let mut times = Vec::new();
    for share in [50, 99, 100] {
        if have(world, 1) * 100 < nodes * share {
            world.run(10 * MINUTE, Duration::from_millis(5), |it| have(it, 1) * 100 >= nodes * share);
        }
        let reached = have(world, 1) * 100 >= nodes * share;
        times.push(if reached {
            format!("{:.2}", (world.now - begun).as_secs_f64())
        } else {
            "never".to_owned()
        });
    }
    world.pass(MINUTE);
    format!("{} s", times.join("/"))
}

/// One dies; and nobody else does, for a quarter of an hour.
fn dead(world: &mut World<Heap>) -> String {
    let last = world.nodes.len() - 1;
    let host = world.host(last);
    world.stop(last);
    let begun = world.now;
    let first = world.run(10 * MINUTE, Duration::from_millis(50), |it| it.missed_by(host) > 0);
    let all = world.run(10 * MINUTE, Duration::from_millis(50), |it| it.missed_by(host) == last);
    let all = all.map(|_| world.now - begun);
    world.pass(MINUTE);
    let time = 15 * MINUTE;
    let mut wrongly: BTreeSet<(usize, HostId, Duration)> = BTreeSet::new();
    let hosts: Vec<HostId> = (0..last.min(100)).map(|at| world.host(at)).collect();
    // Those of a hundred whom a hundred call dead: a sample, where there are more.
    world.run(time, Duration::from_millis(500), |it| {
        for (at, node) in it.running().take(100) {
            for host in &hosts {
                if let Some(Liveness::Down(since)) = node.gossip.liveness(*host) {
                    wrongly.insert((at, *host, since));
                }
            }
        }
        false
    });
    let victims: BTreeSet<(HostId, u64)> =
        wrongly.iter().map(|(_, host, at)| (*host, at.as_secs() / 30)).collect();
    let wrongly = victims.len() as f64 / hosts.len() as f64 / (time.as_secs_f64() / HOUR.as_secs_f64());
    format!("{}/{} s | {wrongly:.2}", seconds(first), seconds(all))
}

/// Half and half do not reach each other for five minutes.
fn split(world: &mut World<Heap>) -> String {
    let half = world.nodes.len() / 2;
    world.nodes[half..].iter_mut().for_each(|it| it.side = 1);
    world.pass(5 * MINUTE);
    world.nodes.iter_mut().for_each(|it| it.side = 0);
    seconds(world.run(20 * MINUTE, Duration::from_millis(100), World::all_know_all))
}

/// Memory of this program in KiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    line.and_then(|it| it.trim().strip_suffix(" kB"))
        .and_then(|it| it.trim().parse().ok())
        .unwrap_or_default()
}
