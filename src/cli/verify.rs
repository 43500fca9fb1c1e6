//! `nuvol verify`: whether a release is what it says it is, and whether building it again gives the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Common, doctor, lock};
use crate::host::{Host, Scratch, on_signals};
use crate::media::{Key, Untrusted};
use crate::overlay;
use crate::plan::{self, Plan};
use crate::release::{Statement, deviation, lock_of, problems};
use crate::rootfs::{Installer, Resolution, Source};
use crate::spec::{Architecture, Format, MirrorUrl, ProfileName, Tree};
use crate::store::{SIGNATURE, SUMS, Store};
use crate::workshop::Workshop;

/// Check a release against its checksums and its manifest; with --rebuild, build it again and compare
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// A release's folder, or a profile whose release lies in `out/`
    #[arg(value_name = "FOLDER|PROFILE")]
    release: String,
    /// Build it again from its own lock, with nothing but packages taken from the shelf, and compare the images
    #[arg(long)]
    rebuild: bool,
    /// File with the maker's public key, as minisign writes it: the release must be signed with it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where the releases of profiles lie
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// A Debian mirror, or a snapshot service where the profile asks for one [default: the profile's, or the
    /// one that this machine's apt uses]
    #[arg(long, value_name = "URL")]
    mirror: Option<MirrorUrl>,
    /// Use only packages that are on the shelf
    #[arg(long)]
    offline: bool,
    /// The agent's package [default: the one beside this program, see `nuvol agent`; else it is compiled]
    #[arg(long, value_name = "FILE.deb")]
    agent: Option<PathBuf>,
}

/// The exit code for a release that is not what it should be.
const WRONG: u8 = 5;

/// Says what is wrong, or that nothing is; returns the exit code.
pub fn run(common: &Common, args: &Verify) -> anyhow::Result<u8> {
    on_signals()?;
    let folder = folder(common, args)?;
    let mut wrong = problems(&folder)?;
    if let Some(key) = &args.key {
        wrong.extend(signature(&Key::of_file(key)?, &folder)?);
    }
    if wrong.is_empty() && args.rebuild {
        wrong.extend(rebuild(common, args, &folder)?);
    }
    if common.json {
        let answer = serde_json::json!({ "folder": folder.display().to_string(), "problems": wrong });
        println!("{answer}");
    } else if wrong.is_empty() {
        let what = if args.rebuild { "built again, the same bytes" } else { "as it says" };
        println!("{}: {what}", folder.display());
    } else {
        wrong.iter().for_each(|line| println!("{line}"));
    }
    Ok(if wrong.is_empty() { 0 } else { WRONG })
}

/// What is wrong with the signature of the release in `folder`.
fn signature(key: &Key, folder: &Path) -> anyhow::Result<Option<String>> {
    let path = folder.join(SUMS);
    let sums = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
    match key.has_signed(&sums, folder) {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(format!("{SIGNATURE}: is missing"))),
        Err(err) => err.downcast::<Untrusted>().map(|bad| Some(bad.to_string())),
    }
}

fn folder(common: &Common, args: &Verify) -> anyhow::Result<PathBuf> {
    let path = Path::new(&args.release);
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let profile: ProfileName = args.release.parse().map_err(|wrong: String| {
        anyhow::anyhow!("there is no folder `{}`, and as a profile: {wrong}", args.release)
    })?;
    let plan = plan::resolve(&common.tree()?, &profile, Architecture::of_host(), None)?.plan;
    Ok(args.out.join(profile.as_str()).join(plan.version.as_str()))
}

/// Builds the release in `folder` again, on a shelf of its own; says where the two differ.
fn rebuild(common: &Common, args: &Verify, folder: &Path) -> anyhow::Result<Option<String>> {
    let shop = common.workshop()?;
    let statement = Statement::read(folder)?;
    if statement.builder != crate::release::BUILDER {
        shop.report.note(&format!("built by {}, this is {}", statement.builder, crate::release::BUILDER));
    }
    let tree = common.tree()?;
    let plan = plan_of(&tree, &statement)?;
    doctor::require(&shop, plan.base.architecture)?;
    let overlay = overlay::render(&plan, &tree)?;
    let repository = lock::repository(&shop, &tree, &plan, args.mirror.as_ref())?;
    let (machine, builder) = (plan.base.architecture.as_str(), Architecture::of_host());
    let resolution =
        lock::parse(&lock_of(folder)?, &repository.mirror)?.resolution(machine, builder.as_str());
    let resolution = resolution.with_context(|| format!("the release's lock has nothing for {machine}"))?;

    // Its lock is ours as long as we build; what a killed one left is swept here.
    let (place, _lock) = shop.store.kept("rebuild")?;
    fs::remove_dir_all(&place).context("sweeping an earlier rebuild")?;
    let place = Scratch::new(place)?;
    let own = empty_shelf(&shop, &place.path().join("shelf"), &resolution)?;
    let supply = resolution.supply(args.offline);
    let (agent, installer) = (args.agent.clone(), Installer::Nuvol);
    let source = Source { repository, resolution, supply, agent, installer };
    let rebuilt = crate::pipeline::build(&own, &plan, &overlay, &source, &place.path().join("out"))?;
    Ok(deviation(folder, &rebuilt.folder, &overlay, plan.base.architecture)?.map(|it| it.to_string()))
}

/// The plan that the release was built by, if the tree still has it.
fn plan_of(tree: &Tree, statement: &Statement) -> anyhow::Result<Plan> {
    let name: ProfileName = statement.profile.parse().map_err(anyhow::Error::msg)?;
    let machine = Architecture::ALL.into_iter().find(|it| it.as_str() == statement.architecture);
    let machine = machine
        .with_context(|| format!("the release is for {}, which is not known here", statement.architecture))?;
    let mut plan = plan::resolve(tree, &name, machine, None)?.plan;
    let version = plan.version.as_str();
    anyhow::ensure!(
        version == statement.version,
        "the release is {name} {}, the tree has {version}; give the tree that it was built from with --tree",
        statement.version,
    );
    let formats = statement.images.iter().map(|image| image.format.parse::<Format>());
    if let Some(disk) = plan.disk.as_mut() {
        disk.formats = formats.collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
    }
    Ok(plan)
}

/// A workshop whose shelf in `path` has nothing but those packages that ours has.
fn empty_shelf(shop: &Workshop, path: &Path, resolution: &Resolution) -> anyhow::Result<Workshop> {
    let store = Store::open(path)?;
    for package in resolution.packages.iter().chain(&resolution.tools) {
        let Some(found) = shop.store.package(&package.sha256) else { continue };
        let link = store.packages().join(found.file_name().context("a package has a name")?);
        // Both lists may name it.
        if !link.exists() {
            fs::hard_link(&found, &link).with_context(|| format!("taking `{}`", found.display()))?;
        }
    }
    Ok(Workshop::new(Host::new(store.logs())?, store, shop.report))
}
