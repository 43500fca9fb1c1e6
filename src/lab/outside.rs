//! What is done with a lab from outside: starting it, working inside a node, and spoiling its day.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use xshell::{Cmd, Shell, cmd};

use super::network;
use super::plan::{Node, Plan};
use super::state::State;

const TICK: Duration = Duration::from_millis(200);
/// How long a node may take to start or to end, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running lab that this process began. It is gone when this value goes, and when we are killed.
#[must_use]
pub struct Lab {
    child: Child,
    state: State,
}

/// A lab of this machine, ours or not.
pub struct Running {
    state: State,
    plan: Plan,
    pid: u32,
    shell: Shell,
}

/// How a node is.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// n1 and so on.
    pub node: String,
    /// The address that its card has.
    pub address: String,
    /// The address that others see: its router's, where it has one.
    pub public: String,
    /// Its first process, by its number outside.
    pub pid: u32,
    /// What systemd says: `running`, or `degraded` where a unit failed.
    pub state: String,
    /// Seconds from the start of the lab.
    pub seconds: f64,
}

impl Lab {
    /// Starts the lab of `state`. To be called on the main thread: the kernel's promise to end it with us is about the
    /// thread that started it.
    pub fn start(state: &State) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("finding our own program")?;
        let shell = Shell::new().context("finding the working folder")?;
        let dir = state.file("");
        let log = state.file("inside.log");
        let file = fs::File::create(&log).with_context(|| format!("making `{}`", log.display()))?;
        let line = cmd!(
            shell,
            "setpriv --pdeathsig KILL unshare --mount --propagation private --net --pid --ipc --uts --cgroup
                --fork --kill-child -- {own} lab-inside --dir {dir}"
        );
        let mut command = Command::from(line);
        // Ctrl-C is for us.
        command.process_group(0).stdin(Stdio::null()).stdout(file.try_clone().context("sharing a log")?);
        let child = command.stderr(file).spawn().context("starting the lab")?;
        Ok(Self { child, state: state.clone() })
    }

    /// Removes the control groups, in namespaces where they are where the lab had them.
    fn sweep(&self) -> anyhow::Result<()> {
        let own = std::env::current_exe().context("finding our own program")?;
        let shell = Shell::new().context("finding the working folder")?;
        let dir = self.state.file("");
        let line = cmd!(
            shell,
            "unshare --mount --propagation private --cgroup -- {own} lab-inside --sweep --dir {dir}"
        );
        line.quiet().run().context("removing the control groups of the lab")
    }

    /// Fails if the lab has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait().context("asking after the lab")? {
            let told = fs::read_to_string(self.state.file("inside.log")).unwrap_or_default();
            bail!("the lab ended with {status}: {}", told.trim());
        }
        Ok(())
    }

    /// The lab, once it has begun.
    pub fn running(&self) -> Option<anyhow::Result<Running>> {
        self.state.pid().is_ok().then(|| Running::of(self.state.clone()))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let inside = self.state.pid().ok();
        // Both fail only if it is gone already, which is what we want.
        self.child.kill().ok();
        self.child.wait().ok();
        // The last process of the namespace goes after all others have.
        let start = Instant::now();
        while start.elapsed() < PATIENCE && inside.is_some_and(is_alive) {
            std::thread::sleep(TICK / 4);
        }
        fs::remove_file(self.state.file("pid")).ok();
        // Empty control groups weigh nothing, and the next lab tries again.
        self.sweep().ok();
    }
}

impl Running {
    /// The lab that runs in the folder `dir`.
    pub fn find(dir: &Path) -> anyhow::Result<Self> {
        Self::of(State::of_running(dir)?)
    }

    fn of(state: State) -> anyhow::Result<Self> {
        let (plan, pid) = (state.plan()?, state.pid()?);
        Ok(Self { state, plan, pid, shell: Shell::new().context("finding the working folder")? })
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.plan.nodes
    }

