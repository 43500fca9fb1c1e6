//! The Debian archive as it is now: its index, verified against the Debian keyring, and what
//! apt would install from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;

use super::mirror::Mirror;
use crate::host::Sandbox;
use crate::plan::Base;
use crate::spec::PackageName;
use crate::store::{Found, Lock};
use crate::workshop::Workshop;

/// Comes with the package `debian-archive-keyring`.
pub const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where the names of the archive's packages are kept for checks without network.
const NAMES: &str = "names";

/// Names of all packages of the archive, as the last build with the shelf `shelf` saw it.
pub fn known_packages(shelf: &Path) -> Option<BTreeSet<PackageName>> {
    let text = fs::read_to_string(shelf.join("apt").join(NAMES)).ok()?;
    Some(parse_names(&text)).filter(|names| !names.is_empty())
}

fn parse_names(text: &str) -> BTreeSet<PackageName> {
    text.lines().filter_map(|name| name.parse().ok()).collect()
}

/// The archive's index in a private apt, held while this lives.
pub struct Archive {
    folder: PathBuf,
    epoch: u64,
    names: BTreeSet<PackageName>,
    _lock: Lock,
}

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
    /// Its paragraph of the archive's index, without `Filename`.
    #[serde(skip)]
    pub stanza: String,
}

impl Archive {
    /// Fetches the index of `base`'s suites from `mirror`.
    pub fn update(shop: &Workshop, base: &Base, mirror: &Mirror) -> anyhow::Result<Self> {
        let since = Instant::now();
        let (folder, lock) = shop.store.kept("apt")?;
        for name in ["lists/partial", "cache/archives/partial", "etc"] {
            fs::create_dir_all(folder.join(name)).context("making a private apt")?;
        }
        fs::write(folder.join("status"), "").context("making a private apt")?;
        let text = configuration(&folder, base) + &proxies(shop)?;
        fs::write(folder.join("apt.conf"), text).context("configuring a private apt")?;
        fs::write(folder.join("etc/sources.list"), sources(base, mirror))
            .context("configuring a private apt")?;

        let sandbox = Self::sandbox(shop, &folder).with_network();
        let command = shop.command(&sandbox, "apt-get", &["update", "-q", "--error-on=any"])?;
        let result = shop.host.run(command.env("APT_CONFIG", folder.join("apt.conf")));
        result.context(crate::host::NetworkFailed).context("fetching the archive's index")?;
        let epoch = epoch(shop, &folder)?;
        let mut archive = Self { folder, epoch, names: BTreeSet::new(), _lock: lock };
        let names = archive.read(shop, "apt-cache", &["pkgnames"])?;
        fs::write(archive.folder.join(NAMES), &names).context("keeping the names of packages")?;
        archive.names = parse_names(&names);
        shop.report.stage(
            "index",
            since,
            Found::Made,
            &format!("{} of {}", base.suite, base.architecture.as_str()),
        );
        Ok(archive)
    }

    /// Seconds since 1970 of the newest of the archive's Release files: the build's time.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Names of all packages of the archive.
    pub fn names(&self) -> &BTreeSet<PackageName> {
        &self.names
    }

    /// All packages, in their exact versions, that an installation of `names` consists of.
    pub fn resolve(&self, shop: &Workshop, names: &BTreeSet<PackageName>) -> anyhow::Result<Vec<Package>> {
        let since = Instant::now();
        // mmdebstrap starts from the same set: the essential packages and apt.
        let mut args = vec!["install", "--print-uris", "-qq", "-y", "?essential", "apt"];
        args.extend(names.iter().map(PackageName::as_str));
        let text = self.read(shop, "apt-get", &args).context("resolving the packages")?;
        let mut packages = parse_uris(&text)?;

        let wanted: Vec<String> = packages.iter().map(|it| format!("{}={}", it.name, it.version)).collect();
        let mut show = vec!["show"];
        show.extend(wanted.iter().map(String::as_str));
        let stanzas = self.read(shop, "apt-cache", &show).context("reading the archive's index")?;
        add_stanzas(&mut packages, &stanzas)?;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        let size: u64 = packages.iter().map(|it| it.size).sum();
        let detail = format!("{} packages, {} MB", packages.len(), size / 1_000_000);
        shop.report.stage("resolve", since, Found::Made, &detail);
        Ok(packages)
    }

