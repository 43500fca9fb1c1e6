//! What may cut the owner off holds for two minutes, and then only if somebody says that it works.

use super::world::{World, started};
use crate::node::command::{Command, Refusal};
use crate::node::operation::{OperationId, Trouble};
use crate::node::pending::Change;
use crate::node::{Action, Document, Event, Job, News, Ticket, Yield};

fn rename(name: &str) -> Command {
    Command::Rename { name: name.to_owned() }
}

fn end(world: &mut World, id: OperationId, news: News) {
    world.tell(Event::Helper(Ticket::Operation(id), news));
}

const DONE: News = News::Done(Yield::Nothing);

/// A node that has just got the name `attic`.
fn renamed() -> World {
    let mut world = World::claimed();
    let id = started(world.owner(rename("attic")));
    end(&mut world, id, DONE);
    world
}

/// The job that the node has just given, which must be to go back.
fn going_back(world: &World) -> OperationId {
    let Some((Ticket::Operation(id), Job::Rename { name })) = world.jobs.last() else {
        panic!("{:?}", world.jobs.last())
    };
    assert_eq!(name, "nuvol");
    *id
}

#[test]
fn a_name_that_was_kept_stays() {
    let mut world = renamed();
    let snapshot = world.node.snapshot();
    let trial = snapshot.trial.unwrap();
    assert_eq!(trial.change, Change::Name { from: "nuvol".to_owned(), to: "attic".to_owned() });
    assert_eq!((snapshot.name.as_str(), trial.until.as_secs()), ("attic", world.uptime_s + 120));
    assert_eq!(world.owner(rename("third")), Err(Refusal::Full));
    world.wait(119);
    world.owner(Command::Keep).unwrap();
    world.wait(1000);
    assert_eq!((world.node.snapshot().name.as_str(), world.node.snapshot().trial), ("attic", None));
    assert_eq!(world.owner(Command::Keep), Err(Refusal::NoSuch));
    assert_eq!(world.owner(Command::GoBack), Err(Refusal::NoSuch));
    world.assert_nothing_unsaved();
}

#[test]
fn a_name_that_nobody_kept_goes_back_after_two_minutes() {
    let mut world = renamed();
    world.wait(119);
    assert_eq!(world.jobs.iter().filter(|(_, job)| matches!(job, Job::Rename { .. })).count(), 1);
    world.wait(1);
    let id = going_back(&world);
    // Once, however long the helper takes.
    world.wait(30);
    assert_eq!(going_back(&world), id);
    assert_eq!(world.owner(Command::Keep), Err(Refusal::Busy(id)));
    end(&mut world, id, DONE);
    assert_eq!((world.node.snapshot().name.as_str(), world.node.snapshot().trial), ("nuvol", None));
    world.assert_nothing_unsaved();
    world.wait(1000);
    assert_eq!(going_back(&world), id);
}

#[test]
fn the_owner_may_go_back_at_once() {
    let mut world = renamed();
    world.owner(Command::GoBack).unwrap();
    let id = going_back(&world);
    assert_eq!(world.owner(Command::GoBack), Err(Refusal::Busy(id)));
    end(&mut world, id, DONE);
    assert_eq!(world.node.snapshot().name, "nuvol");
    assert_eq!(world.owner(Command::GoBack), Err(Refusal::NoSuch));
}

#[test]
fn while_the_helper_is_at_it_nobody_can_know_whether_it_works() {
    let mut world = World::claimed();
    let id = started(world.owner(rename("attic")));
    assert_eq!(world.owner(Command::Keep), Err(Refusal::Busy(id)));
    assert_eq!(world.owner(Command::GoBack), Err(Refusal::Busy(id)));
    assert!(world.node.snapshot().trial.is_some());
    // Written down before the helper begins: a node that is cut off now goes back.
    assert!(world.on_disk().preferences.trial.is_some());
}

#[test]
fn a_name_that_could_not_be_given_is_on_no_trial() {
    let mut world = World::claimed();
    let id = started(world.owner(rename("attic")));
    end(&mut world, id, News::Failed(Trouble::DiskFull));
    assert_eq!((world.node.snapshot().name.as_str(), world.node.snapshot().trial), ("nuvol", None));
    world.assert_nothing_unsaved();
    started(world.owner(rename("attic")));
}

#[test]
fn going_back_is_tried_until_it_works() {
    let mut world = renamed();
    world.wait(120);
    for _ in 0..3 {
        let id = going_back(&world);
        end(&mut world, id, News::Failed(Trouble::SystemdAway));
        assert!(matches!(world.last[0], Action::Log(..)));
        assert_eq!(world.node.snapshot().name, "attic");
        assert!(world.on_disk().preferences.trial.is_some());
        world.wait(119);
        assert_eq!(going_back(&world), id);
        world.wait(1);
        assert_ne!(going_back(&world), id);
    }
    let id = going_back(&world);
    end(&mut world, id, DONE);
    assert_eq!((world.node.snapshot().name.as_str(), world.node.snapshot().trial), ("nuvol", None));
    world.assert_nothing_unsaved();
}

