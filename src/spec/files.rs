//! The files of a tree in memory: from a folder, or from the archive that `nuvol` carries.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::spec::{Place, Problem, Source, Span};

/// The parts of a tree that are read; nothing else in the folder is looked at.
const PARTS: [&str; 4] = ["keys", "overlays", "packages.yaml", "profiles"];

/// The tree that comes with `nuvol`, as a tar made by `build.rs`.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tree.tar"));

/// A file or symbolic link of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Name for messages.
    pub name: String,
    /// What it holds.
    pub content: Content,
}

impl File {
    /// Its text; a link, or bytes that are no text, are a problem.
    pub fn source(&self) -> Result<Arc<Source>, Problem> {
        let wrong = |words: &str| {
            let source = Arc::new(Source { name: self.name.clone(), text: String::new() });
            Problem::at(Place { source, span: Span::START }, words)
        };
        match &self.content {
            Content::Link(_) => {
                Err(wrong("this is a symbolic link and must be a file").remedy("put the text itself here"))
            }
            Content::File { bytes, .. } => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Arc::new(Source { name: self.name.clone(), text: text.to_owned() })),
                Err(error) => {
                    let words = format!("byte {} of this file is not UTF-8", error.valid_up_to() + 1);
                    Err(wrong(&words).remedy("save it as UTF-8"))
                }
            },
        }
    }
}

/// What a file of a tree holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A regular file.
    File {
        /// Its content.
        bytes: Vec<u8>,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link to this target.
    Link(String),
}

/// Files by path within the tree. Folders are there by what they hold.
pub(super) type Files = BTreeMap<String, File>;

/// Reads the tree in `dir`.
pub(super) fn on_disk(dir: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for part in PARTS {
        let path = dir.join(part);
        if path.symlink_metadata().is_ok() {
            walk(&path, part, &shown(dir), &mut files)?;
        }
    }
    Ok(files)
}

/// What messages write before a path of the tree in `dir`, so that it leads there from here.
fn shown(dir: &Path) -> String {
    let dir = dir.to_string_lossy();
    let dir = dir.trim_start_matches("./").trim_end_matches('/');
    if dir.is_empty() || dir == "." { String::new() } else { format!("{dir}/") }
}

fn walk(path: &Path, name: &str, shown: &str, files: &mut Files) -> anyhow::Result<()> {
    let reading = || format!("reading `{}`", path.display());
    let metadata = path.symlink_metadata().with_context(reading)?;
    let content = if metadata.is_dir() {
        for entry in fs::read_dir(path).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else {
                bail!("the name of `{}` is not UTF-8; rename it", entry.path().display());
            };
            if !is_leftover(file_name) {
                walk(&entry.path(), &format!("{name}/{file_name}"), shown, files)?;
            }
        }
        return Ok(());
    } else if metadata.is_symlink() {
        let target = fs::read_link(path).with_context(reading)?;
        let Some(target) = target.to_str() else {
            bail!("the target of the link `{}` is not UTF-8; rename it", path.display());
        };
        Content::Link(target.to_owned())
    } else if metadata.is_file() {
        let executable = metadata.permissions().mode() & 0o111 != 0;
        Content::File { bytes: fs::read(path).with_context(reading)?, executable }
    } else {
        bail!("`{}` is neither a file, a folder nor a link; take it out of the tree", path.display());
    };
    files.insert(name.to_owned(), File { name: format!("{shown}{name}"), content });
    Ok(())
}

/// What editors leave behind.
fn is_leftover(name: &str) -> bool {
    name.ends_with('~') || name.ends_with(".swp") || name.starts_with(".#")
}

/// The tree that comes with `nuvol`.
pub(super) fn built_in() -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut archive = tar::Archive::new(BUILT_IN);
    for entry in archive.entries().context("reading the tree inside `nuvol`")? {
        let mut entry = entry.context("reading the tree inside `nuvol`")?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let content = if let Some(target) = entry.link_name_bytes() {
            Content::Link(String::from_utf8_lossy(&target).into_owned())
        } else {
            let executable = entry.header().mode().context("reading the tree inside `nuvol`")? & 0o111 != 0;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(|| format!("reading `{path}` inside `nuvol`"))?;
            Content::File { bytes, executable }
        };
        files.insert(path.clone(), File { name: format!("nuvol:{path}"), content });
    }
    Ok(files)
}
