//! An archive's index: a private apt that fetched and verified it. An update is made aside, so that
//! whatever goes wrong, the index that was there is there still.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::mirror::Mirror;
use crate::host::{EnvironmentLacks, NetworkFailed, ProgramFailed, Sandbox};
use crate::plan::Base;
use crate::spec::{Architecture, PackageName};
use crate::store::hex;
use crate::workshop::Workshop;

/// Comes with the package `debian-archive-keyring`.
const DEBIANS_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What the index is; it names the apt that has it.
const STATE: &str = "state.json";

/// In the apt, where the names of the archive's packages are kept for checks without network.
const NAMES: &str = "names";

/// As many configurations (suites, mirror, keys) are kept: two architectures, each with its nodes' archive and its
/// compiler's, and two of other archives, so that none of these drives another out. One takes up to 250 MB.
const KEPT: usize = 6;

/// Who signs an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyring {
    /// Debian.
    Debian,
    /// Whoever has these OpenPGP keys.
    Own(Vec<u8>),
}

/// All that an index depends on, apart from when it was fetched.
pub(super) struct Wanted<'a> {
    pub base: &'a Base,
    pub mirror: &'a Mirror,
    pub keyring: &'a Keyring,
    /// How apt reaches the mirror.
    pub proxies: String,
}

/// What an index is, as of its last update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The apt that has it: one of two folders, an update makes the other.
    folder: String,
    /// sha256 of each signed Release file, sorted.
    pub releases: Vec<String>,
    /// Seconds since 1970 of the newest of them.
    pub epoch: u64,
    /// Seconds since 1970 when the first of them ends to be valid.
    pub expires: u64,
    /// Whether it has what images for the host's architecture usually consist of: not a compiler's index.
    #[serde(default)]
    for_images: bool,
}

/// The place of an index.
pub(super) struct Index {
    folder: PathBuf,
}

impl Index {
    /// The place for `wanted` among the indices in `shelf`.
    pub fn of(shelf: &Path, wanted: &Wanted<'_>) -> Self {
        let key = hex(&Sha256::digest(wanted.text().as_bytes()));
        Self { folder: shelf.join(&key[..16]) }
    }

    /// What is there, if anything is.
    pub fn state(&self) -> Option<State> {
        serde_json::from_str(&fs::read_to_string(self.folder.join(STATE)).ok()?).ok()
    }

    /// The apt in `shelf` whose index for images was updated last.
    pub fn newest(shelf: &Path) -> Option<Apt> {
        by_age(shelf).ok()?.into_iter().rev().find_map(|(_, folder)| {
            let index = Self { folder };
            let state = index.state().filter(|it| it.for_images)?;
            Some(index.apt(&state))
        })
    }

    /// The private apt that has what `state` tells of.
    pub fn apt(&self, state: &State) -> Apt {
        Apt { folder: self.folder.join(&state.folder) }
    }

    /// Fetches the index anew; apt verifies it.
    pub fn update(&self, shop: &Workshop, wanted: &Wanted<'_>) -> anyhow::Result<State> {
        let old = self.state();
        let name = if old.as_ref().is_some_and(|it| it.folder == "a") { "b" } else { "a" };
        let apt = Apt { folder: self.folder.join(name) };
        apt.prepare(wanted, old.map(|it| self.apt(&it)).as_ref()).context("making a private apt")?;
        apt.update(shop).map_err(blame).with_context(|| self.failed(&wanted.mirror.archive))?;
        let names = apt.read(shop, "apt-cache", &["pkgnames"])?;
        fs::write(apt.folder.join(NAMES), names).context("keeping the names of packages")?;
        let mut state = apt.state(shop, name, wanted.mirror.snapshot)?;
        let Base { architecture, backports, .. } = wanted.base;
        // Nor an archive of a profile's own, or one of long ago: what they lack Debian may have.
        state.for_images = *architecture == Architecture::of_host()
            && backports.is_empty()
            && !wanted.mirror.snapshot
            && matches!(wanted.keyring, Keyring::Debian);
        let text = serde_json::to_vec_pretty(&state).context("keeping the state of the index")?;
        let mut file =
            tempfile::NamedTempFile::new_in(&self.folder).context("keeping the state of the index")?;
        file.write_all(&text).context("keeping the state of the index")?;
        file.persist(self.folder.join(STATE)).context("keeping the state of the index")?;
        Ok(state)
    }

    fn failed(&self, mirror: &str) -> String {
        let rest = if self.state().is_some() {
            "; the shelf keeps the one from before, which `--offline` builds from"
        } else {
            ""
        };
        format!("fetching the archive's index from {mirror}{rest}")
    }