#[test]
fn a_restart_undoes_what_nobody_kept_wherever_it_happens() {
    let mut world = World::claimed();
    let mut disks = Vec::new();
    let id = started(world.owner(rename("attic")));
    disks.push(world.on_disk());
    end(&mut world, id, DONE);
    disks.push(world.on_disk());
    world.wait(120);
    disks.push(world.on_disk());
    let back = going_back(&world);
    for disk in disks {
        let mut after = World::with(disk);
        after.wait(5);
        let id = going_back(&after);
        end(&mut after, id, DONE);
        assert_eq!((after.node.snapshot().name.as_str(), after.node.snapshot().trial), ("nuvol", None));
        assert_eq!(after.on_disk().preferences.trial, None);
    }
    end(&mut world, back, DONE);
    let mut after = World::with(world.on_disk());
    after.wait(5);
    assert!(!after.jobs.iter().any(|(_, job)| matches!(job, Job::Rename { .. })));
}

#[test]
fn only_what_can_be_a_host_name_becomes_one() {
    let long = "a".repeat(64);
    for bad in
        ["", "-", "-a", "a-", "A", "a.b", "a b", "a_b", "ä", "localhost", "127", "a\n", "a/b", "::1", &long]
    {
        let answer = World::claimed().owner(rename(bad));
        assert!(matches!(answer, Err(Refusal::Fields(_))), "{bad:?}: {answer:?}");
    }
    assert_eq!(World::claimed().owner(rename("nuvol")), Err(Refusal::Already));
    for good in ["a", "4ever", "a-b", "xn--nvol-1ra", &"a".repeat(63)] {
        started(World::claimed().owner(rename(good)));
    }
}

#[test]
fn the_trial_is_written_down_first() {
    let mut world = World::claimed();
    started(world.owner(rename("attic")));
    let first = world.last.first();
    assert!(
        matches!(first, Some(Action::Save(Document::Preferences(it))) if it.trial.is_some()),
        "{first:?}"
    );
}

fn vpn(on: bool) -> Command {
    Command::Switch { service: "vpn".to_owned(), on }
}

fn last_job(world: &World) -> (OperationId, bool) {
    let Some((Ticket::Operation(id), Job::Switch { service, on })) = world.jobs.last() else {
        panic!("{:?}", world.jobs.last())
    };
    assert_eq!(service, "vpn");
    (*id, *on)
}

/// A node whose mesh was just switched off.
fn unmeshed() -> World {
    let mut world = World::claimed();
    let id = started(world.owner(vpn(false)));
    assert!(world.on_disk().preferences.trial.is_some(), "written down before the helper begins");
    assert_eq!(world.owner(Command::Keep), Err(Refusal::Busy(id)));
    end(&mut world, id, DONE);
    world
}

#[test]
fn a_way_in_that_was_switched_off_comes_back_unless_that_is_kept() {
    let mut world = unmeshed();
    assert_eq!(world.owner(rename("attic")), Err(Refusal::Full));
    world.wait(119);
    assert!(!last_job(&world).1);
    world.wait(1);
    let (id, on) = last_job(&world);
    assert!(on);
    end(&mut world, id, News::Failed(Trouble::SystemdAway));
    assert!(world.node.snapshot().trial.is_some(), "tried again");
    world.wait(120);
    let (again, on) = last_job(&world);
    assert!(on && again != id);
    end(&mut world, again, DONE);
    assert_eq!(world.node.snapshot().trial, None);
    world.assert_nothing_unsaved();

    let mut world = unmeshed();
    world.owner(Command::Keep).unwrap();
    world.wait(1000);
    assert!(!last_job(&world).1);
    world.assert_nothing_unsaved();

    // Whoever goes back by hand has gone back.
    let mut world = unmeshed();
    let id = started(world.owner(vpn(true)));
    end(&mut world, id, DONE);
    assert_eq!(world.node.snapshot().trial, None);

    // Cut off in the middle: nobody said that it works.
    let mut after = World::with(unmeshed().on_disk());
    after.wait(5);
    assert!(last_job(&after).1);
}

#[test]
fn switching_on_and_other_services_are_on_no_trial() {
    let mut world = World::claimed();
    let off = started(world.owner(Command::Switch { service: "syncthing".to_owned(), on: false }));
    let on = started(world.owner(vpn(true)));
    assert_eq!(world.node.snapshot().trial, None);
    end(&mut world, off, DONE);
    end(&mut world, on, News::Failed(Trouble::DiskFull));
    assert_eq!(world.node.snapshot().trial, None);
    // One that could not be switched off is on no trial either.
    let id = started(world.owner(vpn(false)));
    end(&mut world, id, News::Failed(Trouble::DiskFull));
    assert_eq!(world.node.snapshot().trial, None);
    world.assert_nothing_unsaved();
}
