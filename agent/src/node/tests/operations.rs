//! Work that takes a while: one at a time, told to the end, remembered over a restart.

use super::world::{OWNER, World, person, started};
use crate::node::command::{Command, Power, Refusal, Reply};
use crate::node::operation::{Operation, OperationId, Operations, Progress, Standing, Step, Task, Trouble};
use crate::node::service::Text;
use crate::node::{Action, Document, Event, Job, News, Restored, Ticket, Yield};

fn switch(service: &str, on: bool) -> Command {
    Command::Switch { service: service.to_owned(), on }
}

fn tell(world: &mut World, id: OperationId, news: News) {
    world.tell(Event::Helper(Ticket::Operation(id), news));
}

fn last(world: &World) -> Operation {
    world.operations().last().unwrap().clone()
}

#[test]
fn an_operation_is_written_down_before_it_begins_and_told_step_by_step() {
    let mut world = World::claimed();
    let id = started(world.owner(switch("tinc", true)));
    let job = Action::Help(Ticket::Operation(id), Job::Switch { service: "tinc".to_owned(), on: true });
    let saved = world.last.iter().position(|it| matches!(it, Action::Save(Document::Operations(_))));
    assert!(saved < world.last.iter().position(|it| *it == job), "{:?}", world.last);
    assert_eq!(last(&world).progress, Progress::Doing { step: Step::Waiting });
    tell(&mut world, id, News::Step(Step::Enabling));
    assert_eq!(last(&world).progress, Progress::Doing { step: Step::Enabling });
    // A node that is cut off now can tell afterwards how far it was.
    assert_eq!(world.on_disk().operations, *world.node.snapshot().operations);
    world.uptime_s += 7;
    tell(&mut world, id, News::Done(Yield::Nothing));
    let done = last(&world);
    assert_eq!((done.progress, done.until_s), (Progress::Done, Some(done.since_s + 7)));
    assert_eq!(done.by, "Ana");
    assert!(matches!(world.last[..], [Action::Save(Document::Operations(_))]));
    // Nothing that comes later changes it.
    tell(&mut world, id, News::Failed(Trouble::DiskFull));
    assert_eq!((last(&world).progress, world.last.len()), (Progress::Done, 0));
    tell(&mut world, OperationId(99), News::Done(Yield::Nothing));
    assert_eq!(world.last, []);
}

/// The steps of the last operation with how they stand.
fn steps(world: &World) -> Vec<(Step, Standing)> {
    last(world).steps().into_iter().map(|(step, standing, _)| (step, standing)).collect()
}

