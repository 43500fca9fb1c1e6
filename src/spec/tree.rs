//! A tree: `profiles/`, `packages.yaml` and `overlays/` of a folder, over those inside `nuvol`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::spec::files::{self, Files};
use crate::spec::{
    Catalog, Content, Document, File, OverlayName, PackageList, Place, Problem, Problems, Profile,
    ProfileName, ServiceName, ServiceSpec, SetName, Source, Span, read,
};

/// Everything that was written, read into memory.
#[derive(Debug)]
pub struct Tree {
    own: Vec<ProfileName>,
    profiles: BTreeMap<ProfileName, ProfileFile>,
    catalogue: Catalogue,
    overlays: BTreeMap<OverlayName, OverlayFolder>,
    keys: BTreeMap<String, Vec<u8>>,
    /// Problems of files that no profile can ask for.
    stray: Problems,
}

/// A profile, and what is wrong with its text.
#[derive(Debug)]
pub struct ProfileFile {
    /// The profile.
    pub document: Document<Profile>,
    /// What is wrong.
    pub problems: Problems,
}

/// The catalogue inside `nuvol` and the tree's own over it; of two that bear one name, the own counts.
#[derive(Debug, Default)]
pub struct Catalogue {
    documents: Vec<Document<Catalog>>,
    /// What is wrong with its text.
    pub problems: Problems,
}

/// A folder of `overlays/`: its files by path within the folder.
#[derive(Debug, Default)]
pub struct OverlayFolder {
    /// The files.
    pub files: BTreeMap<String, File>,
}

impl Tree {
    /// The folder that holds a tree, from `start` upward, as a path that leads there from `start`.
    pub fn find(start: &Path) -> anyhow::Result<PathBuf> {
        let reading = || format!("looking for a tree in `{}`", start.display());
        let depth = start.canonicalize().with_context(reading)?.components().count();
        let mut dir = start.to_owned();
        for _ in 0..depth {
            if dir.join("profiles").is_dir() {
                return Ok(dir);
            }
            dir.push("..");
        }
        bail!("no folder `profiles` in `{}` or above it; name a tree with `--tree DIR`", start.display())
    }

