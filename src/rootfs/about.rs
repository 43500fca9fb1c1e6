//! What packages say about themselves, kept on the shelf: reading it takes as long as opening every package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::install::Deb;
use super::resolve::Package;
use super::supply::Supply;
use crate::remote::Share;
use crate::spec::PackageName;
use crate::store::side_by_side;
use crate::workshop::{Recipe, Workshop};

const FILE: &str = "about.json";

/// What a package says about itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// Its source package.
    pub source: String,
    /// The version of the source package.
    pub source_version: String,
    /// Its name and the names that it provides.
    names: Vec<String>,
    /// Whether it is part of every Debian system.
    essential: bool,
    /// What it needs to be configured: alternatives each.
    depends: Vec<Vec<String>>,
}

/// What packages say, by their sha256.
pub type Abouts = BTreeMap<String, About>;

#[derive(Serialize)]
struct AboutRecipe<'a> {
    digests: BTreeSet<&'a str>,
    #[serde(skip)]
    supply: &'a Supply,
}

/// Reads what `packages`, which are in `supply`, say about themselves.
pub fn about(shop: &Workshop, packages: &[Package], supply: &Supply) -> anyhow::Result<Abouts> {
    let digests = packages.iter().map(|it| it.sha256.as_str()).collect();
    let recipe = AboutRecipe { digests, supply };
    let entry = supply.heal(shop, || shop.make(&recipe))?;
    let text = fs::read(entry.join(FILE)).context("reading what packages say")?;
    let mut abouts: Abouts = serde_json::from_slice(&text).context("reading what packages say")?;
    if shop.explains() {
        guess(&mut abouts, packages);
    }
    Ok(abouts)
}

/// Of a package that was never read, what another version of it says is the best guess.
fn guess(abouts: &mut Abouts, packages: &[Package]) {
    let known: BTreeMap<String, About> =
        abouts.values().filter_map(|it| Some((it.names.first()?.clone(), it.clone()))).collect();
    for package in packages {
        if let Some(about) = known.get(&package.name) {
            abouts.entry(package.sha256.clone()).or_insert_with(|| about.clone());
        }
    }
}

impl Recipe for AboutRecipe<'_> {
    const STAGE: &'static str = "lock";
    const VERSION: u32 = 2;
    const SHARE: Share = Share::AtOnce;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        self.supply.ready(shop)?;
        let digests: Vec<&str> = self.digests.iter().copied().collect();
        let store = &shop.store;
        let found = side_by_side(&digests, |digest| {
            Ok(((*digest).to_owned(), About::of(&Deb::open(&store.whole_package(digest)?)?)))
        })?;
        let found: Abouts = found.into_iter().collect();
        let text = serde_json::to_vec(&found).context("writing down what packages say")?;
        fs::write(dir.join(FILE), text).context("writing down what packages say")
    }

    fn detail(&self, _: &Path) -> String {
        format!("{} packages", self.digests.len())
    }
}

impl About {
    fn of(deb: &Deb) -> Self {
        // `Source: name (version)`, where it differs from the package's own.
        let version = deb.control.get("Version").unwrap_or_default();
        let field = deb.control.get("Source").unwrap_or(deb.name());
        let (source, source_version) = match field.split_once(" (") {
            Some((name, version)) => (name, version.trim_end_matches(')')),
            None => (field, version),
        };
        let provides = deb.control.relations("Provides").into_iter().flatten();
        let depends = ["Pre-Depends", "Depends"].into_iter().flat_map(|field| deb.control.relations(field));
        Self {
            source: source.to_owned(),
            source_version: source_version.to_owned(),
            names: std::iter::once(deb.name().to_owned()).chain(provides).collect(),
            essential: deb.control.get("Essential") == Some("yes"),
            depends: depends.collect(),
        }
    }
}

/// The packages of `all` that an installation of `names` needs: of alternatives the first that `all` has, as
/// apt would decide.
pub fn closure(all: &[Package], abouts: &Abouts, names: &BTreeSet<PackageName>) -> Vec<Package> {
    let mut providers: BTreeMap<&str, usize> = BTreeMap::new();
    let said = |index: usize| abouts.get(&all[index].sha256);
    // A package's own name counts more than what another provides.
    for own in [true, false] {
        for index in 0..all.len() {
            let names = said(index).into_iter().flat_map(|it| &it.names);
            for name in names.take(if own { 1 } else { usize::MAX }) {
                providers.entry(name).or_insert(index);
            }
        }
    }
    let asked = names.iter().map(PackageName::as_str).chain(["apt"]);
    let mut open: Vec<usize> = asked.filter_map(|name| providers.get(name).copied()).collect();
    open.extend((0..all.len()).filter(|index| said(*index).is_some_and(|it| it.essential)));
    let mut found: BTreeSet<usize> = BTreeSet::new();
    while let Some(index) = open.pop() {
        if found.insert(index) {
            let groups = said(index).into_iter().flat_map(|it| &it.depends);
            open.extend(
                groups.filter_map(|group| group.iter().find_map(|it| providers.get(it.as_str()).copied())),
            );
        }
    }
    found.into_iter().map(|index| all[index].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::{About, Package, closure};

    fn package(name: &str) -> Package {
        let text = name.to_owned();
        Package { name: text.clone(), version: "1".into(), sha256: text, size: 1, uri: String::new() }
    }

    fn about(names: &[&str], essential: bool, depends: &[&[&str]]) -> (String, About) {
        let owned = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let depends = depends.iter().map(|it| owned(it)).collect();
        let (source, source_version) = (names[0].to_owned(), "1".to_owned());
        (names[0].to_owned(), About { source, source_version, names: owned(names), essential, depends })
    }

    #[test]
    fn the_closure_takes_first_alternatives_and_own_names() {
        let all = ["dash", "exim", "extra", "mailer", "postfix", "less"].map(package);
        let abouts = [
            about(&["dash"], true, &[]),
            about(&["exim", "mta"], false, &[]),
            about(&["extra", "mailer"], false, &[]),
            about(&["mailer"], false, &[&["absent", "postfix", "exim"], &["unknown"]]),
            about(&["postfix", "mta"], false, &[]),
            about(&["less"], false, &[]),
        ];
        let names = ["mailer".parse().unwrap()].into();
        let found = closure(&all, &abouts.into_iter().collect(), &names);
        let found: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(found, ["dash", "mailer", "postfix"]);
    }
}
