//! The order of an installation: packages in waves, each unpacked when what its first script
//! counts on is configured.
//!
//! dpkg wants Pre-Depends configured before a package is unpacked (Debian policy 7.2). In an
//! empty root only a `preinst` can notice, so only packages with one wait.

use std::collections::{BTreeMap, BTreeSet};

/// What matters of a package for its place.
#[derive(Debug, Default)]
pub struct Facts {
    /// Its name and the names that it provides.
    pub names: Vec<String>,
    /// Part of every Debian system.
    pub essential: bool,
    /// `Depends` and `Pre-Depends`.
    pub depends: Vec<Vec<String>>,
    /// `Pre-Depends` alone.
    pub pre_depends: Vec<Vec<String>>,
    /// Runs a script before it is unpacked.
    pub has_preinst: bool,
}

/// Packages that are unpacked together. All numbers are indices of the list of packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wave {
    /// What must be configured before.
    pub needs: BTreeSet<usize>,
    /// The packages.
    pub packages: Vec<usize>,
}

/// Who provides what, so that relations can be followed.
struct Needs<'a> {
    packages: &'a [Facts],
    providers: BTreeMap<&'a str, BTreeSet<usize>>,
}

impl<'a> Needs<'a> {
    fn new(packages: &'a [Facts]) -> Self {
        let mut providers: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (index, package) in packages.iter().enumerate() {
            for name in &package.names {
                providers.entry(name).or_default().insert(index);
            }
        }
        Self { packages, providers }
    }

    fn direct(&self, relations: &[Vec<String>]) -> BTreeSet<usize> {
        let names = relations.iter().flatten();
        names.filter_map(|name| self.providers.get(name.as_str())).flatten().copied().collect()
    }

    /// `start` and all that it depends on.
    fn all(&self, start: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut open: Vec<usize> = start.iter().copied().collect();
        let mut found = start;
        while let Some(index) = open.pop() {
            for index in self.direct(&self.packages[index].depends) {
                if found.insert(index) {
                    open.push(index);
                }
            }
        }
        found
    }
}

/// `start` and all that it depends on, as indices of `packages`.
pub fn needs_of(packages: &[Facts], start: BTreeSet<usize>) -> BTreeSet<usize> {
    Needs::new(packages).all(start)
}

/// The waves: first the essential packages with all that they need.
pub fn waves(packages: &[Facts]) -> Vec<Wave> {
    let needs = Needs::new(packages);
    let first = needs.all((0..packages.len()).filter(|index| packages[*index].essential).collect());
    let before = |package: &Facts| needs.all(needs.direct(&package.pre_depends));

    let mut wave: Vec<usize> =
        (0..packages.len()).map(|index| usize::from(!first.contains(&index))).collect();
    // A package that waits moves those that wait for it; a circle stops at the number of packages.
    for _ in 0..packages.len() {
        let mut moved = false;
        for (index, package) in packages.iter().enumerate().filter(|(_, it)| it.has_preinst) {
            let before = before(package);
            let after = before.iter().filter(|it| **it != index).map(|it| wave[*it] + 1).max().unwrap_or(0);
            if !first.contains(&index) && after > wave[index] && after <= packages.len() {
                wave[index] = after;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut waves: BTreeMap<usize, Wave> = BTreeMap::new();
    for (index, number) in wave.into_iter().enumerate() {
        let wave = waves.entry(number).or_default();
        wave.packages.push(index);
        if number > 0 && packages[index].has_preinst {
            wave.needs.extend(before(&packages[index]).iter().filter(|it| !first.contains(*it)));
        }
    }
    waves.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::{Facts, waves};

    fn order(packages: &[Facts]) -> Vec<Vec<usize>> {
        waves(packages).into_iter().map(|it| it.packages).collect()
    }

    fn package(name: &str, depends: &[&str]) -> Facts {
        let depends = depends.iter().map(|it| vec![(*it).to_owned()]).collect();
        Facts { names: vec![name.to_owned()], depends, ..Facts::default() }
    }

    fn waiting(name: &str, pre_depends: &[&str]) -> Facts {
        let facts = package(name, pre_depends);
        Facts { pre_depends: facts.depends.clone(), has_preinst: true, ..facts }
    }

    #[test]
    fn essential_packages_come_first_with_all_that_they_need() {
        let dash = Facts { essential: true, ..package("dash", &["libc"]) };
        assert_eq!(order(&[package("tinc", &[]), dash, package("libc", &[])]), [vec![1, 2], vec![0]]);
    }

    #[test]
    fn a_preinst_waits_for_what_it_pre_depends_on() {
        let packages =
            [waiting("c", &["b"]), package("a", &[]), waiting("b", &["lib"]), package("lib", &["a"])];
        assert_eq!(order(&packages), [vec![1, 3], vec![2], vec![0]]);
        assert_eq!(waves(&packages)[1].needs, [1, 3].into());
        assert_eq!(waves(&packages)[2].needs, [1, 2, 3].into());
    }

    #[test]
    fn circles_end() {
        assert_eq!(order(&[waiting("a", &["b"]), waiting("b", &["a"])]).concat().len(), 2);
    }
}
