//! `nuvol lock`: the exact packages of a profile, written down for later builds.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Common;
use crate::host::on_signals;
use crate::plan::{self, Plan};
use crate::rootfs::{
    Archive, Change, Keyring, LockFile, Mirror, News, Package, Repository, Resolution, Supply, about,
    foreign_tools,
};
use crate::spec::{Architecture, MirrorUrl, PackageName, Problem, Problems, ProfileName, Tree};
use crate::workshop::Workshop;

/// Write the exact packages of a profile to `profiles/<profile>.lock`
///
/// `nuvol build --locked` then installs those and no others. An ordinary mirror drops a package soon after
/// a newer one has come: a lock lasts as long as a mirror or the shelf has its packages.
#[derive(Debug, clap::Args)]
pub struct Lock {
    /// The profile
    profile: ProfileName,
    /// Replace the lock that is there, and print what changes
    #[arg(long)]
    update: bool,
    /// Only this package, and what it needs newly; may be given more than once
    #[arg(long = "package", value_name = "NAME", requires = "update")]
    packages: Vec<PackageName>,
    /// An architecture; may be given more than once [default: those of the lock that is there, or amd64]
    #[arg(long = "arch", value_name = "NAME")]
    architectures: Vec<Architecture>,
    /// A Debian mirror, or a snapshot service where the profile asks for one [default: the profile's, or the
    /// one that this machine's apt uses]
    #[arg(long, value_name = "URL")]
    mirror: Option<MirrorUrl>,
}

/// Writes the lock, and prints what it changes.
pub fn run(common: &Common, args: &Lock) -> anyhow::Result<u8> {
    on_signals()?;
    let path = path(common, &args.profile)?;
    let tree = common.tree()?;
    let any = plan::resolve(&tree, &args.profile, Architecture::Amd64, None)?.plan;
    let shop = common.workshop()?;
    let repository = repository(&shop, &tree, &any, args.mirror.as_ref())?;
    let old = old(common, args, &path, &repository.mirror)?;
    let plans = architectures(args, old.as_ref())
        .into_iter()
        .map(|it| Ok(plan::resolve(&tree, &args.profile, it, None)?.plan))
        .collect::<anyhow::Result<Vec<Plan>>>()?;
    let resolve = |plan: &Plan| resolve(&shop, &tree, args, &repository, plan, old.as_ref());
    let resolutions = plans.iter().map(resolve).collect::<anyhow::Result<Vec<Resolution>>>()?;
    let all: Vec<Package> = resolutions.iter().flat_map(Resolution::all).cloned().collect();
    // All of them, even if nothing new is said: whoever keeps a lock may keep the shelf for it too.
    let supply = Supply::of(all.clone(), false);
    supply.ready(&shop)?;
    let new = LockFile::of(&resolutions, &about(&shop, &all, &supply)?)?;
    if let Some(old) = &old {
        tell(common, &old.changes(&new), &old.news(&new, &shop)?)?;
    }
    let same = |it: &Resolution| {
        let found = old.as_ref().map(|old| old.resolution(&it.architecture, &it.builder));
        // A release's lock names the agent too, which the archive says nothing of.
        found.is_none_or(|old| old.map(|old| Resolution { agent: None, ..old }).as_ref() == Some(it))
    };
    anyhow::ensure!(
        args.update || resolutions.iter().all(same),
        "`{}` is older than the archive; `nuvol lock {} --update` replaces it",
        path.display(),
        args.profile
    );
    let folder = path.parent().context("a lock lies in a folder")?;
    let mut file = tempfile::NamedTempFile::new_in(folder).context("making the lock")?;
    let text = new.text(&repository.mirror);
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).context("writing the lock")?;
    file.persist(&path).with_context(|| format!("writing `{}`", path.display()))?;
    let count: usize = resolutions.iter().map(|it| it.packages.len()).sum();
    shop.report.note(&format!("{}: {count} packages", path.display()));
    Ok(0)
}

/// Those that were asked for, or those of the lock that is there.
fn architectures(args: &Lock, old: Option<&LockFile>) -> Vec<Architecture> {
    if !args.architectures.is_empty() {
        return args.architectures.clone();
    }
    let locked = |it: &Architecture| old.is_some_and(|old| old.has(it.as_str()));
    let found: Vec<Architecture> = Architecture::ALL.into_iter().filter(locked).collect();
    if found.is_empty() { vec![Architecture::Amd64] } else { found }
}

