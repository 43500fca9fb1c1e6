//! The Debian archive as it is now: its index, verified against the Debian keyring.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::http;
use super::mirror::Mirror;
use crate::host::Sandbox;
use crate::plan::Base;
use crate::spec::{Architecture, PackageName};
use crate::store::{Found, Lock, hex};
use crate::workshop::Workshop;

/// Comes with the package `debian-archive-keyring`.
pub const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where the names of the archive's packages are kept for checks without network.
const NAMES: &str = "names";
/// The folder of the private apt on the shelf; each architecture but the host's, and the backports, have one
/// of their own.
const FOLDER: &str = "apt";
/// What the index is.
const STATE: &str = "state.json";

/// Names of all packages of the archive, as the last build with the shelf `shelf` saw it.
pub fn known_packages(shelf: &Path) -> Option<BTreeSet<PackageName>> {
    let text = fs::read_to_string(shelf.join(FOLDER).join(NAMES)).ok()?;
    Some(parse_names(&text)).filter(|names| !names.is_empty())
}

fn parse_names(text: &str) -> BTreeSet<PackageName> {
    text.lines().filter_map(|name| name.parse().ok()).collect()
}

/// The archive's index in a private apt, held while this lives.
pub struct Archive {
    pub(super) folder: PathBuf,
    pub(super) mirror: Mirror,
    pub(super) base: Base,
    pub(super) state: State,
    names: BTreeSet<PackageName>,
    _lock: Lock,
}

/// What the index is, as of its last update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// What apt was told: suites, components, mirror.
    configuration: String,
    /// sha256 of each signed Release file, sorted.
    pub releases: Vec<String>,
    /// Seconds since 1970 of the newest of them.
    epoch: u64,
    /// Seconds since 1970 when the first of them ends to be valid.
    expires: u64,
}

impl Archive {
    /// The index of `base`'s suites from `mirror`, fetched unless it is the newest that there is.
    /// With `offline` it is the shelf's, whatever its age, and nobody is asked.
    pub fn update(shop: &Workshop, base: &Base, mirror: Mirror, offline: bool) -> anyhow::Result<Self> {
        let since = Instant::now();
        let (folder, lock) = shop.store.kept(&folder_of(base))?;
        let text = configuration(&folder, base) + &proxies(shop)?;
        let configuration = text.clone() + &sources(base, &mirror);
        let found = match known_state(&folder).filter(|it| it.configuration == configuration) {
            Some(state) if offline || is_newest(&state, base, &mirror) => (state, Found::Reused),
            _ if offline => anyhow::bail!(
                "the shelf has no index of this archive for these suites and this mirror; build once without --offline"
            ),
            _ => (fetch(shop, &folder, base, &mirror, &text, configuration)?, Found::Made),
        };
        let names = fs::read_to_string(folder.join(NAMES)).context("reading the names of packages")?;
        shop.report.stage(
            "index",
            since,
            found.1,
            &format!("{} of {}", base.suite, base.architecture.as_str()),
        );
        let names = parse_names(&names);
        Ok(Self { folder, mirror, base: base.clone(), state: found.0, names, _lock: lock })
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

    /// What apt's `program` prints about this index.
    pub(super) fn read(&self, shop: &Workshop, program: &str, args: &[&str]) -> anyhow::Result<String> {
        read(shop, &self.folder, program, args)
    }
}

fn folder_of(base: &Base) -> String {
    let mut name = FOLDER.to_owned();
    if base.architecture != Architecture::of_host() {
        name += &format!("-{}", base.architecture);
    }
    base.foreign.iter().for_each(|it| name += &format!("-with-{it}"));
    base.backports.iter().for_each(|it| name += &format!("-{it}"));
    name
}

fn sandbox(shop: &Workshop, folder: &Path) -> Sandbox {
    shop.sandbox(Path::new("/")).write(folder)
}

fn read(shop: &Workshop, folder: &Path, program: &str, args: &[&str]) -> anyhow::Result<String> {
    let command = shop.command(&sandbox(shop, folder), program, args)?;
    shop.host.read(command.env("APT_CONFIG", folder.join("apt.conf")))
}

fn known_state(folder: &Path) -> Option<State> {
    serde_json::from_str(&fs::read_to_string(folder.join(STATE)).ok()?).ok()
}

/// Whether the mirror still has the very Release files that the index was made from. If it cannot
/// be asked so simply, apt is to try, and to say why it fails.
fn is_newest(state: &State, base: &Base, mirror: &Mirror) -> bool {
    let agent = http::agent();
    let digest = |address: String| -> Option<String> {
        let mut answer = agent.get(&address).call().ok()?;
        Some(hex(&Sha256::digest(answer.body_mut().read_to_vec().ok()?)))
    };
    let found: Option<Vec<String>> = std::thread::scope(|scope| {
        let asked: Vec<_> = suites(base, mirror)
            .into_iter()
            .map(|(uri, suite)| scope.spawn(move || digest(format!("{uri}dists/{suite}/InRelease"))))
            .collect();
        asked.into_iter().map(|thread| thread.join().ok().flatten()).collect()
    });
    let Some(mut found) = found else { return false };
    found.sort();
    found == state.releases && state.expires > http::now()
}

/// Fetches the index anew; apt verifies it.
fn fetch(
    shop: &Workshop,
    folder: &Path,
    base: &Base,
    mirror: &Mirror,
    text: &str,
    configuration: String,
) -> anyhow::Result<State> {
    shop.store.note_kept(&folder_of(base))?;
    // Until the new one is complete there is none: an interrupted update must not look like a good one.
    fs::remove_file(folder.join(STATE)).or_else(|err| match err.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(err).context("forgetting the old index"),
    })?;
    for name in ["lists/partial", "cache/archives/partial", "etc"] {
        fs::create_dir_all(folder.join(name)).context("making a private apt")?;
    }
    fs::write(folder.join("status"), "").context("making a private apt")?;
    fs::write(folder.join("apt.conf"), text).context("configuring a private apt")?;
    fs::write(folder.join("etc/sources.list"), sources(base, mirror)).context("configuring a private apt")?;
    fs::write(folder.join("etc/preferences"), preferences(base)).context("configuring a private apt")?;
    let inside = sandbox(shop, folder).with_network();
    let command = shop.command(&inside, "apt-get", &["update", "-q", "--error-on=any"])?;
    let result = shop.host.run(command.env("APT_CONFIG", folder.join("apt.conf")));
    result.context(crate::host::NetworkFailed).context("fetching the archive's index")?;
    let names = read(shop, folder, "apt-cache", &["pkgnames"])?;
    fs::write(folder.join(NAMES), &names).context("keeping the names of packages")?;
    let state = state(shop, folder, configuration)?;
    let text = serde_json::to_vec_pretty(&state).context("keeping the state of the index")?;
    fs::write(folder.join(STATE), text).context("keeping the state of the index")?;
    Ok(state)
}

