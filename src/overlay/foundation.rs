//! What a profile stands on: ancestors whose packages and install parts it takes over unchanged. They are
//! installed first, so that profiles with a common ancestor share its installation.

use std::collections::BTreeSet;

use super::generated::PRESET;
use super::{Layer, lay};
use crate::plan::{self, Base, Plan};
use crate::spec::{PackageName, ProfileName, Tree};

/// Files of an install part below these may come after packages were configured: they are read when the
/// finished system starts, or by what is done when all is installed.
const MAY_COME_LATER: [&str; 8] = [
    "etc/systemd/",
    "usr/lib/modules-load.d/",
    "usr/lib/nuvol/",
    "usr/lib/sysctl.d/",
    "usr/lib/systemd/",
    "usr/lib/sysusers.d/",
    "usr/lib/tmpfiles.d/",
    "usr/share/nuvol/",
];

/// A part of an installation that other profiles may share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foundation {
    /// Whose it is.
    pub profile: ProfileName,
    /// Its packages by name, without what they pull in.
    pub packages: BTreeSet<PackageName>,
    /// Its install part, without what differs between profiles by its nature.
    pub install: Layer,
}

/// The foundations of `plan`, whose install part is `install`, the lowest first. The last one is all that
/// is installed for this profile.
pub(super) fn foundations(plan: &Plan, install: &Layer, tree: &Tree) -> Vec<Foundation> {
    let mut own = Foundation {
        profile: plan.profile.clone(),
        packages: plan.base.packages.clone(),
        install: install.clone(),
    };
    own.install.remove(PRESET);
    let mut found = vec![own];
    for profile in plan.lineage.iter().rev().skip(1) {
        // Not every ancestor is complete by itself; such a one is no foundation.
        let Ok(lower) = plan::resolve(tree, profile, plan.base.architecture, None).map(|it| it.plan) else {
            continue;
        };
        let Ok((mut install, _)) = lay::parts(&lower, tree) else { continue };
        install.remove(PRESET);
        let same = Base { packages: plan.base.packages.clone(), ..lower.base.clone() } == plan.base;
        let lower = Foundation { profile: profile.clone(), packages: lower.base.packages, install };
        if let Some(above) = found.last_mut().filter(|above| same && lower.is_part_of(above)) {
            if (&lower.packages, &lower.install) == (&above.packages, &above.install) {
                *above = lower;
            } else {
                found.push(lower);
            }
        }
    }
    found.reverse();
    found
}

impl Foundation {
    /// Whether `whole` holds all of it, and beyond it only files that may come later.
    fn is_part_of(&self, whole: &Self) -> bool {
        let may_come_later = |path: &String| MAY_COME_LATER.iter().any(|folder| path.starts_with(folder));
        self.packages.is_subset(&whole.packages)
            && self.install.iter().all(|(path, entry)| whole.install.get(path) == Some(entry))
            && whole.install.keys().all(|path| self.install.contains_key(path) || may_come_later(path))
    }
}

#[cfg(test)]
mod tests {
    use crate::overlay;
    use crate::plan;
    use crate::spec::{Architecture, Tree};

    fn foundations(texts: &[(&str, &str)]) -> Vec<String> {
        let root = "summary: S\nversion: 1.0\nformats: [raw]\npackages: [less, nano]\noverlays: [a]\n";
        let files = [
            ("profiles/root.yaml", root),
            ("packages.yaml", "services: {}\n"),
            ("overlays/a/install/etc/a", "a"),
            ("overlays/unit/install/usr/lib/systemd/system/b.service", "b"),
            ("overlays/late/install/etc/default/c", "c"),
        ];
        let tree = Tree::of_texts(&[&files[..], texts].concat());
        let plan = plan::resolve(&tree, &"leaf".parse().unwrap(), Architecture::Amd64, None).unwrap().plan;
        let overlay = overlay::render(&plan, &tree).unwrap();
        overlay.foundations.iter().map(|it| it.profile.to_string()).collect()
    }

    #[test]
    fn ancestors_that_are_taken_over_whole_are_foundations() {
        let middle = ("profiles/middle.yaml", "extends: root\npackages: [curl]\n");
        let leaf = ("profiles/leaf.yaml", "extends: middle\npackages: [tinc]\noverlays: [unit]\n");
        assert_eq!(foundations(&[middle, leaf]), ["root", "middle", "leaf"]);
    }

    #[test]
    fn a_profile_that_installs_what_its_parent_does_stands_on_that_alone() {
        let leaf = ("profiles/leaf.yaml", "extends: root\nsummary: Other\n");
        assert_eq!(foundations(&[leaf]), ["root"]);
    }

    #[test]
    fn an_ancestor_that_loses_something_is_none() {
        let middle = ("profiles/middle.yaml", "extends: root\npackages: [curl]\n");
        let leaf = ("profiles/leaf.yaml", "extends: middle\nremove: { packages: [nano] }\n");
        assert_eq!(foundations(&[middle, leaf]), ["leaf"]);
        let leaf =
            ("profiles/leaf.yaml", "extends: middle\npackages: [tinc]\nremove: { packages: [curl] }\n");
        assert_eq!(foundations(&[middle, leaf]), ["root", "leaf"]);
    }

    #[test]
    fn what_packages_may_read_when_they_are_configured_makes_an_installation_of_its_own() {
        let leaf = ("profiles/leaf.yaml", "extends: root\noverlays: [late]\n");
        assert_eq!(foundations(&[leaf]), ["leaf"]);
    }
}
