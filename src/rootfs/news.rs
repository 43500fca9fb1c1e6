//! What a newer lock changes: packages, and what the changelogs of their sources say of it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use serde::Serialize;

use super::install::Deb;
use super::lock::{LockFile, Locked};
use crate::workshop::Workshop;

/// Of an entry so many points are told; the rest stands in the package.
const POINTS: usize = 4;

/// A package that comes, goes, or changes its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Its name.
    pub package: String,
    /// The version that was there.
    pub before: Option<String>,
    /// The version that will be.
    pub after: Option<String>,
    /// The lists that it is in: `amd64`, `amd64 tools`…
    pub lists: BTreeSet<String>,
}

/// A source package in a newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct News {
    /// Its name.
    pub source: String,
    /// The version that was there.
    pub before: String,
    /// The version that will be.
    pub after: String,
    /// What its changelog says of the versions between, the newest first.
    pub entries: Vec<Entry>,
}

/// An entry of a changelog (deb-changelog(5)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The version.
    pub version: String,
    /// How urgent it is.
    pub urgency: String,
    /// Its points, a line each.
    pub points: Vec<String>,
    /// The flaws that it mends, by CVE number, sorted.
    pub flaws: BTreeSet<String>,
}

impl LockFile {
    /// What `newer` changes, by name.
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut lists: BTreeMap<(String, Option<String>, Option<String>), BTreeSet<String>> = BTreeMap::new();
        for (list, before, after) in pairs(self, newer) {
            let (before, after) = (versions(before), versions(after));
            let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
            for name in names {
                let version = |it: &BTreeMap<&str, &str>| it.get(name).map(|it| (*it).to_owned());
                let (before, after) = (version(&before), version(&after));
                if before != after {
                    lists.entry((name.to_owned(), before, after)).or_default().insert(list.clone());
                }
            }
        }
        lists
            .into_iter()
            .map(|((package, before, after), lists)| Change { package, before, after, lists })
            .collect()
    }

    /// What the changelogs of the sources say that `newer` has in another version. Its packages must be on the
    /// shelf.
    pub fn news(&self, newer: &Self, shop: &Workshop) -> anyhow::Result<Vec<News>> {
        let mut sources: BTreeMap<&str, (&str, Vec<&Locked>)> = BTreeMap::new();
        for (_, before, after) in pairs(self, newer) {
            let before: BTreeMap<&str, &str> =
                before.iter().map(|it| (it.source.as_str(), it.source_version.as_str())).collect();
            for it in after {
                let old = before.get(it.source.as_str()).copied();
                if let Some(old) = old.filter(|old| compare(old, &it.source_version).is_lt()) {
                    sources.entry(&it.source).or_insert((old, Vec::new())).1.push(it);
                }
            }
        }
        let news = |(source, (before, mut packages)): (&str, (&str, Vec<&Locked>))| {
            // The package that is named like its source has the changelog, if any has.
            packages.sort_by_key(|it| (it.package.name != source, it.package.name.clone()));
            let after = packages.first().map(|it| it.source_version.clone()).unwrap_or_default();
            let mut texts = packages.iter().map(|it| changelog(shop, it)).filter_map(Result::transpose);
            let entries = texts.next().transpose()?.map(|text| entries(&text, before)).unwrap_or_default();
            Ok(News { source: source.to_owned(), before: before.to_owned(), after, entries })
        };
        sources.into_iter().map(news).collect()
    }
}

/// Each list of two locks, by name.
fn pairs<'a>(old: &'a LockFile, new: &'a LockFile) -> Vec<(String, &'a [Locked], &'a [Locked])> {
    let mut found = Vec::new();
    for (suffix, old, new) in [("", &old.packages, &new.packages), (" tools", &old.tools, &new.tools)] {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let list = |it: &'a BTreeMap<String, Vec<Locked>>| it.get(name).map_or(&[][..], Vec::as_slice);
            found.push((format!("{name}{suffix}"), list(old), list(new)));
        }
    }
    found
}

fn versions(list: &[Locked]) -> BTreeMap<&str, &str> {
    list.iter().map(|it| (it.package.name.as_str(), it.package.version.as_str())).collect()
}

/// The Debian changelog that a package brings, if it does: its folder may be a link to another package's.
fn changelog(shop: &Workshop, locked: &Locked) -> anyhow::Result<Option<String>> {
    let package = &locked.package;
    let path = shop.store.package(&package.sha256);
    let path = path.with_context(|| format!("`{}` is not on the shelf", package.name))?;
    let folder = format!("usr/share/doc/{}/", package.name);
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    Deb::verified(&path, &package.sha256)?.data(|tar| {
        for entry in tar.entries()? {
            let mut entry = entry?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
            let name = path.strip_prefix(&folder).filter(|_| entry.header().entry_type().is_file());
            if let Some(name @ ("changelog.Debian.gz" | "changelog.gz")) = name {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                found.insert(name.to_owned(), bytes);
            }
        }
        Ok(())
    })?;
    // A native package has but one, under the name that others use for their upstream's.
    let Some(bytes) = found.into_values().next() else { return Ok(None) };
    let mut text = Vec::new();
    let reading = || format!("reading the changelog of `{}`", package.name);
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).with_context(reading)?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// The entries of a changelog that are newer than the version `before`.
fn entries(text: &str, before: &str) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    // Whether a point goes on; what is below it, and whose the next ones are, is left out.
    let mut open = false;
    for line in text.lines() {
        if let Some(entry) = heading(line) {
            if compare(&entry.version, before).is_le() {
                break;
            }
            found.push(entry);
            open = false;
        } else if let Some(entry) = found.last_mut().filter(|_| line.starts_with("  ")) {
            entry.flaws.extend(flaws(line));
            let line = line.trim();
            if let Some(point) = line.strip_prefix("* ") {
                entry.points.push(point.trim().to_owned());
                open = true;
            } else if line.starts_with(['-', '+', '[']) {
                open = false;
            } else if let Some(point) = entry.points.last_mut().filter(|_| open) {
                *point = format!("{point} {line}");
            }
        } else {
            open = false;
        }
    }
    found
}

