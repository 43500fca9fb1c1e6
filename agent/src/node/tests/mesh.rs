//! When the mesh is told of members, looked at, and switched on.

use std::sync::Arc;

use nuvol_community::object::Role;

use super::community::{act, founder, key, name, view};
use super::world::{World, text};
use crate::node::command::{Refusal, Reply};
use crate::node::community::{CommunityAct, Errand, Liveness, Told};
use crate::node::operation::Trouble;
use crate::node::unit::Unit;
use crate::node::{Action, Event, Job, News, Ticket, Yield};

#[test]
fn the_mesh_knows_the_members_and_is_switched_on() {
    let mut world = founder();
    let files = |world: &World| match world.jobs.last() {
        Some((Ticket::Mesh(Errand::Files), Job::Mesh(work))) => work.peers.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(files(&world), 0);
    world.tell(view(Some(Role::Steward), &[2, 3]));
    // One at a time: what came meanwhile is told afterwards.
    assert_eq!(files(&world), 0);
    world.tell(Event::Helper(Ticket::Mesh(Errand::Files), News::Done(Yield::Nothing)));
    assert_eq!(files(&world), 2);
    let before = world.jobs.len();
    world.tell(Event::Helper(Ticket::Mesh(Errand::Files), News::Done(Yield::Nothing)));
    world.tell(view(Some(Role::Steward), &[2, 3]));
    assert_eq!(world.jobs.len(), before, "nothing has changed");
    // Expelled: the cable comes out, and stays out.
    world.tell(view(None, &[2, 3]));
    assert_eq!(world.jobs.last().unwrap().1, Job::MeshLeave);
    let before = world.jobs.len();
    world.tell(view(None, &[2]));
    assert_eq!(world.jobs.len(), before);
    // It can do nothing there but leave, and then join another.
    let expel = CommunityAct::Expel { node: key(2).id(), spare: true };
    assert_eq!(act(&mut world, expel), Err(Refusal::NoCommunity));
    assert_eq!(act(&mut world, CommunityAct::Leave), Ok(Reply::Later));
    world.tell(Event::Gossip(Told::View(None)));
    assert_eq!(act(&mut world, CommunityAct::Leave), Err(Refusal::NoCommunity));
    act(&mut world, CommunityAct::Found { name: name("Other") }).unwrap();
}

/// Otherwise a mesh that keeps its list to itself would refuse all who are new, one look after the other.
#[test]
fn a_mesh_that_does_not_tell_how_it_is_hears_of_who_is_new() {
    let mut world = founder();
    world.tell(Event::Helper(Ticket::Firewall, News::Done(Yield::Nothing)));
    let files =
        |world: &World| world.jobs.iter().filter(|it| matches!(it.0, Ticket::Mesh(Errand::Files))).count();
    world.tell(Event::Helper(Ticket::Mesh(Errand::Files), News::Done(Yield::Nothing)));
    let fail = |world: &mut World, errand| {
        let detail = text("the mesh does not tell");
        world.tell(Event::Helper(Ticket::Mesh(errand), News::Failed(Trouble::Other { detail })));
        world.last.iter().filter(|it| matches!(it, Action::Log(..))).count()
    };
    assert_eq!(fail(&mut world, Errand::Look), 1);
    assert_eq!(fail(&mut world, Errand::Look), 0, "it is said once");
    let before = files(&world);
    world.tell(view(Some(Role::Steward), &[2]));
    assert_eq!(files(&world), before + 1);
    // What it was not told is told again, but not at once.
    assert_eq!(fail(&mut world, Errand::Files), 1);
    world.tell(view(Some(Role::Steward), &[2, 3]));
    assert_eq!(files(&world), before + 1);
    world.wait(20);
    assert_eq!(files(&world), before + 2);
}

/// Each look has a mesh without a way call again, so whoever has just joined waits seconds for its next try.
#[test]
fn whom_nobody_answers_looks_often_at_first() {
    let mut world = founder();
    world.tell(Event::Helper(Ticket::Firewall, News::Done(Yield::Nothing)));
    let looks =
        |world: &World| world.jobs.iter().filter(|it| matches!(it.0, Ticket::Mesh(Errand::Look))).count();
    let pass = |world: &mut World, seconds: u64| {
        let before = looks(world);
        for _ in 0..seconds {
            world.wait(1);
            world.tell(Event::Helper(Ticket::Mesh(Errand::Look), News::Done(Yield::Mesh([].into()))));
        }
        looks(world) - before
    };
    let see = |world: &mut World, liveness: Liveness| {
        let Event::Gossip(Told::View(Some(view))) = view(Some(Role::Steward), &[2]) else { panic!() };
        let mut view = (*view).clone();
        view.members[1].liveness = liveness;
        world.tell(Event::Gossip(Told::View(Some(Arc::new(view)))));
    };
    let told = |world: &mut World| {
        world.tell(Event::Helper(Ticket::Mesh(Errand::Files), News::Done(Yield::Nothing)));
    };
    told(&mut world);
    assert!(pass(&mut world, 60) <= 2, "there is nobody else");
    see(&mut world, Liveness::Unheard);
    told(&mut world);
    let often = pass(&mut world, 60);
    assert!((8..=11).contains(&often), "{often}");
    pass(&mut world, 90);
    assert!(pass(&mut world, 60) <= 2, "the others may be off for good");
}

/// A member without a cable is none that anybody reaches: what failed once may work the next time.
#[test]
fn the_mesh_is_switched_on_until_it_is_on_and_then_left_to_its_owner() {
    let mut world = founder();
    let state = |active: &str, sub: &str| {
        let unit = Unit { load: "loaded".into(), active: active.into(), sub: sub.into(), ..Unit::default() };
        Event::Units([("vpn.service".to_owned(), unit)].into())
    };
    let switches = |world: &World| {
        let switch =
            |it: &&(Ticket, Job)| matches!(&it.1, Job::Switch { service, on: true } if service == "vpn");
        world.jobs.iter().filter(switch).count()
    };
    world.tell(Event::Helper(Ticket::Firewall, News::Done(Yield::Nothing)));
    world.tell(state("inactive", "dead"));
    world.tell(Event::Helper(Ticket::Mesh(Errand::Files), News::Done(Yield::Nothing)));
    assert_eq!(switches(&world), 1);
    let fail = |world: &mut World| {
        let id = world.operations().last().unwrap().id;
        world.tell(Event::Helper(Ticket::Operation(id), News::Failed(Trouble::SystemdAway)));
    };
    fail(&mut world);
    world.wait(5);
    assert_eq!(switches(&world), 1, "not at once");
    world.wait(20);
    assert_eq!(switches(&world), 2);
    fail(&mut world);
    world.wait(20);
    assert_eq!(switches(&world), 2, "less and less often");
    // Over a restart too.
    assert!(world.on_disk().community.wants_mesh);
    world.tell(state("active", "running"));
    world.wait(5);
    assert!(!world.on_disk().community.wants_mesh);
    world.tell(state("inactive", "dead"));
    world.wait(3600);
    assert_eq!(switches(&world), 2, "somebody has switched it off");
}
