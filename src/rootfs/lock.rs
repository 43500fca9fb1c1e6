//! The lock: the exact packages that a build consists of, as a text that people can review line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;

use super::about::{About, Abouts, about};
use super::archive::Archive;
use super::mirror::Mirror;
use super::resolve::Package;
use super::supply::Supply;
use super::tools;
use crate::spec::PackageName;
use crate::workshop::Workshop;

/// Every package of a build in its exact version: from the archive as it is now, or from a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The Debian release by code name.
    pub suite: String,
    /// The machine that they are for.
    pub architecture: String,
    /// Seconds since 1970: the time of the build.
    pub epoch: u64,
    /// sha256 of each of the archive's Release files, sorted.
    pub releases: Vec<String>,
    /// What is installed.
    pub packages: Vec<Package>,
    /// What the tools root consists of.
    pub tools: Vec<Package>,
}

/// A mistake in a lock.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}; write it anew with `nuvol lock --update`")]
pub struct Wrong {
    line: usize,
    wrong: String,
}

impl Resolution {
    /// What `archive` has now for an installation of `names`.
    pub fn of_archive(
        shop: &Workshop,
        archive: &Archive,
        names: &std::collections::BTreeSet<PackageName>,
    ) -> anyhow::Result<Self> {
        let base = archive.base();
        Ok(Self {
            suite: base.suite.clone(),
            architecture: base.architecture.as_str().to_owned(),
            epoch: archive.epoch(),
            releases: archive.releases().to_vec(),
            packages: archive.resolve(shop, names)?,
            tools: archive.resolve(shop, &tools::names()).context("resolving the tools")?,
        })
    }

    /// All its packages.
    pub fn supply(&self, offline: bool) -> Supply {
        Supply::of(self.packages.iter().chain(&self.tools).cloned().collect(), offline)
    }

    /// What all packages, which are in `supply`, say about themselves.
    pub fn about(&self, shop: &Workshop, supply: &Supply) -> anyhow::Result<Abouts> {
        about(shop, self.packages.iter().chain(&self.tools), supply)
    }

    /// The lock's text.
    pub fn text(&self, abouts: &Abouts, mirror: &Mirror) -> anyhow::Result<String> {
        let Self { suite, architecture, epoch, .. } = self;
        let mut text = format!(
            "# The exact packages of a build, written by `nuvol lock`. A package is a line: name, version,\n\
             # source=version, bytes, sha256, place in the archive.\n\
             format 1\nsuite {suite}\nepoch {epoch}\n"
        );
        self.releases.iter().for_each(|release| text += &format!("release {release}\n"));
        for (title, packages) in [("packages", &self.packages), ("tools", &self.tools)] {
            writeln!(text, "\n{title} {architecture}")?;
            for Package { name, version, sha256, size, uri } in packages {
                let About { source, source_version: of, .. } =
                    abouts.get(sha256).context("a package without a source")?;
                let place = mirror.relative(uri);
                writeln!(text, "{name} {version} {source}={of} {size} {sha256} {place}")?;
            }
        }
        Ok(text)
    }

    /// Reads a lock; packages come from `mirror`.
    pub fn parse(text: &str, mirror: &Mirror) -> Result<Self, Wrong> {
        let mut found = Self {
            suite: String::new(),
            architecture: String::new(),
            epoch: 0,
            releases: Vec::new(),
            packages: Vec::new(),
            tools: Vec::new(),
        };
        let mut list: Option<&str> = None;
        for (number, line) in text.lines().enumerate() {
            let wrong = |wrong: &str| Wrong { line: number + 1, wrong: wrong.to_owned() };
            let words: Vec<&str> = line.split_whitespace().collect();
            match (words.as_slice(), list) {
                ([], _) => {}
                ([word, ..], _) if word.starts_with('#') => {}
                (["format", "1"], None) => {}
                (["format", other], None) => return Err(wrong(&format!("format {other} is not known here"))),
                (["suite", suite], None) => found.suite = (*suite).to_owned(),
                (["epoch", epoch], None) => {
                    found.epoch = epoch.parse().map_err(|_| wrong("the epoch is no number"))?;
                }
                (["release", digest], None) => found.releases.push((*digest).to_owned()),
                ([title @ ("packages" | "tools"), architecture], _) => {
                    list = Some(title);
                    found.architecture = (*architecture).to_owned();
                }
                ([name, version, _, size, sha256, place], Some(title)) => {
                    let size = size.parse().map_err(|_| wrong("the size is no number"))?;
                    let is_digest = sha256.len() == 64 && sha256.bytes().all(|it| it.is_ascii_hexdigit());
                    if !is_digest {
                        return Err(wrong("the sha256 is not 64 hexadecimal digits"));
                    }
                    let (name, version) = ((*name).to_owned(), (*version).to_owned());
                    let package = Package {
                        name,
                        version,
                        sha256: (*sha256).to_owned(),
                        size,
                        uri: mirror.absolute(place),
                    };
                    if title == "tools" { found.tools.push(package) } else { found.packages.push(package) }
                }
                _ => return Err(wrong("this is not a line of a lock")),
            }
        }
        let complete = !found.packages.is_empty() && !found.tools.is_empty() && found.epoch > 0;
        let end = Wrong { line: text.lines().count(), wrong: "the lock is not complete".to_owned() };
        if complete { Ok(found) } else { Err(end) }
    }

