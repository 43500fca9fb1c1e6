//! `nuvol build`: profile to images.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;

use super::{Common, doctor, lock};
use crate::host::{EnvironmentLacks, missing, on_signals};
use crate::rootfs::{Archive, Installer, Resolution, Source};
use crate::spec::{Format, MirrorUrl, ProfileName};
use crate::{overlay, plan};

/// Build a profile's images into `out/<profile>/<version>/`
#[derive(Debug, clap::Args)]
pub struct Build {
    /// The profile: a file of `profiles/`, without `.yaml`
    profile: ProfileName,
    /// Only this format; may be given more than once
    #[arg(long = "format", value_name = "FORMAT")]
    formats: Vec<Format>,
    /// Where releases go
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// A Debian mirror, or a snapshot service where the profile asks for one [default: the profile's, or the
    /// one that this machine's apt uses]
    #[arg(long, value_name = "URL")]
    mirror: Option<MirrorUrl>,
    /// Install exactly the packages of `profiles/<profile>.lock`
    #[arg(long)]
    locked: bool,
    /// Use only what is on the shelf: the archive as it was when it was last asked
    #[arg(long)]
    offline: bool,
    /// The agent's package [default: made from the `nuvol-agent` beside this program]
    #[arg(long, value_name = "FILE.deb")]
    agent: Option<PathBuf>,
    /// Who installs the packages; mmdebstrap is slower, and there to compare with
    #[arg(long, value_name = "NAME", default_value = "nuvol")]
    installer: Installer,
}

/// Builds, and prints the path of each image on standard output.
pub fn run(common: &Common, args: &Build) -> anyhow::Result<u8> {
    on_signals()?;
    let since = Instant::now();
    let tree = common.tree()?;
    let mut plan = plan::resolve(&tree, &args.profile, None)?.plan;
    let overlay = overlay::render(&plan, &tree)?;
    let shop = common.workshop()?;
    let needs = missing(&shop.host, shop.store.path())?;
    if !needs.is_empty() {
        eprint!("{}", doctor::text(&needs));
        return Err(EnvironmentLacks.into());
    }
    let upstream = lock::upstream(&shop, &tree, &plan, args.mirror.as_ref())?;
    let resolution = if args.locked {
        lock::resolution(common, &args.profile, &upstream.mirror, plan.base.architecture)?
    } else {
        // With the archive's index at hand, names of packages are checked too.
        let archive = Archive::update(&shop, &plan.base, &upstream, args.offline)?;
        plan = plan::resolve(&tree, &args.profile, Some(archive.names()))?.plan;
        Resolution::of_archive(&shop, &archive, &plan.base.packages)?
    };
    if let Some(disk) = plan.disk.as_mut().filter(|_| !args.formats.is_empty()) {
        disk.formats = args.formats.iter().copied().collect();
    }
    let out = std::path::absolute(&args.out).context("finding the output folder")?;
    let (offline, agent, installer) = (args.offline, args.agent.clone(), args.installer);
    let source = Source { mirror: upstream.mirror, resolution, offline, agent, installer };
    let release = crate::pipeline::build(&shop, &plan, &overlay, source, &out)?;
    shop.report.note(&format!("done in {:.1} s", since.elapsed().as_secs_f64()));
    if common.json {
        let images: Vec<_> = release.images.iter().map(|path| path.display().to_string()).collect();
        let answer = serde_json::json!({ "folder": release.folder.display().to_string(), "images": images });
        println!("{answer}");
    } else {
        release.images.iter().for_each(|path| println!("{}", path.display()));
    }
    Ok(0)
}
