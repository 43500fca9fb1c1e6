//! `nuvol agent`: the agent's own package, made once for all builds.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Common, doctor};
use crate::host::on_signals;
use crate::plan;
use crate::rootfs::{Keyring, Mirror, Repository, agent, agent_file_name, foreign_agent};
use crate::spec::{Architecture, MirrorUrl};

/// Make the agent's package, which builds then find beside this program
///
/// The agent is compiled from the source that comes with this program, in a Debian build root of its own:
/// the same source and compiler give the same bytes on every machine. The file `.buildinfo` beside the package
/// lists the compiler's packages.
#[derive(Debug, clap::Args)]
pub struct Agent {
    /// The nodes' architecture
    #[arg(long, value_name = "NAME", default_value = "amd64")]
    arch: Architecture,
    /// Where the package goes [default: beside this program]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Take this program, and `nuvol-helper` beside it, instead of compiling them; for trials with `nuvol build
    /// --agent`
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// A Debian mirror [default: the one that this machine's apt uses]
    #[arg(long, value_name = "URL")]
    mirror: Option<MirrorUrl>,
    /// Use only what is on the shelf
    #[arg(long)]
    offline: bool,
}

/// Makes the package, and prints its path on standard output.
pub fn run(common: &Common, args: &Agent) -> anyhow::Result<u8> {
    on_signals()?;
    let shop = common.workshop()?;
    doctor::require(&shop, Architecture::of_host())?;
    let made = if let Some(path) = &args.program {
        foreign_agent(&shop, args.arch, path)?
    } else {
        let mirror =
            Mirror::of(&shop.host, shop.store.path(), &plan::Archive::default(), args.mirror.as_ref())?;
        let repository = Repository { mirror, keyring: Keyring::Debian };
        agent(&shop, args.arch, None, &repository, args.offline)?
    };
    let folder = match &args.out {
        Some(out) => out.clone(),
        None => std::env::current_exe().context("finding our own program")?.with_file_name(""),
    };
    let to = folder.join(agent_file_name(args.arch));
    if made.path != to {
        copy(&made.path, &to)?;
        let info = made.path.with_extension("buildinfo");
        if info.is_file() {
            copy(&info, &to.with_extension("buildinfo"))?;
        }
    }
    println!("{}", to.display());
    Ok(0)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let what = || format!("writing `{}`", to.display());
    let folder = to.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(what)?;
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder)?;
    std::io::copy(&mut fs::File::open(from).with_context(what)?, &mut file).with_context(what)?;
    file.persist(to).with_context(what)?;
    Ok(())
}
