//! The root file system: the Debian archive resolved and fetched, packages installed once in a
//! namespace, overlays laid on, as one canonical tar.

mod about;
mod archive;
mod base;
mod bootstrap;
mod compare;
mod compiler;
mod control;
mod download;
mod emulator;
mod fetch;
mod gate;
mod http;
mod index;
mod install;
mod inventory;
mod layer;
mod lock;
mod mirror;
mod news;
mod own;
mod program;
mod quick;
mod resolve;
mod site;
mod supply;
mod tools;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

pub use about::{Abouts, about};
pub use archive::{Archive, Repository, known_packages};
pub use base::Installer;
pub use compare::{Difference, How, compare};
pub use gate::Leak;
pub use index::Keyring;
pub use install::{Job, inside as install_inside};
pub use inventory::Installed;
pub use layer::Facts;
pub use lock::{LockFile, Resolution};
pub use mirror::Mirror;
pub use news::{Change, News};
pub use own::{agent, file_name as agent_file_name, foreign_package as foreign_agent};
pub use resolve::Package;
pub use supply::Supply;
pub use tools::{Bench, Tools, foreign as foreign_tools};
pub use tree::{Body, Node, Tree};

use crate::overlay::{self, Content, Foundation, Ids, Layer, Overlay};
use crate::plan::{Base, Plan};
use crate::spec::Architecture;
use crate::store::Artifact;
use crate::workshop::Workshop;
use site::Site;

/// The finished root file system.
pub struct Rootfs {
    /// Its files.
    pub root: Root,
    /// The machine that it is for.
    pub architecture: Architecture,
    /// Seconds since 1970: the time of the build, from the archive.
    pub epoch: u64,
    /// Every package in its exact version, as a lock's text.
    pub lock: String,
    /// What is in it.
    pub facts: Facts,
    /// What the later stages run.
    pub tools: Tools,
}

/// The files of a root file system. In a recipe it stands for all that it is made from.
#[derive(Serialize)]
pub struct Root {
    key: String,
    /// What of it is read.
    base: Vec<Artifact>,
    #[serde(skip)]
    layering: layer::Layering,
}

impl Root {
    /// The hash of all that it is made from.
    pub fn key(&self) -> &str {
        self.key.rsplit_once('-').map_or(&self.key, |(_, hash)| hash)
    }

    /// The tree, ready to be written as a tar.
    pub fn tree(&self) -> anyhow::Result<Tree> {
        self.layering.tree()
    }
}

/// Where packages come from.
pub struct Source {
    /// The archive.
    pub repository: Repository,
    /// The exact packages.
    pub resolution: Resolution,
    /// The packages' files.
    pub supply: Supply,
    /// The agent's package, where it is not the one beside our program.
    pub agent: Option<PathBuf>,
    /// Who installs the packages.
    pub installer: Installer,
}

/// Builds the root file system of `plan`.
pub fn build(shop: &Workshop, plan: &Plan, overlay: &Overlay, source: &Source) -> anyhow::Result<Rootfs> {
    let Source { repository, resolution, supply, agent, .. } = source;
    let Resolution { suite, architecture, epoch, tools: host_packages, .. } = resolution;
    let lacking = resolution.lacks(&plan.base.packages);
    anyhow::ensure!(
        lacking.is_empty(),
        "the lock lacks {}; write it anew with `nuvol lock {} --update`",
        lacking.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "),
        plan.profile
    );
    let Base { suite: wanted, architecture: machine, .. } = &plan.base;
    anyhow::ensure!(
        suite == wanted && architecture == machine.as_str(),
        "the lock is for {suite} on {architecture}, the profile for {wanted} on {}",
        machine.as_str()
    );
    let (epoch, mirror) = (*epoch, &repository.mirror);
    let tools = Tools::of(shop, suite, host_packages, supply)?;
    let emulator = emulator::of(shop, *machine, host_packages, supply)?;
    let abouts = resolution.about(shop, supply)?;
    let agent = own::agent(shop, *machine, agent.as_deref(), repository, supply.is_offline())?;
    if let Some(locked) = resolution.agent.as_ref().filter(|it| **it != agent.digest) {
        anyhow::bail!(
            "the lock is for the nuvol-agent with the sha256 {locked}, this one has {}; the release that the lock \
             comes from was made by another version of nuvol or of the compiler: name its package with --agent",
            agent.digest
        );
    }
    // Where nothing is made, new packages have not said anything yet.
    let lock = if shop.explains() {
        String::new()
    } else {
        LockFile::of(&[resolution.with_agent(&agent.digest)], &abouts)?.text(mirror)
    };

    let parts = Parts { epoch, tools: &tools, emulator, abouts: &abouts, agent };
    let below = install_layers(shop, plan, overlay, source, &parts)?;
    let layering = layer::Layering {
        base: below,
        files: overlay.files.clone(),
        components: plan.base.components.clone(),
        epoch,
    };
    let layer = shop.make(&layer::LayerRecipe { layering: &layering, foreign: foreign(mirror) })?;
    let facts = layer::Facts::read(&layer)?;
    let key = layer.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let root = Root { key, base: layering.base.clone(), layering };
    Ok(Rootfs { root, architecture: plan.base.architecture, facts, epoch, lock, tools })
}

