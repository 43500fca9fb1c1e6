//! A small Internet of network namespaces, with nodes on it: the real helper, the real tincd, and a pretend systemd
//! that starts and signals it. All of it ends with the lab.

use std::fs::{self, File};
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nuvol_agent::helper::mesh::Folders;
use nuvol_agent::helper::protocol::{Final, Outcome, Request};
use nuvol_agent::helper::verbs::{Helper, Options};
use nuvol_agent::mesh::{self, MeshKey, Own, Peer, PeerStatus, Status, TincName};

use crate::common::{Daemon, State};

/// As the catalogue of an image has it, without what needs a network.
pub const SERVICE: &str = "\
name: tinc
title: Mesh
summary: A mesh
role: mesh
units: [tinc@nuvol.service]
start: on-demand
";
const PREFIX: &str = "fd12:3456:789a::";

/// Runs a program that must go well.
pub fn run(words: &[&str]) -> String {
    let output = output(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn output(words: &[&str]) -> Output {
    Command::new(words[0]).args(&words[1..]).output().unwrap()
}

/// Why there can be no lab here; nothing where there can.
pub fn missing() -> Option<&'static str> {
    if !std::env::var("RUN_SLOW_TESTS").is_ok_and(|value| value == "1") {
        return Some("it is slow; RUN_SLOW_TESTS=1 asks for it");
    }
    if output(&["id", "--user"]).stdout != b"0\n" {
        return Some("networks of its own take root");
    }
    Command::new("tincd").arg("--version").output().err().map(|_| "there is no tincd")
}

/// Namespaces, the Internet among them: a bridge that all others hang on.
pub struct Lab {
    names: Vec<String>,
    /// Which of the labs of this process.
    number: usize,
}

impl Lab {
    pub fn new() -> Self {
        static LABS: AtomicUsize = AtomicUsize::new(0);
        let mut lab = Self { names: Vec::new(), number: LABS.fetch_add(1, Ordering::Relaxed) };
        let net = lab.space("net");
        run(&["ip", "-n", &net, "link", "add", "name", "hub", "type", "bridge"]);
        run(&["ip", "-n", &net, "link", "set", "hub", "up"]);
        lab
    }

    fn space(&mut self, name: &str) -> String {
        let name = format!("nuvol{}-{}-{name}", std::process::id(), self.number);
        run(&["ip", "netns", "add", &name]);
        run(&["ip", "-n", &name, "link", "set", "lo", "up"]);
        self.names.push(name.clone());
        name
    }

    /// A namespace with this address on the Internet.
    pub fn on_the_internet(&mut self, name: &str, address: &str) -> String {
        let (space, net, port) = (self.space(name), self.names[0].clone(), format!("to-{name}"));
        run(&[
            "ip", "link", "add", "name", "wan", "netns", &space, "type", "veth", "peer", "name", &port,
            "netns", &net,
        ]);
        run(&["ip", "-n", &net, "link", "set", "dev", &port, "master", "hub", "up"]);
        run(&["ip", "-n", &space, "address", "add", &format!("{address}/24"), "dev", "wan"]);
        run(&["ip", "-n", &space, "link", "set", "wan", "up"]);
        space
    }

    /// A namespace behind a router that lets nobody in and gives each call a port of its own.
    pub fn behind_a_router(&mut self, name: &str, address: &str) -> String {
        let router = self.on_the_internet(&format!("r{name}"), address);
        let space = self.space(name);
        run(&[
            "ip", "link", "add", "name", "wan", "netns", &space, "type", "veth", "peer", "name", "lan",
            "netns", &router,
        ]);
        run(&["ip", "-n", &router, "address", "add", "10.0.0.1/24", "dev", "lan"]);
        run(&["ip", "-n", &router, "link", "set", "lan", "up"]);
        run(&["ip", "-n", &space, "address", "add", "10.0.0.2/24", "dev", "wan"]);
        run(&["ip", "-n", &space, "link", "set", "wan", "up"]);
        run(&["ip", "-n", &space, "route", "add", "default", "via", "10.0.0.1"]);
        run(&["ip", "netns", "exec", &router, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
        let rules = "table ip nat { chain out { type nat hook postrouting priority srcnat; oifname wan masquerade random; }; };
            table ip filter { chain in { type filter hook forward priority filter; policy drop;
                iifname lan accept; ct state established,related accept; }; };";
        run(&["ip", "netns", "exec", &router, "nft", rules]);
        space
    }

    /// Pulls the plug of what hangs on the Internet by this name, or puts it back.
    pub fn plug(&self, name: &str, on: bool) {
        run(&[
            "ip",
            "-n",
            &self.names[0],
            "link",
            "set",
            "dev",
            &format!("to-{name}"),
            if on { "up" } else { "down" },
        ]);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in &self.names {
            output(&["ip", "netns", "delete", name]);
        }
    }
}

/// A tincd in a namespace, as its unit would run it.
pub struct Tincd {
    space: String,
    folders: Folders,
    process: Option<Child>,
}

impl Tincd {
    pub fn new(space: &str, home: &Path) -> Self {
        let folders = Folders { files: home.join("mesh"), runtime: home.join("mesh-run") };
        fs::create_dir_all(&folders.files).unwrap();
        Self { space: space.to_owned(), folders, process: None }
    }

    pub fn log(&self) -> PathBuf {
        self.folders.files.with_extension("log")
    }

    pub fn start(&mut self) {
        fs::create_dir_all(&self.folders.runtime).unwrap();
        let mut prepare = Command::new(env!("CARGO_BIN_EXE_nuvol-helper"));
        prepare.arg("mesh-prepare").arg("--mesh").arg(&self.folders.files);
        let prepared = prepare.arg("--mesh-runtime").arg(&self.folders.runtime).output().unwrap();
        assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
        self.start_as_is();
    }

    /// Without looking whether the files are as the helper makes them.
    pub fn start_as_is(&mut self) {
        fs::create_dir_all(&self.folders.runtime).unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space, env!("CARGO_BIN_EXE_nuvol-helper"), "mesh-run"]);
        command.arg("--mesh").arg(&self.folders.files).arg("--mesh-runtime").arg(&self.folders.runtime);
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        self.process = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    pub fn signal(&self, signal: &str) {
        if let Some(process) = &self.process {
            output(&["kill", &format!("-{signal}"), &process.id().to_string()]);
        }
    }

    pub fn runs(&mut self) -> bool {
        self.process.as_mut().is_some_and(|it| it.try_wait().unwrap().is_none())
    }

    pub fn stop(&mut self, signal: &str) {
        self.signal(signal);
        if let Some(mut process) = self.process.take() {
            process.wait().unwrap();
        }
        fs::remove_dir_all(&self.folders.runtime).ok();
    }
}

impl Drop for Tincd {
    fn drop(&mut self) {
        self.stop("KILL");
    }
}

/// A node: its place, its helper and its tincd.
pub struct Node {
    pub space: String,
    pub address: Ipv6Addr,
    pub home: tempfile::TempDir,
    pub tincd: Arc<Mutex<Tincd>>,
    pub key: MeshKey,
    endpoint: Option<String>,
    helper: Helper,
    state: Arc<Mutex<State>>,
    _daemon: Daemon,
    _systemd: zbus::Connection,
}

impl Node {
    /// In this namespace, with the last 16 bits of its address; others call it at `endpoint`.
    pub async fn new(space: String, host: u16, endpoint: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for folder in ["services", "settings", "state", "run", "units"] {
            fs::create_dir(at(folder)).unwrap();
        }
        fs::write(at("image.yaml"), "profile: home\nversion: \"1\"\n").unwrap();
        fs::write(at("services/tinc.yaml"), SERVICE).unwrap();
        fs::write(at("machine-id"), format!("{}\n", "1".repeat(32))).unwrap();
        let tincd = Arc::new(Mutex::new(Tincd::new(&space, home.path())));
        let unit = Arc::clone(&tincd);
        let real = move |what: &str, name: &str| {
            if name == "tinc@nuvol.service" {
                let mut tincd = unit.lock().unwrap();
                match what.strip_prefix("kill ") {
                    Some(signal) => tincd.signal(signal),
                    None => tincd.stop("TERM"),
                }
                if ["start", "restart"].contains(&what) {
                    tincd.start();
                }
            }
            "done".to_owned()
        };
        let state =
            State { ports: (at("run/ports"), String::new()), real: Some(Box::new(real)), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let daemon = Daemon::start(home.path());
        let systemd = daemon.systemd(&state).await;
        let helper = Helper::new(Options {
            services: at("services"),
            settings: at("settings"),
            state: at("state"),
            runtime: at("run"),
            units: at("units"),
            system: at("machine-id"),
            mesh: Folders { files: at("mesh"), runtime: at("mesh-run") },
            bus: Some(format!("unix:path={}", at("bus").display())),
            settle: Duration::from_millis(100),
        });
        let Final::Done(Outcome::MeshKey { key }) = helper.handle(&Request::MeshKey, &mut |_| ()).await
        else {
            panic!("no key")
        };
        let address = format!("{PREFIX}{host:x}").parse().unwrap();
        let endpoint = endpoint.map(str::to_owned);
        let node = Self {
            space,
            address,
            home,
            tincd,
            key,
            endpoint,
            helper,
            state,
            _daemon: daemon,
            _systemd: systemd,
        };
        node.done(&Request::Switch { service: "tinc".to_owned(), on: true }).await;
        node
    }

    pub async fn done(&self, request: &Request) -> Outcome {
        match self.helper.handle(request, &mut |_| ()).await {
            Final::Done(outcome) => outcome,
            last => panic!("{}: {last:?}", request.words()),
        }
    }

    pub fn own(&self) -> Own {
        Own { address: self.address, prefix: PREFIX.parse().unwrap() }
    }

    pub fn name(&self) -> TincName {
        TincName::of(self.address)
    }

    pub fn as_peer(&self) -> Peer {
        let endpoints =
            self.endpoint.iter().map(|host| mesh::Endpoint::new(host, mesh::PORT).unwrap()).collect();
        Peer { address: self.address, key: self.key.clone(), endpoints, near: false }
    }

    /// Makes these, without itself, the members.
    pub async fn apply(&self, members: &[&Node]) {
        let others = members.iter().filter(|it| it.address != self.address);
        let peers = others.map(|it| it.as_peer()).collect();
        self.done(&Request::MeshApply { own: self.own(), peers }).await;
    }

    pub async fn status(&self) -> Status {
        // The same list is given again for 5 s.
        let list = self.home.path().join("mesh-run/nodes");
        fs::remove_file(list).ok();
        match self.done(&Request::MeshStatus).await {
            Outcome::Mesh(status) => status,
            other => panic!("{other:?}"),
        }
    }

    /// What it says of another one.
    pub async fn sees(&self, other: &Node) -> PeerStatus {
        let status = self.status().await;
        status.peers.into_iter().find(|peer| peer.name == other.name()).expect("it is a member")
    }

    /// What the helper told systemd since this was asked last.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.tincd.lock().unwrap().log()).unwrap_or_default()
    }

    /// How many of `count` pings are answered.
    pub fn ping(&self, other: Ipv6Addr, count: u32) -> u32 {
        ping(&self.space, other, count)
    }
}

pub fn ping(space: &str, to: Ipv6Addr, count: u32) -> u32 {
    let (to, count) = (to.to_string(), count.to_string());
    let output = output(&[
        "ip", "netns", "exec", space, "ping", "-6", "-n", "-q", "-i", "0.2", "-W", "1", "-c", &count, &to,
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_once(" received").and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

/// Waits until it is so, and tells how long that took.
pub async fn until<F: Future<Output = bool>>(
    what: &str,
    limit: Duration,
    mut is_so: impl FnMut() -> F,
) -> Duration {
    let begin = Instant::now();
    while !is_so().await {
        assert!(begin.elapsed() < limit, "{what}: not after {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begin.elapsed();
    println!("{what}: {:.2} s", took.as_secs_f32());
    took
}
