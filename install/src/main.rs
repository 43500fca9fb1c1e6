//! `nuvol-install`: started by the live system at boot, or by a person in it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use nuvol_install::asked::{Asked, asked};
use nuvol_install::console::{Console, Everywhere, consoles};
use nuvol_install::ground::Ground;
use nuvol_install::{power, unattended, wizard, words};
use nuvol_seed::{CONFIG_FILE, Install, Then, Volume};
use sd_notify::NotifyState;

/// Install a node from the live system on a disk of this machine
///
/// Asks on the terminal that it is started from. The menu of the medium starts it on the screen and the serial line;
/// with `[install]` in the medium's nuvol.toml, or nuvol.install.serial=… and the like on the kernel line, it does
/// not ask.
#[derive(Debug, Parser)]
#[command(name = "nuvol-install", version)]
struct Arguments {
    /// Do what the medium and the kernel line ask for
    #[arg(long, hide = true)]
    at_boot: bool,
    /// Leave the machine on
    #[arg(long, hide = true)]
    no_power: bool,
    /// The disk image
    #[arg(long, value_name = "FILE", hide = true, default_value = "/run/nuvol/store/disk.raw")]
    image: PathBuf,
    /// The medium's configuration
    #[arg(long, value_name = "FILE", hide = true, default_value = "/run/nuvol/nuvol.toml")]
    config: PathBuf,
    /// There while consoles are ours
    #[arg(long, value_name = "FILE", hide = true, default_value = "/run/nuvol-install/busy")]
    busy: PathBuf,
    /// The words that the kernel was started with
    #[arg(long, value_name = "FILE", hide = true, default_value = "/proc/cmdline")]
    kernel_line: PathBuf,
    /// Ask here, not on the kernel's consoles
    #[arg(long, value_name = "FILE", hide = true)]
    console: Vec<PathBuf>,
    /// Look at another machine's `/proc` and `/sys`
    #[arg(long, value_name = "DIR", hide = true, default_value = "/")]
    system: PathBuf,
    /// Loop devices are disks too
    #[arg(long, hide = true)]
    loops: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.at_boot { at_boot(&arguments) } else { by_hand(&arguments) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {}", words::failure(&err));
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn ground(&self, config: Option<String>) -> anyhow::Result<Ground> {
        Ground::new(&self.system, &self.image, config, self.loops)
    }

    fn config(&self) -> anyhow::Result<Option<String>> {
        match fs::read(&self.config) {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(self.config_of_medium()),
            bytes => {
                let bytes = bytes.with_context(|| format!("reading `{}`", self.config.display()))?;
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
        }
    }

    /// The same from the medium itself, where nobody left it to us: `nuvol-config` gives up early on a slow machine.
    fn config_of_medium(&self) -> Option<String> {
        let device = fs::read_to_string(self.system.join("run/nuvol/device")).ok()?;
        let medium = File::open(self.system.join("dev").join(device.trim())).ok()?;
        let place = nuvol_seed::find(&medium).ok()??;
        let bytes = Volume::open(&medium, place).ok()?.read(CONFIG_FILE).ok()??;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn then(&self, then: Then) -> anyhow::Result<()> {
        if self.no_power { Ok(()) } else { power::then(then) }
    }
}

/// A person started it.
fn by_hand(arguments: &Arguments) -> anyhow::Result<()> {
    let ground = arguments.ground(arguments.config()?)?;
    let mut console = Console::new(std::io::stdin(), std::io::stdout());
    match wizard::run(&ground, &mut console)? {
        wizard::Ending::Left => Ok(()),
        wizard::Ending::Installed(then) => arguments.then(then),
    }
}

/// systemd started it; it hears that we are ready when we know whether the consoles are ours.
fn at_boot(arguments: &Arguments) -> anyhow::Result<()> {
    let config = arguments.config()?;
    // Without it there is no word that asks for anything.
    let line = fs::read_to_string(&arguments.kernel_line).unwrap_or_default();
    let asked = asked(&line, config.as_deref());
    if !matches!(asked, Ok(Asked::Nothing)) {
        let what = || format!("writing `{}`", arguments.busy.display());
        fs::write(&arguments.busy, "").with_context(what)?;
    }
    // Without systemd there is nobody to tell.
    sd_notify::notify(&[NotifyState::Ready]).ok();
    let paths = match &*arguments.console {
        [] => consoles(&arguments.system),
        some => some.to_vec(),
    };
    let mut everywhere = Everywhere::open(&paths);
    let done = match asked {
        Ok(Asked::Nothing) => return Ok(()),
        Ok(Asked::Wizard) => return on_consoles(arguments, config, &paths),
        Ok(Asked::Unattended(install)) => alone(arguments, config, &install, &mut everywhere),
        Err(err) => Err(err),
    };
    if let Err(err) = &done {
        let text = format!("\nNuvol was not installed: {}\nThe live system goes on.\n", words::failure(err));
        everywhere.write_all(text.as_bytes())?;
    }
    done
}

fn alone(
    arguments: &Arguments,
    config: Option<String>,
    install: &Install,
    out: &mut Everywhere,
) -> anyhow::Result<()> {
    let ground = arguments.ground(config)?;
    match unattended::run(&ground, install, out)? {
        unattended::Ending::Installed(then) => {
            writeln!(out, "Take the medium out. NUVOL installed then={then}")?;
            arguments.then(then)
        }
        unattended::Ending::Before => {
            writeln!(
                out,
                "This Nuvol is on the disk already; nothing was written. Take the medium out and restart."
            )?;
            Ok(())
        }
    }
}

/// Asks on all of `paths` at once: nobody knows where the keyboard is. The disk itself lets nobody in twice.
fn on_consoles(arguments: &Arguments, config: Option<String>, paths: &[PathBuf]) -> anyhow::Result<()> {
    let ground = &arguments.ground(config)?;
    let ask = |path: &Path| -> anyhow::Result<()> {
        let mut console = Console::open(path)?;
        match wizard::run(ground, &mut console)? {
            wizard::Ending::Left => console.say("\n  Nothing was written. The live system goes on.\n"),
            wizard::Ending::Installed(then) => arguments.then(then),
        }
    };
    let ended: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let ask = &ask;
        let all: Vec<_> = paths.iter().map(|path| scope.spawn(move || ask(path))).collect();
        all.into_iter().map(|one| one.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked"))).collect()
    });
    // A port that is not there is no failure as long as another one works.
    if ended.iter().any(Result::is_ok) {
        return Ok(());
    }
    let failed = ended.into_iter().find_map(Result::err);
    Err(failed.unwrap_or_else(|| anyhow::anyhow!("the kernel has no console to ask on")))
}
