//! The lock: the exact packages that a build consists of, as a text that people can review line by line.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use super::about::{About, Abouts, about};
use super::archive::Archive;
use super::mirror::Mirror;
use super::resolve::Package;
use super::supply::Supply;
use super::tools;
use crate::spec::{Architecture, PackageName};
use crate::workshop::Workshop;

/// Every package of a build in its exact version: from the archive as it is now, or from a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The Debian release by code name.
    pub suite: String,
    /// The machine that the packages are for.
    pub architecture: String,
    /// The machine that the tools are for.
    pub builder: String,
    /// Seconds since 1970: the time of the build.
    pub epoch: u64,
    /// sha256 of each of the archive's Release files, sorted.
    pub releases: Vec<String>,
    /// What is installed.
    pub packages: Vec<Package>,
    /// What the tools root consists of.
    pub tools: Vec<Package>,
    /// sha256 of the agent's package, where a release's lock names it.
    pub agent: Option<String>,
}

impl Resolution {
    /// What `archive` has now for an installation of `names`; `tools` come from it too, unless they are given.
    pub fn of_archive(
        shop: &Workshop,
        archive: &Archive,
        names: &BTreeSet<PackageName>,
        tools: Option<Vec<Package>>,
    ) -> anyhow::Result<Self> {
        let own = || archive.resolve(shop, &tools::names(archive.base().architecture));
        let (packages, tools) = std::thread::scope(|scope| {
            let tools = scope.spawn(|| tools.map_or_else(own, Ok).context("resolving the tools"));
            let packages = archive.resolve(shop, names);
            (packages, tools.join())
        });
        let tools = tools.unwrap_or_else(|_| anyhow::bail!("the thread that resolves the tools panicked"));
        Ok(Self::now(archive, packages?, tools?))
    }

    /// The same, with those of `names` and what they need newly as `archive` has them now.
    pub fn update(&self, shop: &Workshop, archive: &Archive, names: &[PackageName]) -> anyhow::Result<Self> {
        let packages = archive.update_among(shop, &self.packages, names)?;
        let known = |name: &&PackageName| self.tools.iter().any(|it| it.name == name.as_str());
        let names: Vec<PackageName> = names.iter().filter(known).cloned().collect();
        let tools = archive.update_among(shop, &self.tools, &names).context("updating the tools")?;
        Ok(Self::now(archive, packages, tools))
    }

    fn now(archive: &Archive, packages: Vec<Package>, tools: Vec<Package>) -> Self {
        let base = archive.base();
        Self {
            suite: base.suite.clone(),
            architecture: base.architecture.as_str().to_owned(),
            builder: Architecture::of_host().as_str().to_owned(),
            epoch: archive.epoch(),
            releases: archive.releases().to_vec(),
            packages,
            tools,
            agent: None,
        }
    }

    /// The same, with the agent's package that has the sha256 `agent`.
    #[must_use]
    pub fn with_agent(&self, agent: &str) -> Self {
        Self { agent: Some(agent.to_owned()), ..self.clone() }
    }

    /// All its packages.
    pub fn supply(&self, offline: bool) -> Supply {
        Supply::of(self.all().cloned().collect(), offline)
    }

    /// What all packages, which are in `supply`, say about themselves.
    pub fn about(&self, shop: &Workshop, supply: &Supply) -> anyhow::Result<Abouts> {
        // Apart: the tools stay the same when a package more is wanted.
        let mut abouts = about(shop, &self.packages, supply)?;
        abouts.extend(about(shop, &self.tools, supply)?);
        Ok(abouts)
    }

    /// Packages and tools.
    pub fn all(&self) -> impl Iterator<Item = &Package> + Clone {
        self.packages.iter().chain(&self.tools)
    }

    /// Which of `names` is not among the packages.
    pub fn lacks<'a>(&self, names: impl IntoIterator<Item = &'a PackageName>) -> Vec<&'a PackageName> {
        let has = |name: &PackageName| self.packages.iter().any(|it| it.name == name.as_str());
        names.into_iter().filter(|name| !has(name)).collect()
    }
}

/// A lock: what a profile's builds consist of, for one architecture or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFile {
    suite: String,
    epoch: u64,
    releases: Vec<String>,
    /// What is installed, by architecture.
    pub(super) packages: BTreeMap<String, Vec<Locked>>,
    /// The tools, by the architecture of the machine that builds.
    pub(super) tools: BTreeMap<String, Vec<Locked>>,
    /// sha256 of the agent's package, by architecture.
    agents: BTreeMap<String, String>,
}

/// A package of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Locked {
    pub package: Package,
    /// Its source package.
    pub source: String,
    /// The version of that.
    pub source_version: String,
}

