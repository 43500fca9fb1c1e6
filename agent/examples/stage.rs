//! A node on this machine for ci/flows and ci/bench-agent: the agent's own program, the helper, and a systemd that
//! only pretends. `stage AGENT SERVICES` prints the address of its page, its claim code, the agent's process and the file
//! of its certificate, and plays until it is told to end.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
#![allow(clippy::disallowed_types, reason = "what zbus's `interface` expands to")]
#![allow(clippy::disallowed_methods, reason = "it starts programs and makes their folders")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuvol_agent::helper::server::{Rules, serve};
use nuvol_agent::helper::verbs::{Helper, Options};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

#[path = "../tests/all/common/mod.rs"]
mod common;

use common::{Daemon, State};

/// What gives the agent its environment on a node.
const UNIT: &str = include_str!("../package/root/usr/lib/systemd/system/nuvol-agent.service");
/// Ends right after it has started, whatever its settings.
const BROKEN: &str = "mumble-server.service";
/// What runs on every node.
const ALWAYS: [&str; 3] = ["avahi-daemon.service", "avahi-daemon.socket", "ssh.service"];

/// The agent's program, which ends with this one.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [program, services] = &args[..] else { panic!("usage: stage AGENT SERVICES") };
    let home = tempfile::tempdir().unwrap();
    for folder in ["settings", "helper", "helper-run", "units", "state", "run"] {
        std::fs::create_dir(home.path().join(folder)).unwrap();
    }
    std::fs::write(home.path().join("machine-id"), format!("{}\n", "a".repeat(32))).unwrap();
    let mut terminated = signal(SignalKind::terminate()).unwrap();
    let state = State {
        ports: (home.path().join("helper-run/ports"), String::new()),
        active: ALWAYS.map(String::from).into(),
        short_lived: [BROKEN.to_owned()].into(),
        rename: Some(rename),
        ..State::default()
    };
    let daemon = Daemon::start(home.path());
    let _systemd = daemon.systemd(&Arc::new(Mutex::new(state))).await;
    let own = home.path().metadata().unwrap().uid();
    let listener = UnixListener::bind(home.path().join("helper.sock")).unwrap();
    let rules = Rules { peers: BTreeSet::from([own]), idle: Duration::from_secs(3600) };
    tokio::spawn(serve(listener, helper(home.path(), services, &daemon.address), rules));

    let mut process = start(program, home.path(), services, &daemon.address);
    let mut journal = BufReader::new(process.stderr.take().unwrap()).lines();
    let agent = Agent(process);
    println!("https://{}/", serving(&mut journal));
    println!("{}", std::fs::read_to_string(home.path().join("run/claim-code")).unwrap().trim());
    println!("{}", agent.0.id());
    println!("{}", home.path().join("state/tls.pem").display());
    std::thread::spawn(move || journal.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
    terminated.recv().await;
}

/// In the namespace that ci/flows has made for it, or not at all.
fn rename(name: &str) {
    if let Err(error) = rustix::system::sethostname(name.as_bytes()) {
        eprintln!("the machine keeps its name: {error}");
    }
}

fn helper(home: &Path, services: &Path, bus: &str) -> Helper {
    Helper::new(Options {
        services: services.to_owned(),
        settings: home.join("settings"),
        state: home.join("helper"),
        runtime: home.join("helper-run"),
        units: home.join("units"),
        system: home.join("machine-id"),
        mesh: nuvol_agent::helper::mesh::Folders { files: home.join("mesh"), runtime: home.join("mesh-run") },
        bus: Some(bus.to_owned()),
        settle: Duration::from_millis(300),
    })
}

fn start(program: &Path, home: &Path, services: &Path, bus: &str) -> Child {
    let mut command = Command::new(program);
    command.arg("--services").arg(services);
    command.arg("--state").arg(home.join("state")).arg("--runtime").arg(home.join("run"));
    command.args(["--listen-tls", "127.0.0.1:0", "--bus", bus]).arg("--helper").arg(home.join("helper.sock"));
    command.arg("--claim-code-hash").arg(home.join("none"));
    command.envs(UNIT.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('=')));
    command.env_remove("JOURNAL_STREAM").stderr(Stdio::piped()).spawn().unwrap()
}

fn serving(journal: &mut Lines<BufReader<ChildStderr>>) -> String {
    for line in journal {
        let line = line.unwrap();
        if let Some((_, address)) = line.split_once("serving ") {
            return address.to_owned();
        }
        eprintln!("{line}");
    }
    panic!("the agent ended");
}
