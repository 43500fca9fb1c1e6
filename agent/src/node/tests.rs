//! The heart: what it knows of units and services. Its people and its work have files of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use super::snapshot::{Snapshot, Summary, Systemd};
use super::unit::{End, State, Unit, Why};
use super::{Action, Catalogue, Effect, Event, Level, Moment, Node, Problem};

mod chores;
mod claim;
mod community;
mod foreign;
mod mesh;
mod near;
mod operations;
mod people;
mod rights;
mod trial;
mod world;

const NOW: Moment = at(60);

const fn at(uptime_s: u64) -> Moment {
    Moment { uptime: Duration::from_secs(uptime_s), unix_s: 1_800_000_000 + uptime_s }
}

fn tick(name: &str) -> Event {
    Event::Tick { name: name.to_owned(), disks: Vec::new() }
}

fn catalogue(services: &[(&str, &str, &[&str])]) -> Event {
    let services = services.iter().map(|(name, start, units)| {
        let service = serde_json::json!({
            "name": name, "title": name, "summary": "", "role": "storage", "units": units, "start": start,
        });
        ((*name).to_owned(), serde_json::from_value(service).unwrap())
    });
    Event::Catalogue(Catalogue { services: services.collect(), ..Catalogue::default() })
}

fn unit(states: &str) -> Unit {
    let mut words = states.split(' ').map(str::to_owned);
    let mut next = || words.next().unwrap();
    Unit { load: next(), active: next(), sub: next(), end: None, memory: None }
}

fn units(units: &[(&str, Unit)]) -> Event {
    Event::Units(units.iter().map(|(name, unit)| ((*name).to_owned(), unit.clone())).collect())
}

/// A node that has lived through these events.
fn node(events: impl IntoIterator<Item = Event>) -> Node {
    let mut node = Node::new("nuvol-1a2b3c4d");
    events.into_iter().for_each(|event| drop(node.handle(NOW, event)));
    node
}

#[test]
fn a_unit_state_becomes_one_word() {
    for (states, expected) in [
        ("loaded active running", State::Running),
        ("loaded active exited", State::Running),
        ("error active running", State::Running),
        ("loaded activating start", State::Starting),
        ("loaded activating auto-restart", State::Starting),
        ("loaded reloading reload", State::Starting),
        ("loaded deactivating stop-sigterm", State::Stopping),
        ("loaded failed failed", State::Failed),
        ("bad-setting inactive dead", State::Failed),
        ("loaded inactive dead", State::Stopped),
        ("masked inactive dead", State::Stopped),
        ("not-found inactive dead", State::Missing),
        ("loaded of-tomorrow dead", State::Unknown),
    ] {
        assert_eq!(unit(states).state(), expected, "{states}");
    }
}

#[test]
fn a_failure_is_explained() {
    let end = |result: &str, status, restarts| End { result: result.to_owned(), status, restarts };
    let why = |states: &str, end: &End| Unit { end: Some(end.clone()), ..unit(states) }.why();
    let (failed, again) = ("loaded failed failed", "loaded activating auto-restart");
    for end in [end("exit-code", 1, 0), end("core-dump", 11, 7), end("oom-kill", 9, 0)] {
        assert_eq!(why(failed, &end), Some(Why::Ended(end.clone())));
        assert_eq!(why(again, &end), Some(Why::Ended(end.clone())));
        for fine in ["loaded active running", "loaded inactive dead", "loaded deactivating stop"] {
            assert_eq!(why(fine, &end), None, "{fine}");
        }
        assert_eq!(why("masked inactive dead", &end), Some(Why::Masked));
        assert_eq!(why("not-found inactive dead", &end), Some(Why::NoUnit));
        assert_eq!(why("bad-setting failed failed", &end), Some(Why::BadUnitFile));
    }
    assert_eq!(unit(failed).why(), Some(Why::Ended(End::default())));
}

#[test]
fn every_unit_of_the_catalogue_is_watched_and_no_other_is_kept() {
    let mut node = Node::new("n");
    let actions = node.handle(
        NOW,
        catalogue(&[("a", "always", &["a.service", "a.socket"]), ("b", "always", &["a.service"])]),
    );
    let expected = ["a.service", "a.socket"].map(str::to_owned).into();
    assert_eq!(actions[0], Action::Watch(expected));
    node.handle(NOW, units(&[("stranger.service", unit("loaded active running"))]));
    assert!(node.units.is_empty());
}