#[test]
fn every_step_is_told_from_the_beginning_to_the_end() {
    use Standing::{Done, Now, ToCome};
    let mut world = World::claimed();
    let id = started(world.owner(switch("tinc", true)));
    let order = [Step::Waiting, Step::Checking, Step::Enabling, Step::Starting, Step::Firewall];
    for now in 0..order.len() {
        if now > 0 {
            world.uptime_s += 2;
            tell(&mut world, id, News::Step(order[now]));
        }
        let standing = |place: usize| {
            if place < now {
                Done
            } else if place == now {
                Now
            } else {
                ToCome
            }
        };
        let expected: Vec<_> = (0..).zip(order).map(|(place, step)| (step, standing(place))).collect();
        assert_eq!(steps(&world), expected);
    }
    tell(&mut world, id, News::Done(Yield::Nothing));
    assert_eq!(steps(&world), order.map(|step| (step, Done)));
    let since: Vec<_> = last(&world).steps().into_iter().map(|(.., since_s)| since_s.unwrap()).collect();
    assert_eq!(since.iter().map(|it| it - since[0]).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
}

#[test]
fn the_step_that_failed_is_told_and_what_was_undone() {
    use Standing::{Done, Failed, LeftOut, Now};
    let mut world = World::claimed();
    let id = started(world.owner(switch("tinc", true)));
    for step in [Step::Checking, Step::Enabling, Step::Starting, Step::Undoing] {
        tell(&mut world, id, News::Step(step));
    }
    let told = |undoing| {
        [
            (Step::Waiting, Done),
            (Step::Checking, Done),
            (Step::Enabling, Done),
            (Step::Starting, Failed),
            (Step::Firewall, LeftOut),
            (Step::Undoing, undoing),
        ]
    };
    assert_eq!(steps(&world), told(Now));
    tell(&mut world, id, News::Failed(Trouble::DiskFull));
    assert_eq!(steps(&world), told(Done));
    // A helper that never answers has failed before its first step.
    let id = started(world.owner(Command::Restart { service: "tinc".to_owned() }));
    tell(&mut world, id, News::Failed(Trouble::SystemdAway));
    assert_eq!(steps(&world), [(Step::Waiting, Failed), (Step::Starting, LeftOut)]);
    // A service that is off need not start with its new settings.
    let configure = Command::Configure { service: "tinc".to_owned(), settings: [].into() };
    let id = started(world.owner(configure));
    tell(&mut world, id, News::Step(Step::Writing));
    tell(&mut world, id, News::Done(Yield::Nothing));
    assert_eq!(steps(&world), [(Step::Waiting, Done), (Step::Writing, Done), (Step::Starting, LeftOut)]);
}

#[test]
fn a_node_that_was_cut_off_tells_at_which_step() {
    let mut world = World::claimed();
    let id = started(world.owner(switch("tinc", true)));
    tell(&mut world, id, News::Step(Step::Checking));
    tell(&mut world, id, News::Step(Step::Enabling));
    let after = World::with(world.on_disk());
    assert_eq!(
        steps(&after),
        [
            (Step::Waiting, Standing::Done),
            (Step::Checking, Standing::Done),
            (Step::Enabling, Standing::Failed),
            (Step::Starting, Standing::LeftOut),
            (Step::Firewall, Standing::LeftOut),
        ]
    );
}

#[test]
fn operations_of_an_earlier_version_are_read_and_have_no_steps() {
    let text = r#"{"list": [{"id": 4, "task": "restart", "service": "tinc", "by": "Ana", "since_s": 1, "until_s": 3,
        "progress": {"state": "done"}}], "next": 5}"#;
    let operations: Operations = serde_json::from_str(text).unwrap();
    assert_eq!(operations.list[0].steps(), []);
}

#[test]
fn one_at_a_time_on_each_service_and_on_the_node() {
    let mut world = World::claimed();
    let first = started(world.owner(switch("tinc", true)));
    for again in
        [switch("tinc", true), switch("tinc", false), Command::Restart { service: "tinc".to_owned() }]
    {
        assert_eq!(world.owner(again), Err(Refusal::Busy(first)));
    }
    let other = started(world.owner(switch("syncthing", false)));
    let node = started(world.owner(Command::Power(Power::Reboot)));
    assert_eq!(world.owner(Command::Power(Power::Off)), Err(Refusal::Busy(node)));
    assert_eq!(world.owner(Command::Rename { name: "new".to_owned() }), Err(Refusal::Busy(node)));
    assert_eq!(world.node.snapshot().trial, None);
    tell(&mut world, first, News::Failed(Trouble::DiskFull));
    let again = started(world.owner(switch("tinc", true)));
    assert!(first < other && other < node && node < again);
    assert_eq!(world.node.snapshot().services[1].operation.as_ref().map(|it| it.id), Some(again));
}

#[test]
fn what_is_not_in_the_catalogue_cannot_be_worked_on() {
    let mut world = World::claimed();
    let service = || "nowhere".to_owned();
    for command in [
        switch("nowhere", true),
        Command::Restart { service: service() },
        Command::Configure { service: service(), settings: [].into() },
        Command::Logs { service: service(), lines: 3 },
    ] {
        assert_eq!(world.owner(command), Err(Refusal::NoSuch));
    }
    let settings = [("colour".to_owned(), "red".to_owned())].into();
    let unknown = world.owner(Command::Configure { service: "tinc".to_owned(), settings });
    assert!(matches!(unknown, Err(Refusal::Fields(fields)) if fields.contains_key("colour")));
    assert!(world.operations().is_empty());
}