    fn read(&self, shop: &Workshop, program: &str, args: &[&str]) -> anyhow::Result<String> {
        let sandbox = Self::sandbox(shop, &self.folder);
        let command = shop.command(&sandbox, program, args)?;
        shop.host.read(command.env("APT_CONFIG", self.folder.join("apt.conf")))
    }

    fn sandbox(shop: &Workshop, folder: &Path) -> Sandbox {
        shop.sandbox(Path::new("/")).write(folder)
    }
}

/// The archive's suites for apt, for the build only.
fn sources(base: &Base, mirror: &Mirror) -> String {
    let Base { suite, components, .. } = base;
    let components = components.join(" ");
    let Mirror { archive, security } = mirror;
    format!(
        "deb [signed-by={KEYRING}] {archive} {suite} {components}\n\
         deb [signed-by={KEYRING}] {archive} {suite}-updates {components}\n\
         deb [signed-by={KEYRING}] {security} {suite}-security {components}\n"
    )
}

fn configuration(folder: &Path, base: &Base) -> String {
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
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Solver "internal";
Acquire::Languages "none";
Acquire::ForceHash "sha256";
Acquire::Retries "3";
"#,
        arch = base.architecture.as_str()
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

/// The newest `Date:` of the Release files that were fetched.
fn epoch(shop: &Workshop, folder: &Path) -> anyhow::Result<u64> {
    let mut newest = None;
    for entry in fs::read_dir(folder.join("lists")).context("reading the archive's index")? {
        let path = entry.context("reading the archive's index")?.path();
        if path.to_string_lossy().ends_with("InRelease") {
            let text = fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
            let date = text.lines().find_map(|line| line.strip_prefix("Date: "));
            let date = date.with_context(|| format!("`{}` has no date", path.display()))?;
            let seconds = shop.host.read(xshell::cmd!(shop.host.shell(), "date -u -d {date} +%s"))?;
            let seconds: u64 =
                seconds.trim().parse().with_context(|| format!("reading the date `{date}`"))?;
            newest = newest.max(Some(seconds));
        }
    }
    newest.context("the archive has no signed Release file")
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
    Some(Package { name, version, sha256, size, uri, stanza: String::new() })
}

/// Gives each package its paragraph of the index; the paragraph must name the same bytes.
fn add_stanzas(packages: &mut [Package], text: &str) -> anyhow::Result<()> {
    for stanza in text.split("\n\n").map(str::trim).filter(|it| !it.is_empty()) {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let (Some(sha256), Some(name)) = (field("SHA256"), field("Package")) else { continue };
        for package in packages.iter_mut().filter(|it| it.sha256 == sha256 && it.name == name) {
            let lines = stanza.lines().filter(|line| !line.starts_with("Filename: "));
            package.stanza = lines.collect::<Vec<_>>().join("\n");
        }
    }
    match packages.iter().find(|it| it.stanza.is_empty()) {
        Some(package) => {
            anyhow::bail!("the archive's index does not hold `{}` {}", package.name, package.version)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{add_stanzas, parse_uris};

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
    fn a_paragraph_belongs_to_the_package_with_the_same_bytes() {
        let mut packages = parse_uris(LINE).unwrap();
        add_stanzas(&mut packages, "Package: at\nFilename: pool/at.deb\nSHA256: ab\nDepends: libc6\n\n")
            .unwrap();
        assert_eq!(packages[0].stanza, "Package: at\nSHA256: ab\nDepends: libc6");
        let mut packages = parse_uris(LINE).unwrap();
        assert!(add_stanzas(&mut packages, "Package: at\nSHA256: cd\n").is_err());
    }
}
