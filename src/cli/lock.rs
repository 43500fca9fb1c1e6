//! `nuvol lock`: the exact packages of a profile, written down for later builds.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Common;
use crate::host::on_signals;
use crate::plan;
use crate::rootfs::{Archive, Mirror, Resolution};
use crate::spec::{Problem, Problems, ProfileName};
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
    /// A Debian mirror [default: the one that this machine's apt uses]
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

/// Writes the lock, and prints what it changes.
pub fn run(common: &Common, args: &Lock) -> anyhow::Result<u8> {
    on_signals()?;
    let path = path(common, &args.profile)?;
    let tree = common.tree()?;
    let mut plan = plan::resolve(&tree, &args.profile, None)?.plan;
    let shop = common.workshop()?;
    let mirror = mirror(&shop, args.mirror.as_deref())?;
    let old = match fs::read_to_string(&path) {
        // A damaged lock must not keep itself from being replaced.
        Ok(_) if args.update => read(common, &args.profile, &mirror).ok(),
        Ok(_) => Some(read(common, &args.profile, &mirror)?),
        Err(err) if err.kind() == ErrorKind::NotFound => None,
        Err(err) => return Err(err).with_context(|| format!("reading `{}`", path.display())),
    };
    let archive = Archive::update(&shop, &plan.base, mirror.clone(), false)?;
    plan = plan::resolve(&tree, &args.profile, Some(archive.names()))?.plan;
    let new = Resolution::of_archive(&shop, &archive, &plan.base.packages)?;
    drop(archive);
    let changes = old.as_ref().map(|old| old.changes(&new)).unwrap_or_default();
    changes.iter().for_each(|line| println!("{line}"));
    anyhow::ensure!(
        args.update || old.as_ref().is_none_or(|old| *old == new),
        "`{}` is older than the archive; `nuvol lock {} --update` replaces it",
        path.display(),
        args.profile
    );
    // All of them, even if nothing new is said: whoever keeps a lock may keep the shelf for it too.
    let supply = new.supply(false);
    supply.ready(&shop)?;
    let text = new.text(&new.about(&shop, &supply)?, &mirror)?;
    let folder = path.parent().context("a lock lies in a folder")?;
    let mut file = tempfile::NamedTempFile::new_in(folder).context("making the lock")?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).context("writing the lock")?;
    file.persist(&path).with_context(|| format!("writing `{}`", path.display()))?;
    shop.report.note(&format!("{}: {} packages", path.display(), new.packages.len()));
    Ok(0)
}

/// The lock of `profile`.
pub fn read(common: &Common, profile: &ProfileName, mirror: &Mirror) -> anyhow::Result<Resolution> {
    let path = path(common, profile)?;
    anyhow::ensure!(path.exists(), "there is no `{}`; `nuvol lock {profile}` writes it", path.display());
    parse(&path, mirror)
}

/// The lock in the file `path`.
pub fn parse(path: &Path, mirror: &Mirror) -> anyhow::Result<Resolution> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("reading `{name}`"))?;
    Resolution::parse(&text, mirror)
        .map_err(|wrong| Problems::from(Problem::anywhere(format!("{name}: {wrong}"))).into())
}

/// The mirror that was named, or this machine's.
pub fn mirror(shop: &Workshop, named: Option<&str>) -> anyhow::Result<Mirror> {
    named.map_or_else(|| Mirror::of_host(&shop.host, shop.store.path()), |url| Ok(Mirror::at(url)))
}

fn path(common: &Common, profile: &ProfileName) -> anyhow::Result<PathBuf> {
    Ok(common.tree_folder()?.join("profiles").join(format!("{profile}.lock")))
}
