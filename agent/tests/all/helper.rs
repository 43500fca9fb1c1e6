//! The helper from its socket to systemd, against a private D-Bus with a pretend systemd on it.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_types, reason = "what zbus's `interface` expands to")]
#![allow(clippy::disallowed_methods, reason = "the test starts a D-Bus of its own and looks at files")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{Daemon, State};
use nuvol_agent::helper::client::ask;
use nuvol_agent::helper::mesh::Folders;
use nuvol_agent::helper::protocol::{Cause, Final, Outcome, Power, Request};
use nuvol_agent::helper::server::{Rules, serve};
use nuvol_agent::helper::verbs::{Helper, Options};
use nuvol_agent::node::operation::{Operations, Step, Task};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

const RADIO: &str = "\
name: radio
title: Radio
summary: A station
role: streaming
units: [radio.service, radio-helper.service]
start: on-demand
ports:
- {name: stream, port: 8000, protocol: tcp, scope: [lan, mesh]}
- {name: admin, port: 8001, protocol: tcp, scope: loopback}
data: [/nowhere/at/all]
settings:
- {name: station, title: Station, kind: text, default: Ours, max-length: 20}
- {name: guests, title: Guests, kind: number, default: 5, min: 1, max: 9}
";

/// A node with a helper.
struct Node {
    dir: tempfile::TempDir,
    daemon: Option<Daemon>,
    state: Arc<Mutex<State>>,
    _systemd: Option<zbus::Connection>,
}

