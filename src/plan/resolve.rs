//! From what people wrote to a plan. Pure, and finds every problem, not the first.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::inherit::{self, Line, Merged};
use crate::plan::origin::{Origins, Step, Verb};
use crate::plan::{Archive, Base, Disk, Plan, Service, ids, services};
use crate::spec::{
    Architecture, ByteSize, Catalog, Document, OverlayName, PackageName, Place, Problem, Problems,
    ProfileName, RootSize, ServiceName, ServiceSpec, Span, Tree,
};

const SUITE: &str = "trixie";
const COMPONENTS: [&str; 3] = ["main", "contrib", "non-free-firmware"];
const HOSTNAME: &str = "nuvol-{id}";

/// Below this no Debian with a kernel fits.
const SMALLEST_ROOT: ByteSize = ByteSize::mib(1024);

/// Names that templates have of themselves.
const RESERVED: [&str; 9] =
    ["profile", "version", "summary", "hostname", "suite", "services", "data", "kernel_arguments", "disk"];

/// A plan, and where each of its values came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The plan.
    pub plan: Plan,
    /// The history of its values.
    pub origins: Origins,
}

/// The plan of the profile `name` for `architecture`. `known` are the packages of the archive, where they
/// are known.
pub fn resolve(
    tree: &Tree,
    name: &ProfileName,
    architecture: Architecture,
    known: Option<&BTreeSet<PackageName>>,
) -> Result<Resolved, Problems> {
    let (resolved, problems) = check(tree, name, architecture, known);
    match resolved {
        Some(resolved) => problems.or(resolved),
        None => Err(problems),
    }
}

/// The plan as far as it can be made, and all that is wrong with the files that it is made of.
pub fn check(
    tree: &Tree,
    name: &ProfileName,
    architecture: Architecture,
    known: Option<&BTreeSet<PackageName>>,
) -> (Option<Resolved>, Problems) {
    let mut problems = check_catalogue(tree);
    let mut origins = Origins::default();
    let line = inherit::lineage(tree, name, &mut problems);
    if line.profiles.is_empty() {
        return (None, problems);
    }
    let merged = inherit::merge(tree, &line, architecture, &mut origins, &mut problems);
    required(name, &line, &merged, &mut problems);
    let mut resolver = Resolver { tree, architecture, known, origins: &mut origins, problems: &mut problems };
    let services = resolver.services(&merged);
    let packages = resolver.packages(&merged, &services);
    let overlays = resolver.overlays(&merged, &services);
    resolver.variables(&merged);
    resolver.root_size(&merged);
    resolver.keyring(&merged);
    resolver.defaults(&merged);

    let Some(disk) = disk(name, &merged) else { return (None, problems) };
    let services = services.iter().map(|(name, (_, spec))| (name.clone(), services::planned(spec))).collect();
    let lineage = line.profiles.into_iter().map(|(name, _)| name).collect();
    let plan = plan(name, lineage, merged, Parts { architecture, packages, services, overlays, disk });
    (plan.map(|plan| Resolved { plan, origins }), problems)
}

/// Whether templates have the variable `name` of themselves.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// All that is wrong with the catalogue, whoever uses it.
pub fn check_catalogue(tree: &Tree) -> Problems {
    let mut problems = tree.catalogue().problems.clone();
    for document in tree.catalogue().documents() {
        services::check_catalog(document, &mut problems);
        for overlay in document.value.services.values().filter_map(|service| service.overlay.as_ref()) {
            if !tree.overlays().contains_key(&overlay.value) {
                problems.push(unknown_overlay(tree, &overlay.value, document.place(overlay.span)));
            }
        }
    }
    problems
}

fn unknown_overlay(tree: &Tree, overlay: &OverlayName, place: Place) -> Problem {
    let known = tree.overlays().keys().map(OverlayName::as_str);
    Problem::at(place, format!("unknown overlay `{overlay}`")).nearest(overlay.as_str(), known)
}

/// What somebody in the line must say.
fn required(name: &ProfileName, line: &Line<'_>, merged: &Merged, problems: &mut Problems) {
    let Some((_, document)) = line.profiles.last() else { return };
    let missing = [
        ("summary", merged.scalars.summary.is_none(), "as in `summary: Node for a home`"),
        ("version", merged.scalars.version.is_none(), "as in `version: 0.1.0`"),
        ("formats", merged.formats.is_empty(), "as in `formats: [raw]`; without one nothing would be built"),
    ];
    for (key, missing, example) in missing {
        if missing && !line.is_damaged(key) {
            let words = format!("neither profile `{name}` nor a parent of it gives `{key}`");
            let problem = Problem::at(document.place(Span::START), words);
            problems.push(problem.remedy(format!("give it, {example}")));
        }
    }
}