/// Which of two versions is newer. The crate knows no letters but those that versions may have.
fn compare(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        deb_version::compare_versions(one, other)
    } else {
        one.cmp(other)
    }
}

/// `name (version) suites; urgency=medium`.
fn heading(line: &str) -> Option<Entry> {
    let (name, rest) = line.split_once(" (")?;
    let (version, rest) = rest.split_once(") ")?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    let urgency = rest.split_once("urgency=").map_or("", |(_, it)| it);
    let urgency = urgency.split([',', ' ']).next().unwrap_or_default().to_owned();
    Some(Entry { version: version.to_owned(), urgency, points: Vec::new(), flaws: BTreeSet::new() })
}

/// The CVE numbers in a line.
fn flaws(line: &str) -> impl Iterator<Item = String> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words
        .filter(|it| {
            let mut parts = it.split('-');
            let digits = |it: Option<&str>| {
                it.is_some_and(|it| it.len() >= 4 && it.bytes().all(|c| c.is_ascii_digit()))
            };
            parts.next() == Some("CVE")
                && digits(parts.next())
                && digits(parts.next())
                && parts.next().is_none()
        })
        .map(str::to_owned)
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "  {} {before} -> {after}", self.package)?,
            (None, Some(after)) => write!(f, "+ {} {after}", self.package)?,
            (before, None) => write!(f, "- {} {}", self.package, before.as_deref().unwrap_or_default())?,
        }
        // What is installed changes; that only the tools do is worth a word.
        if self.lists.iter().all(|it| it.ends_with(" tools")) { f.write_str(" (tools)") } else { Ok(()) }
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.source, self.before, self.after)?;
        for entry in &self.entries {
            write!(f, "\n  {} ({})", entry.version, entry.urgency)?;
            if !entry.flaws.is_empty() {
                let flaws: Vec<&str> = entry.flaws.iter().map(String::as_str).collect();
                write!(f, " {}", flaws.join(" "))?;
            }
            for point in entry.points.iter().take(POINTS) {
                write!(f, "\n    {point}")?;
            }
            if entry.points.len() > POINTS {
                write!(f, "\n    and {} more", entry.points.len() - POINTS)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{LockFile, News, entries};
    use crate::rootfs::mirror::Mirror;

    const CHANGELOG: &str = "\
hello (1:2.0-1+deb13u1) trixie-security; urgency=high

  * Do not trust the length field (CVE-2026-12345, CVE-2026-4711).
    It may be negative. (Closes: #99)
    - in libhello, which is older than
      the protocol

  [ B ]
  * New watch file.

 -- T <t@test>  Sun, 01 Nov 2026 00:00:00 +0000

hello (1:2.0~rc1-1) unstable; urgency=medium, binary-only=yes

  [ A ]
  * One.

 -- T <t@test>  Sun, 01 Oct 2026 00:00:00 +0000

hello (1:1.0-3) unstable; urgency=low

  * CVE-2020-1111

 -- T <t@test>  Sun, 01 Sep 2026 00:00:00 +0000
";

    #[test]
    fn a_changelog_is_told_from_where_one_was() {
        let text = |before: &str| {
            let (source, after) = ("hello".to_owned(), "1:2.0-1+deb13u1".to_owned());
            News { source, before: before.to_owned(), after, entries: entries(CHANGELOG, before) }.to_string()
        };
        let security = "\n  1:2.0-1+deb13u1 (high) CVE-2026-12345 CVE-2026-4711\n    Do not trust the length field \
                        (CVE-2026-12345, CVE-2026-4711). It may be negative. (Closes: #99)\n    New watch file.";
        assert_eq!(text("1:2.0-1"), format!("hello 1:2.0-1 -> 1:2.0-1+deb13u1{security}"));
        // A version that the changelog does not know, between two that it does.
        let rest = "\n  1:2.0~rc1-1 (medium)\n    One.";
        assert_eq!(text("1:1.0-3.1"), format!("hello 1:1.0-3.1 -> 1:2.0-1+deb13u1{security}{rest}"));
        assert!(entries(CHANGELOG, "2:0").is_empty());
    }

    #[test]
    fn changes_are_told_by_name() {
        let digest = "a".repeat(64);
        let lock = |packages: &[&str], arm: &[&str], tools: &[&str]| {
            let mut text = "format 1\nsuite trixie\nepoch 7\n".to_owned();
            for (title, list) in
                [("packages amd64", packages), ("packages arm64", arm), ("tools amd64", tools)]
            {
                text += &format!("{title}\n");
                for it in list {
                    let (name, version) = it.split_once(' ').unwrap();
                    text += &format!("{name} {version} {name}={version} 1 {digest} archive:x\n");
                }
            }
            LockFile::parse(&text, &Mirror::at("http://m.test/debian")).unwrap()
        };
        let old = lock(&["a 1", "b 1"], &["b 1"], &["tar 1", "b 1"]);
        let new = lock(&["b 2", "c 1"], &["b 2"], &["tar 2", "b 2"]);
        let changes = old.changes(&new);
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["- a 1", "  b 1 -> 2", "+ c 1", "  tar 1 -> 2 (tools)"]);
        let lists: Vec<&str> = changes[1].lists.iter().map(String::as_str).collect();
        assert_eq!(lists, ["amd64", "amd64 tools", "arm64"]);
        assert!(old.changes(&old).is_empty());
    }
}
