//! The index of a tar.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;
use tar::EntryType;

use super::{Body, Node, Source, Tree, WHITEOUT};

impl Tree {
    /// Reads the index of tars that lie over each other, the lowest first. Devices and pipes are left out:
    /// they belong to `/dev` and `/run`, which the running system makes.
    pub fn read<P: AsRef<Path>>(tars: &[P]) -> anyhow::Result<Self> {
        let mut tree = Self { sources: Vec::new(), nodes: BTreeMap::new() };
        for path in tars.iter().map(AsRef::as_ref) {
            let what = || format!("reading the tree `{}`", path.display());
            let nodes = tree.read_one(path).with_context(what)?;
            tree.lay_over(nodes);
            let file = File::open(path).with_context(what)?;
            tree.sources.push(Source { path: path.to_owned(), file });
        }
        Ok(tree)
    }

    /// The nodes of the tar that will be the next source.
    fn read_one(&self, path: &Path) -> anyhow::Result<BTreeMap<String, Node>> {
        let mut nodes = BTreeMap::new();
        let mut archive = tar::Archive::new(BufReader::new(File::open(path)?));
        let mut records = Records::default();
        for entry in archive.entries_with_seek()?.raw(true) {
            let mut entry = entry?;
            if records.take(&mut entry)? {
                continue;
            }
            let Records { path, target, xattrs } = std::mem::take(&mut records);
            let path = name(&path.unwrap_or_else(|| entry.path_bytes().into_owned()))?;
            let header = entry.header();
            let target = || -> anyhow::Result<String> {
                let bytes = target.or_else(|| entry.link_name_bytes().map(|it| it.into_owned()));
                let bytes = bytes.with_context(|| format!("`{path}` links to nothing"))?;
                String::from_utf8(bytes).with_context(|| format!("`{path}` links to a strange name"))
            };
            let body = match header.entry_type() {
                EntryType::Regular | EntryType::Continuous => Body::Stored {
                    source: self.sources.len(),
                    offset: entry.raw_file_position(),
                    size: entry.size(),
                },
                EntryType::Directory => Body::Folder,
                EntryType::Symlink => Body::Link(target()?),
                EntryType::Link => Body::Same(name(target()?.as_bytes())?),
                _ => continue,
            };
            let mode = header.mode()? & 0o7777;
            let (uid, gid) = (header.uid()?, header.gid()?);
            let node = Node { body, mode, uid, gid, mtime: header.mtime()?, xattrs };
            if !path.is_empty() {
                nodes.insert(path, node);
            }
        }
        lead_hard_links(&mut nodes);
        Ok(nodes)
    }

    fn lay_over(&mut self, nodes: BTreeMap<String, Node>) {
        // Few files have several names; for all others a plain insertion does.
        let first_names: BTreeSet<String> = self.nodes.values().filter_map(first_name).collect();
        for (path, node) in nodes {
            let (folder, name) =
                path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
            match name.strip_prefix(WHITEOUT) {
                Some(gone) => {
                    let path = if folder.is_empty() { gone.to_owned() } else { format!("{folder}/{gone}") };
                    let below = format!("{path}/");
                    self.remove(|it, _| it == path || it.starts_with(&below));
                }
                None => {
                    if first_names.contains(&path) {
                        self.take(&path);
                    }
                    self.nodes.insert(path, node);
                }
            }
        }
    }
}

/// The first name of a file, in order, holds its bytes; the other names point to it.
fn lead_hard_links(nodes: &mut BTreeMap<String, Node>) {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, node) in &*nodes {
        if let Body::Same(first) = &node.body {
            names.entry(first.clone()).or_default().push(path.clone());
        }
    }
    for (first, others) in names {
        let Some(leader) = others.iter().min().filter(|it| **it < first).cloned() else { continue };
        let Some(stored) = nodes.get(&first).cloned() else { continue };
        for other in others.iter().chain([&first]) {
            if let Some(node) = nodes.get_mut(other) {
                node.body = Body::Same(leader.clone());
            }
        }
        nodes.insert(leader, stored);
    }
}

fn first_name(node: &Node) -> Option<String> {
    if let Body::Same(first) = &node.body { Some(first.clone()) } else { None }
}

/// The path of an entry without `./` before and `/` behind; the root itself is empty.
fn name(bytes: &[u8]) -> anyhow::Result<String> {
    let text = std::str::from_utf8(bytes).with_context(|| format!("a file name is not UTF-8: {bytes:?}"))?;
    let short = text.strip_prefix("./").unwrap_or(text).trim_matches('/');
    Ok(if short == "." { String::new() } else { short.to_owned() })
}

/// What stands before an entry because its header has no room for it.
#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    xattrs: Vec<(String, Vec<u8>)>,
}

impl Records {
    /// Takes `entry` up if it only says something about the next one.
    fn take(&mut self, entry: &mut tar::Entry<'_, impl std::io::Read>) -> anyhow::Result<bool> {
        let mut bytes = Vec::new();
        match entry.header().entry_type() {
            EntryType::XHeader => {
                entry.read_to_end(&mut bytes)?;
                self.pax(&bytes).context("a PAX header is malformed")?;
            }
            EntryType::GNULongName => {
                entry.read_to_end(&mut bytes)?;
                self.path = Some(without_end(bytes));
            }
            EntryType::GNULongLink => {
                entry.read_to_end(&mut bytes)?;
                self.target = Some(without_end(bytes));
            }
            EntryType::XGlobalHeader => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `LENGTH KEY=VALUE\n`, again and again (pax(1)). The crate splits these at newlines, which
    /// breaks attributes that hold one.
    fn pax(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let space = bytes.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
            let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (std::str::from_utf8(&record[..equals]).ok()?, record[equals + 1..].to_vec());
            match key {
                "path" => self.path = Some(value),
                "linkpath" => self.target = Some(value),
                _ if key.starts_with("SCHILY.xattr.") => self.xattrs.push((key.to_owned(), value)),
                _ => {}
            }
            bytes = &bytes[length..];
        }
        self.xattrs.sort();
        Some(())
    }
}

fn without_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}
