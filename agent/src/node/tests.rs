use std::collections::BTreeMap;
use std::time::Duration;

use super::snapshot::{Snapshot, Summary, Systemd};
use super::unit::{End, State, Unit};
use super::{Action, Catalogue, Event, Level, Node, Problem};

const NOW: Duration = Duration::from_secs(60);

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
    Unit { load: next(), active: next(), sub: next(), end: None }
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
    let why = |states: &str, result: &str, status, restarts| {
        let end = Some(End { result: result.to_owned(), status, restarts });
        Unit { end, ..unit(states) }.why().unwrap_or_default()
    };
    let (failed, again) = ("loaded failed failed", "loaded activating auto-restart");
    for (told, expected) in [
        (why(failed, "exit-code", 1, 0), "Its program ended with exit code 1."),
        (why(again, "exit-code", 203, 1), "Its program ended with exit code 203. It was restarted once."),
        (
            why(again, "core-dump", 11, 7),
            "Its program was ended by SIGSEGV (signal 11). It was restarted 7 times.",
        ),
        (why(failed, "signal", 34, 0), "Its program was ended by signal 34."),
        (why(failed, "oom-kill", 9, 0), "The node ran out of memory."),
        (why(failed, "word-of-tomorrow", 0, 0), "systemd calls it `word-of-tomorrow`."),
        (why("loaded active running", "success", 0, 3), ""),
        (why("loaded inactive dead", "success", 0, 0), ""),
        (why("masked inactive dead", "", 0, 0), "It is masked: systemd was told never to start it."),
    ] {
        assert_eq!(told, expected);
    }
    assert_eq!(unit(failed).why().unwrap(), "systemd does not say why.");
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
    assert_eq!(node.handle(NOW, Event::Named("nuvol-1a2b3c4d".to_owned())), []);
    assert!(matches!(node.handle(NOW, Event::Named("other".to_owned()))[..], [Action::Publish(_)]));
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
    let actions = node.handle(NOW * 2, away("still gone"));
    assert!(actions.iter().all(|action| matches!(action, Action::Publish(_))), "{actions:?}");
    let snapshot = node.snapshot();
    assert_eq!(snapshot.systemd, Systemd::Away { since: NOW, why: "still gone".to_owned() });
    assert_eq!((snapshot.services[0].state, snapshot.summary()), (State::Unknown, Summary::Blind));
    assert!(!snapshot.is_healthy());
    let actions = node.handle(NOW * 3, running);
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
    let why = "Its part `b-helper.service` fails. systemd knows no such unit.";
    assert_eq!(services[0].why.as_deref(), Some(why));
}

#[test]
fn a_problem_is_kept_for_the_page_and_written_to_the_journal() {
    let mut node = Node::new("n");
    let problem = Problem { effect: "HTTPS is off.".to_owned(), cause: "no key".to_owned() };
    let actions = node.handle(NOW, Event::Problem(problem.clone()));
    assert_eq!(actions[0], Action::Log(Level::Error, "HTTPS is off. no key".to_owned()));
    assert_eq!(node.snapshot().problems, [problem]);
    assert!(!node.snapshot().is_healthy());
    assert_eq!(node.handle(NOW, Event::Units(BTreeMap::new())).len(), 1);
}
