//! What `extends:` means: a profile and its parents laid over each other, each value with its history.

use std::collections::BTreeMap;
use std::fmt;

use crate::plan::origin::{Origins, Step, Verb};
use crate::spec::{
    Architecture, At, Document, Format, KernelArgument, KeyringName, MirrorUrl, Only, OverlayName,
    PackageName, PackageRef, Place, Problem, Problems, Profile, ProfileName, RootSize, Scalar, ServiceName,
    SetName, SnapshotTime, Span, Tree, UnitName, VariableName,
};

/// A profile with all that it inherits.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) scalars: Scalars,
    /// Each package with the set that brought it, where one did.
    pub(super) packages: Vec<Item<(PackageName, Option<SetName>)>>,
    pub(super) services: Vec<Item<ServiceName>>,
    pub(super) overlays: Vec<Item<OverlayName>>,
    pub(super) units: Vec<Item<UnitName>>,
    pub(super) formats: Vec<Item<Format>>,
    pub(super) kernel_arguments: Vec<Item<KernelArgument>>,
    pub(super) variables: BTreeMap<VariableName, (Scalar, Place)>,
}

/// Values of which the last one counts.
#[derive(Debug, Default)]
pub(super) struct Scalars {
    pub(super) summary: Option<String>,
    pub(super) version: Option<crate::spec::Version>,
    pub(super) hostname: Option<crate::spec::HostName>,
    pub(super) filesystem: Option<crate::spec::FileSystem>,
    pub(super) root_size: Option<(RootSize, Place)>,
    pub(super) mirror: Option<MirrorUrl>,
    pub(super) keyring: Option<(KeyringName, Place)>,
    pub(super) snapshot: Option<SnapshotTime>,
}

/// An entry of a list and where it was given.
#[derive(Debug, Clone)]
pub(super) struct Item<T> {
    pub(super) value: T,
    /// The architecture that it counts for; `None` means all.
    pub(super) on: Option<Architecture>,
    pub(super) place: Place,
}

/// A profile and its parents.
#[derive(Debug, Default)]
pub(super) struct Line<'t> {
    /// The root of all first.
    pub(super) profiles: Vec<(ProfileName, &'t Document<Profile>)>,
    /// Whether it has a root: no parent is unknown, none extends its own child.
    pub(super) complete: bool,
}

impl Line<'_> {
    /// Whether some profile of the line could not say `key` for damage.
    pub(super) fn is_damaged(&self, key: &str) -> bool {
        !self.complete || self.profiles.iter().any(|(_, document)| document.damaged.has(key))
    }
}

/// The profile `name` and its parents.
pub(super) fn lineage<'t>(tree: &'t Tree, name: &ProfileName, problems: &mut Problems) -> Line<'t> {
    let mut line = Line::default();
    let mut next = name.clone();
    let mut asked_at: Option<Place> = None;
    loop {
        let Some(file) = tree.profiles().get(&next) else {
            problems.push(unknown_profile(tree, &next, asked_at));
            break;
        };
        problems.extend(file.problems.clone());
        line.profiles.push((next.clone(), &file.document));
        let Some(parent) = &file.document.value.extends else {
            line.complete = !file.document.damaged.has("extends");
            break;
        };
        if let Some(start) = line.profiles.iter().position(|(seen, _)| *seen == parent.value) {
            problems.extend(circle(&line.profiles[start..]));
            break;
        }
        next = parent.value.clone();
        asked_at = Some(file.document.place(parent.span));
    }
    line.profiles.reverse();
    line
}

fn unknown_profile(tree: &Tree, name: &ProfileName, asked_at: Option<Place>) -> Problem {
    let kind = if asked_at.is_some() { "parent profile" } else { "profile" };
    let problem = Problem { place: asked_at, ..Problem::anywhere(format!("unknown {kind} `{name}`")) };
    problem.nearest(name.as_str(), tree.profiles().keys().map(ProfileName::as_str))
}

/// The circle is told from its first name in the alphabet, so that it is one problem whoever runs into it.
fn circle(profiles: &[(ProfileName, &Document<Profile>)]) -> Problems {
    let least = profiles.iter().enumerate().min_by_key(|(_, (name, _))| name).map_or(0, |(index, _)| index);
    let (after, before) = (&profiles[least..], &profiles[..least]);
    let Some((first, document)) = after.first() else { return Problems::default() };
    let names: Vec<&str> = after.iter().chain(before).map(|(name, _)| name.as_str()).collect();
    let cause = format!("profiles extend each other in a circle: {} -> {first}", names.join(" -> "));
    let span = document.value.extends.as_ref().map_or(Span::START, |parent| parent.span);
    Problem::at(document.place(span), cause).remedy("take one `extends` of the circle out").into()
}

