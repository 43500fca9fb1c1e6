//! The base: packages installed and configured, before the overlays' files are laid over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::bootstrap::Bootstrap;
use super::resolve::Package;
use super::site::Site;
use super::supply::Supply;
use super::tools::Tools;
use crate::plan::Base;
use crate::remote::Share;
use crate::store::Artifact;
use crate::workshop::{Recipe, Workshop};

/// Runs in the tree when all packages are configured.
const FINISH: &str = include_str!("finish.sh");

/// Who installs the packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Installer {
    /// Our own threads unpack, dpkg configures.
    Nuvol,
    /// mmdebstrap: apt and dpkg do it all.
    Mmdebstrap,
}

/// All that the base is made from.
#[derive(Serialize)]
pub struct BaseRecipe<'a> {
    /// Who installs.
    pub installer: Installer,
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
    /// What is done at the end; nothing, if more is to be laid over.
    pub finish: Option<&'static str>,
    /// What it is, for the report.
    #[serde(skip)]
    pub title: String,
    /// What it stands on: tars that lie over each other, the lowest first.
    pub below: Vec<Artifact>,
    /// What runs the packages' programs, where the host cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulator: Option<Artifact>,
    /// Where the packages come from.
    #[serde(skip)]
    pub supply: &'a Supply,
    /// Where they are installed.
    #[serde(skip)]
    pub site: &'a Site,
}

impl BaseRecipe<'_> {
    /// The script that finishes the tree, for the recipe.
    pub const FINISH: &'static str = FINISH;
}

impl Recipe for BaseRecipe<'_> {
    const STAGE: &'static str = "install";
    const VERSION: u32 = 4;
    const SHARE: Share = Share::Whole;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        self.supply.ready(shop)?;
        match self.installer {
            Installer::Nuvol => self.site.install(shop, self, dir),
            Installer::Mmdebstrap => self.bootstrap(shop, dir),
        }
    }

    fn detail(&self, _: &Path) -> String {
        self.title.clone()
    }
}

impl BaseRecipe<'_> {
    /// Packages that are asked for by name.
    pub(super) fn wanted(&self) -> Vec<&str> {
        let own = self.own.iter().map(|_| "nuvol-agent").take(1);
        self.base.packages.iter().map(|it| it.as_str()).chain(["apt"]).chain(own).collect()
    }

    /// Writes the script that runs at the end.
    pub(super) fn write_finish(&self, to: &Path) -> anyhow::Result<()> {
        fs::write(to, self.finish.unwrap_or("#!/bin/sh\n"))
            .and_then(|()| fs::set_permissions(to, fs::Permissions::from_mode(0o755)))
            .context("writing the finishing script")
    }

    fn bootstrap(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let finish = dir.join("finish.sh");
        self.write_finish(&finish)?;
        anyhow::ensure!(self.emulator.is_none(), "mmdebstrap installs for this machine's architecture alone");
        let own: Vec<_> = self.own.iter().map(|it| it.path.clone()).collect();
        let packages: Vec<&Package> = self.packages.iter().collect();
        let bootstrap = Bootstrap {
            tools: self.tools.root(),
            suite: &self.base.suite,
            architecture: self.base.architecture.as_str(),
            epoch: self.epoch,
            packages: &packages,
            own: &own,
            wanted: self.wanted(),
            options: options(&self.install.path, &finish),
            lend: vec![self.install.path.clone()],
        };
        bootstrap.run(shop, dir)?;
        fs::remove_file(&finish).context("removing the finishing script")
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