/// A mistake in a lock.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}; write it anew with `nuvol lock --update`")]
pub struct Wrong {
    line: usize,
    wrong: String,
}

impl LockFile {
    /// The lock of `resolutions`, one for each architecture, all of one archive at one time.
    pub fn of(resolutions: &[Resolution], abouts: &Abouts) -> anyhow::Result<Self> {
        let mut lock = Self::default();
        let locked = |packages: &[Package]| -> anyhow::Result<Vec<Locked>> {
            packages.iter().map(|it| Locked::of(it, abouts)).collect()
        };
        for it in resolutions {
            let time = (it.suite.clone(), it.epoch, it.releases.clone());
            if lock.packages.is_empty() {
                (lock.suite, lock.epoch, lock.releases) = time;
            } else {
                let same = (&lock.suite, &lock.epoch, &lock.releases) == (&time.0, &time.1, &time.2);
                anyhow::ensure!(same, "the archive changed while it was being read; try again");
            }
            lock.packages.insert(it.architecture.clone(), locked(&it.packages)?);
            lock.tools.insert(it.builder.clone(), locked(&it.tools)?);
            lock.agents.extend(it.agent.iter().map(|agent| (it.architecture.clone(), agent.clone())));
        }
        Ok(lock)
    }

    /// What a build for `architecture` on a machine that is a `builder` consists of, if it is in the lock.
    pub fn resolution(&self, architecture: &str, builder: &str) -> Option<Resolution> {
        let list = |list: &Vec<Locked>| list.iter().map(|it| it.package.clone()).collect();
        Some(Resolution {
            suite: self.suite.clone(),
            architecture: architecture.to_owned(),
            builder: builder.to_owned(),
            epoch: self.epoch,
            releases: self.releases.clone(),
            packages: self.packages.get(architecture).map(list)?,
            tools: self.tools.get(builder).map(list)?,
            agent: self.agents.get(architecture).cloned(),
        })
    }

    /// Whether it has packages for `architecture`.
    pub fn has(&self, architecture: &str) -> bool {
        self.packages.contains_key(architecture)
    }

    /// Its text.
    pub fn text(&self, mirror: &Mirror) -> String {
        let mut text = format!(
            "# The exact packages of a build, written by `nuvol lock`. A package is a line: name, version,\n\
             # source=version, bytes, sha256, place in the archive.\n\
             format 1\nsuite {}\nepoch {}\n",
            self.suite, self.epoch
        );
        self.releases.iter().for_each(|release| text += &format!("release {release}\n"));
        self.agents
            .iter()
            .for_each(|(architecture, agent)| text += &format!("agent {architecture} {agent}\n"));
        for (title, lists) in [("packages", &self.packages), ("tools", &self.tools)] {
            for (architecture, list) in lists {
                text += &format!("\n{title} {architecture}\n");
                list.iter().for_each(|it| it.line(&mut text, mirror));
            }
        }
        text
    }

    /// Reads a lock; packages come from `mirror`.
    pub fn parse(text: &str, mirror: &Mirror) -> Result<Self, Wrong> {
        let mut found = Self::default();
        // The list that lines of packages belong to.
        let mut list: Option<&mut Vec<Locked>> = None;
        for (number, line) in text.lines().enumerate() {
            let wrong = |wrong: &str| Wrong { line: number + 1, wrong: wrong.to_owned() };
            let words: Vec<&str> = line.split_whitespace().collect();
            match (words.as_slice(), &mut list) {
                ([], _) => {}
                ([word, ..], _) if word.starts_with('#') => {}
                ([title @ ("packages" | "tools"), architecture], _) => {
                    let lists = if *title == "tools" { &mut found.tools } else { &mut found.packages };
                    if lists.contains_key(*architecture) {
                        return Err(wrong("this list stands twice"));
                    }
                    list = Some(lists.entry((*architecture).to_owned()).or_default());
                }
                (words, Some(list)) => list.push(Locked::parse(words, mirror).map_err(|it| wrong(&it))?),
                (["format", "1"], None) => {}
                (["format", other], None) => return Err(wrong(&format!("format {other} is not known here"))),
                (["suite", suite], None) => found.suite = (*suite).to_owned(),
                (["epoch", epoch], None) => {
                    found.epoch = epoch.parse().map_err(|_| wrong("the epoch is no number"))?;
                }
                (["release", digest], None) => found.releases.push((*digest).to_owned()),
                (["agent", architecture, digest], None) => {
                    found.agents.insert((*architecture).to_owned(), (*digest).to_owned());
                }
                _ => return Err(wrong(NO_LINE)),
            }
        }
        let complete = |lists: &BTreeMap<String, Vec<Locked>>| {
            !lists.is_empty() && lists.values().all(|list| !list.is_empty())
        };
        if found.epoch > 0 && complete(&found.packages) && complete(&found.tools) {
            return Ok(found);
        }
        Err(Wrong { line: text.lines().count(), wrong: "the lock is not complete".to_owned() })
    }
}

