//! What is installed in a tree, as its own dpkg tells.

use serde::{Deserialize, Serialize};

/// A package of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture (`all` for data and scripts).
    pub architecture: String,
    /// The source package it was built from.
    pub source: String,
    /// Space that it takes, in KiB, as its maintainer counted.
    pub installed_kib: u64,
}

/// Reads `/var/lib/dpkg/status`, sorted by name.
pub fn parse(status: &str) -> Vec<Installed> {
    let mut packages: Vec<Installed> = status.split("\n\n").filter_map(one).collect();
    packages.sort();
    packages
}

fn one(stanza: &str) -> Option<Installed> {
    let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    if field("Status")? != "install ok installed" {
        return None;
    }
    let name = field("Package")?.to_owned();
    let source = field("Source").and_then(|it| it.split(' ').next()).unwrap_or(&name).to_owned();
    Some(Installed {
        version: field("Version")?.to_owned(),
        architecture: field("Architecture")?.to_owned(),
        installed_kib: field("Installed-Size").and_then(|it| it.parse().ok()).unwrap_or(0),
        source,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_installed_packages_count() {
        let text = "Package: b\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nSource: bb (2)\n\n\
                    Package: a\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n";
        let packages = parse(text);
        assert_eq!(packages.len(), 1);
        assert_eq!((packages[0].name.as_str(), packages[0].source.as_str()), ("b", "bb"));
    }
}
