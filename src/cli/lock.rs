//! `nuvol lock`: the exact packages of a profile, written down for later builds.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;

use super::Common;
use crate::host::on_signals;
use crate::plan::{self, Plan};
use crate::rootfs::{Archive, Keyring, Mirror, Resolution, Supply, fetch};
use crate::spec::{MirrorUrl, Problem, Problems, ProfileName, Tree};
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
    let mut plan = plan::resolve(&tree, &args.profile, None)?.plan;
    let shop = common.workshop()?;
    let supply = supply(&shop, &tree, &plan, args.mirror.as_ref())?;
    let mirror = &supply.mirror;
    let old = match fs::read_to_string(&path) {
        // A damaged lock must not keep itself from being replaced.
        Ok(_) if args.update => read(common, &args.profile, mirror).ok(),
        Ok(_) => Some(read(common, &args.profile, mirror)?),
        Err(err) if err.kind() == ErrorKind::NotFound => None,
        Err(err) => return Err(err).with_context(|| format!("reading `{}`", path.display())),
    };
    let archive = Archive::update(&shop, &plan.base, &supply, false)?;
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
    let all: Vec<_> = new.packages.iter().chain(&new.tools).cloned().collect();
    fetch(&shop, &all, false)?;
    let text = new.text(&new.about(&shop)?, mirror)?;
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
    let text = fs::read_to_string(&path)
        .with_context(|| format!("reading `{}`; `nuvol lock {profile}` writes it", path.display()))?;
    let name = path.display();
    Resolution::parse(&text, mirror)
        .map_err(|wrong| Problems::from(Problem::anywhere(format!("{name}: {wrong}"))).into())
}

/// The archive that `plan` asks for, at the mirror `named` if there is one.
pub fn supply(
    shop: &Workshop,
    tree: &Tree,
    plan: &Plan,
    named: Option<&MirrorUrl>,
) -> anyhow::Result<Supply> {
    let mirror = Mirror::of(&shop.host, shop.store.path(), &plan.archive, named)?;
    let own = plan.archive.keyring.as_ref().and_then(|name| tree.keys().get(name.as_str()));
    let keyring = own.map_or(Keyring::Debian, |keys| Keyring::Own(keys.clone()));
    Ok(Supply { mirror, keyring })
}

fn path(common: &Common, profile: &ProfileName) -> anyhow::Result<PathBuf> {
    Ok(common.tree_folder()?.join("profiles").join(format!("{profile}.lock")))
}