fn disk(name: &ProfileName, merged: &Merged) -> Option<Disk> {
    // Without a version there is a problem; with this one the rest can still be checked.
    let version = merged.scalars.version.clone().or_else(|| "0".parse().ok())?;
    Some(Disk {
        root_size: merged.scalars.root_size.as_ref().and_then(|(size, _)| match size {
            RootSize::Auto => None,
            RootSize::Fixed(size) => Some(*size),
        }),
        kernel_arguments: merged.kernel_arguments.iter().map(|item| item.value.to_string()).collect(),
        formats: merged.formats.iter().map(|item| item.value).collect(),
        ids: ids::disk_ids(name, &version),
    })
}

/// What of a plan takes more than a glance at the profile.
struct Parts {
    architecture: Architecture,
    packages: BTreeSet<PackageName>,
    services: BTreeMap<ServiceName, Service>,
    overlays: Vec<OverlayName>,
    disk: Disk,
}

fn plan(name: &ProfileName, lineage: Vec<ProfileName>, merged: Merged, parts: Parts) -> Option<Plan> {
    let scalars = merged.scalars;
    Some(Plan {
        profile: name.clone(),
        summary: scalars.summary.unwrap_or_default(),
        version: scalars.version.or_else(|| "0".parse().ok())?,
        lineage,
        hostname: scalars.hostname.map_or_else(|| HOSTNAME.to_owned(), String::from),
        base: Base {
            suite: SUITE.to_owned(),
            components: COMPONENTS.map(str::to_owned).to_vec(),
            architecture: parts.architecture,
            foreign: Vec::new(),
            backports: Vec::new(),
            packages: parts.packages,
        },
        archive: Archive {
            mirror: scalars.mirror,
            keyring: scalars.keyring.map(|(keyring, _)| keyring),
            snapshot: scalars.snapshot,
        },
        units: merged.units.into_iter().map(|item| item.value).collect(),
        services: parts.services,
        overlays: parts.overlays,
        variables: merged.variables.into_iter().map(|(name, (value, _))| (name.to_string(), value)).collect(),
        disk: Some(parts.disk),
    })
}

type Services<'t> = BTreeMap<ServiceName, (&'t Document<Catalog>, &'t ServiceSpec)>;

struct Resolver<'a, 't> {
    tree: &'t Tree,
    architecture: Architecture,
    known: Option<&'a BTreeSet<PackageName>>,
    origins: &'a mut Origins,
    problems: &'a mut Problems,
}

