//! One member means harm: it has a certificate, and says what it likes.

use std::collections::BTreeSet;
use std::time::Duration;

use foca::{Codec, Header, Identity, Member, Message, PostcardCodec, State};
use nuvol_community::address::HostId;
use nuvol_community::gossip::{Liveness, Timing};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::heap::{Heap, object};
use crate::world::{MINUTE, Setting, World, fingerprints};
use crate::{S, SOON, nodes, seeds, whole};

/// Written as the engine writes it: what comes over the network is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Id {
    host: u64,
    bump: u32,
}

impl Identity for Id {
    type Addr = u64;

    fn renew(&self) -> Option<Self> {
        None
    }

    fn addr(&self) -> u64 {
        self.host
    }

    fn win_addr_conflict(&self, _: &Self) -> bool {
        false
    }
}

const SWIM: u8 = 1;

/// A datagram of membership.
fn swim(src: Id, dst: Id, message: Message<Id>, told: &[(Id, u16, State)]) -> Vec<u8> {
    let mut bytes = vec![SWIM];
    PostcardCodec.encode_header(&Header { src, src_incarnation: 0, dst, message }, &mut bytes).unwrap();
    if !told.is_empty() {
        bytes.extend((told.len() as u16).to_be_bytes());
        for (id, incarnation, state) in told {
            PostcardCodec.encode_member(&Member::new(*id, *incarnation, *state), &mut bytes).unwrap();
        }
    }
    bytes
}

/// The last of all is hostile: its own program stopped, and it speaks for itself.
fn with_hostile(seed: u64, timing: Timing) -> (World<Heap>, usize) {
    let mut world = whole(Setting { nodes: nodes(16), timing, loss: 0.01, seed });
    let hostile = world.nodes.len() - 1;
    // Deaf, and yet on: what is sent to it arrives nowhere.
    world.pass(5 * S);
    (world, hostile)
}

fn id(world: &World<Heap>, at: usize, bump: u32) -> Id {
    Id { host: world.host(at).0, bump }
}

#[test]
fn nobody_without_a_certificate_appears_anywhere() {
    for seed in seeds() {
        let (mut world, hostile) = with_hostile(seed, Timing::Lan);
        let invented: Vec<HostId> = (0..50).map(|it| HostId(0xbad0_0000 + it)).collect();
        for round in 0..60_u32 {
            for to in 0..hostile {
                let host = invented[world.rng.random_range(0..invented.len())];
                let stranger = Id { host: host.0, bump: round };
                let told: Vec<_> =
                    invented.iter().map(|it| (Id { host: it.0, bump: round }, 0, State::Alive)).collect();
                let (me, you) = (id(&world, hostile, 1), id(&world, to, 1));
                let message = match round % 5 {
                    0 => Message::Gossip,
                    1 => Message::Feed,
                    2 => Message::PingReq { target: stranger, probe_number: 1 },
                    3 => Message::IndirectAck { target: stranger, probe_number: 1 },
                    _ => Message::IndirectPing { origin: stranger, probe_number: 1 },
                };
                world.inject(hostile, to, swim(me, you, message, &told));
                // In another's name.
                world.inject(hostile, to, swim(stranger, you, Message::Gossip, &told));
                let length = world.rng.random_range(0..300);
                let mut noise: Vec<u8> = (0..length).map(|_| world.rng.random()).collect();
                if let Some(first) = noise.first_mut() {
                    *first = (round % 6) as u8;
                }
                world.inject(hostile, to, noise.clone());
                world.inject_ask(hostile, to, noise);
            }
            world.pass(S);
            let all = world.everybody();
            for (at, node) in world.running() {
                let live: BTreeSet<HostId> = node.gossip.live().collect();
                assert!(live.is_subset(&all), "node {at}");
                assert!(invented.iter().all(|it| node.gossip.liveness(*it).is_none()), "node {at}");
                assert!(
                    node.gossip.load().known < all.len() && node.gossip.load().timers < 200,
                    "{:?}",
                    node.gossip.load()
                );
            }
            assert!(world.caught.is_empty(), "somebody spoke to {:?}", world.caught);
        }
        // Who means no harm goes on as ever. Of what the hostile one invented as objects, nobody has to be rid.
        world.stop(hostile);
        world.publish(0, [object(1, 1, 300)]);
        world.run(MINUTE, SOON, |it| it.all_know_all() && fingerprints(&it.nodes).len() == 1).expect("whole");
    }
}

/// For how long at most somebody called the victim dead, of two minutes in which all are told lies.
fn longest_dead(timing: Timing, seed: u64, lie: impl Fn(&World<Heap>, usize, u32) -> Vec<u8>) -> Duration {
    let (mut world, hostile) = with_hostile(seed, timing);
    let victim = world.host(0);
    let mut longest = Duration::ZERO;
    for round in 0..240_u32 {
        for to in 0..hostile {
            let bytes = lie(&world, to, round);
            world.inject(hostile, to, bytes);
        }
        for _ in 0..5 {
            world.pass(Duration::from_millis(100));
            for (at, node) in world.running().filter(|(at, _)| *at != 0 && *at != hostile) {
                match node.gossip.liveness(victim) {
                    Some(Liveness::Up) => {}
                    Some(Liveness::Down(since)) => longest = longest.max(world.now - since),
                    None => panic!("{at} does not know the victim"),
                }
            }
        }
    }
    world.run(2 * MINUTE, S, World::all_know_all).expect("all know all");
    longest
}

#[test]
fn nobody_is_dead_by_the_word_of_one() {
    for timing in [Timing::Lan, Timing::Wan] {
        for (name, bump, incarnation, state) in [
            ("dead", 1, 0, State::Down),
            ("dead in another run", 7, 0, State::Down),
            ("dead in the last run there can be", u32::MAX, 0, State::Down),
            ("alive in the last run there can be", u32::MAX, 0, State::Alive),
            ("suspect for ever", 1, u16::MAX, State::Suspect),
        ] {
            let longest = longest_dead(timing, 1, |world, to, round| {
                let hostile = world.nodes.len() - 1;
                let bump = if bump == 7 { 2 + round } else { bump };
                let told = [(id(world, 0, bump), incarnation, state)];
                swim(id(world, hostile, 1), id(world, to, 1), Message::Gossip, &told)
            });
            assert!(longest < 2 * S, "{name}, {timing:?}: for {longest:?}");
        }
    }
}

#[test]
fn whoever_is_told_that_it_is_dead_is_not() {
    // All are told, all the time: each has to begin a new run now and then, and nobody may be missed for it.
    let longest = longest_dead(Timing::Lan, 2, |world, to, _| {
        let hostile = world.nodes.len() - 1;
        swim(id(world, hostile, 1), id(world, to, 1), Message::TurnUndead, &[])
    });
    assert!(longest < 2 * S, "{longest:?}");
}
