//! The same world with the true board: signed objects, and rules about who may say what.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use minicbor::Encoder;
use nuvol_community::address::HostId;
use nuvol_community::board::{Board, LIFETIME_S, WITHDRAWN_S};
use nuvol_community::gossip::{Pool, Taken, Timing};
use nuvol_community::identity::{NodeId, NodeKey};
use nuvol_community::members::Members;
use nuvol_community::object::{
    Certificate, Content, Label, Object, Record, Revocation, Role, ServiceType, Slot, Txt,
};
use nuvol_community::text::{Line, Name};

use crate::seeds;
use crate::world::{BEGIN_S, MINUTE, Setting, Share, World, fingerprints};

const DAY: Duration = Duration::from_secs(24 * 3600);
const SOON: Duration = Duration::from_millis(100);
const RUMOUR: u8 = 2;

/// A board that notices when its members change.
struct Signed {
    board: Board,
    told: Arc<Members>,
}

fn hosts(members: &Members) -> BTreeSet<HostId> {
    members.iter().map(|it| HostId::from(&it.id)).collect()
}

impl Pool for Signed {
    fn labels(&self) -> impl Iterator<Item = Label> {
        self.board.labels()
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        Pool::get(&self.board, slot)
    }

    fn rank(&self, slot: Slot) -> u64 {
        self.board.rank(slot)
    }

    fn offer(&mut self, unix_s: u64, bytes: &[u8]) -> Taken {
        Pool::offer(&mut self.board, unix_s, bytes)
    }
}

impl Share for Signed {
    fn changed(&mut self) -> Option<BTreeSet<HostId>> {
        if Arc::ptr_eq(self.board.members(), &self.told) {
            return None;
        }
        self.told = self.board.members().clone();
        Some(hosts(&self.told))
    }
}

fn key(at: usize) -> NodeKey {
    NodeKey::from_bytes(&[at as u8 + 1; 32])
}

fn line<const MAX: usize>(text: &str) -> Line<MAX> {
    Line::new(text).unwrap()
}

fn record(id: u8, title: &str) -> Content {
    Content::Record(Record {
        id: [id; 16].into(),
        kind: ServiceType::new("_http._tcp").unwrap(),
        title: line(title),
        host: None,
        port: 80,
        txt: Txt::default(),
        zone: None,
    })
}

/// A rumour of one object, as a member sends it.
fn rumour(object: &[u8]) -> Vec<u8> {
    let mut bytes = vec![RUMOUR];
    Encoder::new(&mut bytes).array(1).unwrap().bytes(object).unwrap();
    bytes
}

/// Eight nodes: the founder (0), a steward (1), and whom they let in; 2 let in 4 and 5. Everybody offers something.
fn community(seed: u64, clocks: [i64; 4]) -> World<Signed> {
    let mut board = Board::found(&key(0), line("Example Valley"), line("first"), [0; 16]).unwrap();
    for (by, whom, role) in [
        (0, 1, Role::Steward),
        (0, 2, Role::Member),
        (1, 3, Role::Member),
        (2, 4, Role::Member),
        (2, 5, Role::Guest),
        (1, 6, Role::Guest),
        (0, 7, Role::Member),
    ] {
        let name: Name = line("a node");
        let content = Content::Certificate(Certificate::new(key(whom).id(), name, role));
        board.state(&key(by), BEGIN_S * 1000, None, u64::MAX, content).unwrap();
    }
    let places = (0..8).map(|at| HostId::from(&key(at).id())).collect();
    let setting = Setting { nodes: 8, timing: Timing::Lan, loss: 0.05, seed };
    let mut world =
        World::new(setting, places, |_| Signed { told: board.members().clone(), board: board.clone() });
    for at in 0..8 {
        world.nodes[at].ahead_s = clocks[at % 4];
        start(&mut world, at);
    }
    for at in 0..8 {
        state(&mut world, at, LIFETIME_S, record(at as u8, "Photos"));
    }
    world
        .run(5 * MINUTE, SOON, |it| it.all_know_all() && records(it).all(|it| it == 8))
        .expect("eight records");
    world
}

fn start(world: &mut World<Signed>, at: usize) {
    let now_s = world.unix_s(at);
    let board = &mut world.nodes[at].pool.board;
    board.expire(now_s);
    let members = hosts(board.members());
    world.start(at, members);
}

fn state(world: &mut World<Signed>, at: usize, lifetime_s: u64, content: Content) -> Object {
    let now_s = world.unix_s(at);
    let (version, expires_s) = match content {
        Content::Revocation(_) => (Some(u64::MAX), u64::MAX),
        _ => (None, now_s + lifetime_s),
    };
    let pool = &mut world.nodes[at].pool;
    let object = pool.board.state(&key(at), now_s * 1000, version, expires_s, content).unwrap();
    if let Some(members) = pool.changed() {
        let now = world.now;
        let outputs = world.nodes[at].gossip.set_members(now, members);
        assert!(outputs.is_empty(), "an expulsion is told by its object");
    }
    world.announce(at, vec![object.label.slot]);
    object
}

fn records(world: &World<Signed>) -> impl Iterator<Item = usize> {
    world.running().map(|(_, node)| node.pool.board.records().count())
}

fn split(world: &mut World<Signed>, side: u8) {
    world.nodes[4..].iter_mut().for_each(|it| it.side = side);
}

