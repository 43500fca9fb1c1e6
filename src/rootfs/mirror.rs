//! Where the archive is fetched from: `--mirror`, the profile's, or the mirror of the build host's own apt.
//! It says where bytes come from, never what they are, so it is in no recipe and no image.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use crate::host::Host;
use crate::plan;
use crate::spec::{MirrorUrl, Problem, Problems, SnapshotTime};

/// Addresses of the Debian archive and of its security part, each ending in `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// The archive with `dists/trixie`.
    pub archive: String,
    /// The archive with `dists/trixie-security`.
    pub security: String,
    /// Whether it is a snapshot: what it has never changes, and is old on purpose.
    #[serde(default)]
    pub snapshot: bool,
}

impl Mirror {
    /// The mirror at `archive`; its security part lies beside it under `debian-security`.
    pub fn at(archive: &str) -> Self {
        let archive = format!("{}/", archive.trim_end_matches('/'));
        Self { security: beside(&archive), archive, snapshot: false }
    }

    /// The archive as the snapshot service at `service` kept it at `time`.
    pub fn snapshot(service: &str, time: &SnapshotTime) -> Self {
        let part = |name: &str| format!("{}/archive/{name}/{time}/", service.trim_end_matches('/'));
        Self { archive: part("debian"), security: part("debian-security"), snapshot: true }
    }

    /// What `archive` says, or `named` instead; the build host's own mirror if neither names one.
    pub fn of(
        host: &Host,
        folder: &Path,
        archive: &plan::Archive,
        named: Option<&MirrorUrl>,
    ) -> anyhow::Result<Self> {
        match (named.or(archive.mirror.as_ref()), &archive.snapshot) {
            (Some(url), None) => Ok(Self::at(url.as_str())),
            (Some(url), Some(time)) => Ok(Self::snapshot(url.as_str(), time)),
            (None, None) => Self::of_host(host, folder),
            (None, Some(time)) => {
                let words = format!("the profile asks for the snapshot {time}, but not of which service");
                let remedy = "name it with `--mirror URL`, or as `archive: { mirror: URL }` in the profile";
                Err(Problems::from(Problem::anywhere(words).remedy(remedy)).into())
            }
        }
    }

    /// The mirror that this machine's apt uses. Asking apt takes most of a second, so the answer is kept
    /// in `folder` for as long as apt's sources are the same.
    fn of_host(host: &Host, folder: &Path) -> anyhow::Result<Self> {
        let note = folder.join("mirror.json");
        let sources = sources();
        let known = fs::read_to_string(&note).ok();
        let known = known.and_then(|text| serde_json::from_str::<(Vec<String>, Self)>(&text).ok());
        if let Some((_, mirror)) = known.filter(|(of, _)| *of == sources) {
            return Ok(mirror);
        }
        let mirror = Self::ask(host)?;
        let text = serde_json::to_string(&(sources, &mirror)).context("noting the mirror")?;
        fs::write(&note, text).context("noting the mirror")?;
        Ok(mirror)
    }

    fn ask(host: &Host) -> anyhow::Result<Self> {
        let text = host.read(index_targets(host.shell())).context("asking apt for its mirror")?;
        parse(&text).context(
            "this machine's apt names no Debian mirror; run `apt-get update`, or name one with `--mirror URL`",
        )
    }
}

/// How addresses begin that are relative to a mirror.
const ARCHIVE: &str = "archive:";
const SECURITY: &str = "security:";

impl Mirror {
    /// `uri` relative to this mirror, which may be another one next time.
    pub fn relative(&self, uri: &str) -> String {
        let parts = [(&self.archive, ARCHIVE), (&self.security, SECURITY)];
        let found = parts
            .iter()
            .find_map(|(address, word)| Some(format!("{word}{}", uri.strip_prefix(address.as_str())?)));
        found.unwrap_or_else(|| uri.to_owned())
    }

    /// The address that `relative` made relative, on this mirror.
    pub fn absolute(&self, place: &str) -> String {
        let parts = [(&self.archive, ARCHIVE), (&self.security, SECURITY)];
        let found =
            parts.iter().find_map(|(address, word)| Some(format!("{address}{}", place.strip_prefix(word)?)));
        found.unwrap_or_else(|| place.to_owned())
    }
}

/// What apt's sources say, word for word.
fn sources() -> Vec<String> {
    let apt = Path::new("/etc/apt");
    let parts = fs::read_dir(apt.join("sources.list.d")).into_iter().flatten();
    let mut paths: Vec<_> = parts.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.push(apt.join("sources.list"));
    paths.sort();
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

fn index_targets(shell: &Shell) -> xshell::Cmd<'_> {
    cmd!(shell, "apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages'")
}

fn parse(text: &str) -> Option<Mirror> {
    let find = |label: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(_, it)| it.trim() == label).map(|(uri, _)| uri.to_owned())
    };
    let archive = find("Debian").or_else(|| {
        let mut uris = text.split_whitespace();
        uris.find(|uri| uri.ends_with("/debian/")).map(str::to_owned)
    })?;
    let security = find("Debian-Security").unwrap_or_else(|| beside(&archive));
    Some(Mirror { archive, security, snapshot: false })
}

fn beside(archive: &str) -> String {
    let parent = archive.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
    format!("{parent}/debian-security/")
}

#[cfg(test)]
mod tests {
    use super::{Mirror, parse};

    #[test]
    fn the_mirror_is_what_apt_uses() {
        let text = "http://a.test/node/ Nodesource\nhttp://m.test/x/debian/ Debian\nhttp://s.test/sec/ Debian-Security\n";
        let mirror = parse(text).unwrap();
        assert_eq!(
            (mirror.archive.as_str(), mirror.security.as_str()),
            ("http://m.test/x/debian/", "http://s.test/sec/")
        );
    }

    #[test]
    fn without_index_files_the_path_tells() {
        assert_eq!(parse("http://m.test/debian/ \n"), Some(Mirror::at("http://m.test/debian")));
        assert_eq!(parse("http://a.test/node/ Nodesource\n"), None);
    }

    #[test]
    fn a_snapshot_has_its_time_in_the_address() {
        let mirror = Mirror::snapshot("http://s.test/", &"20261101T000000Z".parse().unwrap());
        assert_eq!(mirror.archive, "http://s.test/archive/debian/20261101T000000Z/");
        assert_eq!(mirror.security, "http://s.test/archive/debian-security/20261101T000000Z/");
        assert!("2026-11-01".parse::<crate::spec::SnapshotTime>().is_err());
    }

    #[test]
    fn security_lies_beside_the_archive() {
        assert_eq!(Mirror::at("http://m.test/debian").security, "http://m.test/debian-security/");
    }
}
