//! Measures gossip in virtual time: how much members say to each other, and how soon everybody knows.
//!
//! `cargo run --release -p nuvol-community --example simulate -- [--nodes 10,40] [--loss 1,5] [--timing lan,wan]
//! [--seed 1]` prints one table, a line for each case. Loss is in per cent. Times are in seconds of the virtual clock.

use std::collections::BTreeSet;
use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::gossip::Timing;
use rand::RngExt;

#[path = "../tests/simulator/heap.rs"]
mod heap;
#[path = "../tests/simulator/world.rs"]
mod world;

use heap::{Heap, object};
use world::{Node, Weather, World, host};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const RECORD_BYTES: usize = 350;

struct Case {
    nodes: usize,
    loss: f64,
    timing: Timing,
    seed: u64,
}

/// A world that is measured.
struct Trial {
    world: World<Heap>,
    all: BTreeSet<HostId>,
    objects: u32,
}

impl Trial {
    fn new(case: &Case) -> Self {
        let mut world = World::new(Weather::with_loss(case.loss / 100.0), case.timing, case.seed);
        for node in 0..case.nodes {
            let skew_s = world.rng.random_range(-86_400..86_400);
            world.add(host(node), Heap::default(), skew_s);
        }
        Self { world, all: (0..case.nodes).map(host).collect(), objects: 0 }
    }

    /// All nodes start within ten seconds; how long after the last of them everybody knows everybody.
    fn join(&mut self) -> Option<Duration> {
        let nodes = self.world.nodes.len();
        for node in 0..nodes {
            self.world.start(node, &self.all);
            self.world.pass(10 * SECOND / u32::try_from(nodes).expect("few"));
        }
        self.world.until(30 * MINUTE, SECOND, World::all_know_all)
    }

    /// Everybody learns of that many new records of each of these nodes.
    fn publish(&mut self, each: u32, by: usize) -> Option<Duration> {
        for node in 0..by {
            let records: Vec<_> = (0..each).map(|it| object(self.objects + it, 1, RECORD_BYTES)).collect();
            self.objects += each;
            self.world.publish(node, records);
        }
        let objects = self.objects as usize;
        self.world.until(10 * MINUTE, Duration::from_millis(20), |it| {
            it.living().all(|it| it.pool.len() == objects)
        })
    }

    /// One node loses its power: when the first misses it, and when all do.
    fn crash(&mut self) -> (Option<Duration>, Option<Duration>) {
        let last = self.world.nodes.len() - 1;
        self.world.stop(last);
        let first = self.world.until(10 * MINUTE, Duration::from_millis(100), |it| it.missing(last) > 0);
        let rest = self.world.until(10 * MINUTE, Duration::from_millis(100), |it| it.missing(last) == last);
        (first, first.zip(rest).map(|(first, rest)| first + rest))
    }

    /// Two halves for five minutes, in which both have news: how long until nobody can tell any more.
    fn split(&mut self) -> Option<Duration> {
        let half = self.world.nodes.len() / 2;
        self.world.nodes[half..].iter_mut().for_each(|it| it.side = 1);
        self.world.pass(4 * MINUTE);
        for node in [0, half] {
            self.objects += 1;
            self.world.publish(node, [object(self.objects - 1, 1, RECORD_BYTES)]);
        }
        self.world.pass(MINUTE);
        self.world.nodes.iter_mut().for_each(|it| it.side = 0);
        let objects = self.objects as usize;
        self.world.until(30 * MINUTE, SECOND, |it| {
            it.all_know_all() && it.living().all(|it| it.pool.len() == objects)
        })
    }

    /// For ten minutes, each node restarts as if once an hour: how long until everybody knows everybody after it.
    fn churn(&mut self) -> Option<Duration> {
        let nodes = self.world.nodes.len();
        for _ in 0..60 {
            let off: Vec<usize> = (0..nodes).filter(|_| self.world.rng.random_bool(1.0 / 360.0)).collect();
            off.iter().for_each(|node| self.world.stop(*node));
            self.world.pass(10 * SECOND);
            off.iter().for_each(|node| self.world.start(*node, &self.all));
        }
        self.world.until(30 * MINUTE, SECOND, World::all_know_all)
    }