    /// Which of `names` is not among the packages.
    pub fn lacks<'a>(&self, names: impl IntoIterator<Item = &'a PackageName>) -> Vec<&'a PackageName> {
        let has = |name: &PackageName| self.packages.iter().any(|it| it.name == name.as_str());
        names.into_iter().filter(|name| !has(name)).collect()
    }

    /// What `newer` changes, one line each: packages that come, go, or change their version.
    pub fn changes(&self, newer: &Self) -> Vec<String> {
        let versions = |it: &Self| -> BTreeMap<String, String> {
            it.packages.iter().map(|it| (it.name.clone(), it.version.clone())).collect()
        };
        let (old, new) = (versions(self), versions(newer));
        let mut lines = Vec::new();
        for (name, version) in &new {
            match old.get(name) {
                None => lines.push(format!("+ {name} {version}")),
                Some(before) if before != version => lines.push(format!("  {name} {before} -> {version}")),
                Some(_) => {}
            }
        }
        let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
        lines.extend(gone.map(|(name, version)| format!("- {name} {version}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Mirror, Resolution};

    fn lock(package: &str) -> String {
        let digest = "a".repeat(64);
        format!(
            "# x\nformat 1\nsuite trixie\nepoch 7\nrelease ff\n\npackages amd64\n{package}\n\ntools amd64\n\
             tar 1.35 tar=1.35 9 {digest} security:pool/t.deb\n"
        )
    }

    fn line(name: &str, version: &str) -> String {
        format!("{name} {version} {name}={version} 12 {} archive:pool/{name}.deb", "b".repeat(64))
    }

    #[test]
    fn a_lock_is_read() {
        let mirror = Mirror::at("http://m.test/debian");
        let found = Resolution::parse(&lock(&line("at", "1:2")), &mirror).unwrap();
        assert_eq!((found.suite.as_str(), found.architecture.as_str(), found.epoch), ("trixie", "amd64", 7));
        assert_eq!(found.packages[0].uri, "http://m.test/debian/pool/at.deb");
        assert_eq!(found.tools[0].uri, "http://m.test/debian-security/pool/t.deb");
        let names = ["at".parse().unwrap(), "zsh".parse().unwrap()];
        assert_eq!(found.lacks(&names), [&names[1]]);
    }

    #[test]
    fn a_damaged_lock_names_its_line() {
        let mirror = Mirror::at("http://m.test/debian");
        let wrong = |text: &str| Resolution::parse(text, &mirror).unwrap_err().to_string();
        assert!(wrong(&lock("at 1 at=1 x y z")).starts_with("line 8: the size is no number"));
        assert!(wrong(&lock("at 1")).starts_with("line 8: this is not a line of a lock"));
        assert!(wrong("format 2\n").starts_with("line 1: format 2 is not known here"));
        assert!(wrong("format 1\n").contains("not complete"));
    }

    #[test]
    fn changes_are_told() {
        let mirror = Mirror::at("http://m.test/debian");
        let read = |lines: &[String]| Resolution::parse(&lock(&lines.join("\n")), &mirror).unwrap();
        let (old, new) = (read(&[line("a", "1"), line("b", "1")]), read(&[line("b", "2"), line("c", "1")]));
        assert_eq!(old.changes(&new), ["  b 1 -> 2", "+ c 1", "- a 1"]);
        assert!(old.changes(&old).is_empty());
    }
}
