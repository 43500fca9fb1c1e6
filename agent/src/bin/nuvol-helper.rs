//! The helper's program: arguments, the socket from systemd, one thread.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use nuvol_agent::helper::mesh::{self, Folders};
use nuvol_agent::helper::server::{self, Rules};
use nuvol_agent::helper::verbs::{self, Failure, Helper, Options};
use nuvol_agent::journal;
use nuvol_agent::node::Level;

/// Does as root the few things that the node agent may not.
#[derive(Debug, Parser)]
#[command(name = "nuvol-helper", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve the socket that systemd hands over (the default)
    Serve(Serve),
    /// Print what the firewall opens before the helper has ever been asked
    Rules {
        /// Folder of the service catalogue
        #[arg(long, value_name = "DIR", default_value = "/usr/share/nuvol/services")]
        services: PathBuf,
    },
    /// Make the mesh able to start: its service does this before each start
    MeshPrepare(Mesh),
    /// Run the mesh
    MeshRun(Mesh),
    /// Read the log of the mesh; `mesh-run` starts it
    #[command(hide = true)]
    MeshLog(Mesh),
}

#[derive(Debug, Args)]
struct Mesh {
    /// Folder of the mesh's files
    #[arg(long, value_name = "DIR", default_value = "/etc/tinc/nuvol")]
    mesh: PathBuf,
    /// Folder of what the mesh's service forgets when it stops
    #[arg(long, value_name = "DIR", default_value = "/run/nuvol-mesh")]
    mesh_runtime: PathBuf,
}

#[derive(Debug, Args)]
struct Serve {
    /// Folder of the service catalogue
    #[arg(long, value_name = "DIR", default_value = "/usr/share/nuvol/services")]
    services: PathBuf,
    /// Folder of the services' settings
    #[arg(long, value_name = "DIR", default_value = "/etc/nuvol/settings")]
    settings: PathBuf,
    /// Folder of what must survive a reboot
    #[arg(long, value_name = "DIR", default_value = "/var/lib/nuvol-helper")]
    state: PathBuf,
    /// Folder of what must not survive a reboot
    #[arg(long, value_name = "DIR", default_value = "/run/nuvol-helper")]
    runtime: PathBuf,
    /// Folder of the units that start with the machine
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/system")]
    units: PathBuf,
    /// File with the machine-id of this system
    #[arg(long, value_name = "PATH", default_value = "/etc/machine-id")]
    system: PathBuf,
    #[command(flatten)]
    mesh: Mesh,
    /// Ask the systemd on this D-Bus instead of the system's
    #[arg(long, value_name = "ADDRESS")]
    bus: Option<String>,
    /// The user that may ask, besides root
    #[arg(long, value_name = "NAME", default_value = "nuvol-agent")]
    user: String,
    /// End when nobody has asked for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    idle: u64,
}

impl From<Mesh> for Folders {
    fn from(Mesh { mesh, mesh_runtime }: Mesh) -> Self {
        Self { files: mesh, runtime: mesh_runtime }
    }
}

fn main() -> ExitCode {
    let Arguments { verb, serve } = Arguments::parse();
    journal::end(match verb {
        Some(Verb::Rules { services }) => std::io::stdout()
            .write_all(verbs::first_rules(&services).as_bytes())
            .context("printing the rules"),
        Some(Verb::MeshPrepare(mesh)) => mesh::prepare(&mesh.into()),
        Some(Verb::MeshRun(mesh)) => mesh::run::run(&mesh.into()),
        Some(Verb::MeshLog(mesh)) => {
            mesh::run::log(std::io::stdin(), &mut std::io::stderr(), &mesh.mesh_runtime)
        }
        Some(Verb::Serve(serve)) => start(serve),
        None => start(serve),
    })
}

fn start(serve: Serve) -> anyhow::Result<()> {
    // Before any thread is there: taking the socket changes the environment.
    let mut handed = listenfd::ListenFd::from_env();
    let Some(socket) = handed.take_unix_listener(0).context("taking the socket from systemd")? else {
        bail!("there is no socket to serve; start `nuvol-helper.socket`");
    };
    let Serve { services, settings, state, runtime, units, system, mesh, bus, user, idle } = serve;
    // Root may do all of this anyway.
    let mut peers = BTreeSet::from([0]);
    match user_id(Path::new("/etc/passwd"), &user)? {
        Some(uid) => {
            peers.insert(uid);
        }
        None => journal::write(Level::Warning, &format!("there is no user `{user}`: only root may ask")),
    }
    let settle = Duration::from_secs(2);
    let mesh = mesh.into();
    let helper =
        Helper::new(Options { services, settings, state, runtime, units, system, mesh, bus, settle });
    let rules = Rules { peers, idle: Duration::from_secs(idle) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Whoever asks meanwhile waits at the socket. A node is better half restored than out of reach, and the next
        // start tries again.
        if let Err(Failure { detail, .. }) = helper.restore().await {
            journal::write(Level::Error, &format!("what was on cannot be switched on again: {detail}"));
        }
        server::serve(listener(socket)?, helper, rules).await
    })
}

fn listener(socket: UnixListener) -> anyhow::Result<tokio::net::UnixListener> {
    socket.set_nonblocking(true).context("making the socket ready")?;
    tokio::net::UnixListener::from_std(socket).context("making the socket ready")
}

/// The number of a user of this system (passwd(5)). The agent's is made by its package, so it stands there.
fn user_id(file: &Path, name: &str) -> anyhow::Result<Option<u32>> {
    let mut text = String::new();
    let mut read = || File::open(file)?.take(1 << 20).read_to_string(&mut text);
    read().with_context(|| format!("reading `{}`", file.display()))?;
    let number = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    };
    Ok(text.lines().find_map(number))
}
