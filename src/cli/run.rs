//! `nuvol run`: an image as a running node, with a way in from this machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use super::{Common, test};
use crate::spec::{Architecture, ByteSize};
use crate::vm::artefact::{Artefact, Way};
use crate::vm::firmware::{self, Firmware};
use crate::vm::guest::Guest;
use crate::vm::interrupt::Interrupt;
use crate::vm::machine::{Forward, Medium};
use crate::vm::trial::{Conditions, machine};
use crate::vm::workplace::Workplace;
use crate::vm::{agent, console};

const TICK: Duration = Duration::from_millis(200);
/// How long the console may stay silent about the node when its agent is well already.
const SILENCE: Duration = Duration::from_secs(20);
/// How long a guest may take to shut down.
const FAREWELL: Duration = Duration::from_secs(120);
/// How long to wait before the power button is pressed again.
const AGAIN: Duration = Duration::from_secs(10);

/// Boot an image in QEMU and print the address of its page and its claim code
///
/// The image is not altered: what the node writes is kept apart, and thrown away at the end unless
/// --keep names a file for it. Ends with Ctrl-C, or when the node powers off.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The image: raw, qcow2, vmdk, vdi, vhdx or iso
    image: PathBuf,
    /// The image's architecture [default: what the file's name says]
    #[arg(long, value_name = "NAME")]
    arch: Option<Architecture>,
    /// What starts the machine [default: bios, and uefi where there is no BIOS]
    #[arg(long)]
    firmware: Option<Firmware>,
    /// Plug an ISO in as a CD instead of a USB stick
    #[arg(long)]
    cdrom: bool,
    /// Memory of the machine
    #[arg(long, value_name = "SIZE", default_value = "1024M")]
    memory: ByteSize,
    /// Size that a smaller disk is grown to
    #[arg(long, value_name = "SIZE", default_value = "8G")]
    disk_size: ByteSize,
    /// The port of this machine that leads to the node's page [default: a free one]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Lead this port of this machine to that of the node, such as 2222:22; may be given several times
    #[arg(long, value_name = "PORT:PORT", value_parser = forward)]
    forward: Vec<Forward>,
    /// Keep what the node writes in this file, and go on from there if it is there already
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Show the node's console on standard error
    #[arg(long)]
    serial: bool,
}

/// A node that can be visited.
#[derive(Debug, Serialize)]
struct Ready {
    url: String,
    name: String,
    claim: Option<String>,
}

/// Runs the image until it ends or we are told to.
pub fn run(common: &Common, args: &Run) -> anyhow::Result<u8> {
    let artefact = Artefact::open(&args.image)?.on(args.arch);
    let firmware = args.firmware.unwrap_or(Firmware::of(artefact.architecture)[0]);
    test::require(artefact.architecture, &[firmware])?;
    let Workplace { host, scratch, .. } = &Workplace::new()?;
    let dir = scratch.path();
    let way = Way { firmware, medium: medium(args, artefact.way(firmware).medium) };
    let layer = match &args.keep {
        Some(path) => std::path::absolute(path).with_context(|| format!("finding `{}`", path.display()))?,
        None => dir.join("disk.qcow2"),
    };
    let drive = artefact.drive(host, way.medium, &layer, args.disk_size.bytes())?;
    let conditions = Conditions {
        scratch: dir.to_owned(),
        architecture: artefact.architecture,
        share: PathBuf::from(firmware::FOLDER),
        memory_mib: args.memory.bytes() >> 20,
        ..Conditions::default()
    };
    let mut machine = machine(&conditions, way.firmware, drive, dir)?;
    let port = args.port.map_or_else(agent::free_port, Ok)?;
    machine.serials.truncate(1);
    // People go in by HTTPS; how the agent is, it tells without.
    let plain = agent::free_port()?;
    machine.forwards = vec![Forward { host: plain, guest: 80 }, Forward { host: port, guest: 443 }];
    machine.forwards.extend(&args.forward);
    machine.monitor = Some(dir.join("monitor"));
    let interrupt = Interrupt::watch()?;
    let guest = Guest::start(&machine, dir, plain)?;
    watch(common, args, guest, &interrupt, port)
}