const NO_LINE: &str = "this is not a line of a lock";

impl Locked {
    fn of(package: &Package, abouts: &Abouts) -> anyhow::Result<Self> {
        let About { source, source_version, .. } =
            abouts.get(&package.sha256).context("a package without a source")?.clone();
        Ok(Self { package: package.clone(), source, source_version })
    }

    fn line(&self, text: &mut String, mirror: &Mirror) {
        let Package { name, version, sha256, size, uri } = &self.package;
        let (source, of, place) = (&self.source, &self.source_version, mirror.relative(uri));
        *text += &format!("{name} {version} {source}={of} {size} {sha256} {place}\n");
    }

    fn parse(words: &[&str], mirror: &Mirror) -> Result<Self, String> {
        let [name, version, source, size, sha256, place] = words else { return Err(NO_LINE.to_owned()) };
        let (source, source_version) = source.split_once('=').ok_or("the source has no version")?;
        if sha256.len() != 64 || !sha256.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err("the sha256 is not 64 hexadecimal digits".to_owned());
        }
        let package = Package {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            sha256: (*sha256).to_owned(),
            size: size.parse().map_err(|_| "the size is no number")?,
            uri: mirror.absolute(place),
        };
        Ok(Self { package, source: source.to_owned(), source_version: source_version.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::{LockFile, Mirror};

    fn lock(package: &str) -> String {
        let digest = "a".repeat(64);
        format!(
            "# x\nformat 1\nsuite trixie\nepoch 7\nrelease ff\nagent amd64 ee\n\npackages amd64\n{package}\n\ntools amd64\n\
             tar 1.35 tar=1.35 9 {digest} security:pool/t.deb\n"
        )
    }

    fn line(name: &str, version: &str) -> String {
        format!("{name} {version} {name}={version} 12 {} archive:pool/{name}.deb", "b".repeat(64))
    }

    #[test]
    fn a_lock_is_read() {
        let mirror = Mirror::at("http://m.test/debian");
        let lock = LockFile::parse(&lock(&line("at", "1:2")), &mirror).unwrap();
        let found = lock.resolution("amd64", "amd64").unwrap();
        assert_eq!((found.suite.as_str(), found.architecture.as_str(), found.epoch), ("trixie", "amd64", 7));
        assert_eq!(found.agent.as_deref(), Some("ee"));
        assert_eq!(found.packages[0].uri, "http://m.test/debian/pool/at.deb");
        assert_eq!(found.tools[0].uri, "http://m.test/debian-security/pool/t.deb");
        let names = ["at".parse().unwrap(), "zsh".parse().unwrap()];
        assert_eq!(found.lacks(&names), [&names[1]]);
    }

    #[test]
    fn a_lock_holds_several_architectures() {
        let mirror = Mirror::at("http://m.test/debian");
        let text = lock(&format!("{}\n\npackages riscv64\n{}", line("at", "1"), line("bc", "2")));
        let lock = LockFile::parse(&text, &mirror).unwrap();
        // The tools are the building machine's, whatever it builds for.
        let found = lock.resolution("riscv64", "amd64").unwrap();
        assert_eq!((found.packages[0].name.as_str(), found.tools[0].name.as_str()), ("bc", "tar"));
        assert_eq!(lock.resolution("s390x", "amd64"), None);
        assert_eq!(lock.resolution("amd64", "riscv64"), None);
        let again = lock.text(&mirror);
        assert_eq!(again.split_once("format 1").unwrap().1, text.split_once("format 1").unwrap().1);
        assert_eq!(LockFile::parse(&again, &mirror).unwrap(), lock);
    }

    #[test]
    fn a_damaged_lock_names_its_line() {
        let mirror = Mirror::at("http://m.test/debian");
        let wrong = |text: &str| LockFile::parse(text, &mirror).unwrap_err().to_string();
        assert!(wrong(&lock("at 1 at=1 x y z")).starts_with("line 9: the sha256 is not"));
        assert!(
            wrong(&lock(&line("at", "1").replace(" 12 ", " x ")))
                .starts_with("line 9: the size is no number")
        );
        assert!(wrong(&lock("at 1")).starts_with("line 9: this is not a line of a lock"));
        assert!(wrong(&lock("packages amd64")).starts_with("line 9: this list stands twice"));
        assert!(wrong("format 2\n").starts_with("line 1: format 2 is not known here"));
        assert!(wrong("format 1\n").contains("not complete"));
    }
}