/// Lays the profiles over each other, and keeps what counts for `architecture`.
pub(super) fn merge(
    tree: &Tree,
    line: &Line<'_>,
    architecture: Architecture,
    origins: &mut Origins,
    problems: &mut Problems,
) -> Merged {
    let mut merged = Merged::default();
    for (_, document) in &line.profiles {
        let mut layer = Layer { tree, document, origins, problems };
        let (add, remove) = (&document.value, &document.value.remove);
        layer.scalars(&mut merged.scalars);
        layer.packages(&mut merged.packages);
        layer.list("services", &mut merged.services, &remove.services, &everywhere(&add.services));
        layer.list("overlays", &mut merged.overlays, &remove.overlays, &everywhere(&add.overlays));
        layer.list("units", &mut merged.units, &remove.units, &everywhere(&add.units));
        layer.list("formats", &mut merged.formats, &remove.formats, &everywhere(&add.formats));
        layer.list(
            "kernel-arguments",
            &mut merged.kernel_arguments,
            &remove.kernel_arguments,
            &add.kernel_arguments,
        );
        layer.variables(&mut merged.variables);
    }
    let counts = |on: Option<Architecture>| on.is_none_or(|on| on == architecture);
    merged.packages.retain(|item| counts(item.on));
    merged.kernel_arguments.retain(|item| counts(item.on));
    merged
}

fn everywhere<T: Clone>(list: &[At<T>]) -> Vec<At<Only<T>>> {
    let only = |it: &At<T>| At { value: Only { value: it.value.clone(), on: None }, span: it.span };
    list.iter().map(only).collect()
}

/// One profile being laid over its parents.
struct Layer<'a> {
    tree: &'a Tree,
    document: &'a Document<Profile>,
    origins: &'a mut Origins,
    problems: &'a mut Problems,
}

