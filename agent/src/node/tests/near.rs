//! The home network, where members find each other's end of the mesh when their addresses have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::sync::Arc;

use nuvol_community::object::{Endpoint, Role};

use super::community::{COMMUNITY, founder, key, member};
use super::world::World;
use crate::node::community::{Errand, Found, Liveness, Member, MeshPeer, Told, View};
use crate::node::unit::Unit;
use crate::node::{Action, Catalogue, Event, Job, News, Ticket, Yield};

fn end(address: Ipv6Addr, at: &str, own: bool) -> Found {
    Found {
        name: "Nuvol mesh on somebody".to_owned(),
        kind: "_nuvol-mesh._tcp".to_owned(),
        host: "somebody.local".to_owned(),
        address: at.parse().unwrap(),
        port: 655,
        txt: BTreeMap::from([("address".to_owned(), address.to_string())]),
        own,
        available: Some(true),
    }
}

fn endpoint(at: &str) -> Endpoint {
    Endpoint::new(at, 655).unwrap()
}

fn community(world: &mut World, members: Vec<Member>) {
    let (id, me) = (COMMUNITY, key(1).id());
    let name = nuvol_community::text::Name::new("Valley").unwrap();
    let view = View { id, name, me, role: Some(Role::Steward), members, records: Vec::new() };
    world.tell(Event::Gossip(Told::View(Some(Arc::new(view)))));
    world.tell(Event::Helper(Ticket::Mesh(Errand::Files), News::Done(Yield::Nothing)));
}

/// The one other member of which the mesh knows.
fn told(world: &World) -> MeshPeer {
    let mut works = world.jobs.iter().rev().filter_map(|(_, job)| match job {
        Job::Mesh(work) => Some(work.clone()),
        _ => None,
    });
    works.next().unwrap().peers.first().unwrap().clone()
}

#[test]
fn a_member_that_is_missed_is_called_where_it_was_seen() {
    let mut world = founder();
    let other = |liveness, at: &str| Member { liveness, endpoints: vec![endpoint(at)], ..member(2, b"key") };
    let address = member(2, b"key").address;
    let far = member(3, b"key").address;
    community(&mut world, vec![member(1, b"key"), other(Liveness::Up, "192.168.1.7")]);
    world.tell(Event::Near(vec![
        end(address, "192.168.178.9", false),
        end(far, "192.168.178.10", false),
        end(member(1, b"key").address, "192.168.178.11", true),
    ]));
    // Whoever answers needs nothing; and nobody is shown what is for nodes alone.
    assert_eq!((told(&world).endpoints, told(&world).near), (vec![endpoint("192.168.1.7")], false));
    assert!(world.node.snapshot().belonging.near.is_empty());
    let down = Liveness::Down { since_s: 0 };
    community(&mut world, vec![member(1, b"key"), other(down, "192.168.1.7")]);
    let both = vec![endpoint("192.168.1.7"), endpoint("192.168.178.9")];
    assert_eq!((told(&world).endpoints, told(&world).near), (both.clone(), true));
    // It answers, and is not seen any more: what helped stays, or the mesh would let go of it.
    world.tell(Event::Near(Vec::new()));
    community(&mut world, vec![member(1, b"key"), other(Liveness::Up, "192.168.1.7")]);
    assert_eq!(told(&world).endpoints, both);
    // It tells by itself where it is.
    community(&mut world, vec![member(1, b"key"), other(Liveness::Up, "192.168.178.9")]);
    assert_eq!((told(&world).endpoints, told(&world).near), (vec![endpoint("192.168.178.9")], false));
}

#[test]
fn what_cannot_be_called_is_not() {
    let mut world = founder();
    let address = member(2, b"key").address;
    let down = Member { liveness: Liveness::Down { since_s: 0 }, ..member(2, b"key") };
    community(&mut world, vec![member(1, b"key"), down]);
    let silent = Found { available: Some(false), ..end(address, "192.168.1.9", false) };
    let other = Found { kind: "_http._tcp".to_owned(), ..end(address, "192.168.1.9", false) };
    let nobody = Found { txt: BTreeMap::new(), ..end(address, "192.168.1.9", false) };
    let itself = end(address, "192.168.1.9", true);
    let kinds: BTreeSet<_> = [silent, other, nobody, itself, end(address, "fe80::1", false)]
        .into_iter()
        .map(|found| {
            world.tell(Event::Near(vec![found]));
            told(&world).endpoints
        })
        .collect();
    assert_eq!(kinds, BTreeSet::from([Vec::new()]));
}

#[test]
fn its_own_end_is_announced_while_the_mesh_is_on() {
    let mut world = founder();
    let service = serde_json::json!({
        "name": "tinc", "title": "Mesh", "summary": "", "role": "mesh", "start": "on-demand",
        "units": ["tinc@nuvol.service"], "ports": [], "data": [], "run_as": "root",
    });
    let services = [("tinc".to_owned(), serde_json::from_value(service).unwrap())].into();
    world.tell(Event::Catalogue(Catalogue { services, ..Catalogue::default() }));
    let mut announced = |active: &str, sub: &str| {
        let unit = Unit { load: "loaded".into(), active: active.into(), sub: sub.into(), ..Unit::default() };
        world.tell(Event::Units([("tinc@nuvol.service".to_owned(), unit)].into()));
        world.last.iter().find_map(|it| match it {
            Action::Announce(it) => Some(it.clone()),
            _ => None,
        })
    };
    let announced_on = announced("active", "running").unwrap();
    let end = announced_on.first().unwrap();
    assert_eq!((&*end.kind, end.port), ("_nuvol-mesh._tcp", 655));
    assert_eq!(end.txt["address"], member(1, b"").address.to_string());
    assert_eq!(announced("inactive", "dead"), Some(BTreeSet::new()));
}