/// What members have and whom they see, for whoever has to find out why they differ.
fn tell(world: &World<Signed>, members: &[usize]) -> String {
    let line = |at: &usize| {
        let node = &world.nodes[*at];
        let board = &node.pool.board;
        let kinds: Vec<_> = board
            .objects()
            .map(|it| (it.content.kind(), it.version % 1_000_000_000, it.label.slot.0[0]))
            .collect();
        format!("\n{at}: {} members, {} live, {kinds:?}", board.members().len(), node.gossip.live_count())
    };
    members.iter().map(line).collect()
}

#[test]
fn whoever_is_expelled_during_a_split_is_out_everywhere_after_it() {
    for seed in seeds() {
        // No two clocks differ by more than a day: a withdrawal that counts for 39 days would be taken for one of more
        // than 40, and be refused by those who are behind.
        let mut world = community(seed, [0, 40_000, -40_000, 3600]);
        let old: Vec<Vec<u8>> = world.nodes[0].pool.board.objects().map(|it| it.bytes.clone()).collect();
        split(&mut world, 1);
        world.pass(MINUTE);
        // One side expels 2, and with it 4 and 5, who go on talking on the other side; there 7 withdraws its record.
        state(&mut world, 0, 0, Content::Revocation(Revocation::new(key(2).id())));
        state(&mut world, 4, LIFETIME_S, record(40, "Films"));
        state(&mut world, 2, LIFETIME_S, record(41, "More films"));
        let withdrawn = state(&mut world, 7, WITHDRAWN_S, Content::Withdrawn([7; 16]));
        // And 3 says two things at once, one to each side.
        let community = world.nodes[0].pool.board.community();
        let (version, expires_s) = (BEGIN_S * 1000 + 999_999_999, BEGIN_S + LIFETIME_S);
        for (to, title) in [(1, "Black"), (6, "White")] {
            let lie = Object::sign(&key(3), &community, version, expires_s, record(3, title)).unwrap();
            world.publish(to, [lie.bytes]);
        }
        world.pass(4 * MINUTE);
        assert_eq!(world.nodes[1].pool.board.members().len(), 5);
        assert_eq!(world.nodes[7].pool.board.members().len(), 8);
        split(&mut world, 0);
        let members = [0, 1, 3, 6, 7];
        let same = |it: &World<Signed>| {
            let first = it.nodes[0].pool.board.to_bytes();
            members.iter().all(|at| {
                it.nodes[*at].pool.board.to_bytes() == first && it.nodes[*at].gossip.live_count() == 4
            })
        };
        let healed = world
            .run(5 * MINUTE, SOON, same)
            .unwrap_or_else(|| panic!("not the same:{}", tell(&world, &members)));
        assert!(healed < 2 * MINUTE, "{healed:?}");
        // Then 6, who is a member, hands on all that was ever said before; and those expelled speak for themselves.
        for _ in 0..5 {
            for bytes in &old {
                for (from, to) in [(6, 0), (6, 1), (6, 3), (6, 7), (2, 1), (4, 7)] {
                    world.inject(from, to, rumour(bytes));
                }
            }
            world.pass(MINUTE / 2);
        }
        assert!(same(&world));
        let board = &world.nodes[7].pool.board;
        let mut authors: Vec<NodeId> = board.records().map(|(member, ..)| member.id).collect();
        authors.sort();
        let mut wanted: Vec<NodeId> = [0, 1, 3, 6].iter().map(|at| key(*at).id()).collect();
        wanted.sort();
        assert_eq!(authors, wanted);
        assert_eq!(board.get(withdrawn.label.slot).map(|it| &it.bytes), Some(&withdrawn.bytes));
        for at in members {
            for expelled in [2, 4, 5] {
                assert_eq!(world.nodes[at].gossip.liveness(world.host(expelled)), None);
            }
        }
    }
}

#[test]
fn what_was_withdrawn_does_not_come_back_after_days() {
    for seed in seeds() {
        let mut world = community(seed, [0, 86_400, -86_400, 3600]);
        // Its clock is a day late: for it the record counts for longest.
        assert_eq!(world.nodes[6].ahead_s, -86_400);
        world.stop(6);
        world.pass(MINUTE);
        let withdrawn = state(&mut world, 1, WITHDRAWN_S, Content::Withdrawn([1; 16]));
        world.pass(2 * MINUTE);
        let mut gone = false;
        for _ in 0..45 {
            (0..8).for_each(|at| world.stop(at));
            world.pass(DAY);
            // Whoever was away is there again from the sixth day on, for a while each day, as all are.
            let late = world.now > DAY * 6;
            for at in (0..8).filter(|at| *at != 6 || late) {
                start(&mut world, at);
            }
            world.pass(MINUTE);
            let back = |(_, node): (usize, &crate::world::Node<Signed>)| {
                node.pool
                    .board
                    .records()
                    .any(|(member, record, _)| member.id == key(1).id() && *record.id == [1; 16])
            };
            let days = world.now.as_secs() / 86_400;
            assert!(!world.running().any(back), "it is back after {days} days");
            gone = world.running().all(|(_, node)| node.pool.board.get(withdrawn.label.slot).is_none());
        }
        assert!(gone, "its withdrawal is kept for ever");
        world.run(5 * MINUTE, SOON, |it| fingerprints(&it.nodes).len() == 1).expect("the same");
    }
}
