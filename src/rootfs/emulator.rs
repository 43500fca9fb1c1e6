//! QEMU's user mode, which runs the programs of a tree that is for another architecture.

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::install::Deb;
use super::resolve::Package;
use super::supply::Supply;
use crate::spec::Architecture;
use crate::store::Artifact;
use crate::workshop::{Recipe, Workshop};

/// The package that has it. Of its 400 MB, one file is taken.
pub const PACKAGE: &str = "qemu-user";

#[derive(Serialize)]
struct EmulatorRecipe<'a> {
    architecture: Architecture,
    package: &'a Package,
    #[serde(skip)]
    supply: &'a Supply,
}

/// The emulator for `architecture` from the host's `packages`, unless the host runs such programs itself.
pub fn of(
    shop: &Workshop,
    architecture: Architecture,
    packages: &[Package],
    supply: &Supply,
) -> anyhow::Result<Option<Artifact>> {
    if architecture == Architecture::of_host() {
        return Ok(None);
    }
    let package = packages.iter().find(|it| it.name == PACKAGE);
    let package =
        package.with_context(|| format!("the tools lack `{PACKAGE}`, which {architecture} needs"))?;
    let recipe = EmulatorRecipe { architecture, package, supply };
    let entry = supply.heal(shop, || shop.make(&recipe))?;
    Artifact::of(&entry, &file(architecture)).map(Some)
}

/// The file's name, from which `host` knows what it emulates.
fn file(architecture: Architecture) -> String {
    format!("qemu-{}", architecture.machine())
}

impl Recipe for EmulatorRecipe<'_> {
    const STAGE: &'static str = "emulator";
    const VERSION: u32 = 1;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        self.supply.ready(shop)?;
        let Package { name, sha256, .. } = self.package;
        let path = shop.store.whole_package(sha256);
        let path = path.with_context(|| format!("reading the package `{name}`"))?;
        let file = file(self.architecture);
        let (from, to) = (format!("./usr/bin/{file}"), dir.join(&file));
        let mut found = false;
        Deb::open(&path)?.data(|tar| {
            for entry in tar.entries()? {
                let mut entry = entry?;
                if entry.path_bytes() == from.as_bytes() {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes)?;
                    fs::write(&to, bytes)?;
                    fs::set_permissions(&to, Permissions::from_mode(0o755))?;
                    found = true;
                    break;
                }
            }
            Ok(())
        })?;
        anyhow::ensure!(found, "`{name}` has no `{from}`");
        Ok(())
    }

    fn detail(&self, _: &Path) -> String {
        format!("{} {}", self.package.name, self.package.version)
    }
}
