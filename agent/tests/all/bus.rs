//! The door to systemd, against a private D-Bus with a pretend systemd on it.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_types, reason = "what zbus's `interface` expands to")]
#![allow(clippy::disallowed_methods, reason = "the test starts a D-Bus of its own")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuvol_agent::bus::{self, Bus};
use nuvol_agent::node::Event;
use nuvol_agent::node::unit::{End, Unit};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use zbus::{Connection, OwnedObjectPath, connection, fdo, interface};

use crate::common::Daemon;

const SYSTEMD: &str = "org.freedesktop.systemd1";

impl Daemon {
    /// Puts a systemd on the bus, as soon as there is a bus.
    async fn systemd_of(&self, units: &Units) -> Connection {
        for _ in 0..100 {
            let manager = Manager { units: units.clone() };
            let builder = connection::Builder::address(self.address.as_str())
                .serve_at("/org/freedesktop/systemd1", manager)
                .name(SYSTEMD);
            match builder.build().await {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("no D-Bus after 5 s");
    }
}

type Units = Arc<Mutex<BTreeMap<String, Unit>>>;

struct Manager {
    units: Units,
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(&self) {}

    /// Like the real one: every legal name has a path, whether or not there is such a unit.
    async fn load_unit(
        &self,
        name: String,
        #[zbus(object_server)] server: &zbus::ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        if name.contains("@.") {
            return Err(fdo::Error::InvalidArgs(format!("Unit name {name} is missing the instance name.")));
        }
        let path = path_of(&name);
        let object = UnitObject { name, units: self.units.clone() };
        server.at(path.clone(), object.clone()).await?;
        server.at(path.clone(), ServiceObject(object)).await?;
        Ok(path.try_into().unwrap())
    }

    #[zbus(signal)]
    async fn reloading(emitter: &zbus::object_server::SignalEmitter<'_>, active: bool) -> zbus::Result<()>;
}

fn path_of(name: &str) -> String {
    format!("/org/freedesktop/systemd1/unit/{}", name.replace(['.', '-'], "_"))
}

#[derive(Clone)]
struct UnitObject {
    name: String,
    units: Units,
}

impl UnitObject {
    fn unit(&self) -> Unit {
        let missing = Unit {
            load: "not-found".into(),
            active: "inactive".into(),
            sub: "dead".into(),
            end: None,
            memory: None,
        };
        self.units.lock().unwrap().get(&self.name).cloned().unwrap_or(missing)
    }
}

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl UnitObject {
    #[zbus(property)]
    fn load_state(&self) -> String {
        self.unit().load
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        self.unit().active
    }

    #[zbus(property)]
    fn sub_state(&self) -> String {
        self.unit().sub
    }
}

struct ServiceObject(UnitObject);

#[interface(name = "org.freedesktop.systemd1.Service")]
impl ServiceObject {
    #[zbus(property)]
    fn result(&self) -> String {
        self.0.unit().end.unwrap_or_default().result
    }

    #[zbus(property)]
    fn exec_main_status(&self) -> i32 {
        self.0.unit().end.unwrap_or_default().status
    }

    #[zbus(property, name = "NRestarts")]
    fn restarts(&self) -> u32 {
        self.0.unit().end.unwrap_or_default().restarts
    }
}

fn unit(load: &str, active: &str, sub: &str) -> Unit {
    Unit { load: load.into(), active: active.into(), sub: sub.into(), end: None, memory: None }
}

/// Changes a unit and tells it, as systemd does.
async fn change(systemd: &Connection, units: &Units, name: &str, unit: Unit) {
    units.lock().unwrap().insert(name.to_owned(), unit);
    let server = systemd.object_server();
    let object = server.interface::<_, UnitObject>(path_of(name)).await.unwrap();
    object.get().await.active_state_changed(object.signal_emitter()).await.unwrap();
}

async fn next(events: &mut mpsc::Receiver<Event>) -> Event {
    timeout(Duration::from_secs(20), events.recv()).await.expect("an event within 20 s").unwrap()
}

fn told(units: &[(&str, Unit)]) -> Event {
    Event::Units(units.iter().map(|(name, unit)| ((*name).to_owned(), unit.clone())).collect())
}

fn watching(names: &[&str]) -> (watch::Sender<BTreeSet<String>>, watch::Receiver<BTreeSet<String>>) {
    watch::channel(names.iter().map(|name| (*name).to_owned()).collect())
}

#[tokio::test]
async fn states_are_told_at_once_and_whenever_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let (on, off) = (unit("loaded", "active", "running"), unit("loaded", "inactive", "dead"));
    let missing = unit("not-found", "inactive", "dead");
    let units = Units::default();
    units
        .lock()
        .unwrap()
        .extend([("a.service".to_owned(), on.clone()), ("b.service".to_owned(), off.clone())]);
    let systemd = daemon.systemd_of(&units).await;
    let (names, watched) = watching(&["a.service", "b.service", "c.service", "broken@.service"]);
    let (sender, mut events) = mpsc::channel(8);
    let door = tokio::spawn(bus::run(Bus::At(daemon.address.clone()), watched, sender));

    let all = told(&[("a.service", on.clone()), ("b.service", off.clone()), ("c.service", missing)]);
    assert_eq!(next(&mut events).await, all);

    let end = Some(End { result: "exit-code".into(), status: 3, restarts: 2 });
    let restarting = Unit { end, ..unit("loaded", "activating", "auto-restart") };
    change(&systemd, &units, "a.service", restarting.clone()).await;
    assert_eq!(next(&mut events).await, told(&[("a.service", restarting)]));

    names.send_replace(["b.service".to_owned()].into());
    assert_eq!(next(&mut events).await, told(&[("b.service", off)]));

    // Changed without a signal: `daemon-reload` makes all be read anew.
    units.lock().unwrap().insert("b.service".to_owned(), on.clone());
    let manager = systemd.object_server().interface::<_, Manager>("/org/freedesktop/systemd1").await.unwrap();
    Manager::reloading(manager.signal_emitter(), false).await.unwrap();
    assert_eq!(next(&mut events).await, told(&[("b.service", on)]));
    door.abort();
}

#[tokio::test]
async fn systemd_is_found_again_after_the_bus_was_away() {
    let dir = tempfile::tempdir().unwrap();
    let on = unit("loaded", "active", "running");
    let units = Units::default();
    units.lock().unwrap().insert("a.service".to_owned(), on.clone());
    let (_names, watched) = watching(&["a.service"]);
    let (sender, mut events) = mpsc::channel(8);
    let address = format!("unix:path={}", dir.path().join("bus").display());
    let door = tokio::spawn(bus::run(Bus::At(address), watched, sender));
    let Event::SystemdAway(why) = next(&mut events).await else { panic!("there is no bus yet") };
    assert!(why.starts_with("connecting to D-Bus: "), "{why}");

    for _ in 0..2 {
        let daemon = Daemon::start(dir.path());
        let systemd = daemon.systemd_of(&units).await;
        while let Event::SystemdAway(_) = next(&mut events).await {}
        // The event that ended the loop told the unit; nothing more comes until the bus goes.
        drop((systemd, daemon));
        let Event::SystemdAway(why) = next(&mut events).await else { panic!("the bus is gone") };
        assert!(why.starts_with("connecting to D-Bus: "), "{why}");
        assert_eq!(why.matches("os error").count(), 1, "each cause is told once: {why}");
    }
    door.abort();
}

#[tokio::test]
async fn a_connection_that_breaks_and_comes_back_is_no_news() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let units = Units::default();
    let systemd = daemon.systemd_of(&units).await;
    let (_names, watched) = watching(&["a.service"]);
    let (sender, mut events) = mpsc::channel(8);
    let door = tokio::spawn(bus::run(Bus::At(daemon.address.clone()), watched, sender));
    let Event::Units(first) = next(&mut events).await else { panic!("systemd is there") };
    drop((systemd, daemon));
    std::fs::remove_file(dir.path().join("bus")).ok();
    let daemon = Daemon::start(dir.path());
    let _systemd = daemon.systemd_of(&units).await;
    assert_eq!(next(&mut events).await, Event::Units(first));
    door.abort();
}

#[tokio::test]
async fn a_bus_without_systemd_is_an_answer_and_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let (_names, watched) = watching(&["a.service"]);
    let (sender, mut events) = mpsc::channel(8);
    let door = tokio::spawn(bus::run(Bus::At(daemon.address.clone()), watched, sender));
    let Event::SystemdAway(_) = next(&mut events).await else { panic!("there is no systemd") };
    let systemd = daemon.systemd_of(&Units::default()).await;
    while let Event::SystemdAway(_) = next(&mut events).await {}
    drop(systemd);
    door.abort();
}