/// What all layers of an installation have in common.
struct Parts<'a> {
    epoch: u64,
    tools: &'a Tools,
    emulator: Option<Artifact>,
    abouts: &'a Abouts,
    agent: Artifact,
}

/// Installs the packages, layer by layer; the lowest comes first.
fn install_layers(
    shop: &Workshop,
    plan: &Plan,
    overlay: &Overlay,
    source: &Source,
    parts: &Parts<'_>,
) -> anyhow::Result<Vec<Artifact>> {
    let Source { resolution: Resolution { packages, .. }, supply, installer, .. } = source;
    let Parts { epoch, tools, emulator, abouts, agent } = parts;
    let epoch = *epoch;
    let mut below = Vec::new();
    let site = Site::default();
    // mmdebstrap installs everything at once.
    let foundations = if *installer == Installer::Nuvol { overlay.foundations.as_slice() } else { &[] };
    for Foundation { profile, packages: names, install } in foundations {
        let packages = about::closure(packages, abouts, names);
        let base = Base { packages: names.clone(), ..plan.base.clone() };
        let recipe = base::BaseRecipe {
            installer: *installer,
            base: &base,
            packages: &packages,
            own: Vec::new(),
            install: install_part(shop, install, epoch)?,
            epoch,
            tools,
            emulator: emulator.clone(),
            finish: None,
            title: format!("{} packages of {profile}", packages.len()),
            below: below.clone(),
            supply,
            site: &site,
        };
        below.push(Artifact::of(&supply.heal(shop, || shop.make(&recipe))?, "base.tar")?);
    }
    let recipe = base::BaseRecipe {
        installer: *installer,
        base: &plan.base,
        packages,
        own: vec![agent.clone()],
        install: install_part(shop, &overlay.install, epoch)?,
        epoch,
        tools,
        emulator: emulator.clone(),
        finish: Some(base::BaseRecipe::FINISH),
        title: format!("{} packages, the agent, units", packages.len()),
        below: below.clone(),
        supply,
        site: &site,
    };
    below.push(Artifact::of(&supply.heal(shop, || shop.make(&recipe))?, "base.tar")?);
    Ok(below)
}

fn install_part(shop: &Workshop, layer: &Layer, epoch: u64) -> anyhow::Result<Artifact> {
    Artifact::of(&shop.make(&InstallRecipe { layer, epoch })?, "install.tar")
}

/// The install parts of the overlays, as the tar that goes down before the packages.
#[derive(Serialize)]
struct InstallRecipe<'a> {
    layer: &'a Layer,
    epoch: u64,
}

impl crate::workshop::Recipe for InstallRecipe<'_> {
    const STAGE: &'static str = "overlay";
    const VERSION: u32 = 1;

    fn make(&self, _: &Workshop, dir: &Path) -> anyhow::Result<()> {
        // Before the packages there are no users but root, and tar makes the folders it misses.
        let tar = overlay::pack(self.layer, &Ids::root(), self.epoch, &|_| true);
        std::fs::write(dir.join("install.tar"), tar?).context("packing the install parts")
    }

    fn detail(&self, _: &Path) -> String {
        let files = self.layer.values().filter(|it| it.content != Content::Directory).count();
        format!("{files} files before the packages")
    }
}

fn foreign(mirror: &Mirror) -> gate::Foreign {
    let name = nix::unistd::gethostname().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    // Names that any configuration may hold tell nothing.
    let common = ["localhost", "debian", "vm", "host", "server", "linux", "node", "nuvol", "build", "runner"];
    let host_name = if name.len() < 4 || common.contains(&name.as_str()) { String::new() } else { name };
    let hosts: BTreeSet<String> = [&mirror.archive, &mirror.security]
        .iter()
        .filter_map(|uri| uri.split("://").nth(1)?.split('/').next().map(str::to_owned))
        .collect();
    gate::Foreign { host_name, mirror_hosts: hosts.into_iter().collect() }
}
