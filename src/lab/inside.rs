//! The first process of a lab: makes its network and its nodes, and starts each that is to be on, until it is killed.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use xshell::{Cmd, cmd};

use super::network;
use super::plan::{Node, Plan};
use super::state::State;
use crate::host::Host;

const TICK: Duration = Duration::from_millis(100);
const NONE: Option<&str> = None;
/// Where control groups are, inside.
const GROUPS: &str = "/sys/fs/cgroup";
/// How the control group of a lab begins.
const GROUP_PREFIX: &str = "nuvol-lab-";

/// The hidden verb `lab-inside`.
#[derive(Debug, clap::Args)]
pub struct Inside {
    /// The folder of the lab.
    #[arg(long)]
    pub dir: PathBuf,
    /// Only remove the control groups of labs that are over.
    #[arg(long)]
    pub sweep: bool,
}

/// Does what a lab does, for ever. Must be the first process of its own mount, network, cgroup and pid namespaces.
pub fn run(args: &Inside) -> anyhow::Result<()> {
    let state = State::make(&args.dir)?;
    if args.sweep {
        let at = state.memory();
        mount(Some("cgroup2"), &at, Some("cgroup2"), MsFlags::empty(), NONE).context("mounting cgroup2")?;
        return sweep(&at);
    }
    let plan = state.plan()?;
    // This /proc is still the one outside, so the number is the one that others know.
    let pid = fs::read_link("/proc/self").context("asking which process this is")?;
    mounts(&state)?;
    sweep(Path::new(GROUPS))?;
    let group = Path::new(GROUPS).join(format!("{GROUP_PREFIX}{}", pid.display()));
    let host = Host::new(state.file("logs"))?;
    wire(&host, &plan)?;
    for node in &plan.nodes {
        lay(&host, &state, node)?;
        remove(&state.off(&node.name))?;
    }
    state.set_pid(&pid.to_string_lossy())?;
    watch(&host, &state, &plan, &group)
}

/// systemd wants control groups of version 2; a host that has others too keeps them, outside. What the nodes write
/// stays in memory, and so nothing is left of it.
fn mounts(state: &State) -> anyhow::Result<()> {
    // Whatever was mounted there; without anything there is nothing to take away.
    while umount2(GROUPS, MntFlags::MNT_DETACH).is_ok() {}
    fs::create_dir_all(state.memory()).context("making the folder of the nodes")?;
    let memory = state.memory();
    let of_kernel = [("proc", "/proc"), ("sysfs", "/sys"), ("cgroup2", GROUPS), ("tmpfs", "/run")];
    let all = of_kernel.into_iter().map(|(kind, at)| (kind, Path::new(at)));
    for (kind, at) in all.chain([("tmpfs", memory.as_path())]) {
        mount(Some(kind), at, Some(kind), MsFlags::empty(), NONE)
            .with_context(|| format!("mounting {kind} on `{}`", at.display()))?;
    }
    fs::create_dir_all("/run/netns").context("making a folder for networks")
}

fn wire(host: &Host, plan: &Plan) -> anyhow::Result<()> {
    let shell = host.shell();
    give(host, cmd!(shell, "ip -batch -"), &network::bridge_wires(plan))?;
    give(host, cmd!(shell, "nft -f -"), &network::rules(plan))?;
    for node in plan.nodes.iter().filter(|node| node.behind_nat) {
        give(host, at(host, node).args(["ip", "-batch", "-"]), &network::router_wires(node))?;
        give(host, at(host, node).args(["nft", "-f", "-"]), network::ROUTER_RULES)?;
        // Which network is meant follows from who writes.
        give(host, at(host, node).args(["tee", "/proc/sys/net/ipv4/ip_forward"]), "1\n")?;
    }
    Ok(())
}

/// A command in the network where the node's wire begins.
fn at<'a>(host: &'a Host, node: &Node) -> Cmd<'a> {
    let net =
        if node.behind_nat { format!("/run/netns/{}", node.router()) } else { "/proc/self/ns/net".into() };
    cmd!(host.shell(), "nsenter --net={net}")
}

fn give(host: &Host, cmd: Cmd<'_>, text: &str) -> anyhow::Result<()> {
    host.feed(cmd, &|pipe| Ok(pipe.write_all(text.as_bytes())?)).context("making the network of the lab")
}

