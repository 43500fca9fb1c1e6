//! The same with real boards: who is a member spreads as everything does, and decides who is heard.

use nuvol_community::address::HostId;
use nuvol_community::board::{Board, LIFETIME_S};
use nuvol_community::gossip::Timing;
use nuvol_community::identity::NodeKey;
use nuvol_community::object::{Certificate, Content, Record, Revocation, Role, ServiceType, Slot, Txt};
use nuvol_community::text::{Line, Name};
use rand::RngExt;

use crate::shelf::Shelf;
use crate::world::{BEGIN_UNIX_S, Weather, World};
use crate::{MINUTE, SECOND};

const NODES: u8 = 8;

fn key(node: usize) -> NodeKey {
    NodeKey::from_bytes(&[node as u8 + 1; 32])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn record(id: u8) -> Content {
    Content::Record(Record {
        id: [id; 16].into(),
        kind: ServiceType::new("_http._tcp").unwrap(),
        title: Line::new("Photos").unwrap(),
        host: None,
        port: 80,
        txt: Txt::default(),
        zone: None,
    })
}

/// A node signs something and tells it.
fn state(world: &mut World<Shelf>, node: usize, lifetime_s: u64, content: Content) -> Slot {
    let now_s = world.unix_s(node);
    let board = &mut world.nodes[node].pool.board;
    let expires_s = if lifetime_s == u64::MAX { u64::MAX } else { now_s + lifetime_s };
    let version = matches!(content, Content::Revocation(_)).then_some(u64::MAX);
    let slot = board.state(&key(node), now_s * 1000, version, expires_s, content).unwrap().label.slot;
    world.tell(node, vec![slot]);
    slot
}

/// A founder, who lets the others in one after the other; each has at first only what the founder has then.
fn founded() -> World<Shelf> {
    let mut world = World::new(Weather::with_loss(0.05), Timing::Lan, 3);
    let board = Board::found(&key(0), name("Example Valley"), name("first"), [0; 16]).unwrap();
    for node in 0..usize::from(NODES) {
        let skew_s = world.rng.random_range(-86_400..86_400);
        let host = HostId::from(&key(node).id());
        world.add(
            host,
            Shelf::new(if node == 0 { board.clone() } else { Board::new(board.community()) }),
            skew_s,
        );
        if node > 0 {
            let certificate = Certificate::new(key(node).id(), name("a node"), Role::Member);
            state(&mut world, 0, u64::MAX, Content::Certificate(certificate));
            let bytes = world.nodes[0].pool.board.to_bytes();
            world.nodes[node].pool.board.take(BEGIN_UNIX_S, &bytes).unwrap();
        }
        let members = world.nodes[node].pool.members();
        world.start(node, &members);
        world.pass(SECOND);
    }
    world
}

fn same_boards(world: &World<Shelf>) -> bool {
    let labels =
        |node: &crate::world::Node<Shelf>| node.pool.board.objects().map(|it| it.label).collect::<Vec<_>>();
    let first = world.living().next().map(labels);
    world.living().all(|it| Some(labels(it)) == first)
}

#[test]
fn certificates_records_and_expulsions_reach_everybody() {
    let mut world = founded();
    let whole = |it: &World<Shelf>| it.all_know_all() && same_boards(it);
    world.until(3 * MINUTE, SECOND, whole).expect("all know all");
    for node in 0..usize::from(NODES) {
        for id in 0..3 {
            state(&mut world, node, LIFETIME_S, record(id));
        }
    }
    let records = |it: &World<Shelf>, many| it.living().all(|it| it.pool.board.records().count() == many);
    world.until(2 * MINUTE, SECOND, |it| records(it, 24)).expect("everybody's records");
    // One is withdrawn while another node is off, which has it still.
    world.stop(5);
    let subject = {
        let board = &world.nodes[2].pool.board;
        let own =
            board.objects().find(|it| it.author == key(2).id() && matches!(it.content, Content::Record(_)));
        own.unwrap().subject
    };
    state(&mut world, 2, 39 * 86_400, Content::Withdrawn(subject));
    world.until(MINUTE, SECOND, |it| records(it, 23)).expect("withdrawn");
    let members = world.nodes[5].pool.members();
    world.start(5, &members);
    world
        .until(2 * MINUTE, SECOND, |it| whole(it) && records(it, 23))
        .expect("withdrawn for the one that was off");
    // Another is expelled: nobody hears it, and what it offered is gone.
    state(&mut world, 0, u64::MAX, Content::Revocation(Revocation::new(key(6).id())));
    let expelled = world.nodes[6].host;
    let without = |it: &World<Shelf>| {
        let of_others = it.living().filter(|it| it.host != expelled);
        of_others
            .into_iter()
            .all(|it| it.gossip.liveness(expelled).is_none() && it.pool.board.records().count() == 20)
    };
    world.until(MINUTE, SECOND, without).expect("expelled");
    world.stop(6);
    world.until(2 * MINUTE, SECOND, whole).expect("the others are as before");
}
