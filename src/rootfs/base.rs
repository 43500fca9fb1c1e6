//! The base: packages installed and configured, before the overlays' files are laid over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::archive::Package;
use super::bootstrap::Bootstrap;
use super::tools::Tools;
use crate::plan::Base;
use crate::store::Artifact;
use crate::workshop::{Recipe, Workshop};

/// Runs in the tree when all packages are configured.
const FINISH: &str = include_str!("finish.sh");

/// All that the base is made from.
#[derive(Serialize)]
pub struct BaseRecipe<'a> {
    /// Suite, architecture and the packages that are asked for.
    pub base: &'a Base,
    /// Every package in its exact version.
    pub packages: &'a [Package],
    /// Packages of our own.
    pub own: Vec<Artifact>,
    /// Tar of the overlays' install parts.
    pub install: Artifact,
    /// Seconds since 1970.
    pub epoch: u64,
    /// What runs.
    pub tools: &'a Tools,
    /// What is done at the end.
    pub finish: &'static str,
}

impl BaseRecipe<'_> {
    /// The script that finishes the tree, for the recipe.
    pub const FINISH: &'static str = FINISH;
}

impl Recipe for BaseRecipe<'_> {
    const STAGE: &'static str = "install";
    const VERSION: u32 = 1;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let finish = dir.join("finish.sh");
        fs::write(&finish, self.finish).context("writing the finishing script")?;
        fs::set_permissions(&finish, fs::Permissions::from_mode(0o755))
            .context("writing the finishing script")?;
        let own: Vec<_> = self.own.iter().map(|it| it.path.clone()).collect();
        let mut wanted: Vec<&str> = self.base.packages.iter().map(|it| it.as_str()).collect();
        if !own.is_empty() {
            wanted.push("nuvol-agent");
        }
        let bootstrap = Bootstrap {
            tools: self.tools.root(),
            suite: &self.base.suite,
            architecture: self.base.architecture.as_str(),
            epoch: self.epoch,
            packages: self.packages,
            own: &own,
            wanted,
            options: options(&self.install.path, &finish),
            lend: vec![self.install.path.clone()],
        };
        bootstrap.run(shop, dir)?;
        fs::remove_file(&finish).context("removing the finishing script")
    }

    fn detail(&self) -> String {
        format!("{} packages", self.packages.len())
    }
}

fn options(install: &Path, finish: &Path) -> Vec<String> {
    vec![
        "--aptopt=APT::Install-Recommends \"false\"".to_owned(),
        // The install parts of the overlays are there before the packages and stay as they are.
        format!("--extract-hook=tar-in {} /", install.display()),
        "--dpkgopt=force-confold".to_owned(),
        "--dpkgopt=force-unsafe-io".to_owned(),
        format!("--customize-hook={}", finish.display()),
    ]
}
