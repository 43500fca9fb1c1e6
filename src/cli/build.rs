//! `nuvol build`: profile to images.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::builder::FalseyValueParser;

use super::{Common, doctor, lock};
use crate::host::on_signals;
use crate::overlay::{self, Overlay};
use crate::plan::{self, Plan};
use crate::remote::Remote;
use crate::rootfs::{Archive, Installer, Resolution, Source, foreign_tools};
use crate::spec::{Architecture, Format, MirrorUrl, Problem, Problems, ProfileName, Tree};
use crate::workshop::{Sharing, Workshop};

/// Build a profile's images into `out/<profile>/<version>/`
#[derive(Debug, clap::Args)]
pub struct Build {
    #[command(flatten)]
    what: What,
    /// Where releases go
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// Use only what is on the shelf: the archive as it was when it was last asked
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    shared: Shared,
}

/// A cache that several machines share.
#[derive(Debug, clap::Args)]
struct Shared {
    /// A shared cache to look into: a folder, or s3://BUCKET/PREFIX with the usual AWS_... variables. Whoever can
    /// write to it can change what is built here
    #[arg(long, value_name = "PLACE", env = "NUVOL_REMOTE_CACHE")]
    remote_cache: Option<String>,
    /// Also put there what it lacks
    #[arg(long, env = "NUVOL_REMOTE_CACHE_WRITE", value_parser = FalseyValueParser::new())]
    remote_cache_write: bool,
}

/// All that decides what comes out.
#[derive(Debug, clap::Args)]
pub struct What {
    /// The profile: a file of `profiles/`, without `.yaml`
    profile: ProfileName,
    /// Only this format; may be given more than once
    #[arg(long = "format", value_name = "FORMAT")]
    formats: Vec<Format>,
    /// The machine's architecture
    #[arg(long, value_name = "NAME", default_value = "amd64")]
    arch: Architecture,
    /// A Debian mirror, or a snapshot service where the profile asks for one [default: the profile's, or the
    /// one that this machine's apt uses]
    #[arg(long, value_name = "URL")]
    mirror: Option<MirrorUrl>,
    /// Install exactly the packages of `profiles/<profile>.lock`
    #[arg(long)]
    locked: bool,
    /// The agent's package [default: the one beside this program, see `nuvol agent`; else it is compiled]
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
    // What is wrong in the tree is told before anything else is looked at.
    let planned = args.what.plan(common)?;
    let shop = common.workshop()?.sharing(args.shared.open(args.offline)?);
    doctor::require(&shop, args.what.arch)?;
    let Inputs { plan, overlay, source } = args.what.inputs(common, &shop, planned, args.offline)?;
    let out = std::path::absolute(&args.out).context("finding the output folder")?;
    let release = crate::pipeline::build(&shop, &plan, &overlay, &source, &out)?;
    shop.share();
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

impl Shared {
    fn open(&self, offline: bool) -> anyhow::Result<Option<Sharing>> {
        let Some(place) = self.remote_cache.as_deref().filter(|it| !it.is_empty() && !offline) else {
            return Ok(None);
        };
        let variable = |name: &str| std::env::var_os(name)?.into_string().ok();
        let remote = Remote::open(place, self.remote_cache_write, &variable).map_err(|err| {
            Problems::from(Problem::anywhere(format!("the shared cache `{place}`: {err:#}")))
        })?;
        Ok(Some(Sharing::by(remote)))
    }
}

/// What the profile alone says.
pub struct Planned {
    tree: Tree,
    plan: Plan,
    overlay: Overlay,
}

/// What the first stage takes.
pub struct Inputs {
    /// Every decision.
    pub plan: Plan,
    /// The files that are laid into the image.
    pub overlay: Overlay,
    /// The packages, and where they come from.
    pub source: Source,
}

impl What {
    /// Reads the profile.
    pub fn plan(&self, common: &Common) -> anyhow::Result<Planned> {
        let tree = common.tree()?;
        let plan = plan::resolve(&tree, &self.profile, self.arch, None)?.plan;
        let overlay = overlay::render(&plan, &tree)?;
        Ok(Planned { tree, plan, overlay })
    }

    /// All that a build takes; with `offline` the archive is the one that was last asked.
    pub fn inputs(
        &self,
        common: &Common,
        shop: &Workshop,
        planned: Planned,
        offline: bool,
    ) -> anyhow::Result<Inputs> {
        let Planned { tree, mut plan, overlay } = planned;
        let repository = lock::repository(shop, &tree, &plan, self.mirror.as_ref())?;
        let resolution = if self.locked {
            lock::resolution(common, &self.profile, &repository.mirror, plan.base.architecture)?
        } else {
            // With the archive's index at hand, names of packages are checked too.
            let tools = foreign_tools(shop, &plan.base, &repository, offline)?;
            let archive = Archive::update(shop, &plan.base, &repository, offline)?;
            plan = plan::resolve(&tree, &self.profile, self.arch, Some(archive.names()))?.plan;
            Resolution::of_archive(shop, &archive, &plan.base.packages, tools)?
        };
        if let Some(disk) = plan.disk.as_mut().filter(|_| !self.formats.is_empty()) {
            disk.formats = self.formats.iter().copied().collect();
        }
        let supply = resolution.supply(offline);
        let (agent, installer) = (self.agent.clone(), self.installer);
        Ok(Inputs { plan, overlay, source: Source { repository, resolution, supply, agent, installer } })
    }
}