impl<'t> Resolver<'_, 't> {
    fn services(&mut self, merged: &Merged) -> Services<'t> {
        let catalogue = self.tree.catalogue();
        let mut found = Services::new();
        for item in &merged.services {
            if let Some((document, span, spec)) = catalogue.service(&item.value) {
                let place = Some(document.place(span));
                let step = Step { verb: Verb::Define, value: None, through: None, place };
                self.origins.note(format!("services.{}", item.value), step);
                found.insert(item.value.clone(), (document, spec));
            } else if !catalogue.is_damaged(&format!("services.{}", item.value)) {
                let problem = Problem::at(item.place.clone(), format!("unknown service `{}`", item.value));
                self.problems.push(problem.nearest(item.value.as_str(), catalogue.service_names()));
            }
        }
        services::check_ports(&found, self.problems);
        services::check_mesh(&found, self.problems);
        services::check_data(&found, self.problems);
        found
    }

    fn packages(&mut self, merged: &Merged, services: &Services<'t>) -> BTreeSet<PackageName> {
        let mut wanted: Vec<(PackageName, Place)> =
            merged.packages.iter().map(|item| (item.value.0.clone(), item.place.clone())).collect();
        let architecture = self.architecture;
        let counts = |on: Option<Architecture>| on.is_none_or(|on| on == architecture);
        for (name, (document, spec)) in services {
            for package in spec.packages.iter().filter(|it| counts(it.value.on)) {
                let (package, place) = (&package.value.value, document.place(package.span));
                self.through_service("packages", package.as_str(), name, place.clone());
                wanted.push((package.clone(), place));
            }
        }
        if let Some(known) = self.known {
            for (package, place) in &wanted {
                if !known.contains(package) {
                    let problem =
                        Problem::at(place.clone(), format!("the archive has no package `{package}`"));
                    let names = known.iter().map(PackageName::as_str);
                    self.problems.push(problem.nearest(package.as_str(), names));
                }
            }
        }
        wanted.into_iter().map(|(package, _)| package).collect()
    }

    /// Parents' overlays first, then the profile's, then those of services.
    fn overlays(&mut self, merged: &Merged, services: &Services<'t>) -> Vec<OverlayName> {
        let mut wanted: Vec<(OverlayName, Place)> =
            merged.overlays.iter().map(|item| (item.value.clone(), item.place.clone())).collect();
        for (name, (document, spec)) in services {
            if let Some(overlay) = &spec.overlay {
                self.through_service("overlays", overlay.value.as_str(), name, document.place(overlay.span));
                wanted.push((overlay.value.clone(), document.place(overlay.span)));
            }
        }
        let mut overlays: Vec<OverlayName> = Vec::new();
        for (overlay, place) in wanted {
            if !self.tree.overlays().contains_key(&overlay) {
                self.problems.push(unknown_overlay(self.tree, &overlay, place));
            } else if !overlays.contains(&overlay) {
                overlays.push(overlay);
            }
        }
        overlays
    }

    fn through_service(&mut self, list: &str, value: &str, service: &ServiceName, at: Place) {
        let key = format!("{list}.{value}");
        let place = self.origins.added(&format!("services.{service}")).cloned();
        let through = Some(format!("service `{service}` at {at}"));
        self.origins.note(key, Step { verb: Verb::Add, value: None, through, place });
    }

    fn variables(&mut self, merged: &Merged) {
        for (name, (_, place)) in &merged.variables {
            if is_reserved(name.as_str()) {
                let words = format!("the variable `{name}` is given by `nuvol` itself");
                self.problems.push(Problem::at(place.clone(), words).remedy("give yours another name"));
            }
        }
    }

    fn root_size(&mut self, merged: &Merged) {
        if let Some((RootSize::Fixed(size), place)) = &merged.scalars.root_size
            && *size < SMALLEST_ROOT
        {
            let words = format!("a root of {size} is too small: the least is {SMALLEST_ROOT}");
            self.problems.push(Problem::at(place.clone(), words).remedy("write `auto` or a larger size"));
        }
    }

    fn keyring(&mut self, merged: &Merged) {
        let Some((keyring, place)) = &merged.scalars.keyring else { return };
        let known = self.tree.keys();
        if !known.contains_key(keyring.as_str()) {
            let problem = Problem::at(place.clone(), format!("there is no keyring `keys/{keyring}`"));
            let problem = problem.remedy("export the archive's public keys to it, as in `gpg --export KEY`");
            self.problems.push(problem.nearest(keyring.as_str(), known.keys().map(String::as_str)));
        }
    }

    fn defaults(&mut self, merged: &Merged) {
        let scalars = &merged.scalars;
        let defaults = [
            ("hostname", scalars.hostname.is_none(), HOSTNAME),
            ("disk.root.filesystem", scalars.filesystem.is_none(), "ext4"),
            ("disk.root.size", scalars.root_size.is_none(), "auto"),
        ];
        for (key, missing, value) in defaults {
            if missing {
                let step =
                    Step { verb: Verb::Default, value: Some(value.to_owned()), through: None, place: None };
                self.origins.note(key.to_owned(), step);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Resolved, resolve};
    use crate::spec::{Architecture, Problems, Tree};

    const CATALOGUE: &str = "\
sets: { tools: [vim-tiny, nano] }
services:
  web: { title: W, summary: S, role: web, packages: [nginx], overlay: web, units: [nginx.service], start: always }
";
    const ROOT: &str = "\
summary: Root
version: 1.0
formats: [raw]
packages: [less, \"@tools\"]
overlays: [root]
services: [web]
kernel-arguments: [quiet, console=tty0]
variables: { a: 1, b: two }
";

    fn plan_of(leaf: &str) -> Result<Resolved, Problems> {
        let tree = Tree::of_texts(&[
            ("profiles/root.yaml", ROOT),
            ("profiles/leaf.yaml", leaf),
            ("packages.yaml", CATALOGUE),
            ("overlays/root/files/a", ""),
            ("overlays/web/files/b", ""),
            ("overlays/leaf/files/c", ""),
        ]);
        resolve(&tree, &"leaf".parse().unwrap(), Architecture::Amd64, None)
    }

    fn words<T: ToString>(list: impl IntoIterator<Item = T>) -> String {
        list.into_iter().map(|it| it.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lists_append_maps_merge_scalars_replace() {
        let leaf = "extends: root\nsummary: Leaf\npackages: [less, curl]\nformats: [iso]\noverlays: [leaf]\n\
                    kernel-arguments: [splash]\nvariables: { b: three }\n";
        let plan = plan_of(leaf).unwrap().plan;
        assert_eq!(plan.summary, "Leaf");
        assert_eq!(plan.version.as_str(), "1.0");
        assert_eq!(words(plan.base.packages), "curl less nano nginx vim-tiny");
        assert_eq!(words(&plan.overlays), "root leaf web");
        assert_eq!(words(&plan.disk.as_ref().unwrap().formats), "raw iso");
        assert_eq!(words(plan.disk.unwrap().kernel_arguments), "quiet console=tty0 splash");
        assert_eq!(words(plan.variables.values()), "1 three");
    }

    #[test]
    fn what_is_removed_is_gone_with_all_that_it_brought() {
        let leaf = "extends: root\nremove: { packages: [nano], services: [web], kernel-arguments: [quiet], variables: [a] }\n";
        let plan = plan_of(leaf).unwrap().plan;
        assert_eq!(words(plan.base.packages), "less vim-tiny");
        assert_eq!(words(&plan.overlays), "root");
        assert!(plan.services.is_empty());
        assert_eq!(words(plan.disk.unwrap().kernel_arguments), "console=tty0");
        assert_eq!(words(plan.variables.keys()), "b");
    }

    #[test]
    fn a_set_is_removed_as_a_whole_but_not_what_was_also_named() {
        let leaf = "extends: root\nremove: { packages: [\"@tools\"] }\npackages: [nano]\n";
        assert_eq!(words(plan_of(leaf).unwrap().plan.base.packages), "less nano nginx");
    }

    #[test]
    fn a_package_that_the_archive_lacks_is_reported_where_it_was_named() {
        let tree = Tree::of_texts(&[
            ("profiles/leaf.yaml", ROOT),
            ("packages.yaml", CATALOGUE),
            ("overlays/root/files/a", ""),
            ("overlays/web/files/b", ""),
        ]);
        let known: BTreeSet<_> =
            ["less", "nano", "nginx-core"].iter().map(|name| name.parse().unwrap()).collect();
        let problems =
            resolve(&tree, &"leaf".parse().unwrap(), Architecture::Amd64, Some(&known)).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "packages.yaml:1:17: the archive has no package `vim-tiny`; known: `less`, `nano`, `nginx-core`\n\
             packages.yaml:3:54: the archive has no package `nginx`; known: `less`, `nano`, `nginx-core`"
        );
    }

    #[test]
    fn an_archive_of_ones_own_has_its_keys_in_the_tree() {
        let leaf = "extends: root\narchive: { mirror: \"http://m.test/x\", keyring: own.gpg, snapshot: 20261101T000000Z }\n";
        let archive = super::Archive {
            mirror: Some("http://m.test/x".parse().unwrap()),
            keyring: Some("own.gpg".parse().unwrap()),
            snapshot: Some("20261101T000000Z".parse().unwrap()),
        };
        let tree = |key: &str| {
            Tree::of_texts(&[
                ("profiles/root.yaml", "summary: R\nversion: 1\nformats: [raw]\n"),
                ("profiles/leaf.yaml", leaf),
                (key, ""),
            ])
        };
        let name = "leaf".parse().unwrap();
        assert_eq!(
            resolve(&tree("keys/own.gpg"), &name, Architecture::Amd64, None).unwrap().plan.archive,
            archive
        );
        assert_eq!(
            resolve(&tree("keys/owl.gpg"), &name, Architecture::Amd64, None).unwrap_err().to_string(),
            "profiles/leaf.yaml:2:48: there is no keyring `keys/own.gpg`; did you mean `owl.gpg`?"
        );
    }

    #[test]
    fn every_value_knows_where_it_came_from() {
        let origins = plan_of("extends: root\nvariables: { b: three }\n").unwrap().origins;
        let chain = |key: &str| {
            let steps = origins.of(key).into_iter().flat_map(|(_, steps)| steps);
            words(
                steps.map(|step| step.place.as_ref().map_or_else(|| "nuvol".to_owned(), ToString::to_string)),
            )
        };
        assert_eq!(chain("variables.b"), "profiles/root.yaml:8:23 profiles/leaf.yaml:2:17");
        assert_eq!(chain("packages.nginx"), "profiles/root.yaml:6:12");
        assert_eq!(chain("disk.root.size"), "nuvol");
        assert_eq!(chain("nothing"), "");
    }
}