/// The lock that is there.
fn old(common: &Common, args: &Lock, path: &Path, mirror: &Mirror) -> anyhow::Result<Option<LockFile>> {
    match fs::metadata(path) {
        // A damaged lock must not keep itself from being replaced.
        Ok(_) if args.update && args.packages.is_empty() => Ok(read(common, &args.profile, mirror).ok()),
        Ok(_) => read(common, &args.profile, mirror).map(Some),
        Err(err) if err.kind() == ErrorKind::NotFound && args.packages.is_empty() => Ok(None),
        Err(err) => Err(err).with_context(|| format!("reading `{}`", path.display())),
    }
}

/// What the archive has now for the architecture of `plan`.
fn resolve(
    shop: &Workshop,
    tree: &Tree,
    args: &Lock,
    repository: &Repository,
    plan: &Plan,
    old: Option<&LockFile>,
) -> anyhow::Result<Resolution> {
    let tools = foreign_tools(shop, &plan.base, repository, false)?;
    let archive = Archive::update(shop, &plan.base, repository, false)?;
    let plan = plan::resolve(tree, &args.profile, plan.base.architecture, Some(archive.names()))?.plan;
    let builder = Architecture::of_host();
    let old = old.and_then(|it| it.resolution(plan.base.architecture.as_str(), builder.as_str()));
    let Some(old) = old.filter(|_| !args.packages.is_empty()) else {
        return Resolution::of_archive(shop, &archive, &plan.base.packages, tools);
    };
    known(&args.packages, &old, &plan)?;
    old.supply(false).ready(shop)?;
    old.update(shop, &archive, &args.packages)
}

/// Only a package that is in the lock or comes into it can be updated.
fn known(names: &[PackageName], old: &Resolution, plan: &Plan) -> anyhow::Result<()> {
    let unknown = names
        .iter()
        .find(|name| !plan.base.packages.contains(name) && !old.all().any(|it| it.name == name.as_str()));
    let Some(name) = unknown else { return Ok(()) };
    let words = format!("`{name}` is neither in the lock nor in the profile");
    Err(Problems::from(Problem::anywhere(words).nearest(name.as_str(), old.all().map(|it| it.name.as_str())))
        .into())
}

fn tell(common: &Common, changes: &[Change], news: &[News]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if common.json {
        return Ok(writeln!(out, "{}", serde_json::json!({ "changes": changes, "news": news }))?);
    }
    for change in changes {
        writeln!(out, "{change}")?;
    }
    for news in news {
        writeln!(out, "\n{news}")?;
    }
    Ok(())
}

/// The lock of `profile`.
pub fn read(common: &Common, profile: &ProfileName, mirror: &Mirror) -> anyhow::Result<LockFile> {
    let path = path(common, profile)?;
    anyhow::ensure!(path.exists(), "there is no `{}`; `nuvol lock {profile}` writes it", path.display());
    parse(&path, mirror)
}

/// The lock in the file `path`.
pub fn parse(path: &Path, mirror: &Mirror) -> anyhow::Result<LockFile> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("reading `{name}`"))?;
    LockFile::parse(&text, mirror)
        .map_err(|wrong| Problems::from(Problem::anywhere(format!("{name}: {wrong}"))).into())
}

/// What the lock of `profile` has for `architecture`.
pub fn resolution(
    common: &Common,
    profile: &ProfileName,
    mirror: &Mirror,
    architecture: Architecture,
) -> anyhow::Result<Resolution> {
    let name = architecture.as_str();
    let builder = Architecture::of_host();
    read(common, profile, mirror)?.resolution(name, builder.as_str()).with_context(|| {
        format!("the lock of `{profile}` has nothing for {name}; write it anew with `nuvol lock {profile} --update`")
    })
}

/// The archive that `plan` asks for, at the mirror `named` if there is one.
pub fn repository(
    shop: &Workshop,
    tree: &Tree,
    plan: &Plan,
    named: Option<&MirrorUrl>,
) -> anyhow::Result<Repository> {
    let mirror = Mirror::of(&shop.host, shop.store.path(), &plan.archive, named)?;
    let own = plan.archive.keyring.as_ref().and_then(|name| tree.keys().get(name.as_str()));
    let keyring = own.map_or(Keyring::Debian, |keys| Keyring::Own(keys.clone()));
    Ok(Repository { mirror, keyring })
}

fn path(common: &Common, profile: &ProfileName) -> anyhow::Result<PathBuf> {
    Ok(common.tree_folder()?.join("profiles").join(format!("{profile}.lock")))
}
