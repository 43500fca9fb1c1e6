//! The command line: one file a verb, thin.

mod agent;
mod build;
mod cache;
mod cache_explain;
mod check;
mod compare;
mod doctor;
mod find;
mod flash;
mod flash_show;
mod install;
mod lab;
mod lock;
mod matrix;
mod plan;
mod run;
mod schema;
mod seed;
mod test;
mod verify;

use std::collections::BTreeSet;
use std::io::{ErrorKind, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use nix::sys::stat::{Mode, umask};

use crate::host::{EnvironmentLacks, Host, NetworkFailed};
use crate::report::{Report, Voice};
use crate::rootfs::Leak;
use crate::spec::report::{Colour, human};
use crate::spec::{PackageName, Problems, Tree};
use crate::store::Store;
use crate::workshop::Workshop;

/// Builds community-cloud images from declarative profiles, and boots them.
#[derive(Debug, Parser)]
#[command(name = "nuvol", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb understands.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Folder with `profiles/`, `packages.yaml` and `overlays/` [default: found from here upward]
    #[arg(long, global = true, value_name = "DIR")]
    pub tree: Option<PathBuf>,
    /// Where finished work is kept [default: $XDG_CACHE_HOME/nuvol]
    #[arg(long, global = true, value_name = "DIR", env = "NUVOL_CACHE")]
    pub cache: Option<PathBuf>,
    /// Report for machines: JSON on standard output, JSON lines on standard error
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Build(build::Build),
    Agent(agent::Agent),
    Check(check::Check),
    Plan(plan::Show),
    Lock(lock::Lock),
    Schema(schema::Schema),
    Seed(seed::Seed),
    Run(run::Run),
    Test(test::Test),
    Verify(verify::Verify),
    Flash(flash::Flash),
    Find(find::Find),
    Lab(lab::Lab),
    Doctor(doctor::Doctor),
    Cache(cache::Cache),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    #[command(hide = true)]
    Enter(crate::host::Enter),
    #[command(hide = true)]
    LabInside(crate::lab::inside::Inside),
    #[command(hide = true)]
    Install(install::Install),
    #[command(hide = true)]
    Compare(compare::Compare),
}

/// Runs the program and returns its exit code.
pub fn run() -> u8 {
    let cli = Cli::parse();
    // Modes of files that go into images come from here, never from whoever runs us.
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    match dispatch(&cli) {
        Ok(code) => code,
        Err(err) => {
            match err.downcast_ref::<Problems>() {
                Some(problems) => eprint!("{}", human(problems, colour())),
                None => eprintln!("error: {err:#}{}", if disk_full(&err) { DISK_FULL } else { "" }),
            }
            code_of(&err)
        }
    }
}

/// What to do about a disk that this program itself found full; programs that it runs say so in their logs.
const DISK_FULL: &str = "\nlikely cause: the disk is full; free some space (`nuvol cache clear`), or choose another --cache or --out";

fn disk_full(err: &anyhow::Error) -> bool {
    err.chain()
        .filter_map(|it| it.downcast_ref::<std::io::Error>())
        .any(|it| matches!(it.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

fn dispatch(cli: &Cli) -> anyhow::Result<u8> {
    match &cli.verb {
        Verb::Build(args) => build::run(&cli.common, args),
        Verb::Agent(args) => agent::run(&cli.common, args),
        Verb::Check(args) => check::run(&cli.common, args),
        Verb::Lock(args) => lock::run(&cli.common, args),
        Verb::Plan(args) => plan::run(&cli.common, args),
        Verb::Schema(args) => schema::run(args),
        Verb::Seed(args) => seed::run(&cli.common, args),
        Verb::Run(args) => run::run(&cli.common, args),
        Verb::Test(args) => test::run(&cli.common, args),
        Verb::Verify(args) => verify::run(&cli.common, args),
        Verb::Flash(args) => flash::run(&cli.common, args),
        Verb::Find(args) => find::run(&cli.common, args),
        Verb::Lab(args) => lab::run(&cli.common, args),
        Verb::Doctor(args) => doctor::run(&cli.common, args),
        Verb::Cache(args) => cache::run(&cli.common, args),
        Verb::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "nuvol", &mut std::io::stdout());
            Ok(0)
        }
        Verb::Enter(args) => crate::host::enter(args).map(|()| 0),
        Verb::LabInside(args) => crate::lab::inside::run(args).map(|()| 0),
        Verb::Install(args) => install::run(args),
        Verb::Compare(args) => compare::run(args),
    }
}

/// The documented exit code of a failure: 3 input, 4 unsafe, 5 not trusted, 6 environment, 7 network, 8 not verified,
/// 1 anything else.
fn code_of(err: &anyhow::Error) -> u8 {
    let has = |test: fn(&(dyn std::error::Error + 'static)) -> bool| err.chain().any(test);
    if err.downcast_ref::<Problems>().is_some() {
        3
    } else if let Some(code) = flash::code_of(err) {
        code
    } else if err.is::<EnvironmentLacks>() || err.downcast_ref::<EnvironmentLacks>().is_some() {
        6
    } else if err.downcast_ref::<NetworkFailed>().is_some() {
        7
    } else if has(|it| it.is::<Leak>() || it.is::<seed::InUse>()) {
        4
    } else {
        1
    }
}

impl Common {
    /// The folder of the shelf.
    pub fn shelf(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.cache {
            return Ok(path.clone());
        }
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.filter(|path| path.is_absolute());
        let home = || std::env::home_dir().map(|home| home.join(".cache"));
        Ok(cache
            .or_else(home)
            .context("there is no home folder; choose a place with --cache DIR")?
            .join("nuvol"))
    }

    /// The tree that was named, or the one around the working folder.
    pub fn tree(&self) -> anyhow::Result<Tree> {
        Tree::open(&self.tree_folder()?)
    }

    /// The folder of the tree.
    pub fn tree_folder(&self) -> anyhow::Result<PathBuf> {
        self.tree.as_ref().map_or_else(|| Tree::find(Path::new(".")), |folder| Ok(folder.clone()))
    }

    /// The packages of the archive, where a build has read its index before.
    pub fn known_packages(&self) -> Option<BTreeSet<PackageName>> {
        crate::rootfs::known_packages(&self.shelf().ok()?)
    }

    /// The voice that was asked for.
    pub fn voice(&self) -> Voice {
        if self.json { Voice::Json } else { Voice::Plain }
    }

    /// The workshop on the shelf.
    pub fn workshop(&self) -> anyhow::Result<Workshop> {
        let store = Store::open(&self.shelf()?)?;
        Ok(Workshop::new(Host::new(store.logs())?, store, Report::new(self.voice())))
    }
}

/// Whether standard error may be coloured.
fn colour() -> Colour {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted && std::io::stderr().is_terminal() { Colour::Yes } else { Colour::No }
}