    /// Reads the tree in `dir`, over the one inside `nuvol`.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        if !dir.join("profiles").is_dir() {
            bail!("`{}` is not a tree: it has no folder `profiles`", dir.display());
        }
        Ok(Self::of(&files::built_in()?, &files::on_disk(dir)?))
    }

    /// The tree inside `nuvol` alone.
    pub fn built_in() -> anyhow::Result<Self> {
        Ok(Self::of(&Files::new(), &files::built_in()?))
    }

    /// A tree of these texts alone.
    #[cfg(test)]
    pub(crate) fn of_texts(texts: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| {
            let content = crate::spec::Content::File { bytes: text.as_bytes().to_vec(), executable: false };
            ((*path).to_owned(), File { name: (*path).to_owned(), content })
        };
        Self::of(&Files::new(), &texts.iter().map(file).collect())
    }

    fn of(below: &Files, own: &Files) -> Self {
        let mut tree = Self {
            own: Vec::new(),
            profiles: BTreeMap::new(),
            catalogue: Catalogue::default(),
            overlays: BTreeMap::new(),
            keys: BTreeMap::new(),
            stray: Problems::default(),
        };
        tree.add(below);
        tree.own.clear();
        tree.add(own);
        tree
    }

    fn add(&mut self, files: &Files) {
        let mut overlays: BTreeMap<OverlayName, OverlayFolder> = BTreeMap::new();
        for (path, file) in files {
            if let Some(name) = path.strip_prefix("profiles/") {
                self.add_profile(name, file);
            } else if let (Some(name), Content::File { bytes, .. }) =
                (path.strip_prefix("keys/"), &file.content)
            {
                self.keys.insert(name.to_owned(), bytes.clone());
            } else if path == "packages.yaml" {
                let (document, problems) = match file.source() {
                    Ok(source) => read(&source),
                    Err(problem) => (damaged(file), problem.into()),
                };
                self.catalogue.documents.push(document);
                self.catalogue.problems.extend(problems);
            } else if let Some((name, rest)) =
                path.strip_prefix("overlays/").and_then(|it| it.split_once('/'))
            {
                match name.parse::<OverlayName>() {
                    Ok(name) => {
                        overlays.entry(name).or_default().files.insert(rest.to_owned(), file.clone());
                    }
                    Err(wrong) => {
                        let place =
                            Place { source: Arc::new(empty(&format!("overlays/{name}"))), span: Span::START };
                        self.stray.push(Problem::at(place, wrong).remedy("rename the folder"));
                    }
                }
            }
        }
        self.overlays.extend(overlays);
    }

    fn add_profile(&mut self, file_name: &str, file: &File) {
        let place = || Place { source: Arc::new(empty(&file.name)), span: Span::START };
        let Some(name) = file_name.strip_suffix(".yaml") else {
            if file_name.ends_with(".yml") {
                self.stray
                    .push(Problem::at(place(), "a profile's file ends in `.yaml`").remedy("rename the file"));
            }
            return;
        };
        let name: ProfileName = match name.parse() {
            Ok(name) => name,
            Err(wrong) => return self.stray.push(Problem::at(place(), wrong).remedy("rename the file")),
        };
        let (document, problems) = match file.source() {
            Ok(source) => read(&source),
            Err(problem) => (damaged(file), problem.into()),
        };
        self.own.push(name.clone());
        self.profiles.insert(name, ProfileFile { document, problems });
    }

    /// The profiles of the tree itself, without those that only `nuvol` has.
    pub fn own_profiles(&self) -> &[ProfileName] {
        &self.own
    }

    /// Every profile that can be built or extended.
    pub fn profiles(&self) -> &BTreeMap<ProfileName, ProfileFile> {
        &self.profiles
    }

    /// Sets and services.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Folders of `overlays/`.
    pub fn overlays(&self) -> &BTreeMap<OverlayName, OverlayFolder> {
        &self.overlays
    }

    /// The files of `keys/` by name.
    pub fn keys(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.keys
    }

    /// Problems of files that no profile can ask for, such as a file name that is no profile name.
    pub fn stray_problems(&self) -> &Problems {
        &self.stray
    }
}

impl Catalogue {
    /// The files, the one that counts most last.
    pub fn documents(&self) -> &[Document<Catalog>] {
        &self.documents
    }

    /// A set, with the file that holds it.
    pub fn set(&self, name: &SetName) -> Option<(&Document<Catalog>, &PackageList)> {
        self.documents.iter().rev().find_map(|document| {
            let found = document.value.sets.iter().find(|(key, _)| key.value == *name);
            found.map(|(_, packages)| (document, packages))
        })
    }

    /// A service, with the file that holds it and the place of its name.
    pub fn service(&self, name: &ServiceName) -> Option<(&Document<Catalog>, Span, &ServiceSpec)> {
        self.documents.iter().rev().find_map(|document| {
            let found = document.value.services.iter().find(|(key, _)| key.value == *name);
            found.map(|(key, service)| (document, key.span, service))
        })
    }

    /// The names of all services, also of those that could not be read.
    pub fn service_names(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().flat_map(|document| {
            let read = document.value.services.keys().map(|name| name.value.as_str());
            read.chain(document.damaged.below("services"))
        })
    }

    /// Whether `key` (`services.syncthing`) stands there but could not be read.
    pub fn is_damaged(&self, key: &str) -> bool {
        self.documents.iter().any(|document| document.damaged.has(key))
    }
}

fn empty(name: &str) -> Source {
    Source { name: name.to_owned(), text: String::new() }
}

fn damaged<T: Default>(file: &File) -> Document<T> {
    Document {
        source: Arc::new(empty(&file.name)),
        value: T::default(),
        damaged: crate::spec::Damaged::wholly(),
    }
}
