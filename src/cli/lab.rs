//! `nuvol lab`: a community of full nodes on this machine.

use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Subcommand;

use super::{Common, doctor};
use crate::host::{EnvironmentLacks, Host};
use crate::lab::layers;
use crate::lab::outside::{Health, Lab as Started, Running};
use crate::lab::plan::Plan;
use crate::lab::state::State;
use crate::vm::interrupt::Interrupt;

const TICK: Duration = Duration::from_millis(200);
/// How long all nodes together may take to start.
const PATIENCE: Duration = Duration::from_secs(600);

/// Run full nodes as containers on a network of their own, and make trouble there
///
/// Needs root. `start` stays in the foreground; the other verbs are for another shell, with the same --dir.
#[derive(Debug, clap::Args)]
pub struct Lab {
    /// The folder of the lab
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/tmp/nuvol-lab")]
    dir: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start nodes n1, n2 and so on, tell when they are up, and keep them until Ctrl-C
    Start(Start),
    /// Run a command inside a node
    Exec {
        /// The node
        node: String,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Pull a node's wire, or put it back
    Link {
        /// The node
        node: String,
        /// What the wire shall be
        way: Way,
    },
    /// Lose some of what a node sends and gets
    Loss {
        /// The node
        node: String,
        /// So many of 100 frames, each way
        #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
        percent: u8,
    },
    /// Split the network: no side hears another, until `heal` or the next split
    Split {
        /// The sides, such as n1,n2 n3,n4; nodes on no side hear all
        #[arg(required = true, num_args = 2..)]
        sides: Vec<String>,
    },
    /// End a split
    Heal,
    /// Take a node's power away
    Kill {
        /// The node
        node: String,
    },
    /// Switch a node on that was killed or has switched itself off
    Boot {
        /// The node
        node: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Way {
    Up,
    Down,
}

#[derive(Debug, clap::Args)]
struct Start {
    /// The folder of a release with the format lxc, or that file
    release: PathBuf,
    /// How many nodes
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    nodes: u8,
    /// Nodes with a router of their own, which lets nobody in, such as n4,n5
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    behind_nat: Vec<String>,
    /// Take the agent's programs from this folder, such as target/debug, and its units from the tree
    #[arg(long, value_name = "DIR")]
    agent: Option<PathBuf>,
}

/// Does the verb.
pub fn run(common: &Common, args: &Lab) -> anyhow::Result<u8> {
    let nodes = if let Verb::Start(start) = &args.verb { start.nodes } else { 0 };
    let needs = crate::lab::missing(nodes);
    if !needs.is_empty() {
        eprint!("{}", doctor::text(&needs));
        return Err(EnvironmentLacks.into());
    }
    let find = || Running::find(&args.dir);
    match &args.verb {
        Verb::Start(start) => return self::start(common, &args.dir, start),
        Verb::Exec { node, command } => find()?.exec(node, command)?,
        Verb::Link { node, way } => find()?.link(node, *way == Way::Up)?,
        Verb::Loss { node, percent } => find()?.lose(node, *percent)?,
        Verb::Split { sides } => {
            let names = |side: &String| side.split(',').map(str::to_owned).collect();
            find()?.split(&sides.iter().map(names).collect::<Vec<_>>())?;
        }
        Verb::Heal => find()?.split(&[])?,
        Verb::Kill { node } => find()?.kill(node)?,
        Verb::Boot { node } => tell(common, &find()?.boot(node)?)?,
    }
    Ok(0)
}

fn start(common: &Common, dir: &std::path::Path, args: &Start) -> anyhow::Result<u8> {
    let plan = Plan::new(args.nodes, &args.behind_nat)?;
    let archive = layers::archive(&args.release)?;
    let archive = archive.canonicalize().with_context(|| format!("finding `{}`", archive.display()))?;
    let interrupt = Interrupt::watch()?;
    let state = State::make(dir)?;
    let _held = state.take()?;
    state.set_plan(&plan)?;
    let host = Host::new(state.file("logs"))?;
    layers::unpack(&host, &state, &archive)?;
    // Without a tree the programs alone are laid over.
    layers::add(&state, args.agent.as_deref(), common.tree_folder().ok().as_deref())?;
    let stopped = input_ends();
    let since = Instant::now();
    let mut lab = Started::start(&state)?;
    let mut waiting: Vec<_> = plan.nodes.clone();
    loop {
        lab.check()?;
        if let Some(code) = interrupt.taken() {
            return Ok(code);
        }
        if stopped.load(Ordering::Relaxed) {
            return Ok(0);
        }
        if let Some(running) = lab.running().filter(|_| !waiting.is_empty()) {
            let running = running?;
            let mut told = Ok(());
            waiting.retain(|node| match running.health(node, since) {
                Some(health) if told.is_ok() => {
                    told = tell(common, &health);
                    false
                }
                _ => true,
            });
            told?;
            if waiting.is_empty() {
                eprintln!("{} nodes are up; Ctrl-C ends them.", plan.nodes.len());
            }
        }
        let names = || waiting.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
        anyhow::ensure!(
            waiting.is_empty() || since.elapsed() < PATIENCE,
            "not up after {} s: {}",
            PATIENCE.as_secs(),
            names()
        );
        std::thread::sleep(TICK);
    }
}

/// Becomes true when standard input ends, if that is a pipe: whoever started us is gone then.
fn input_ends() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let is_pipe = std::fs::metadata("/dev/stdin").is_ok_and(|it| it.file_type().is_fifo());
    if is_pipe {
        let noted = Arc::clone(&ended);
        std::thread::spawn(move || {
            let mut bytes = [0; 256];
            while std::io::stdin().read(&mut bytes).is_ok_and(|count| count > 0) {}
            noted.store(true, Ordering::Relaxed);
        });
    }
    ended
}

fn tell(common: &Common, it: &Health) -> anyhow::Result<()> {
    if common.json {
        println!("{}", serde_json::to_string(it).context("writing the result")?);
    } else {
        let way = if it.public == it.address { String::new() } else { format!(" behind {}", it.public) };
        println!(
            "{:4} {:14} pid {:<8} {} after {} s{way}",
            it.node, it.address, it.pid, it.state, it.seconds
        );
    }
    Ok(())
}