/// The file system of a node: what all have below, its own above.
fn lay(host: &Host, state: &State, node: &Node) -> anyhow::Result<()> {
    let home = state.memory().join(&node.name);
    let path = |name: &str| home.join(name);
    for name in ["upper", "work", "root"] {
        fs::create_dir_all(path(name)).with_context(|| format!("making a folder for {}", node.name))?;
    }
    let options = format!(
        "lowerdir={}:{},upperdir={},workdir={}",
        state.added().display(),
        state.root().display(),
        path("upper").display(),
        path("work").display()
    );
    let root = path("root");
    mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .with_context(|| format!("laying the file system of {}", node.name))?;
    let files = [
        ("etc/machine-id", format!("{}\n", node.machine_id()), 0o444),
        ("etc/hostname", format!("{}\n", node.name), 0o644),
        ("etc/systemd/network/30-lab.network", network::card(node), 0o644),
    ];
    for (name, text, mode) in files {
        let file = root.join(name);
        remove(&file)?;
        fs::write(&file, text)
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(mode)))
            .with_context(|| format!("writing `{name}` of {}", node.name))?;
    }
    // Programs just built may bring users of their own, which are made when a package is installed.
    if state.added().join("usr/lib/sysusers.d").is_dir() {
        host.run(cmd!(host.shell(), "chroot {root} systemd-sysusers"))?;
    }
    Ok(())
}

/// Starts each node that is off and shall not be. One that ends stays off until somebody says otherwise.
fn watch(host: &Host, state: &State, plan: &Plan, group: &Path) -> anyhow::Result<()> {
    let mut children: Vec<Option<Child>> = plan.nodes.iter().map(|_| None).collect();
    loop {
        for (node, child) in plan.nodes.iter().zip(&mut children) {
            let off = state.off(&node.name);
            match child {
                Some(running) => {
                    if running.try_wait().with_context(|| format!("asking after {}", node.name))?.is_some() {
                        *child = None;
                        give(host, at(host, node).args(["ip", "-batch", "-"]), &network::unplug(node))?;
                        fs::write(off, "").with_context(|| format!("noting that {} is off", node.name))?;
                    }
                }
                None if off.exists() => {}
                None => *child = Some(start(host, state, node, &group.join(&node.name))?),
            }
        }
        std::thread::sleep(TICK);
    }
}

/// Each node has a control group of its own: systemd-nspawn makes the node's below the one that it is in, and in a
/// common one the nodes' services would be each other's, to count, to kill and to remove.
fn start(host: &Host, state: &State, node: &Node, group: &Path) -> anyhow::Result<Child> {
    let name = &node.name;
    let log = state.log(name);
    let file = File::options().create(true).append(true).open(&log);
    let file = file.with_context(|| format!("making `{}`", log.display()))?;
    let root = state.memory().join(name).join("root");
    let line = cmd!(
        host.shell(),
        "systemd-nspawn --quiet --boot --register=no --keep-unit --machine={name} --directory={root}
            --network-namespace-path=/run/netns/{name} --bind=/dev/net/tun --capability=CAP_NET_ADMIN
            --link-journal=no --resolv-conf=off --timezone=off --console=pipe"
    );
    let mut command = Command::from(line);
    command
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
        .stdin(Stdio::null())
        .stdout(file.try_clone().context("sharing a log")?)
        .stderr(file);
    give(host, at(host, node).args(["ip", "-batch", "-"]), &network::plug(node))?;
    remove_group(group);
    fs::create_dir_all(group).with_context(|| format!("making the control group of {name}"))?;
    // It is born where we are.
    join(group)?;
    let child = command.spawn().with_context(|| format!("starting {name}"))?;
    join(Path::new(GROUPS))?;
    Ok(child)
}

/// Moves this process to a control group.
fn join(group: &Path) -> anyhow::Result<()> {
    let file = group.join("cgroup.procs");
    fs::write(&file, "0").with_context(|| format!("writing `{}`", file.display()))
}

/// Removes the control groups of labs that are over: after a kill nobody else does, and they outlive their namespace.
fn sweep(groups: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(groups).context("reading the control groups")? {
        let path = entry.context("reading the control groups")?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(GROUP_PREFIX)) {
            remove_group(&path);
        }
    }
    Ok(())
}

/// Removes a control group and those below it. One that has processes stays: the kernel removes no such.
fn remove_group(group: &Path) {
    let Ok(entries) = fs::read_dir(group) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()) {
        remove_group(&path);
    }
    fs::remove_dir(group).ok();
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            Err(err).with_context(|| format!("removing `{}`", path.display()))
        }
        _ => Ok(()),
    }
}