    /// Removes the other indices in `shelf` that were not updated for longest, and what is none.
    pub fn sweep(&self, shelf: &Path) -> anyhow::Result<()> {
        let mut others = by_age(shelf)?;
        others.retain(|(_, path)| *path != self.folder);
        let kept = others.iter().filter(|(updated, _)| updated.is_some()).count().min(KEPT - 1);
        for (_, path) in &others[..others.len() - kept] {
            fs::remove_dir_all(path).with_context(|| format!("removing the index `{}`", path.display()))?;
        }
        Ok(())
    }
}

/// The folders in `shelf`, and when the index in each was updated last, if there is one; the newest last.
fn by_age(shelf: &Path) -> anyhow::Result<Vec<(Option<SystemTime>, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(shelf).context("reading the indices")? {
        let path = entry.context("reading the indices")?.path();
        if path.is_dir() {
            found.push((fs::metadata(path.join(STATE)).and_then(|it| it.modified()).ok(), path));
        }
    }
    found.sort();
    Ok(found)
}

/// Whose fault a failed update is: the mirror's, unless apt says another's.
fn blame(err: anyhow::Error) -> anyhow::Error {
    let said = |sign: &str| err.downcast_ref::<ProgramFailed>().is_some_and(|it| it.tail.contains(sign));
    if said("is not valid yet") {
        err.context(EnvironmentLacks)
    } else if said("No space left on device") || err.downcast_ref::<std::io::Error>().is_some() {
        err
    } else {
        err.context(NetworkFailed)
    }
}

/// A private apt in a folder of its own.
pub(super) struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// What apt's `program` prints.
    pub fn read(&self, shop: &Workshop, program: &str, args: &[&str]) -> anyhow::Result<String> {
        self.settle().context("telling apt where it is")?;
        let command = shop.command(&self.sandbox(shop), program, args)?;
        shop.host.read(command.env("APT_CONFIG", self.folder.join("apt.conf")))
    }

    /// What `apt-get` prints, were the packages of the dpkg status `status` installed.
    pub fn read_over(&self, shop: &Workshop, status: &str, args: &[&str]) -> anyhow::Result<String> {
        let path = self.folder.join("status.locked");
        fs::write(&path, status).context("telling apt what is installed")?;
        let status = format!("Dir::State::status={}", path.display());
        // Its cache is for the other status.
        let mut all = vec!["-o", &status, "-o", "Dir::Cache::pkgcache="];
        all.extend(args);
        self.read(shop, "apt-get", &all)
    }

    /// The names of all packages of the archive.
    pub fn names(&self) -> anyhow::Result<BTreeSet<PackageName>> {
        let text = fs::read_to_string(self.folder.join(NAMES)).context("reading the names of packages")?;
        Ok(text.lines().filter_map(|name| name.parse().ok()).collect())
    }

    fn sandbox(&self, shop: &Workshop) -> Sandbox {
        shop.sandbox(Path::new("/")).write(&self.folder)
    }

    /// Makes the folder anew; from the lists of `old` apt needs to fetch only what changed since.
    fn prepare(&self, wanted: &Wanted<'_>, old: Option<&Self>) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(err) if err.kind() != ErrorKind::NotFound => return Err(err.into()),
            _ => {}
        }
        for name in ["lists/partial", "cache/archives/partial", "etc"] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        for entry in old.map(|it| fs::read_dir(it.folder.join("lists"))).transpose()?.into_iter().flatten() {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                // apt replaces these files and never writes into them.
                fs::hard_link(entry.path(), self.folder.join("lists").join(entry.file_name()))?;
            }
        }
        fs::write(self.folder.join("status"), "")?;
        fs::write(self.folder.join("apt.conf"), directories(&self.folder) + &wanted.options())?;
        let keyring = match wanted.keyring {
            Keyring::Debian => DEBIANS_KEYRING.to_owned(),
            Keyring::Own(keys) => {
                // apt tells text from bytes by the name.
                let text = keys.starts_with(b"-----BEGIN PGP");
                let path = self.folder.join("etc").join(if text { "keyring.asc" } else { "keyring.gpg" });
                fs::write(&path, keys)?;
                path.display().to_string()
            }
        };
        fs::write(self.folder.join("etc/preferences"), wanted.preferences())?;
        Ok(fs::write(self.folder.join("etc/sources.list"), wanted.sources(&keyring))?)
    }

    /// Its configuration names its own folder, and somebody may have moved or copied the shelf.
    fn settle(&self) -> anyhow::Result<()> {
        let path = self.folder.join("apt.conf");
        let old = fs::read_to_string(&path)?;
        let options = old.split_inclusive('\n').filter(|line| !line.starts_with("Dir::")).collect::<String>();
        let new = directories(&self.folder) + &options;
        if new != old {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(new.as_bytes())?;
            file.persist(&path)?;
        }
        Ok(())
    }

    fn update(&self, shop: &Workshop) -> anyhow::Result<()> {
        let inside = self.sandbox(shop).with_network();
        let command = shop.command(&inside, "apt-get", &["update", "-q", "--error-on=any"])?;
        shop.host.run_with_room(command.env("APT_CONFIG", self.folder.join("apt.conf")), &self.folder)
    }

    /// What the Release files that apt fetched say of themselves.
    fn state(&self, shop: &Workshop, folder: &str, snapshot: bool) -> anyhow::Result<State> {
        let mut state = State {
            folder: folder.to_owned(),
            releases: Vec::new(),
            epoch: 0,
            expires: u64::MAX,
            for_images: false,
        };
        for entry in fs::read_dir(self.folder.join("lists")).context("reading the archive's index")? {
            let path = entry.context("reading the archive's index")?.path();
            if !path.to_string_lossy().ends_with("InRelease") {
                continue;
            }
            let text = fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
            let date = |field: &str| -> anyhow::Result<Option<u64>> {
                let Some(date) = text.lines().find_map(|line| line.strip_prefix(field)) else {
                    return Ok(None);
                };
                let seconds = shop.host.read(xshell::cmd!(shop.host.shell(), "date -u -d {date} +%s"))?;
                Ok(Some(seconds.trim().parse().with_context(|| format!("reading the date `{date}`"))?))
            };
            let made = date("Date: ")?.with_context(|| format!("`{}` has no date", path.display()))?;
            state.epoch = state.epoch.max(made);
            if !snapshot {
                state.expires = state.expires.min(date("Valid-Until: ")?.unwrap_or(u64::MAX));
            }
            state.releases.push(hex(&Sha256::digest(text.as_bytes())));
        }
        anyhow::ensure!(!state.releases.is_empty(), "the archive has no signed Release file");
        state.releases.sort();
        Ok(state)
    }
}

