//! What the node does by itself from time to time.

use super::at;
use super::world::{OWNER, World};
use crate::node::operation::Trouble;
use crate::node::people::access::Purpose;
use crate::node::people::{Role, SESSIONS_LIMIT};
use crate::node::{Action, Catalogue, Disk, Document, Event, Job, News, Node, Place, Ticket, Usage, Yield};

fn catalogue(services: &[&str]) -> Event {
    let service = |name: &&str| {
        let service = serde_json::json!({
            "name": name, "title": name, "summary": "", "role": "storage", "start": "always",
            "units": [format!("{name}.service")], "data": [format!("/srv/{name}")],
        });
        ((*name).to_owned(), serde_json::from_value(service).unwrap())
    };
    Event::Catalogue(Catalogue { services: services.iter().map(service).collect(), ..Catalogue::default() })
}

fn tick(node: &mut Node, uptime_s: u64) -> Vec<Job> {
    let actions = node.handle(at(uptime_s), super::tick("nuvol"));
    let job = |it| match it {
        Action::Help(Ticket::Own, job) => Some(job),
        _ => None,
    };
    actions.into_iter().filter_map(job).collect()
}

#[test]
fn what_services_keep_is_measured_one_after_the_other() {
    let mut node = Node::new("nuvol");
    node.handle(at(0), catalogue(&["a", "b"]));
    // First things first.
    assert_eq!(tick(&mut node, 1), []);
    node.handle(at(2), Event::Helper(Ticket::Firewall, News::Done(Yield::Nothing)));
    let usage = |name: &str| Job::Usage { service: name.to_owned() };
    assert_eq!(tick(&mut node, 5), [usage("a")]);
    assert_eq!(tick(&mut node, 10), []);
    let measured = Usage { bytes: 4096, at_least: false };
    let done = |service: &str| {
        let yielded = Yield::Usage { service: service.to_owned(), usage: measured };
        Event::Helper(Ticket::Own, News::Done(yielded))
    };
    node.handle(at(12), done("a"));
    assert_eq!(node.snapshot().services[0].usage, Some(measured));
    assert_eq!(tick(&mut node, 15), [usage("b")]);
    // One that does not work is tried at its next turn.
    let actions = node.handle(at(16), Event::Helper(Ticket::Own, News::Failed(Trouble::SystemdAway)));
    assert!(matches!(actions[..], [Action::Log(..)]));
    assert_eq!(tick(&mut node, 20), []);
    assert_eq!(tick(&mut node, 604), []);
    assert_eq!(tick(&mut node, 605), [usage("a")]);
    node.handle(at(606), done("a"));
    assert_eq!(tick(&mut node, 615), [usage("b")]);
}

#[test]
fn what_has_run_out_is_forgotten_once_an_hour() {
    let mut world = World::claimed();
    world.invite(Purpose::Join { role: Role::Guest }).unwrap();
    for id in 0..SESSIONS_LIMIT - 1 {
        world.sign_in(OWNER, &id.to_string()).unwrap();
    }
    world.wait(8 * 24 * 60 * 60);
    assert!(world.people().invitations.is_empty());
    assert!(matches!(world.last[0], Action::Save(Document::People(_))));
    assert_eq!(world.people().sessions.len(), SESSIONS_LIMIT);
    world.wait(22 * 24 * 60 * 60);
    assert!(world.people().sessions.is_empty());
    // Nothing to forget, nothing to write.
    world.wait(60 * 60);
    assert_eq!(world.last, []);
    world.assert_nothing_unsaved();
}

#[test]
fn a_clock_that_stands_in_1970_ends_no_session() {
    let mut world = World::claimed();
    let mut node = world.node.clone();
    let mut old = at(0);
    old.unix_s = 5;
    node.handle(old, super::tick("nuvol"));
    assert_eq!(node.snapshot().people.sessions.len(), 1);
    world.wait(5);
    assert_eq!(world.people().sessions.len(), 1);
}

#[test]
fn disks_are_told_as_they_fill_up() {
    let disk = |free: u64, total: u64| Disk { place: Place::System, free, total };
    let (mib, gib) = (1 << 20, 1 << 30);
    for (disk, tight, full) in [
        (disk(3 * mib, 32 * gib), true, true),
        (disk(100 * mib, 32 * gib), true, false),
        (disk(900 * mib, 32 * gib), true, false),
        (disk(900 * mib, 4 * gib), false, false),
        (disk(2 * gib, 1024 * gib), false, false),
    ] {
        assert_eq!((disk.is_tight(), disk.is_full()), (tight, full), "{disk:?}");
    }
    let mut node = Node::new("nuvol");
    let disks = vec![disk(3 * mib, 32 * gib)];
    node.handle(at(5), Event::Tick { name: "nuvol".to_owned(), disks: disks.clone() });
    assert_eq!(node.snapshot().disks, disks);
}

#[test]
fn a_helper_that_is_away_is_told_once_and_asked_again() {
    let mut node = Node::new("nuvol");
    let detail = crate::node::service::Text::from("nobody listens".to_owned());
    let away =
        || Event::Helper(Ticket::Firewall, News::Failed(Trouble::HelperAway { detail: detail.clone() }));
    let again = |node: &mut Node, uptime_s| {
        let actions = node.handle(at(uptime_s), super::tick("nuvol"));
        actions.contains(&Action::Help(Ticket::Firewall, Job::Firewall))
    };
    let told = |actions: &[Action]| actions.iter().any(|it| matches!(it, Action::Log(..)));
    assert!(told(&node.handle(at(10), away())));
    assert_eq!(node.snapshot().problems.len(), 1);
    assert!(!again(&mut node, 39));
    assert!(again(&mut node, 40));
    assert!(!again(&mut node, 45), "it was asked and has not answered yet");
    assert!(!told(&node.handle(at(50), away())));
    assert!(again(&mut node, 80));
    node.handle(at(81), Event::Helper(Ticket::Firewall, News::Done(Yield::Nothing)));
    assert_eq!(node.snapshot().problems, []);
    assert!(!again(&mut node, 200));
}

#[test]
fn at_start_the_firewall_is_set() {
    let world = World::free();
    assert!(world.jobs.contains(&(Ticket::Firewall, Job::Firewall)));
}
