//! A D-Bus of the test's own with a pretend systemd on it, that remembers what it was told.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_types, reason = "what zbus's `interface` expands to")]
#![allow(clippy::disallowed_methods, reason = "tests start a D-Bus of their own and look at files")]
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath, connection, fdo, interface};

mod daemon;

pub use daemon::Daemon;

impl Daemon {
    /// Puts a systemd on the bus, as soon as there is a bus.
    pub async fn systemd(&self, state: &Arc<Mutex<State>>) -> Connection {
        for _ in 0..100 {
            let builder = connection::Builder::address(self.address.as_str())
                .serve_at("/org/freedesktop/systemd1", Manager(Arc::clone(state)))
                .serve_at("/org/freedesktop/hostname1", HostName(Arc::clone(state)))
                .name("org.freedesktop.systemd1")
                .name("org.freedesktop.hostname1");
            match builder.build().await {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("no D-Bus after 5 s");
    }
}

type Real = Box<dyn FnMut(&str, &str) -> String + Send>;

/// What the pretend systemd knows and was told.
#[derive(Default)]
pub struct State {
    /// Calls that change something, in order.
    pub calls: Vec<String>,
    /// Units that start with the machine.
    pub enabled: BTreeSet<String>,
    /// Units that run.
    pub active: BTreeSet<String>,
    /// Units whose jobs end otherwise than with `done`.
    pub broken: BTreeMap<String, String>,
    /// Units that end right after they have started.
    pub short_lived: BTreeSet<String>,
    /// What ss(8) would write, and where.
    pub ports: (PathBuf, String),
    /// What gives the machine its name, where one is given at all.
    pub rename: Option<fn(&str)>,
    /// What carries out starts, stops and signals of units that are real after all. It is told what to do and to which
    /// unit, and tells how it went.
    pub real: Option<Real>,
}

impl State {
    fn run(&mut self, verb: &str, unit: &str) -> String {
        self.calls.push(format!("{verb} {unit}"));
        if unit == "nuvol-ports.service" {
            std::fs::write(&self.ports.0, &self.ports.1).unwrap();
            return "done".to_owned();
        }
        if let Some(real) = &mut self.real {
            let result = real(verb, unit);
            if verb == "stop" || result != "done" {
                self.active.remove(unit);
            } else {
                self.active.insert(unit.to_owned());
            }
            return result;
        }
        if verb == "stop" {
            self.active.remove(unit);
            return "done".to_owned();
        }
        if let Some(result) = self.broken.get(unit) {
            self.active.remove(unit);
            return result.clone();
        }
        self.active.insert(unit.to_owned());
        "done".to_owned()
    }
}

struct Manager(Arc<Mutex<State>>);

impl Manager {
    async fn job(
        &self,
        verb: &str,
        unit: String,
        emitter: SignalEmitter<'_>,
        server: &zbus::ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        let result = self.0.lock().unwrap().run(verb, &unit);
        // Whoever watches the unit hears of it.
        if let Ok(object) = server.interface::<_, Unit>(path_of(&unit)).await {
            object.get().await.active_state_changed(object.signal_emitter()).await?;
        }
        let id = self.0.lock().unwrap().calls.len() as u32;
        let path = OwnedObjectPath::try_from(format!("/org/freedesktop/systemd1/job/{id}")).unwrap();
        // Before the answer, as with a job that is over at once; and one of somebody else's.
        let other = OwnedObjectPath::try_from("/org/freedesktop/systemd1/job/999999").unwrap();
        Self::job_removed(&emitter, 999_999, other, "other.service".into(), "failed".into()).await?;
        Self::job_removed(&emitter, id, path.clone(), unit, result).await?;
        Ok(path)
    }
}

type Changes = Vec<(String, String, String)>;

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(&self) {}

    fn reload(&self) {
        self.0.lock().unwrap().calls.push("reload".to_owned());
    }

    async fn load_unit(
        &self,
        name: String,
        #[zbus(object_server)] server: &zbus::ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        let path = path_of(&name);
        server.at(path.clone(), Unit(name.clone(), Arc::clone(&self.0))).await?;
        server.at(path.clone(), Service).await?;
        Ok(path.try_into().unwrap())
    }

    fn get_unit_file_state(&self, name: String) -> String {
        if self.0.lock().unwrap().enabled.contains(&name) { "enabled" } else { "disabled" }.to_owned()
    }

    fn enable_unit_files(&self, names: Vec<String>, _runtime: bool, _force: bool) -> (bool, Changes) {
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("enable {}", names.join(" ")));
        state.enabled.extend(names);
        (true, Vec::new())
    }

    fn disable_unit_files(&self, names: Vec<String>, _runtime: bool) -> Changes {
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("disable {}", names.join(" ")));
        state.enabled.retain(|name| !names.contains(name));
        Vec::new()
    }

    async fn start_unit(
        &self,
        name: String,
        _mode: String,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        #[zbus(object_server)] server: &zbus::ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        self.job("start", name, emitter, server).await
    }

    async fn stop_unit(
        &self,
        name: String,
        _mode: String,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        #[zbus(object_server)] server: &zbus::ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        self.job("stop", name, emitter, server).await
    }

    async fn restart_unit(
        &self,
        name: String,
        _mode: String,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        #[zbus(object_server)] server: &zbus::ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        self.job("restart", name, emitter, server).await
    }

    fn kill_unit(&self, name: String, whom: String, signal: i32) -> fdo::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("kill {whom} {signal} {name}"));
        if !state.active.contains(&name) {
            return Err(fdo::Error::Failed(format!("Unit {name} is not loaded properly.")));
        }
        if let Some(real) = &mut state.real {
            real(&format!("kill {signal}"), &name);
        }
        Ok(())
    }

    /// Like the real one: a unit that has not failed is an error.
    fn reset_failed_unit(&self, name: String) -> fdo::Result<()> {
        Err(fdo::Error::Failed(format!("Unit {name} not loaded.")))
    }

    #[zbus(signal)]
    async fn job_removed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        job: OwnedObjectPath,
        unit: String,
        result: String,
    ) -> zbus::Result<()>;
}

fn path_of(name: &str) -> String {
    format!("/org/freedesktop/systemd1/unit/{}", name.replace(['.', '-', '@'], "_"))
}

struct Unit(String, Arc<Mutex<State>>);

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn load_state(&self) -> String {
        "loaded".to_owned()
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        let state = self.1.lock().unwrap();
        let runs = state.active.contains(&self.0);
        match (runs, state.short_lived.contains(&self.0)) {
            (true, false) => "active",
            (true, true) => "failed",
            (false, _) => "inactive",
        }
        .to_owned()
    }

    #[zbus(property)]
    fn sub_state(&self) -> String {
        if self.active_state() == "active" { "running" } else { "dead" }.to_owned()
    }
}

struct Service;

#[interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property)]
    fn result(&self) -> String {
        "exit-code".to_owned()
    }

    #[zbus(property)]
    fn exec_main_status(&self) -> i32 {
        1
    }

    #[zbus(property, name = "NRestarts")]
    fn restarts(&self) -> u32 {
        0
    }

    #[zbus(property)]
    fn memory_current(&self) -> u64 {
        3 << 20
    }
}

struct HostName(Arc<Mutex<State>>);

#[interface(name = "org.freedesktop.hostname1")]
impl HostName {
    fn set_static_hostname(&self, name: String, _interactive: bool) {
        let mut state = self.0.lock().unwrap();
        state.rename.inspect(|rename| rename(&name));
        state.calls.push(format!("rename {name}"));
    }
}