impl Layer<'_> {
    fn note(&mut self, key: String, verb: Verb, value: Option<String>, place: &Place) {
        let step = Step { verb, value, through: None, place: Some(place.clone()) };
        self.origins.note(key, step);
    }

    fn scalar<T: Clone + fmt::Display>(&mut self, key: &str, have: &mut Option<T>, given: Option<&At<T>>) {
        if let Some(given) = given {
            let place = self.document.place(given.span);
            self.note(key.to_owned(), Verb::Set, Some(given.value.to_string()), &place);
            *have = Some(given.value.clone());
        }
    }

    fn scalars(&mut self, have: &mut Scalars) {
        let profile = &self.document.value;
        self.scalar("summary", &mut have.summary, profile.summary.as_ref());
        self.scalar("version", &mut have.version, profile.version.as_ref());
        self.scalar("hostname", &mut have.hostname, profile.hostname.as_ref());
        if let Some(disk) = &profile.disk {
            let root = &disk.value.root;
            self.scalar("disk.root.filesystem", &mut have.filesystem, root.filesystem.as_ref());
            let mut size = None;
            self.scalar("disk.root.size", &mut size, root.size.as_ref());
            if let (Some(size), Some(at)) = (size, &root.size) {
                have.root_size = Some((size, self.document.place(at.span)));
            }
        }
        if let Some(archive) = &profile.archive {
            let archive = &archive.value;
            self.scalar("archive.mirror", &mut have.mirror, archive.mirror.as_ref());
            self.scalar("archive.snapshot", &mut have.snapshot, archive.snapshot.as_ref());
            let mut keyring = None;
            self.scalar("archive.keyring", &mut keyring, archive.keyring.as_ref());
            if let (Some(keyring), Some(at)) = (keyring, &archive.keyring) {
                have.keyring = Some((keyring, self.document.place(at.span)));
            }
        }
    }

    fn list<T: Clone + Eq + fmt::Display>(
        &mut self,
        key: &str,
        have: &mut Vec<Item<T>>,
        remove: &[At<T>],
        add: &[At<Only<T>>],
    ) {
        for gone in remove {
            let place = self.document.place(gone.span);
            let before = have.len();
            have.retain(|item| item.value != gone.value);
            if have.len() == before {
                let known: Vec<String> = have.iter().map(|item| item.value.to_string()).collect();
                self.not_there(key, &gone.value.to_string(), place, &known);
            } else {
                self.note(format!("{key}.{}", gone.value), Verb::Remove, None, &place);
            }
        }
        for (index, new) in add.iter().enumerate() {
            let place = self.document.place(new.span);
            if let Some(first) = add[..index].iter().find(|first| first.value == new.value) {
                self.twice(key, &new.value.to_string(), place, first.span);
                continue;
            }
            let Only { value, on } = &new.value;
            self.note(format!("{key}.{value}"), Verb::Add, None, &place);
            if !have.iter().any(|item| item.value == *value && item.on == *on) {
                have.push(Item { value: value.clone(), on: *on, place });
            }
        }
    }

    fn packages(&mut self, have: &mut Vec<Item<(PackageName, Option<SetName>)>>) {
        let document = self.document;
        for gone in &document.value.remove.packages {
            let place = document.place(gone.span);
            let matches = |item: &Item<(PackageName, Option<SetName>)>| match &gone.value {
                PackageRef::Package(name) => item.value.0 == *name,
                PackageRef::Set(set) => item.value.1.as_ref() == Some(set),
            };
            let removed: Vec<PackageName> =
                have.iter().filter(|item| matches(item)).map(|item| item.value.0.clone()).collect();
            have.retain(|item| !matches(item));
            if removed.is_empty() {
                let known = have.iter().flat_map(|item| {
                    let (package, set) = &item.value;
                    [Some(package.to_string()), set.as_ref().map(|set| format!("@{set}"))]
                });
                let known: Vec<String> = known.flatten().collect();
                self.not_there("packages", &gone.value.to_string(), place, &known);
                continue;
            }
            for name in removed {
                self.note(format!("packages.{name}"), Verb::Remove, None, &place);
            }
        }
        for (index, new) in document.value.packages.iter().enumerate() {
            let place = document.place(new.span);
            if let Some(first) =
                document.value.packages[..index].iter().find(|first| first.value == new.value)
            {
                self.twice("packages", &new.value.to_string(), place, first.span);
                continue;
            }
            let on = new.value.on;
            match &new.value.value {
                PackageRef::Package(name) => {
                    self.note(format!("packages.{name}"), Verb::Add, None, &place);
                    have.push(Item { value: (name.clone(), None), on, place });
                }
                PackageRef::Set(set) => {
                    let first = have.len();
                    self.set(set, &place, have);
                    have[first..].iter_mut().for_each(|item| item.on = item.on.or(on));
                }
            }
        }
    }

    fn set(&mut self, set: &SetName, place: &Place, have: &mut Vec<Item<(PackageName, Option<SetName>)>>) {
        let catalogue = self.tree.catalogue();
        let Some((document, packages)) = catalogue.set(set) else {
            if !catalogue.is_damaged(&format!("sets.{set}")) {
                let known: Vec<String> = catalogue
                    .documents()
                    .iter()
                    .flat_map(|document| document.value.sets.keys())
                    .map(|known| format!("@{}", known.value))
                    .collect();
                let problem = Problem::at(place.clone(), format!("unknown package set `@{set}`"));
                self.problems.push(problem.nearest(&format!("@{set}"), known.iter().map(String::as_str)));
            }
            return;
        };
        for package in packages {
            let through = Some(format!("set `@{set}` at {}", document.place(package.span)));
            let step = Step { verb: Verb::Add, value: None, through, place: Some(place.clone()) };
            let Only { value: name, on } = &package.value;
            self.origins.note(format!("packages.{name}"), step);
            let value = (name.clone(), Some(set.clone()));
            have.push(Item { value, on: *on, place: document.place(package.span) });
        }
    }

    fn variables(&mut self, have: &mut BTreeMap<VariableName, (Scalar, Place)>) {
        let profile = &self.document.value;
        for gone in &profile.remove.variables {
            let place = self.document.place(gone.span);
            if have.remove(&gone.value).is_none() {
                let known: Vec<String> = have.keys().map(ToString::to_string).collect();
                self.not_there("variables", gone.value.as_str(), place, &known);
            } else {
                self.note(format!("variables.{}", gone.value), Verb::Remove, None, &place);
            }
        }
        for (name, value) in &profile.variables {
            let place = self.document.place(value.span);
            let key = format!("variables.{}", name.value);
            self.note(key, Verb::Set, Some(value.value.to_string()), &place);
            have.insert(name.value.clone(), (value.value.clone(), self.document.place(name.span)));
        }
    }

    fn not_there(&mut self, key: &str, name: &str, place: Place, known: &[String]) {
        let problem = Problem::at(place, format!("`remove.{key}` names `{name}`, which no parent gives"))
            .remedy("take it out of `remove`");
        self.problems.push(problem.nearest(name, known.iter().map(String::as_str)));
    }

    fn twice(&mut self, key: &str, name: &str, place: Place, first: Span) {
        let first = self.document.place(first);
        let problem = Problem::at(place, format!("`{name}` stands twice in `{key}`"));
        self.problems.push(problem.remedy("keep one of the two").related(first, "first here"));
    }
}
