//! Which exact packages an installation consists of: apt's answer, kept as long as the archive's
//! Release files are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::install::Deb;
use super::mirror::Mirror;
use crate::plan::Base;
use crate::spec::PackageName;
use crate::workshop::{Recipe, Workshop};

/// A package of the archive in one exact version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// sha256 of the `.deb`, in hexadecimal digits.
    pub sha256: String,
    /// Size of the `.deb` in bytes.
    pub size: u64,
    /// Where the `.deb` is fetched from.
    #[serde(skip)]
    pub uri: String,
}

/// A package as it is kept; its address is relative to a mirror, which may be another one next time.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    version: String,
    sha256: String,
    size: u64,
    uri: String,
}

const FILE: &str = "packages.json";

#[derive(Serialize)]
struct ResolveRecipe<'a> {
    releases: &'a [String],
    suite: &'a str,
    components: &'a [String],
    architecture: &'a str,
    words: &'a [String],
    #[serde(skip)]
    archive: &'a Archive,
}

impl Archive {
    /// All packages, in their exact versions, that an installation of `names` consists of.
    pub fn resolve(&self, shop: &Workshop, names: &BTreeSet<PackageName>) -> anyhow::Result<Vec<Package>> {
        // The same beginning as mmdebstrap's: the essential packages and apt.
        let names = names.iter().map(PackageName::as_str);
        self.resolve_words(
            shop,
            &["?essential", "apt"].into_iter().chain(names).map(str::to_owned).collect::<Vec<_>>(),
        )
    }

    /// All packages, in their exact versions, that what apt takes `words` for consists of.
    pub fn resolve_words(&self, shop: &Workshop, words: &[String]) -> anyhow::Result<Vec<Package>> {
        let Base { suite, components, architecture, .. } = &self.base;
        let entry = shop.make(&ResolveRecipe {
            releases: &self.state.releases,
            suite,
            components,
            architecture: architecture.as_str(),
            words,
            archive: self,
        })?;
        let kept = read(&entry)?;
        Ok(kept.into_iter().map(|it| it.at(&self.mirror)).collect())
    }

    /// `packages` as they are, but those of `names` and what they need as the archive has them now.
    pub fn update_among(
        &self,
        shop: &Workshop,
        packages: &[Package],
        names: &[PackageName],
    ) -> anyhow::Result<Vec<Package>> {
        if names.is_empty() {
            return Ok(packages.to_vec());
        }
        // To apt, what is in the lock is installed.
        let mut status = String::new();
        for Package { name, sha256, .. } in packages {
            let path = shop.store.package(sha256).with_context(|| format!("`{name}` is not on the shelf"))?;
            status += "Status: install ok installed\n";
            Deb::verified(&path, sha256)?
                .control
                .fields()
                .for_each(|(field, value)| status += &format!("{field}: {value}\n"));
            status += "\n";
        }
        let mut args = vec!["install", "--print-uris", "-qq", "-y", "--no-remove"];
        args.extend(names.iter().map(PackageName::as_str));
        let text = self.apt.read_over(shop, &status, &args).context(
            "resolving the packages that are to change; `nuvol lock --update` without `--package` changes all",
        )?;
        let mut found: BTreeMap<String, Package> =
            packages.iter().map(|it| (it.name.clone(), it.clone())).collect();
        if text.lines().any(|line| line.starts_with('\'')) {
            found.extend(parse_uris(&text)?.into_iter().map(|it| (it.name.clone(), it)));
        }
        Ok(found.into_values().collect())
    }
}

fn read(entry: &Path) -> anyhow::Result<Vec<Kept>> {
    let text = fs::read(entry.join(FILE)).context("reading the resolved packages")?;
    serde_json::from_slice(&text).context("reading the resolved packages")
}

impl Recipe for ResolveRecipe<'_> {
    const STAGE: &'static str = "resolve";
    const VERSION: u32 = 2;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let mut args = vec!["install", "--print-uris", "-qq", "-y"];
        args.extend(self.words.iter().map(String::as_str));
        let text = self.archive.apt.read(shop, "apt-get", &args).context("resolving the packages")?;
        let mut packages = parse_uris(&text)?;

        packages.sort_by(|a, b| (&a.name, &a.uri).cmp(&(&b.name, &b.uri)));
        let kept: Vec<Kept> = packages.into_iter().map(|it| Kept::new(it, &self.archive.mirror)).collect();
        let text = serde_json::to_vec_pretty(&kept).context("keeping the resolved packages")?;
        fs::write(dir.join(FILE), text).context("keeping the resolved packages")
    }

    fn detail(&self, entry: &Path) -> String {
        let packages = read(entry).unwrap_or_default();
        let size: u64 = packages.iter().map(|it| it.size).sum();
        format!("{} packages, {} MB", packages.len(), size / 1_000_000)
    }
}

impl Kept {
    fn new(package: Package, mirror: &Mirror) -> Self {
        let Package { name, version, sha256, size, uri } = package;
        Self { name, version, sha256, size, uri: mirror.relative(&uri) }
    }

    fn at(self, mirror: &Mirror) -> Package {
        let Self { name, version, sha256, size, uri } = self;
        Package { name, version, sha256, size, uri: mirror.absolute(&uri) }
    }
}

/// Reads `apt-get --print-uris`: `'URI' NAME_VERSION_ARCH.deb SIZE SHA256:DIGEST`.
fn parse_uris(text: &str) -> anyhow::Result<Vec<Package>> {
    let mut packages = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('\'')) {
        let package =
            parse_uri(line).with_context(|| format!("apt printed `{line}`, which is not a package"))?;
        packages.push(package);
    }
    anyhow::ensure!(!packages.is_empty(), "apt resolved no package at all");
    Ok(packages)
}

fn parse_uri(line: &str) -> Option<Package> {
    let mut words = line.split(' ');
    let uri = words.next()?.trim_matches('\'').to_owned();
    let mut file = words.next()?.split('_');
    let name = file.next()?.to_owned();
    let version = file.next()?.replace("%3a", ":");
    let size = words.next()?.parse().ok()?;
    let sha256 = words.next()?.strip_prefix("SHA256:")?.to_owned();
    Some(Package { name, version, sha256, size, uri })
}

#[cfg(test)]
mod tests {
    use super::{Kept, Mirror, parse_uris};

    const LINE: &str =
        "'http://m.test/debian/pool/main/a/at/at_1%3a3.2_amd64.deb' at_1%3a3.2_amd64.deb 12 SHA256:ab\n";

    #[test]
    fn what_apt_would_fetch_is_read() {
        let packages = parse_uris(LINE).unwrap();
        assert_eq!((packages[0].name.as_str(), packages[0].version.as_str()), ("at", "1:3.2"));
        assert_eq!((packages[0].size, packages[0].sha256.as_str()), (12, "ab"));
    }

    #[test]
    fn a_line_that_is_no_package_is_an_error() {
        assert!(parse_uris("'http://m.test/x' x\n").is_err());
        assert!(parse_uris("").is_err());
    }

    #[test]
    fn another_mirror_may_serve_what_was_resolved() {
        let package = parse_uris(LINE).unwrap().remove(0);
        let kept = Kept::new(package.clone(), &Mirror::at("http://m.test/debian"));
        assert_eq!(kept.uri, "archive:pool/main/a/at/at_1%3a3.2_amd64.deb");
        assert_eq!(kept.at(&Mirror::at("http://m.test/debian")), package);
    }
}
