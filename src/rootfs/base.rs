//! The base: packages installed and configured, before the overlays' files are laid over.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::bootstrap::Bootstrap;
use super::install::{Job, verify};
use super::quick::quick;
use super::resolve::Package;
use super::supply::Supply;
use super::tools::Tools;
use crate::host::Sandbox;
use crate::plan::Base;
use crate::remote::Share;
use crate::report::Unit;
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
}

impl BaseRecipe<'_> {
    /// The script that finishes the tree, for the recipe.
    pub const FINISH: &'static str = FINISH;
}

impl Recipe for BaseRecipe<'_> {
    const STAGE: &'static str = "install";
    const VERSION: u32 = 3;
    const SHARE: Share = Share::Whole;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        self.supply.ready(shop)?;
        let finish = dir.join("finish.sh");
        fs::write(&finish, self.finish.unwrap_or("#!/bin/sh\n")).context("writing the finishing script")?;
        fs::set_permissions(&finish, fs::Permissions::from_mode(0o755))
            .context("writing the finishing script")?;
        match self.installer {
            Installer::Nuvol => self.install(shop, dir, &finish)?,
            Installer::Mmdebstrap => self.bootstrap(shop, dir, &finish)?,
        }
        fs::remove_file(&finish).context("removing the finishing script")
    }

    fn detail(&self, _: &Path) -> String {
        self.title.clone()
    }
}

impl BaseRecipe<'_> {
    fn wanted(&self) -> Vec<&str> {
        let own = self.own.iter().map(|_| "nuvol-agent").take(1);
        self.base.packages.iter().map(|it| it.as_str()).chain(["apt"]).chain(own).collect()
    }

    fn install(&self, shop: &Workshop, dir: &Path, finish: &Path) -> anyhow::Result<()> {
        let mut debs = quick(shop, self.packages)?;
        // All of them lie in one folder of the shelf.
        let shelf: BTreeSet<_> = debs.iter().filter_map(|it| it.parent()?.parent()).collect();
        let mut sandbox = shop.sandbox(self.tools.root()).read(&self.install.path);
        sandbox = shelf.into_iter().fold(sandbox, Sandbox::read);
        sandbox = self.below.iter().fold(sandbox, |sandbox, it| sandbox.read(&it.path));
        for own in &self.own {
            verify(&own.path, &own.digest)?;
            sandbox = sandbox.read(&own.path);
            debs.push(own.path.clone());
        }
        let job = Job {
            debs,
            wanted: self.wanted().into_iter().map(str::to_owned).collect(),
            architecture: self.base.architecture.as_str().to_owned(),
            install: self.install.path.clone(),
            finish: finish.to_owned(),
            below: self.below.iter().map(|it| it.path.clone()).collect(),
            epoch: self.epoch,
            out: dir.join("base.tar"),
        };
        let path = dir.join("job.json");
        fs::write(&path, serde_json::to_vec(&job).context("writing the job")?).context("writing the job")?;
        if let Some(emulator) = &self.emulator {
            sandbox = sandbox.emulate(&emulator.path);
        }
        let words = ["--job".into(), path.clone().into_os_string()];
        let command = sandbox.write(dir).call(shop.host.shell(), "install", words)?;
        // We say a line when we unpack a package, and dpkg says one when it configures it.
        let bar = shop.report.bar("install", 2 * job.debs.len() as u64, Unit::Steps);
        let mut on_line = |line: &str| {
            if line.starts_with("Unpacking ") || line.starts_with("Setting up ") {
                bar.inc(1);
            }
        };
        let result = shop.host.watch(command.env("TMPDIR", "/tmp"), &mut on_line);
        bar.finish_and_clear();
        result?;
        fs::remove_file(&path).context("removing the job")
    }

    fn bootstrap(&self, shop: &Workshop, dir: &Path, finish: &Path) -> anyhow::Result<()> {
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
            options: options(&self.install.path, finish),
            lend: vec![self.install.path.clone()],
        };
        bootstrap.run(shop, dir).map(|_| ())
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