impl Node {
    /// With the user that runs the test among those who may ask, or without.
    async fn new(welcome: bool, with_systemd: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["services", "settings", "state", "run", "units"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("image.yaml"), "profile: home\nversion: \"1\"\n").unwrap();
        fs::write(dir.path().join("services/radio.yaml"), RADIO).unwrap();
        let list = "tcp LISTEN 0 1 0.0.0.0:22 0.0.0.0:* cgroup:/system.slice/ssh.service\n".to_owned();
        let state = State { ports: (dir.path().join("run/ports"), list), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let (daemon, systemd) = if with_systemd {
            let daemon = Daemon::start(dir.path());
            let systemd = daemon.systemd(&state).await;
            (Some(daemon), Some(systemd))
        } else {
            (None, None)
        };
        let at = |name: &str| dir.path().join(name);
        fs::write(at("machine-id"), format!("{}\n", "1".repeat(32))).unwrap();
        let helper = helper(dir.path());
        let own = dir.path().metadata().unwrap().uid();
        let peers = if welcome { BTreeSet::from([own]) } else { BTreeSet::new() };
        let listener = UnixListener::bind(at("socket")).unwrap();
        tokio::spawn(serve(listener, helper, Rules { peers, idle: Duration::from_secs(60) }));
        Self { dir, daemon, state, _systemd: systemd }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Asks, and gives the answer and the steps before it.
    async fn ask(&self, request: Request) -> (Final, Vec<Step>) {
        let mut steps = Vec::new();
        let last = ask(&self.path("socket"), &request, |step| steps.push(step)).await.unwrap();
        (last, steps)
    }

    async fn switch(&self, on: bool) -> (Final, Vec<Step>) {
        self.ask(Request::Switch { service: "radio".to_owned(), on }).await
    }

    async fn set(&self, name: &str, value: &str) -> Final {
        let settings = [(name.to_owned(), value.to_owned())].into();
        self.ask(Request::Configure { service: "radio".to_owned(), settings }).await.0
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    fn firewall(&self) -> String {
        fs::read_to_string(self.path("state/services.nft")).unwrap()
    }

    fn settings(&self) -> String {
        fs::read_to_string(self.path("settings/radio.env")).unwrap()
    }
}

fn helper(home: &Path) -> Helper {
    let at = |name: &str| home.join(name);
    Helper::new(Options {
        services: at("services"),
        settings: at("settings"),
        state: at("state"),
        runtime: at("run"),
        units: at("units"),
        system: at("machine-id"),
        mesh: Folders { files: at("mesh"), runtime: at("mesh-run") },
        bus: Some(format!("unix:path={}", at("bus").display())),
        settle: Duration::from_millis(100),
    })
}

const DONE: Final = Final::Done(Outcome::Nothing);

/// A change of a service that is done tells with its end what is set now.
fn changed(last: &Final) -> bool {
    matches!(last, Final::Done(Outcome::Settings { values, .. }) if values.contains_key("station"))
}

/// What the pages show as still to come: what the helper then does.
fn planned(task: Task) -> Vec<Step> {
    let mut operations = Operations::default();
    operations.begin(task, "Ana", 0);
    operations.list[0].steps().into_iter().map(|(step, ..)| step).filter(|it| *it != Step::Waiting).collect()
}

#[tokio::test]
async fn a_service_is_switched_on_and_off_with_its_ports() {
    let node = Node::new(true, true).await;
    let (last, steps) = node.switch(true).await;
    assert!(changed(&last), "{last:?}");
    assert_eq!(steps, [Step::Checking, Step::Enabling, Step::Starting, Step::Firewall]);
    assert_eq!(steps, planned(Task::SwitchOn { service: "radio".into() }));
    assert_eq!(
        node.calls(),
        [
            "restart nuvol-ports.service",
            "enable radio.service radio-helper.service",
            "reload",
            "start radio.service",
            "start radio-helper.service",
            "restart nuvol-firewall-services.service",
        ]
    );
    assert!(node.firewall().contains("tcp dport 8000 accept"));
    assert!(!node.firewall().contains("8001"));

    let (last, steps) = node.switch(false).await;
    assert!(changed(&last), "{last:?}");
    assert_eq!(steps, [Step::Stopping, Step::Enabling, Step::Firewall]);
    assert_eq!(steps, planned(Task::SwitchOff { service: "radio".into() }));
    assert_eq!(
        node.calls(),
        [
            "stop radio-helper.service",
            "stop radio.service",
            "disable radio.service radio-helper.service",
            "reload",
            "restart nuvol-firewall-services.service",
        ]
    );
    assert!(!node.firewall().contains("accept"));
}

#[tokio::test]
async fn a_restart_takes_the_steps_that_are_shown() {
    let node = Node::new(true, true).await;
    node.switch(true).await;
    let last = node.ask(Request::Restart { service: "radio".into() }).await;
    assert!(changed(&last.0), "{last:?}");
    assert_eq!(last.1, planned(Task::Restart { service: "radio".into() }));
}

#[tokio::test]
async fn a_port_that_somebody_else_has_is_told_before_anything_is_done() {
    let node = Node::new(true, true).await;
    let list = "tcp LISTEN 0 1 127.0.0.1:8001 0.0.0.0:* cgroup:/system.slice/other.service\n";
    node.state.lock().unwrap().ports.1 = list.to_owned();
    let cause = Cause::PortTaken { port: 8001, protocol: "tcp".into(), by: "other.service".into() };
    let detail = "tcp port 8001 is taken by other.service".to_owned();
    assert_eq!(node.switch(true).await.0, Final::Failed { cause, detail });
    assert_eq!(node.calls(), ["restart nuvol-ports.service"]);

    // Its own are no reason, nor the same number of the other protocol.
    let list = "tcp LISTEN 0 1 *:8000 *:* cgroup:/x/radio.service\nudp UNCONN 0 0 *:8001 *:*\n";
    node.state.lock().unwrap().ports.1 = list.to_owned();
    assert!(changed(&node.switch(true).await.0));
}

#[tokio::test]
async fn what_does_not_start_is_off_and_closed_afterwards() {
    let node = Node::new(true, true).await;
    let failed = |unit: &str, result: &str| Cause::JobFailed { unit: unit.into(), result: result.into() };
    node.state.lock().unwrap().broken.insert("radio-helper.service".into(), "timeout".into());
    let (Final::Failed { cause, .. }, steps) = node.switch(true).await else { panic!("it cannot start") };
    assert_eq!(steps, [Step::Checking, Step::Enabling, Step::Starting, Step::Undoing]);
    assert_eq!(cause, failed("radio-helper.service", "timeout"));
    let off = |node: &Node| {
        let state = node.state.lock().unwrap();
        assert!(state.enabled.is_empty() && !state.active.contains("radio.service"));
        drop(state);
        assert!(!node.firewall().contains("accept"));
    };
    off(&node);

    // systemd calls it started, and a moment later it is gone.
    node.state.lock().unwrap().broken.clear();
    node.state.lock().unwrap().short_lived.insert("radio.service".into());
    let (Final::Failed { cause, .. }, _) = node.switch(true).await else { panic!("it does not stay up") };
    assert_eq!(cause, failed("radio.service", "exit-code"));
    off(&node);

    // The firewall cannot be opened: nobody would reach it.
    node.state.lock().unwrap().short_lived.clear();
    node.state.lock().unwrap().broken.insert("nuvol-firewall-services.service".into(), "failed".into());
    let (Final::Failed { cause, .. }, _) = node.switch(true).await else { panic!("it is not reached") };
    assert_eq!(cause, failed("nuvol-firewall-services.service", "failed"));
    off(&node);
}

#[tokio::test]
async fn settings_are_kept_secret_and_come_back_when_the_service_dislikes_them() {
    let node = Node::new(true, true).await;
    let last = node.set("station", "\"Valley\" $FM").await;
    let Final::Done(Outcome::Settings { values, .. }) = last else { panic!("{last:?}") };
    assert_eq!(values["station"], "\"Valley\" $FM", "what is set now comes with the end");
    assert_eq!(node.settings(), "STATION=\"\\\"Valley\\\" \\$FM\"\n");
    let mode = node.path("settings/radio.env").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(node.calls(), [""; 0], "what is off stays off");

    node.switch(true).await;
    node.calls();
    let settings = [("guests".to_owned(), "7".to_owned())].into();
    let (last, steps) = node.ask(Request::Configure { service: "radio".into(), settings }).await;
    assert!(changed(&last), "{last:?}");
    assert_eq!(steps, planned(Task::Configure { service: "radio".into() }));
    assert_eq!(node.calls(), ["restart radio.service", "restart radio-helper.service"]);
    assert_eq!(node.settings().lines().count(), 2);
    let asked = node.ask(Request::Settings { service: "radio".into() }).await.0;
    let Final::Done(Outcome::Settings { values, .. }) = asked else { panic!("settings") };
    assert_eq!((values["station"].as_str(), values["guests"].as_str()), ("\"Valley\" $FM", "7"));

    node.state.lock().unwrap().broken.insert("radio.service".into(), "failed".into());
    let Final::Failed { cause, .. } = node.set("guests", "8").await else { panic!("it does not start") };
    assert_eq!(cause, Cause::JobFailed { unit: "radio.service".into(), result: "failed".into() });
    assert!(node.settings().contains("GUESTS=\"7\""));
}

#[tokio::test]
async fn names_and_power_are_systemds_and_a_folder_that_is_not_there_is_empty() {
    let node = Node::new(true, true).await;
    let rename = Task::Rename { from: String::new(), to: "valley-1".into() };
    assert_eq!(node.ask(Request::Rename { name: "valley-1".into() }).await, (DONE, planned(rename)));
    assert_eq!(node.ask(Request::Power { how: Power::Reboot }).await, (DONE, planned(Task::Reboot)));
    assert_eq!(node.ask(Request::Power { how: Power::Off }).await.0, DONE);
    assert_eq!(node.calls(), ["rename valley-1", "start reboot.target", "start poweroff.target"]);
    let Final::Done(Outcome::Usage(sizes)) = node.ask(Request::Usage { service: "radio".into() }).await.0
    else {
        panic!("usage")
    };
    assert_eq!((sizes[0].path.as_str(), sizes[0].bytes), ("/nowhere/at/all", 0));
    let refused = [
        Request::Rename { name: "a b".into() },
        Request::Restart { service: "ssh".into() },
        Request::Restart { service: "../services/radio".into() },
        Request::Logs { service: "radio".into(), lines: 501 },
    ];
    for request in refused {
        let (last, steps) = node.ask(request).await;
        assert!(matches!(last, Final::Refused { .. }) && steps.is_empty(), "{last:?}");
    }
    assert_eq!(node.calls(), [""; 0]);
}

#[tokio::test]
async fn what_was_on_is_on_again_after_the_root_was_installed_anew() {
    let node = Node::new(true, true).await;
    node.switch(true).await;
    let enabled = || node.state.lock().unwrap().enabled.clone();
    let both: BTreeSet<String> = ["radio.service", "radio-helper.service"].map(String::from).into();
    assert_eq!(enabled(), both);
    node.calls();
    helper(node.dir.path()).restore().await.unwrap();
    assert_eq!(node.calls(), [""; 0], "the same system has nothing to put back");

    // Another root with the same data, once with power that fails before all is done.
    let fresh = |id: &str| {
        let mut state = node.state.lock().unwrap();
        (state.enabled, state.active) = Default::default();
        fs::write(node.path("machine-id"), format!("{}\n", id.repeat(32))).unwrap();
    };
    fresh("2");
    let before = fs::read(node.path("state/switches.json")).unwrap();
    for _ in 0..2 {
        helper(node.dir.path()).restore().await.unwrap();
        assert_eq!(enabled(), both);
        assert!(node.state.lock().unwrap().active.contains("radio.service"));
        assert!(node.firewall().contains("tcp dport 8000 accept"));
        fs::write(node.path("state/switches.json"), &before).unwrap();
    }

    // Where systemd does not answer, nothing of what was on is forgotten.
    fresh("3");
    assert_eq!(node.ask(Request::Firewall).await.0, DONE);
    assert_eq!(fs::read(node.path("state/switches.json")).unwrap(), before);
    helper(node.dir.path()).restore().await.unwrap();
    assert_eq!(enabled(), both);

    // What was off stays off, and what is damaged is moved aside.
    node.switch(false).await;
    fresh("4");
    helper(node.dir.path()).restore().await.unwrap();
    assert!(enabled().is_empty());
    fs::write(node.path("state/switches.json"), "{\"system\": \"").unwrap();
    helper(node.dir.path()).restore().await.unwrap();
    assert!(enabled().is_empty() && node.path("state/switches.damaged").exists());
}

/// Sends these bytes and gives the answer.
async fn say(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    // A helper that has heard enough does not wait for the rest.
    stream.write_all(bytes).await.ok();
    stream.shutdown().await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn nonsense_is_refused_and_the_next_one_served() {
    let node = Node::new(true, true).await;
    let huge = vec![b'x'; 70_000];
    let hostile: [&[u8]; 6] = [
        b"",
        b"{\"verb\":\"ports\"",
        b"{\"verb\":\"ports\"}\n{\"verb\":\"power\",\"how\":\"off\"}\n",
        b"{\"verb\":\"run\",\"unit\":\"x\"}\n",
        b"\0\0\0\n",
        &huge,
    ];
    for bytes in hostile {
        let answer = say(&node.path("socket"), bytes).await;
        assert!(answer.starts_with("{\"refused\":{\"why\":\"the request "), "{answer}");
    }
    assert_eq!(node.calls(), [""; 0]);
    assert_eq!(
        say(&node.path("socket"), b"{\"verb\":\"firewall\"}\n").await,
        "{\"step\":\"firewall\"}\n{\"done\":\"nothing\"}\n"
    );
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let node = Node::new(false, true).await;
    let why = "this user may not ask the helper".to_owned();
    assert_eq!(node.ask(Request::Firewall).await.0, Final::Refused { why });
    assert_eq!(node.calls(), [""; 0]);
}

#[tokio::test]
async fn who_is_away_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = ask(&dir.path().join("none"), &Request::Firewall, |_| ()).await.unwrap_err();
    assert!(format!("{error:#}").starts_with("the helper is away: nothing answers at `"), "{error:#}");

    let node = Node::new(true, false).await;
    assert!(node.daemon.is_none());
    let (Final::Failed { cause, detail }, _) = node.switch(true).await else { panic!("there is no systemd") };
    assert_eq!(cause, Cause::Systemd, "{detail}");
    assert!(detail.starts_with("connecting to D-Bus"), "{detail}");
    assert_eq!(detail.matches("os error").count(), 1, "{detail}");
}

#[tokio::test]
async fn the_helper_ends_when_nobody_asks() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
    let at = || dir.path().to_owned();
    let options = Options {
        services: at(),
        settings: at(),
        state: at(),
        runtime: at(),
        units: at(),
        system: at(),
        mesh: Folders { files: at(), runtime: at() },
        bus: None,
        settle: Duration::ZERO,
    };
    let rules = Rules { peers: BTreeSet::new(), idle: Duration::from_millis(50) };
    tokio::time::timeout(Duration::from_secs(20), serve(listener, Helper::new(options), rules))
        .await
        .unwrap()
        .unwrap();
}
