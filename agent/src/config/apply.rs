//! Settings to files: what is to be there is, whole, and nothing else of ours.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nuvol_seed::{CONFIG_FILE, Config, KeyOutcome, Read, Section, State};

use super::{contents, timezone};
use crate::durable;

/// Where settings go.
#[derive(Debug, Clone)]
pub struct Places {
    /// What programs of our own read.
    pub state: PathBuf,
    /// What systemd-networkd reads.
    pub networks: PathBuf,
    /// Keys that may log in, a file a user; there only in images with an ssh server.
    pub keys: PathBuf,
    /// What joins wireless networks, where an image has it.
    pub wpa: PathBuf,
    /// The link to the zone that the clock shows.
    pub localtime: PathBuf,
    /// The zones that the image has.
    pub zones: PathBuf,
    /// Where a live system has what it was started from; not there on a node.
    pub live: PathBuf,
    /// The number of the agent's group, which may read what is secret.
    pub group: Option<u32>,
}

const WORLD: u32 = 0o644;
const AGENT: u32 = 0o640;
const ROOT: u32 = 0o600;

/// A file that a setting asks for.
struct Wanted {
    path: PathBuf,
    text: String,
    mode: u32,
}

/// Applies what `read` says; returns what came of each setting that it names.
pub(super) fn apply(read: &Read, places: &Places) -> BTreeMap<Section, KeyOutcome> {
    let mut keys = BTreeMap::new();
    if read.is_void() {
        return keys;
    }
    for section in Section::ALL {
        if read.is_refused(section) {
            let counts = match places.owned(section) {
                Ok(owned) if owned.is_empty() => "nothing is set instead",
                _ => "what was set before still counts",
            };
            keys.insert(section, outcome(State::Refused, Some(counts.to_owned())));
            continue;
        }
        let done = match section {
            Section::Timezone => timezone::apply(read.config.timezone.as_deref(), places),
            _ => replace(section, &wanted(section, &read.config, places), places),
        };
        let is_named = read.config.has(section);
        match done {
            Err(error) => {
                keys.insert(section, outcome(State::Failed, Some(format!("{error:#}"))));
            }
            Ok(()) if is_named => {
                keys.insert(section, fate(section, &read.config, places));
            }
            Ok(()) => {}
        }
    }
    keys
}

fn outcome(state: State, why: Option<String>) -> KeyOutcome {
    KeyOutcome { state, why }
}

fn fate(section: Section, config: &Config, places: &Places) -> KeyOutcome {
    let lacks = |what: &str| outcome(State::Unsupported, Some(format!("this image has no {what}")));
    match section {
        Section::Ssh if !places.keys.is_dir() => lacks("ssh server"),
        Section::Wifi if !places.wpa.exists() => lacks("program for wireless networks"),
        Section::Timezone => match config.timezone.as_deref() {
            Some(zone) if !timezone::is_here(zone, places) => lacks(&format!("time zone `{zone}`")),
            _ => outcome(State::Applied, None),
        },
        _ => outcome(State::Applied, None),
    }
}

/// The files that `config` asks for in `section`; none where it does not name it.
fn wanted(section: Section, config: &Config, places: &Places) -> Vec<Wanted> {
    let one = |path: PathBuf, text: String, mode: u32| Wanted { path, text, mode };
    let state = |name: &str, text: &Option<String>, mode: u32| {
        text.iter().map(|text| one(places.state.join(name), format!("{text}\n"), mode)).collect()
    };
    match section {
        Section::Name => state("name", &config.name, WORLD),
        // A link, and no file of ours.
        Section::Timezone => Vec::new(),
        Section::ClaimCodeHash => state("claim-code-hash", &config.claim_code_hash, AGENT),
        Section::Invite => state("invite", &config.invite, AGENT),
        Section::Ssh => {
            let keys = config.ssh.iter().filter(|_| places.keys.is_dir());
            keys.map(|ssh| one(places.keys.join("root"), ssh.keys.join("\n") + "\n", WORLD)).collect()
        }
        Section::Network => {
            let numbered = config.network.iter().zip(10..);
            let file = |number| places.networks.join(format!("{NETWORK}{number}.network"));
            numbered.map(|(it, number)| one(file(number), contents::network(it), WORLD)).collect()
        }
        Section::Wifi => match &config.wifi {
            None => Vec::new(),
            Some(wifi) => vec![
                one(places.state.join("wifi.conf"), contents::wifi(wifi), ROOT),
                one(places.networks.join(WIRELESS), contents::wireless(), WORLD),
            ],
        },
    }
}

/// Names of our files for networks begin so; those that come with Nuvol begin with 80.
const NETWORK: &str = "40-nuvol-cfg-";
const WIRELESS: &str = "45-nuvol-cfg-wifi.network";

impl Places {
    /// The files of `section` that are there.
    fn owned(&self, section: Section) -> io::Result<Vec<PathBuf>> {
        let single = |paths: &[PathBuf]| Ok(paths.iter().filter(|path| path.exists()).cloned().collect());
        match section {
            Section::Name => single(&[self.state.join("name")]),
            Section::Timezone => single(&[timezone::before(self)]),
            Section::ClaimCodeHash => single(&[self.state.join("claim-code-hash")]),
            Section::Invite => single(&[self.state.join("invite")]),
            Section::Ssh => single(&[self.keys.join("root")]),
            Section::Wifi => single(&[self.state.join("wifi.conf"), self.networks.join(WIRELESS)]),
            Section::Network => {
                let is_ours = |path: &PathBuf| {
                    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                    name.is_some_and(|name| name.starts_with(NETWORK))
                };
                let entries = match fs::read_dir(&self.networks) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                    entries => entries?,
                };
                let paths = entries.map(|entry| Ok(entry?.path()));
                Ok(paths.collect::<io::Result<Vec<_>>>()?.into_iter().filter(is_ours).collect())
            }
        }
    }
}

/// Writes what differs, then removes what is not wanted any more. Cut off anywhere, the next boot ends it.
fn replace(section: Section, wanted: &[Wanted], places: &Places) -> anyhow::Result<()> {
    for Wanted { path, text, mode } in wanted {
        if fs::read(path).ok().as_deref() != Some(text.as_bytes()) {
            let group = places.group.filter(|_| *mode == AGENT);
            durable::write_for(path, text, *mode, group)?;
        }
    }
    for path in places.owned(section).context("looking for earlier settings")? {
        if !wanted.iter().any(|it| it.path == path) {
            remove(&path).with_context(|| format!("removing `{}`", path.display()))?;
        }
    }
    Ok(())
}

/// In a live system, leaves what counts to the installer: a node gets it along.
pub(super) fn hand_on(bytes: Option<&[u8]>, places: &Places) -> anyhow::Result<()> {
    let Some(text) = bytes.filter(|_| places.live.is_dir()).map(String::from_utf8_lossy) else {
        return Ok(());
    };
    durable::write(&places.live.join(CONFIG_FILE), &text, ROOT)
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