#[test]
fn the_journal_tells_what_was_asked_and_no_values_of_settings() {
    let mut world = World::claimed();
    let configure = Command::Configure { service: "tinc".to_owned(), settings: [].into() };
    started(world.owner(configure));
    let lines: Vec<_> = world
        .last
        .iter()
        .filter_map(|it| match it {
            Action::Log(_, line) => Some(line.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(lines, [r#"Ana asks: Configure { service: "tinc" }"#]);
}

#[test]
fn what_went_on_when_the_node_was_cut_off_is_told_as_such() {
    let mut world = World::claimed();
    let done = started(world.owner(switch("tinc", true)));
    tell(&mut world, done, News::Done(Yield::Nothing));
    started(world.owner(switch("tinc", false)));
    started(world.owner(Command::Power(Power::Off)));
    let mut after = World::with(world.on_disk());
    let progress: Vec<_> = after.operations().into_iter().map(|it| it.progress).collect();
    let cut_off = Progress::Failed(Trouble::Interrupted);
    assert_eq!(progress, [Progress::Done, cut_off.clone(), cut_off]);
    assert!(after.operations().iter().all(|it| it.until_s.is_some()));
    // And work goes on, with new numbers.
    assert_eq!(started(after.ask(&person(OWNER, "ana"), switch("tinc", true))), OperationId(3));
}

#[test]
fn fifty_are_remembered_and_none_that_goes_on_is_forgotten() {
    let mut world = World::claimed();
    let long = started(world.owner(switch("syncthing", true)));
    for _ in 0..60 {
        let id = started(world.owner(switch("tinc", true)));
        tell(&mut world, id, News::Done(Yield::Nothing));
    }
    let list = world.operations();
    assert_eq!((list.len(), list[0].id), (50, long));
    tell(&mut world, long, News::Done(Yield::Nothing));
    started(world.owner(switch("tinc", true)));
    assert!(world.operations().iter().all(|it| it.id != long));
    assert_eq!(world.operations().len(), 50);
}

#[test]
fn a_log_is_answered_when_the_helper_has_it() {
    let mut world = World::claimed();
    let logs = Command::Logs { service: "tinc".to_owned(), lines: 5 };
    assert_eq!(world.owner(logs), Ok(Reply::Later));
    let (ticket, _) = world.jobs.last().unwrap().clone();
    world.tell(Event::Helper(ticket, News::Step(Step::Checking)));
    assert_eq!(world.last, []);
    let detail = Text::from("nobody home".to_owned());
    let trouble = Trouble::HelperAway { detail };
    world.tell(Event::Helper(ticket, News::Failed(trouble.clone())));
    let Ticket::Asked(number) = ticket else { panic!("{ticket:?}") };
    assert_eq!(world.last, [Action::Answer(number, Err(Refusal::Trouble(trouble)))]);
    assert_eq!(world.operations(), []);
}

#[test]
fn a_service_that_needs_attention_says_so_until_it_works() {
    let mut world =
        World::with(Restored { people: World::claimed().on_disk().people, ..Restored::default() });
    let id = started(world.owner(switch("tinc", true)));
    tell(&mut world, id, News::Failed(Trouble::DiskFull));
    assert!(world.node.snapshot().services[1].needs_attention());
    assert!(matches!(last(&world).task, Task::SwitchOn { .. }));
    let unit = super::unit("loaded active running");
    world.tell(super::units(&[("tinc.service", unit)]));
    assert!(!world.node.snapshot().services[1].needs_attention());
}

/// Whoever opens the page in that very moment must not find the old values, and save them with the next change.
#[test]
fn what_is_set_is_known_the_moment_a_change_has_ended() {
    let mut world = World::claimed();
    let configure = Command::Configure { service: "tinc".to_owned(), settings: [].into() };
    let id = started(world.owner(configure));
    let settings = [("port".to_owned(), "656".to_owned())];
    let told =
        Yield::Settings { service: "tinc".to_owned(), settings: settings.clone().into(), shown: [].into() };
    tell(&mut world, id, News::Done(told));
    let seen = world.node.snapshot();
    let tinc = seen.services.iter().find(|it| *it.service.name == *"tinc").unwrap();
    assert_eq!(tinc.settings.as_ref().map(|it| &it.values), Some(&settings.into()));
    assert!(!world.last.iter().any(|it| matches!(it, Action::Help(..))), "{:?}", world.last);
}