/// The archive's suites, with the address of each.
fn suites(base: &Base, mirror: &Mirror) -> Vec<(String, String)> {
    let Base { suite, .. } = base;
    let mut suites = vec![
        (mirror.archive.clone(), suite.clone()),
        (mirror.archive.clone(), format!("{suite}-updates")),
        (mirror.security.clone(), format!("{suite}-security")),
    ];
    if !base.backports.is_empty() {
        suites.push((mirror.archive.clone(), format!("{suite}-backports")));
    }
    suites
}

/// From the backports come the packages that were named, and nothing else (apt_preferences(5)).
fn preferences(base: &Base) -> String {
    let pin = |packages: &str, priority: i32| {
        format!("Package: {packages}\nPin: release n={}-backports\nPin-Priority: {priority}\n\n", base.suite)
    };
    let named: Vec<String> = base.backports.iter().map(|source| format!("src:{source}:any")).collect();
    if named.is_empty() { String::new() } else { pin(&named.join(" "), 990) + &pin("*:any", -1) }
}

/// The archive's suites for apt, for the build only.
fn sources(base: &Base, mirror: &Mirror) -> String {
    let components = base.components.join(" ");
    suites(base, mirror)
        .into_iter()
        .map(|(uri, suite)| format!("deb [signed-by={KEYRING}] {uri} {suite} {components}\n"))
        .collect()
}

fn configuration(folder: &Path, base: &Base) -> String {
    let folder = folder.display();
    let all: Vec<&str> = [base.architecture].iter().chain(&base.foreign).map(|it| it.as_str()).collect();
    format!(
        r#"Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::State "{folder}";
Dir::State::Lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/etc/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "{folder}/etc/preferences";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture "{arch}";
APT::Architectures "{all}";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Solver "internal";
Acquire::Languages "none";
Acquire::ForceHash "sha256";
Acquire::Retries "3";
"#,
        arch = base.architecture.as_str(),
        all = all.join(",")
    )
}

/// The proxy settings of the host's apt: of all its configuration, only how to reach the archive.
fn proxies(shop: &Workshop) -> anyhow::Result<String> {
    let shell = shop.host.shell();
    let dump = xshell::cmd!(shell, "apt-config dump --format '%F \"%v\";%n' Acquire::http Acquire::https");
    let text = shop.host.read(dump).context("asking apt for its proxy")?;
    let lines = text.lines().filter(|line| line.to_lowercase().contains("::proxy") && !line.contains("\"\""));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

/// What the Release files that apt fetched say of themselves.
fn state(shop: &Workshop, folder: &Path, configuration: String) -> anyhow::Result<State> {
    let mut state = State { configuration, releases: Vec::new(), epoch: 0, expires: u64::MAX };
    for entry in fs::read_dir(folder.join("lists")).context("reading the archive's index")? {
        let path = entry.context("reading the archive's index")?.path();
        if !path.to_string_lossy().ends_with("InRelease") {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let date = |field: &str| -> anyhow::Result<Option<u64>> {
            let Some(date) = text.lines().find_map(|line| line.strip_prefix(field)) else { return Ok(None) };
            let seconds = shop.host.read(xshell::cmd!(shop.host.shell(), "date -u -d {date} +%s"))?;
            Ok(Some(seconds.trim().parse().with_context(|| format!("reading the date `{date}`"))?))
        };
        let made = date("Date: ")?.with_context(|| format!("`{}` has no date", path.display()))?;
        state.epoch = state.epoch.max(made);
        state.expires = state.expires.min(date("Valid-Until: ")?.unwrap_or(u64::MAX));
        state.releases.push(hex(&Sha256::digest(text.as_bytes())));
    }
    anyhow::ensure!(!state.releases.is_empty(), "the archive has no signed Release file");
    state.releases.sort();
    Ok(state)
}