    /// How the node is, once it is up and its agent answers by HTTPS; nothing before.
    pub fn health(&self, node: &Node, since: Instant) -> Option<Health> {
        let pid = self.leader(node)?;
        let asked = self.inside(pid, ["systemctl", "is-system-running"].map(OsString::from));
        // It ends with 1 where a unit failed, and says so all the same.
        let state = asked.quiet().ignore_status().ignore_stderr().read().ok()?;
        if !matches!(state.as_str(), "running" | "degraded") {
            return None;
        }
        let words = "curl --silent --fail --insecure --max-time 5 --output /dev/null \
                     https://127.0.0.1/api/v1/health";
        let curl = self.inside(pid, words.split_whitespace().map(OsString::from));
        curl.quiet().ignore_stderr().run().ok()?;
        Some(Health {
            node: node.name.clone(),
            address: node.address(),
            public: node.public(),
            pid,
            state,
            seconds: (since.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        })
    }

    /// Becomes `words` inside the node. Returns only on failure.
    pub fn exec(&self, name: &str, words: &[OsString]) -> anyhow::Result<()> {
        let node = self.plan.node(name)?;
        let pid = self.leader(node).with_context(|| format!("{name} is off"))?;
        let err = Command::from(self.inside(pid, words.iter().cloned())).exec();
        Err(err).context("starting nsenter")
    }

    /// Pulls the node's wire, or puts it back.
    pub fn link(&self, name: &str, up: bool) -> anyhow::Result<()> {
        let port = self.plan.node(name)?.port();
        let way = if up { "up" } else { "down" };
        self.beside().args(["ip", "link", "set", &port, way]).quiet().run().context("changing a wire")
    }

    /// Loses `percent` of 100 frames from and to the node.
    pub fn lose(&self, name: &str, percent: u8) -> anyhow::Result<()> {
        self.rule(network::loss(self.plan.node(name)?, percent)?)
    }

    /// Lets no group hear another; without groups all hear all.
    pub fn split(&self, groups: &[Vec<String>]) -> anyhow::Result<()> {
        self.rule(network::split(&self.plan, groups)?)
    }

    /// Takes the node's power away: everything in it is killed at once.
    pub fn kill(&self, name: &str) -> anyhow::Result<()> {
        let leader = self.leader(self.plan.node(name)?).with_context(|| format!("{name} is off already"))?;
        let pid = i32::try_from(leader).ok().and_then(Pid::from_raw).context("finding a process")?;
        kill_process(pid, Signal::KILL).with_context(|| format!("killing {name}"))?;
        let off = self.state.off(name);
        wait(&format!("{name} does not end"), || off.exists().then_some(()))
    }

    /// Switches the node on again and waits until it is up.
    pub fn boot(&self, name: &str) -> anyhow::Result<Health> {
        let node = self.plan.node(name)?;
        let off = self.state.off(name);
        ensure!(off.exists(), "{name} is on already");
        fs::remove_file(&off).with_context(|| format!("removing `{}`", off.display()))?;
        let since = Instant::now();
        wait(&format!("{name} does not start"), || self.health(node, since))
    }

    fn rule(&self, text: String) -> anyhow::Result<()> {
        self.beside()
            .args(["nft", "-f", "-"])
            .stdin(text)
            .quiet()
            .run()
            .context("changing the rules of the lab")
    }

    /// A command in the network that the bridge is in, with the programs of this machine.
    fn beside(&self) -> Cmd<'_> {
        let pid = self.pid.to_string();
        cmd!(self.shell, "nsenter --target {pid} --net")
    }

    /// A command inside a node. The environment is the node's own.
    fn inside(&self, pid: u32, words: impl IntoIterator<Item = OsString>) -> Cmd<'_> {
        let pid = pid.to_string();
        let line = cmd!(
            self.shell,
            "nsenter --target {pid} --mount --uts --ipc --net --pid --cgroup --root --wdns=/ --"
        );
        let term = std::env::var_os("TERM").unwrap_or_else(|| "dumb".into());
        line.args(words)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", term)
    }

    /// The first process of the node: the only child of its systemd-nspawn that is the first of a namespace.
    fn leader(&self, node: &Node) -> Option<u32> {
        let all = processes();
        let children = |of: u32| all.iter().filter(move |(_, parent)| *parent == of).map(|(pid, _)| *pid);
        let wanted = format!("--machine={}", node.name);
        let spawn = children(self.pid).find(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| word == wanted.as_bytes())
        })?;
        children(spawn).find(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            // Ours, the lab's, and its own.
            numbers.is_some_and(|it| it.split_whitespace().last() == Some("1"))
        })
    }
}

/// Every process and its parent.
fn processes() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter_map(|pid: u32| Some((pid, parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect()
}

/// The parent in a line of `/proc/PID/stat`: the second word after the name, which may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn wait<T>(trouble: &str, mut done: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(it) = done() {
            return Ok(it);
        }
        ensure!(start.elapsed() < PATIENCE, "{trouble}, not in {} s", PATIENCE.as_secs());
        std::thread::sleep(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::{parent, processes};

    #[test]
    fn a_name_with_brackets_hides_no_parent() {
        assert_eq!(parent("7 (a) b) S 3 7 7 0"), Some(3));
        assert_eq!(parent("7"), None);
    }

    #[test]
    fn we_are_among_the_processes() {
        let own = std::process::id();
        assert!(processes().iter().any(|(pid, _)| *pid == own));
    }
}