impl Wanted<'_> {
    /// The archive's suites, with the address of each.
    pub fn suites(&self) -> Vec<(&str, String)> {
        let Base { suite, backports, .. } = self.base;
        let mut suites = vec![
            (self.mirror.archive.as_str(), suite.clone()),
            (self.mirror.archive.as_str(), format!("{suite}-updates")),
            (self.mirror.security.as_str(), format!("{suite}-security")),
        ];
        if !backports.is_empty() {
            suites.push((self.mirror.archive.as_str(), format!("{suite}-backports")));
        }
        suites
    }

    /// From the backports come the packages that were named, and nothing else (apt_preferences(5)).
    fn preferences(&self) -> String {
        let Base { suite, backports, .. } = self.base;
        let pin = |packages: &str, priority: i32| {
            format!("Package: {packages}\nPin: release n={suite}-backports\nPin-Priority: {priority}\n\n")
        };
        let named: Vec<String> = backports.iter().map(|source| format!("src:{source}:any")).collect();
        if named.is_empty() { String::new() } else { pin(&named.join(" "), 990) + &pin("*", -1) }
    }

    /// All of it as one text.
    fn text(&self) -> String {
        let keyring = match self.keyring {
            Keyring::Debian => DEBIANS_KEYRING.to_owned(),
            Keyring::Own(keys) => hex(&Sha256::digest(keys)),
        };
        self.options() + &self.sources(&keyring) + &self.preferences()
    }

    /// The archive's suites for apt, for the build only.
    fn sources(&self, keyring: &str) -> String {
        let components = self.base.components.join(" ");
        // A snapshot's validity is over, on purpose; everything else is checked as ever.
        let until = if self.mirror.snapshot { " check-valid-until=no" } else { "" };
        self.suites()
            .into_iter()
            .map(|(uri, suite)| format!("deb [signed-by={keyring}{until}] {uri} {suite} {components}\n"))
            .collect()
    }

    fn options(&self) -> String {
        let Base { architecture, foreign, .. } = self.base;
        let all: Vec<&str> = [architecture].into_iter().chain(foreign).map(|it| it.as_str()).collect();
        format!(
            r#"APT::Architecture "{architecture}";
APT::Architectures "{}";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Solver "internal";
Acquire::Languages "none";
Acquire::ForceHash "sha256";
Acquire::Retries "3";
{}"#,
            all.join(","),
            self.proxies
        )
    }
}

fn directories(folder: &Path) -> String {
    let folder = folder.display();
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
"#
    )
}