#[test]
fn what_has_not_changed_is_not_published_again() {
    let mut node = node([catalogue(&[("a", "always", &["a.service"])])]);
    let running = units(&[("a.service", unit("loaded active running"))]);
    assert!(matches!(node.handle(NOW, running.clone())[..], [Action::Publish(_)]));
    assert_eq!(node.handle(NOW, running), []);
    assert_eq!(node.handle(NOW, tick("nuvol-1a2b3c4d")), []);
    assert!(matches!(node.handle(NOW, tick("other"))[..], [Action::Publish(_)]));
}

#[test]
fn nothing_old_is_shown_while_systemd_is_away() {
    let services: &[(&str, &str, &[&str])] = &[("a", "always", &["a.service"])];
    let running = units(&[("a.service", unit("loaded active running"))]);
    let mut node = node([catalogue(services), running.clone()]);
    let away = |why: &str| Event::SystemdAway(why.to_owned());
    let actions = node.handle(NOW, away("gone"));
    assert!(
        matches!(&actions[0], Action::Log(Level::Warning, line) if line.ends_with("until it does: gone"))
    );
    // Told once in the journal, however often it is tried; the moment of the loss is kept.
    let actions = node.handle(at(120), away("still gone"));
    assert!(actions.iter().all(|action| matches!(action, Action::Publish(_))), "{actions:?}");
    let snapshot = node.snapshot();
    assert_eq!(snapshot.systemd, Systemd::Away { since: NOW.uptime, why: "still gone".to_owned() });
    assert_eq!((snapshot.services[0].state, snapshot.summary()), (State::Unknown, Summary::Blind));
    assert!(!snapshot.is_healthy());
    let actions = node.handle(at(180), running);
    assert_eq!(actions[0], Action::Log(Level::Info, "systemd answers again after 120 s".to_owned()));
    assert_eq!(node.snapshot().services[0].state, State::Running);
    assert!(node.snapshot().is_healthy());
}

#[test]
fn the_node_is_summed_up_by_what_matters_most() {
    let services: &[(&str, &str, &[&str])] =
        &[("a", "always", &["a.service"]), ("b", "on-demand", &["b.service", "b-helper.service"])];
    let check = |a: &str, b: &str, helper: &str| {
        let told = [("a.service", unit(a)), ("b.service", unit(b)), ("b-helper.service", unit(helper))];
        node([catalogue(services), units(&told)]).snapshot().summary()
    };
    let (up, off, failed) = ("loaded active running", "loaded inactive dead", "loaded failed failed");
    assert_eq!(check(up, off, off), Summary::Fine);
    assert_eq!(check(up, "loaded activating start", off), Summary::Moving { services: 1 });
    assert_eq!(check(off, off, off), Summary::Trouble { things: 1 });
    assert_eq!(check("loaded activating start", off, off), Summary::Moving { services: 1 });
    assert_eq!(check("loaded activating auto-restart", failed, off), Summary::Trouble { things: 2 });
    assert_eq!(check(up, up, failed), Summary::Trouble { things: 1 });
    assert_eq!(check(up, "not-found inactive dead", off), Summary::Trouble { things: 1 });
    assert_eq!(node([catalogue(services)]).snapshot().summary(), Summary::Asking);
}

#[test]
fn the_main_unit_decides_and_a_failing_part_is_named() {
    let services: &[(&str, &str, &[&str])] = &[("b", "on-demand", &["b.service", "b-helper.service"])];
    let told =
        [("b.service", unit("loaded active running")), ("b-helper.service", unit("not-found inactive dead"))];
    let Snapshot { services, .. } = node([catalogue(services), units(&told)]).snapshot();
    assert_eq!(services[0].state, State::Running);
    let why = Why::Part { unit: "b-helper.service".to_owned(), why: Some(Box::new(Why::NoUnit)) };
    assert_eq!(services[0].why, Some(why));
}

#[test]
fn a_problem_is_kept_for_the_page_and_written_to_the_journal() {
    let mut node = Node::new("n");
    let problem = Problem { effect: Effect::HttpsOff, cause: "no key".to_owned() };
    let actions = node.handle(NOW, Event::Problem(problem.clone()));
    assert_eq!(actions[0], Action::Log(Level::Error, "HttpsOff: no key".to_owned()));
    assert_eq!(node.snapshot().problems, [problem]);
    assert!(!node.snapshot().is_healthy());
    assert_eq!(node.handle(NOW, Event::Units(BTreeMap::new())).len(), 1);
}