    /// What is sent in this time: datagrams, their bytes, the busiest node's datagrams, and the bytes of exchanges, in
    /// a second for each node.
    fn traffic(&mut self, what: impl FnOnce(&mut Self)) -> [f64; 4] {
        let begun = self.world.now;
        self.world.nodes.iter_mut().for_each(|it| it.traffic = world::Traffic::default());
        what(self);
        let seconds = (self.world.now - begun).as_secs_f64();
        let sum = |of: fn(&Node<Heap>) -> u64| self.world.nodes.iter().map(of).sum::<u64>() as f64;
        let each = seconds * self.world.nodes.len() as f64;
        let busiest = self.world.nodes.iter().map(|it| it.traffic.datagrams).max().unwrap_or_default();
        [
            sum(|it| it.traffic.datagrams) / each,
            sum(|it| it.traffic.datagram_bytes) / each,
            busiest as f64 / seconds,
            sum(|it| it.traffic.stream_bytes) / each,
        ]
    }
}

fn measure(case: &Case) {
    let before = resident_kib();
    let mut trial = Trial::new(case);
    let joined = trial.join();
    let memory = resident_kib().saturating_sub(before) as f64 / case.nodes as f64;
    trial.world.pass(2 * MINUTE);
    let [datagrams, bytes, busiest, exchanged] = trial.traffic(|it| it.world.pass(2 * MINUTE));
    let by = case.nodes.min(40);
    let spread = [trial.publish(1, 1), trial.publish(1, by), trial.publish(200, 1), trial.publish(50, by)];
    trial.world.pass(2 * MINUTE);
    let [.., full] = trial.traffic(|it| it.world.pass(2 * MINUTE));
    let (first, all) = trial.crash();
    let healed = trial.split();
    let last = case.nodes - 1;
    trial.world.start(last, &trial.all);
    trial.world.until(10 * MINUTE, SECOND, World::all_know_all);
    let mut known = None;
    let [_, churning, _, churned] = trial.traffic(|it| known = it.churn());
    let [one, each, many, most] = spread.map(seconds);
    println!(
        "| {} {:?} {}% | {datagrams:.2}, {busiest:.2} | {bytes:.0} + {exchanged:.0} ({full:.0}) | {} | {one} / {each} / {many} / {most} | {} / {} | {} | {:.0} + {:.0}, {} | {memory:.0} |",
        case.nodes,
        case.timing,
        case.loss,
        seconds(joined),
        seconds(first),
        seconds(all),
        seconds(healed),
        churning,
        churned,
        seconds(known),
    );
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or("never".into(), |it| format!("{:.1}", it.as_secs_f64()))
}

/// What this program has in memory.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    line.and_then(|it| it.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |name: &str, default: &str| {
        let at = arguments.iter().position(|it| it == name);
        at.and_then(|at| arguments.get(at + 1))
            .map_or(default, |it| it)
            .split(',')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let number = |text: &String| text.parse::<f64>().unwrap_or_else(|_| panic!("{text} is no number"));
    println!(
        "| nodes, timing, loss | datagrams/s: a node, the busiest | B/s a node: datagrams + exchanges (with all records) | all know all after | everywhere: 1 / each of 40 one / 200 of one / 50 of each of 40, s | crash: first / all, s | split of 300 s healed, s | churn: B/s, all know all after | KiB a node |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for timing in given("--timing", "lan,wan") {
        let timing = if timing == "lan" { Timing::Lan } else { Timing::Wan };
        for loss in given("--loss", "1") {
            for nodes in given("--nodes", "10,40") {
                let seed = number(&given("--seed", "1")[0]) as u64;
                measure(&Case { nodes: number(&nodes) as usize, loss: number(&loss), timing, seed });
            }
        }
    }
}
