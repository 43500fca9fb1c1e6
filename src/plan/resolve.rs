//! From what people wrote to a plan. Pure, and finds every problem, not the first.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::inherit::{self, Merged};
use crate::plan::origin::{Origins, Step, Verb};
use crate::plan::{Base, Disk, Plan, ids, services};
use crate::spec::{
    Architecture, ByteSize, Catalog, Document, OverlayName, PackageName, Place, Problem, Problems,
    ProfileName, RootSize, ServiceName, ServiceSpec, Tree,
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

/// The plan of the profile `name`. `known` are the packages of the archive, where they are known.
pub fn resolve(
    tree: &Tree,
    name: &ProfileName,
    known: Option<&BTreeSet<PackageName>>,
) -> Result<Resolved, Problems> {
    let (resolved, problems) = check(tree, name, known);
    match resolved {
        Some(resolved) => problems.or(resolved),
        None => Err(problems),
    }
}

/// The plan as far as it can be made, and all that is wrong with the files that it is made of.
pub fn check(
    tree: &Tree,
    name: &ProfileName,
    known: Option<&BTreeSet<PackageName>>,
) -> (Option<Resolved>, Problems) {
    let mut problems = tree.catalogue().problems.clone();
    for document in tree.catalogue().documents() {
        services::check_catalog(document, &mut problems);
    }
    let mut origins = Origins::default();
    let line = inherit::lineage(tree, name, &mut problems);
    let Some((_, document)) = line.last() else { return (None, problems) };
    let here = document.place(crate::spec::Span::START);
    let mut merged = inherit::merge(tree, &line, &mut origins, &mut problems);

    let mut resolver = Resolver { tree, known, origins: &mut origins, problems: &mut problems };
    let services = resolver.services(&merged);
    let packages = resolver.packages(&merged, &services);
    let overlays = resolver.overlays(&merged, &services);
    resolver.variables(&merged);
    resolver.root_size(&merged);
    if merged.formats.is_empty() && !line.iter().any(|(_, document)| document.damaged.has("formats")) {
        let problem =
            Problem::at(here.clone(), format!("profile `{name}` has no `formats`: nothing would be built"));
        resolver.problems.push(problem.remedy("name some, as in `formats: [raw]`"));
    }
    let version = merged.scalars.version.take();
    if version.is_none() && !line.iter().any(|(_, document)| document.damaged.has("version")) {
        let problem =
            Problem::at(here, format!("profile `{name}` has no `version`, nor has any of its parents"));
        resolver.problems.push(problem.remedy("give it one, as in `version: 0.1.0`"));
    }
    let version = version.or_else(|| "0".parse().ok());
    let Some(version) = version else { return (None, problems) };

    let kernel_arguments = merged.kernel_arguments.iter().map(|item| item.value.to_string()).collect();
    let disk = Disk {
        root_size: merged.scalars.root_size.as_ref().and_then(|(size, _)| match size {
            RootSize::Auto => None,
            RootSize::Fixed(size) => Some(*size),
        }),
        kernel_arguments,
        formats: merged.formats.iter().map(|item| item.value).collect(),
        ids: ids::disk_ids(name, &version),
    };
    let plan = Plan {
        profile: name.clone(),
        summary: merged.scalars.summary.take().unwrap_or_default(),
        version,
        lineage: line.iter().map(|(name, _)| name.clone()).collect(),
        hostname: merged.scalars.hostname.take().map_or_else(|| HOSTNAME.to_owned(), String::from),
        base: Base {
            suite: SUITE.to_owned(),
            components: COMPONENTS.map(str::to_owned).to_vec(),
            architecture: Architecture::Amd64,
            packages,
        },
        units: merged.units.into_iter().map(|item| item.value).collect(),
        services: services.iter().map(|(name, (_, spec))| (name.clone(), services::planned(spec))).collect(),
        overlays,
        variables: merged.variables.into_iter().map(|(name, (value, _))| (name.to_string(), value)).collect(),
        disk: Some(disk),
    };
    (Some(Resolved { plan, origins }), problems)
}

type Services<'t> = BTreeMap<ServiceName, (&'t Document<Catalog>, &'t ServiceSpec)>;

struct Resolver<'a, 't> {
    tree: &'t Tree,
    known: Option<&'a BTreeSet<PackageName>>,
    origins: &'a mut Origins,
    problems: &'a mut Problems,
}

impl<'t> Resolver<'_, 't> {
    fn services(&mut self, merged: &Merged) -> Services<'t> {
        let catalogue = self.tree.catalogue();
        let mut found = Services::new();
        for item in &merged.services {
            if let Some((document, _, spec)) = catalogue.service(&item.value) {
                found.insert(item.value.clone(), (document, spec));
            } else if !catalogue.is_damaged(&format!("services.{}", item.value)) {
                let known = catalogue.documents().iter().flat_map(|document| document.value.services.keys());
                let problem = Problem::at(item.place.clone(), format!("unknown service `{}`", item.value));
                self.problems
                    .push(problem.nearest(item.value.as_str(), known.map(|name| name.value.as_str())));
            }
        }
        services::check_ports(&found, self.problems);
        found
    }

    fn packages(&mut self, merged: &Merged, services: &Services<'t>) -> BTreeSet<PackageName> {
        let mut wanted: Vec<(PackageName, Place)> =
            merged.packages.iter().map(|item| (item.value.0.clone(), item.place.clone())).collect();
        for (name, (document, spec)) in services {
            for package in &spec.packages {
                self.through_service("packages", package.value.as_str(), name, document.place(package.span));
                wanted.push((package.value.clone(), document.place(package.span)));
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
                let known = self.tree.overlays().keys().map(OverlayName::as_str);
                let problem = Problem::at(place, format!("unknown overlay `{overlay}`"));
                self.problems.push(problem.nearest(overlay.as_str(), known));
            } else if !overlays.contains(&overlay) {
                overlays.push(overlay);
            }
        }
        overlays
    }

    fn through_service(&mut self, list: &str, value: &str, service: &ServiceName, at: Place) {
        let key = format!("{list}.{value}");
        let place = self.origins.place(&format!("services.{service}")).cloned();
        let through = Some(format!("service `{service}` at {at}"));
        self.origins.note(key, Step { verb: Verb::Add, value: None, through, place });
    }

    fn variables(&mut self, merged: &Merged) {
        for (name, (_, place)) in &merged.variables {
            if RESERVED.contains(&name.as_str()) {
                let words = format!("the variable `{name}` is given by `nuvol` itself");
                self.problems.push(Problem::at(place.clone(), words).remedy("give yours another name"));
            }
        }
    }

    fn root_size(&mut self, merged: &Merged) {
        if let Some((RootSize::Fixed(size), place)) = &merged.scalars.root_size {
            if *size < SMALLEST_ROOT {
                let words = format!("a root of {size} is too small: the least is {SMALLEST_ROOT}");
                self.problems.push(Problem::at(place.clone(), words).remedy("write `auto` or a larger size"));
            }
        }
    }
}