/// `2222:22`
fn forward(text: &str) -> Result<Forward, String> {
    let ports =
        text.split_once(':').and_then(|(host, guest)| Some((host.parse().ok()?, guest.parse().ok()?)));
    let (host, guest) = ports.ok_or("two numbers of ports are needed, such as 2222:22")?;
    Ok(Forward { host, guest })
}

fn medium(args: &Run, usual: Medium) -> Medium {
    match usual {
        Medium::Disk => Medium::Disk,
        Medium::Usb | Medium::Cd if args.cdrom => Medium::Cd,
        Medium::Usb | Medium::Cd => Medium::Usb,
    }
}

fn watch(
    common: &Common,
    args: &Run,
    mut guest: Guest,
    interrupt: &Interrupt,
    port: u16,
) -> anyhow::Result<u8> {
    let mut ready = None;
    let mut well_since: Option<(String, Instant)> = None;
    loop {
        let news = guest.news()?;
        if args.serial {
            eprint!("{news}");
        }
        if let Some(code) = interrupt.taken() {
            return if args.keep.is_some() { shut_down(guest, interrupt, code) } else { Ok(code) };
        }
        if let Some(status) = guest.ended()? {
            anyhow::ensure!(status.success(), "QEMU ended with {status}:\n{}", guest.last_words());
            anyhow::ensure!(
                ready.is_some(),
                "the node switched itself off while starting:\n{}",
                guest.last_words()
            );
            return Ok(0);
        }
        if ready.is_none() {
            if let Some(trouble) = console::trouble(&news) {
                anyhow::bail!("the node does not start: {trouble}:\n{}", guest.last_words());
            }
            if well_since.is_none() {
                well_since = guest.health().map(|health| (health.name, Instant::now()));
            }
            ready = visit(&guest, well_since.as_ref(), port);
            ready.iter().try_for_each(|it| tell(common, it))?;
        }
        std::thread::sleep(TICK);
    }
}

/// The node, once its agent is well and its console has told the claim code or had time to.
fn visit(guest: &Guest, well_since: Option<&(String, Instant)>, port: u16) -> Option<Ready> {
    let (name, since) = well_since?;
    let url = format!("https://127.0.0.1:{port}/");
    match guest.announcement() {
        Some(told) => Some(Ready { url, name: told.name.clone(), claim: told.claim.clone() }),
        None if since.elapsed() > SILENCE => Some(Ready { url, name: name.clone(), claim: None }),
        None => None,
    }
}

fn tell(common: &Common, ready: &Ready) -> anyhow::Result<()> {
    if common.json {
        println!("{}", serde_json::to_string(ready).context("writing the result")?);
    } else {
        println!("{}", ready.url);
        println!("name: {}", ready.name);
        println!(
            "claim code: {}",
            ready
                .claim
                .as_deref()
                .unwrap_or("none shown (the node has an owner, or was given a code before)")
        );
        eprintln!("Ctrl-C switches the node off.");
    }
    Ok(())
}

/// Lets the guest write down what it has; a second signal switches it off.
fn shut_down(mut guest: Guest, interrupt: &Interrupt, code: u8) -> anyhow::Result<u8> {
    eprintln!("shutting the node down; Ctrl-C again switches it off at once");
    guest.power_off()?;
    let start = Instant::now();
    let mut pressed = start;
    while guest.ended()?.is_none() && interrupt.taken().is_none() {
        // A node that is still starting has nobody who hears the button.
        if pressed.elapsed() > AGAIN {
            guest.power_off().ok();
            pressed = Instant::now();
        }
        anyhow::ensure!(start.elapsed() < FAREWELL, "the node did not shut down:\n{}", guest.last_words());
        std::thread::sleep(TICK);
    }
    Ok(code)
}
