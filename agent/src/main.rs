//! The program: arguments, sockets from systemd, one thread.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use nuvol_agent::bus::Bus;
use nuvol_agent::{journal, run};
use nuvol_community::gossip::Timing;

/// Shows how this node is, as a web page and as JSON.
#[derive(Debug, Parser)]
#[command(name = "nuvol-agent", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve the page and the API (the default)
    Serve(Box<Serve>),
    /// Print a text as a QR code, for the console
    Qr {
        /// The text
        text: String,
    },
    /// Read a claim code from standard input and print its hash, for the node's configuration
    HashCode,
}

#[derive(Debug, Args)]
struct Serve {
    /// Folder of the service catalogue; `image.yaml` lies beside it
    #[arg(long, value_name = "DIR", default_value = "/usr/share/nuvol/services")]
    services: PathBuf,
    /// Folder of what must survive a reboot
    #[arg(long, value_name = "DIR", default_value = "/var/lib/nuvol-agent")]
    state: PathBuf,
    /// Folder of what must not survive a reboot
    #[arg(long, value_name = "DIR", default_value = "/run/nuvol-agent")]
    runtime: PathBuf,
    /// Serve HTTP here too, besides the sockets that systemd hands over
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Serve HTTPS here too
    #[arg(long, value_name = "ADDR")]
    listen_tls: Option<SocketAddr>,
    /// Ask the systemd on this D-Bus instead of the system's
    #[arg(long, value_name = "ADDRESS")]
    bus: Option<String>,
    /// Socket of the helper
    #[arg(long, value_name = "PATH", default_value = "/run/nuvol-helper.sock")]
    helper: PathBuf,
    /// File with the argon2id hash of a claim code that was set before boot
    #[arg(long, value_name = "PATH", default_value = "/var/lib/nuvol-config/claim-code-hash")]
    claim_code_hash: PathBuf,
    /// File with an invitation into a community that was set before boot
    #[arg(long, value_name = "PATH", default_value = "/var/lib/nuvol-config/invite")]
    invite: PathBuf,
    /// How long members of the community wait for each other: seconds in one place, half a minute between homes
    #[arg(long, value_enum, default_value_t = Patience::Wan)]
    timing: Patience,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Patience {
    Lan,
    Wan,
}

fn main() -> ExitCode {
    let Arguments { verb, serve } = Arguments::parse();
    journal::end(match verb {
        Some(Verb::Serve(serve)) => start(*serve),
        None => start(serve),
        Some(Verb::Qr { text }) => print_qr(&text),
        Some(Verb::HashCode) => print_hash(),
    })
}

fn start(serve: Serve) -> anyhow::Result<()> {
    // Before any thread is there: taking the sockets changes the environment.
    let mut handed = listenfd::ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..handed.len() {
        sockets.extend(handed.take_tcp_listener(index)?);
    }
    let Serve { services, state, runtime, listen, listen_tls, bus, helper, claim_code_hash, invite, timing } =
        serve;
    let (preset, invitation) = (claim_code_hash, invite);
    let timing = match timing {
        Patience::Lan => Timing::Lan,
        Patience::Wan => Timing::Wan,
    };
    let bus = bus.map_or(Bus::System, Bus::At);
    // One thread serves a page in a millisecond, and a thread that hangs is one that the watchdog sees.
    let runtime_ = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let options = run::Options {
        services,
        state,
        runtime,
        listen,
        listen_tls,
        bus,
        helper,
        preset,
        invitation,
        timing,
    };
    runtime_.block_on(run::serve(options, sockets))
}

/// In half blocks, which the console's own font has; with the quiet zone that readers need.
fn print_qr(text: &str) -> anyhow::Result<()> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L)?;
    println!("{}", code.render::<qrcode::render::unicode::Dense1x2>().build());
    Ok(())
}

fn print_hash() -> anyhow::Result<()> {
    let mut code = String::new();
    std::io::stdin().take(1024).read_to_string(&mut code)?;
    let code = code.trim();
    anyhow::ensure!(code.chars().count() >= 8, "a claim code has 8 letters or more");
    let hasher = nuvol_agent::http::password::Hasher::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    println!("{}", runtime.block_on(hasher.hash(code.to_owned()))?.0);
    Ok(())
}
