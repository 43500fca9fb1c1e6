//! The node as a member: founding, joining, letting in, offering.

use std::sync::Arc;

use nuvol_community::address::{CommunityId, HostId};
use nuvol_community::identity::{NodeId, NodeKey};
use nuvol_community::invitation::Invitation;
use nuvol_community::join::{Answer, Request, Why};
use nuvol_community::object::Role;
use nuvol_community::text::Name;

use super::world::World;
use crate::node::command::{Command, Refusal, Reply};
use crate::node::community::{
    CommunityAct, Errand, Foreign, Joining, Latencies, Liveness, Member, Order, Told, View,
};
use crate::node::operation::Trouble;
use crate::node::rights::Actor;
use crate::node::unit::Unit;
use crate::node::{Action, Catalogue, Event, Job, News, Ticket, Yield};

pub(super) const COMMUNITY: CommunityId = CommunityId([7; 16]);

pub(super) fn key(number: u8) -> NodeKey {
    NodeKey::from_bytes(&[number; 32])
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn member(number: u8, mesh_key: &[u8]) -> Member {
    let id = key(number).id();
    let host = HostId::from(&id);
    Member {
        id,
        host,
        address: COMMUNITY.address(host),
        name: name("a node"),
        role: Role::Member,
        inviter: None,
        since_s: 0,
        liveness: if number == 1 { Liveness::Me } else { Liveness::Up },
        endpoints: Vec::new(),
        mesh_key: mesh_key.to_vec(),
        may_expel: number != 1,
    }
}

pub(super) fn view(role: Option<Role>, others: &[u8]) -> Event {
    let members = [1].iter().chain(others).map(|it| member(*it, b"key")).collect();
    let me = key(1).id();
    let view = View { id: COMMUNITY, name: name("Valley"), me, role, members, records: Vec::new() };
    Event::Gossip(Told::View(Some(Arc::new(view))))
}

pub(super) fn act(world: &mut World, act: CommunityAct) -> Result<Reply, Refusal> {
    world.owner(Command::Community(act))
}

pub(super) fn orders(world: &World) -> Vec<Order> {
    world
        .last
        .iter()
        .filter_map(|it| if let Action::Gossip(order) = it { Some(order.clone()) } else { None })
        .collect()
}

/// A node that founded a community, and knows its end of the mesh.
pub(super) fn founder() -> World {
    let mut world = World::claimed();
    act(&mut world, CommunityAct::Found { name: name("Valley") }).unwrap();
    world.tell(view(Some(Role::Steward), &[]));
    world.tell(Event::Helper(Ticket::Mesh(Errand::Key), News::Done(Yield::MeshKey(b"own key".to_vec()))));
    world
}

fn invite(world: &mut World, uses: u32, approve: bool) -> Invitation {
    let (secret, note) = ([uses as u8; 16], super::world::text("for you"));
    let invite = CommunityAct::Invite {
        secret,
        role: Role::Member,
        uses,
        days: 1,
        approve,
        note,
        endpoints: Vec::new(),
    };
    match act(world, invite) {
        Ok(Reply::Invitation(text)) => Invitation::parse(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// What a node with this key is told when it knocks: nothing where it is let in.
fn knock(world: &mut World, invitation: &Invitation, number: u8) -> Option<Answer> {
    let bytes = Request::sign(invitation, &key(number), name("joiner"), [0; 16], Some(b"contact"));
    assert_eq!(world.ask_from("192.0.2.9", &Actor::Visitor, Command::Knock(bytes)), Ok(Reply::Later));
    match &orders(world)[..] {
        [Order::Say { answer, .. }] => Some(answer.clone()),
        [Order::Admit { member, contact, role: Role::Member, .. }] => {
            assert_eq!((*member, contact.as_deref()), (key(number).id(), Some(&b"contact"[..])));
            None
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_invitation_lets_in_as_many_as_it_says() {
    let mut world = founder();
    let invitation = invite(&mut world, 2, false);
    assert_eq!(knock(&mut world, &invitation, 2), None);
    // Its answer was lost: it is let in again, and uses nothing up.
    assert_eq!(knock(&mut world, &invitation, 2), None);
    assert_eq!(knock(&mut world, &invitation, 3), None);
    assert_eq!(knock(&mut world, &invitation, 4), Some(Answer::No(Why::Used)));
    world.assert_nothing_unsaved();
    // Not even to somebody new after its time, and to nobody once it is taken back.
    let late = invite(&mut world, 5, false);
    world.wait(2 * 24 * 3600);
    assert_eq!(knock(&mut world, &late, 5), Some(Answer::No(Why::Expired)));
    act(&mut world, CommunityAct::Uninvite(crate::node::community::hex(&late.secret().id().0))).unwrap();
    let bytes = Request::sign(&late, &key(5), name("joiner"), [0; 16], None);
    assert_eq!(world.ask(&Actor::Visitor, Command::Knock(bytes)), Err(Refusal::NoSuch));
}

#[test]
fn somebody_says_yes_or_no() {
    let mut world = founder();
    let invitation = invite(&mut world, 9, true);
    let decide =
        |world: &mut World, number, admit| act(world, CommunityAct::Decide { node: key(number).id(), admit });
    for number in [2, 3] {
        assert_eq!(knock(&mut world, &invitation, number), Some(Answer::Wait));
        assert_eq!(knock(&mut world, &invitation, number), Some(Answer::Wait));
    }
    assert_eq!(world.node.snapshot().belonging.own.waiting.len(), 2);
    decide(&mut world, 2, true).unwrap();
    decide(&mut world, 3, false).unwrap();
    assert_eq!(decide(&mut world, 3, true), Err(Refusal::NoSuch));
    assert_eq!(knock(&mut world, &invitation, 2), None);
    assert_eq!(knock(&mut world, &invitation, 3), Some(Answer::No(Why::Declined)));
    assert_eq!(world.node.snapshot().belonging.own.invitations[0].uses, 8);
    world.assert_nothing_unsaved();
}

#[test]
fn whoever_guesses_learns_nothing_and_is_slowed_down() {
    let mut world = founder();
    let invitation = invite(&mut world, 1, false);
    let secret = nuvol_community::invitation::Secret([99; 16]);
    let forged = Invitation::new(COMMUNITY, invitation.inviter(), secret, 9, name("Valley"), Vec::new());
    let bytes = Request::sign(&forged, &key(2), name("joiner"), [0; 16], None);
    let mut knock = || world.ask_from("192.0.2.66", &Actor::Visitor, Command::Knock(bytes.clone()));
    for _ in 0..5 {
        assert_eq!(knock(), Err(Refusal::NoSuch));
    }
    assert!(matches!(knock(), Err(Refusal::Wait { .. })));
    // A node in no community says the same.
    let mut alone = World::claimed();
    assert_eq!(alone.ask(&Actor::Visitor, Command::Knock(bytes)), Err(Refusal::NoSuch));
}

#[test]
fn whoever_joins_brings_its_end_of_the_mesh() {
    let invitation = invite(&mut founder(), 1, false);
    let mut world = World::claimed();
    let join = |text: String| CommunityAct::Join { invitation: text };
    assert!(matches!(act(&mut world, join("hello".to_owned())), Err(Refusal::Invitation(_))));
    act(&mut world, join(invitation.to_text())).unwrap();
    assert_eq!(world.node.snapshot().belonging.joining, Some(Joining::Calling));
    // First the key; where the helper is away it is asked for again.
    assert_eq!((orders(&world).len(), &world.jobs.last().unwrap().1), (0, &Job::MeshKey));
    let away = Trouble::HelperAway { detail: super::world::text("away") };
    world.tell(Event::Helper(Ticket::Firewall, News::Done(Yield::Nothing)));
    world.tell(Event::Helper(Ticket::Mesh(Errand::Key), News::Failed(away)));
    world.jobs.clear();
    world.wait(20);
    assert!(world.jobs.contains(&(Ticket::Mesh(Errand::Key), Job::MeshKey)));
    world.tell(Event::Helper(Ticket::Mesh(Errand::Key), News::Done(Yield::MeshKey(b"own key".to_vec()))));
    let [Order::Join { contact, invitation: taken, .. }] = &orders(&world)[..] else { panic!() };
    assert_eq!((&*contact.mesh_key, &**taken), (&b"own key"[..], &invitation));
    // A restart goes on with it.
    let mut again = World::with(world.on_disk());
    assert_eq!(again.jobs.last().unwrap().1, Job::MeshKey);
    again.tell(Event::Gossip(Told::Joined));
    assert_eq!(again.node.snapshot().belonging.joining, None);
    assert_eq!(again.on_disk().community, *again.node.snapshot().belonging.own);
}

#[test]
fn an_invitation_set_before_boot_is_taken_up_once_there_is_an_owner() {
    let invitation = invite(&mut founder(), 1, false);
    let set = || Event::Invitation(invitation.to_text());
    let joining = |world: &World| world.node.snapshot().belonging.joining;
    let mut world = World::free();
    world.tell(set());
    world.wait(10);
    assert_eq!(joining(&world), None, "nobody's node joins nothing");
    world.claim("Ana").unwrap();
    world.wait(10);
    assert_eq!(joining(&world), Some(Joining::Calling));
    // Whoever stops it does not find it going on after the next boot.
    world.sign_in(super::world::OWNER, "ana").unwrap();
    act(&mut world, CommunityAct::StopJoining).unwrap();
    let mut again = World::with(world.on_disk());
    again.tell(set());
    again.wait(10);
    assert_eq!(joining(&again), None);
    // One that is none is told.
    let mut wrong = World::claimed();
    wrong.tell(Event::Invitation("nuvol:AAAA".to_owned()));
    let effects: Vec<_> = wrong.node.snapshot().problems.iter().map(|it| it.effect.clone()).collect();
    assert_eq!(effects, [crate::node::Effect::InvitationUnfit]);
}

#[test]
fn what_a_service_drew_is_told_with_its_offer_and_machines_that_are_no_nodes_are_offered_too() {
    let mut world = founder();
    let service = serde_json::json!({
        "name": "syncthing", "title": "Syncthing", "summary": "", "role": "storage", "start": "always",
        "units": ["syncthing.service"], "data": ["/var/lib/syncthing"],
        "ports": [{"name": "sync", "port": 22000, "protocol": "tcp", "scope": "mesh"}],
        "announce": {"type": "_syncthing._tcp", "port": "sync", "txt": {"id": "device-id"}},
        "shown": [{"name": "device-id", "title": "ID", "file": "/var/lib/syncthing/shown", "key": "id"}],
    });
    let services = [("syncthing".to_owned(), serde_json::from_value(service).unwrap())].into();
    world.tell(Event::Catalogue(Catalogue { services, ..Catalogue::default() }));
    let unit =
        Unit { load: "loaded".into(), active: "active".into(), sub: "running".into(), ..Unit::default() };
    world.tell(Event::Units([("syncthing.service".to_owned(), unit)].into()));
    let audience = Some(crate::node::community::Audience::Community);
    act(&mut world, CommunityAct::Publish { service: "syncthing".to_owned(), audience }).unwrap();
    let offered = |world: &World| match &orders(world)[..] {
        [Order::Offer(records)] => records.clone(),
        other => panic!("{other:?}"),
    };
    let records = offered(&world);
    assert_eq!((records.len(), records[0].txt.get("id")), (1, None), "not known yet");
    let settings = Yield::Settings {
        service: "syncthing".to_owned(),
        settings: [].into(),
        shown: [("device-id".to_owned(), "ABC-DEF".to_owned())].into(),
    };
    world.tell(Event::Helper(Ticket::Own, News::Done(settings)));
    assert_eq!(offered(&world)[0].txt.get("id"), Some("ABC-DEF"));
    let announced = world.last.iter().find_map(|it| match it {
        Action::Announce(it) => it.first().cloned(),
        _ => None,
    });
    assert_eq!(announced.unwrap().txt["id"], "ABC-DEF");

    let printer = Foreign {
        kind: "_ipp._tcp".to_owned(),
        title: "Printer".to_owned(),
        host: "192.0.2.7".to_owned(),
        port: 631,
        txt: [].into(),
        zone: None,
    };
    act(&mut world, CommunityAct::SetForeign(vec![printer])).unwrap();
    let records = offered(&world);
    assert_eq!((records.len(), records[1].host.as_ref().unwrap().as_str()), (2, "192.0.2.7"));
    act(&mut world, CommunityAct::SetForeign(Vec::new())).unwrap();
    assert_eq!(offered(&world).len(), 1);
}

#[test]
fn an_invitation_has_a_second_way_where_one_address_is_known() {
    let mut world = founder();
    world.tell(Event::Addresses(vec!["192.168.1.7".parse().unwrap()]));
    let endpoints: Vec<_> = invite(&mut world, 1, false).endpoints.iter().map(ToString::to_string).collect();
    assert_eq!(endpoints, ["192.168.1.7:443", &format!("{}.local:443", world.node.snapshot().name)]);
}

#[test]
fn latencies_are_those_of_the_community_that_one_is_in() {
    let mut world = founder();
    world.tell(view(Some(Role::Steward), &[2]));
    let latencies = Latencies::from([(HostId::from(&key(2).id()), 12)]);
    world.tell(Event::Gossip(Told::Latencies(latencies.clone())));
    assert_eq!(*world.node.snapshot().belonging.latencies, latencies);
    world.tell(Event::Gossip(Told::View(None)));
    assert!(world.node.snapshot().belonging.latencies.is_empty());
}

#[test]
fn only_those_may_be_expelled_whom_one_may_expel() {
    let mut world = founder();
    world.tell(view(Some(Role::Steward), &[2]));
    let expel = |node: NodeId| CommunityAct::Expel { node, spare: true };
    assert_eq!(act(&mut world, expel(key(1).id())), Err(Refusal::NotAllowed));
    assert_eq!(act(&mut world, expel(key(9).id())), Err(Refusal::NoSuch));
    assert_eq!(act(&mut world, expel(key(2).id())), Ok(Reply::Later));
    assert!(
        matches!(&orders(&world)[..], [Order::Expel { member, spare: true, .. }] if *member == key(2).id())
    );
    // A member of the household may not, and a service that nobody could use is not offered.
    let ben = world.admit("Ben", crate::node::people::Role::Member);
    world.sign_in(ben, "ben").unwrap();
    let actor = super::world::person(ben, "ben");
    assert_eq!(world.ask(&actor, Command::Community(expel(key(2).id()))), Err(Refusal::NotAllowed));
    let audience = Some(crate::node::community::Audience::Household);
    let publish = CommunityAct::Publish { service: "tinc".to_owned(), audience };
    assert_eq!(act(&mut world, publish), Err(Refusal::NotOffered));
}
