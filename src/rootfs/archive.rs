//! The Debian archive as it is now: its index, verified against Debian's keys or those that were named.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::http::{self, Patience};
use super::index::{Apt, Index, Keyring, State, Wanted};
use super::mirror::Mirror;
use crate::plan::Base;
use crate::spec::PackageName;
use crate::store::{Found, Lock, hex};
use crate::workshop::Workshop;

/// The folder of the indices on the shelf.
const FOLDER: &str = "apt";

/// Names of all packages of the archive, as the last build with the shelf `shelf` saw it.
pub fn known_packages(shelf: &Path) -> Option<BTreeSet<PackageName>> {
    Index::newest(&shelf.join(FOLDER))?.names().ok().filter(|names| !names.is_empty())
}

/// Where an archive is, and who signs it.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Where it is fetched from.
    pub mirror: Mirror,
    /// Who signs it.
    pub keyring: Keyring,
}

/// The archive's index in a private apt, held while this lives.
pub struct Archive {
    pub(super) apt: Apt,
    pub(super) mirror: Mirror,
    pub(super) base: Base,
    pub(super) state: State,
    names: BTreeSet<PackageName>,
    _lock: Lock,
}

impl Archive {
    /// The index of `base`'s suites from `repository`, fetched unless it is the newest that there is.
    /// With `offline` it is the shelf's, whatever its age, and nobody is asked.
    pub fn update(
        shop: &Workshop,
        base: &Base,
        repository: &Repository,
        offline: bool,
    ) -> anyhow::Result<Self> {
        let since = Instant::now();
        let (folder, lock) = shop.store.kept(FOLDER)?;
        let Repository { mirror, keyring } = repository;
        let wanted = Wanted { base, mirror, keyring, proxies: proxies(shop)? };
        let index = Index::of(&folder, &wanted);
        let (state, found) = match index.state() {
            Some(state) if offline || is_newest(&state, &wanted) => (state, Found::Reused),
            _ if offline => anyhow::bail!(
                "the shelf has no index of this archive for these suites and this mirror; build once without --offline"
            ),
            _ => {
                shop.store.note_kept(FOLDER)?;
                index.sweep(&folder)?;
                (index.update(shop, &wanted)?, Found::Made)
            }
        };
        let detail = format!("{} of {}", base.suite, base.architecture.as_str());
        shop.report.stage("index", since, found, &detail);
        let apt = index.apt(&state);
        let names = apt.names()?;
        Ok(Self { apt, mirror: mirror.clone(), base: base.clone(), state, names, _lock: lock })
    }

    /// Seconds since 1970 of the newest of the archive's Release files: the build's time.
    pub fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// sha256 of each of its Release files, sorted.
    pub fn releases(&self) -> &[String] {
        &self.state.releases
    }

    /// The suite, components and architecture that it was asked for.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Names of all packages of the archive.
    pub fn names(&self) -> &BTreeSet<PackageName> {
        &self.names
    }
}

/// Whether the mirror still has the very Release files that the index was made from; those of a snapshot
/// never change. If it cannot be asked so simply, apt is to try, and to say why it fails.
fn is_newest(state: &State, wanted: &Wanted<'_>) -> bool {
    if wanted.mirror.snapshot {
        return true;
    }
    let agent = http::agent(Patience::ORDINARY);
    let digest = |address: String| -> Option<String> {
        let mut answer = agent.get(&address).call().ok()?;
        Some(hex(&Sha256::digest(answer.body_mut().read_to_vec().ok()?)))
    };
    let found: Option<Vec<String>> = std::thread::scope(|scope| {
        let asked: Vec<_> = wanted
            .suites()
            .into_iter()
            .map(|(uri, suite)| scope.spawn(move || digest(format!("{uri}dists/{suite}/InRelease"))))
            .collect();
        asked.into_iter().map(|thread| thread.join().ok().flatten()).collect()
    });
    let Some(mut found) = found else { return false };
    found.sort();
    found == state.releases && state.expires > http::now()
}

/// The proxy settings of the host's apt: of all its configuration, only how to reach the archive.
fn proxies(shop: &Workshop) -> anyhow::Result<String> {
    let shell = shop.host.shell();
    let dump = xshell::cmd!(shell, "apt-config dump --format '%F \"%v\";%n' Acquire::http Acquire::https");
    let text = shop.host.read(dump).context("asking apt for its proxy")?;
    let lines = text.lines().filter(|line| line.to_lowercase().contains("::proxy") && !line.contains("\"\""));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}
