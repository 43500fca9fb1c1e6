//! A file tree in a tar: read as an index, changed by name, written in canonical form (sorted,
//! parents first, times no later than the epoch), so that the same tree gives the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tar::{EntryType, Header};

/// The tree. Paths have no leading `/` (`etc/fstab`).
pub struct Tree {
    source: PathBuf,
    nodes: BTreeMap<String, Node>,
}

/// A file, folder or link of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub body: Body,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Seconds since 1970.
    pub mtime: u64,
    /// Extended attributes, as PAX records (`SCHILY.xattr.security.capability`).
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A regular file whose bytes lie in the source tar.
    Stored {
        /// Where they begin.
        offset: u64,
        /// How many they are.
        size: u64,
    },
    /// A regular file with these bytes.
    Bytes(Vec<u8>),
    /// A symbolic link.
    Link(String),
    /// Another name of the file at this path.
    Same(String),
    /// A folder.
    Folder,
}

impl Tree {
    /// Reads the index of `source`. Devices and pipes are left out: they belong to `/dev` and
    /// `/run`, which the running system makes.
    pub fn read(source: &Path) -> anyhow::Result<Self> {
        let what = || format!("reading the tree `{}`", source.display());
        let mut nodes = BTreeMap::new();
        let mut archive = tar::Archive::new(BufReader::new(File::open(source).with_context(what)?));
        let mut records = Records::default();
        for entry in archive.entries_with_seek().with_context(what)?.raw(true) {
            let mut entry = entry.with_context(what)?;
            if records.take(&mut entry).with_context(what)? {
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
                EntryType::Regular | EntryType::Continuous => {
                    Body::Stored { offset: entry.raw_file_position(), size: entry.size() }
                }
                EntryType::Directory => Body::Folder,
                EntryType::Symlink => Body::Link(target()?),
                EntryType::Link => Body::Same(name(target()?.as_bytes())?),
                _ => continue,
            };
            let mode = header.mode().with_context(what)? & 0o7777;
            let (uid, gid) = (header.uid().with_context(what)?, header.gid().with_context(what)?);
            let node = Node { body, mode, uid, gid, mtime: header.mtime().with_context(what)?, xattrs };
            if !path.is_empty() {
                nodes.insert(path, node);
            }
        }
        let mut tree = Self { source: source.to_owned(), nodes };
        tree.lead_hard_links();
        Ok(tree)
    }

    /// All nodes in order.
    pub fn nodes(&self) -> &BTreeMap<String, Node> {
        &self.nodes
    }

    /// The node at `path`.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Takes away what `unwanted` says; hard links to something taken away keep its bytes.
    pub fn remove(&mut self, unwanted: impl Fn(&str, &Node) -> bool) {
        let gone: Vec<String> = self
            .nodes
            .iter()
            .filter(|(path, node)| unwanted(path, node))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            self.take(&path);
        }
    }

    /// Puts `node` at `path`, in place of what is there, and makes missing parents.
    pub fn insert(&mut self, path: &str, node: Node) -> anyhow::Result<()> {
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            match self.nodes.get(parent).map(|it| &it.body) {
                Some(Body::Folder) => {}
                Some(Body::Link(target)) => {
                    anyhow::bail!(
                        "`/{path}` lies behind the link `/{parent}` to `{target}`; write the real path"
                    )
                }
                Some(_) => anyhow::bail!("`/{path}` lies below `/{parent}`, which is a file"),
                None => {
                    let folder =
                        Node { body: Body::Folder, mode: 0o755, uid: 0, gid: 0, xattrs: Vec::new(), ..node };
                    self.nodes.insert(parent.to_owned(), folder);
                }
            }
        }
        self.take(path);
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// The bytes of the regular file at `path`, if there is one.
    pub fn bytes(&self, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match self.nodes.get(path).map(|node| &node.body) {
            Some(Body::Bytes(bytes)) => Ok(Some(bytes.clone())),
            Some(Body::Stored { offset, size }) => {
                let what = || format!("reading `{path}` of `{}`", self.source.display());
                let mut file = File::open(&self.source).with_context(what)?;
                file.seek(SeekFrom::Start(*offset)).with_context(what)?;
                let mut bytes = Vec::new();
                file.take(*size).read_to_end(&mut bytes).with_context(what)?;
                Ok(Some(bytes))
            }
            Some(Body::Same(first)) => self.bytes(first),
            _ => Ok(None),
        }
    }

    /// The text of the regular file at `path`; it must be there.
    pub fn text(&self, path: &str) -> anyhow::Result<String> {
        let bytes = self.bytes(path)?.with_context(|| format!("the tree has no file `/{path}`"))?;
        String::from_utf8(bytes).with_context(|| format!("`/{path}` is not text"))
    }

    /// Writes the tree as a tar; nothing in it is younger than `epoch`.
    pub fn write(&self, out: &mut dyn Write, epoch: u64) -> anyhow::Result<()> {
        let what = || "writing the root file system".to_owned();
        let mut source = File::open(&self.source).with_context(what)?;
        let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 20, out));
        for (path, node) in &self.nodes {
            append(&mut builder, &mut source, path, node, epoch)
                .with_context(|| format!("writing `/{path}`"))?;
        }
        let mut file = builder.into_inner().with_context(what)?;
        file.flush().with_context(what)
    }

    /// The first name of a file, in order, holds its bytes; the other names point to it.
    fn lead_hard_links(&mut self) {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (path, node) in &self.nodes {
            if let Body::Same(first) = &node.body {
                names.entry(first.clone()).or_default().push(path.clone());
            }
        }
        for (first, others) in names {
            let Some(leader) = others.iter().min().filter(|it| **it < first).cloned() else { continue };
            let Some(stored) = self.nodes.get(&first).cloned() else { continue };
            for other in others.iter().chain([&first]) {
                if let Some(node) = self.nodes.get_mut(other) {
                    node.body = Body::Same(leader.clone());
                }
            }
            self.nodes.insert(leader, stored);
        }
    }

    /// Removes one node; the next name of its bytes, if any, takes them over.
    fn take(&mut self, path: &str) {
        let Some(node) = self.nodes.remove(path) else { return };
        let mut heirs = self.nodes.iter_mut().filter(|(_, it)| it.body == Body::Same(path.to_owned()));
        if let Some((heir, first)) = heirs.next() {
            let heir = heir.clone();
            first.body = node.body;
            heirs.for_each(|(_, it)| it.body = Body::Same(heir.clone()));
        }
    }
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

fn append(
    builder: &mut tar::Builder<BufWriter<&mut dyn Write>>,
    source: &mut File,
    path: &str,
    node: &Node,
    epoch: u64,
) -> anyhow::Result<()> {
    if !node.xattrs.is_empty() {
        builder
            .append_pax_extensions(node.xattrs.iter().map(|(key, value)| (key.as_str(), value.as_slice())))?;
    }
    let mut header = Header::new_gnu();
    header.set_mode(node.mode);
    header.set_uid(node.uid);
    header.set_gid(node.gid);
    header.set_mtime(node.mtime.min(epoch));
    header.set_size(0);
    match &node.body {
        Body::Stored { offset, size } => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
            source.seek(SeekFrom::Start(*offset))?;
            builder.append_data(&mut header, path, source.take(*size))?;
        }
        Body::Bytes(bytes) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice())?;
        }
        Body::Folder => {
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("{path}/"), std::io::empty())?;
        }
        Body::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            builder.append_link(&mut header, path, target)?;
        }
        Body::Same(first) => {
            header.set_entry_type(EntryType::Link);
            builder.append_link(&mut header, path, first)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::{Body, Node, Tree};

    fn file(text: &str) -> Node {
        let body = Body::Bytes(text.as_bytes().to_vec());
        Node { body, mode: 0o644, uid: 0, gid: 0, mtime: 100, xattrs: Vec::new() }
    }

    fn tar(dir: &Path, nodes: &[(&str, Node)]) -> Tree {
        let (first, second) = (dir.join("a.tar"), dir.join("b.tar"));
        tar::Builder::new(File::create(&first).unwrap()).finish().unwrap();
        let mut tree = Tree::read(&first).unwrap();
        for (path, node) in nodes {
            tree.insert(path, node.clone()).unwrap();
        }
        tree.write(&mut File::create(&second).unwrap(), 50).unwrap();
        Tree::read(&second).unwrap()
    }

    #[test]
    fn a_tree_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut capable = file("ping");
        capable.xattrs = vec![("SCHILY.xattr.security.capability".into(), vec![1, 0, b'\n', 2])];
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(180));
        let tree = tar(
            dir.path(),
            &[("usr/bin/ping", capable.clone()), (&long, file("x")), ("etc/.hidden.", file(""))],
        );
        assert_eq!(tree.get("usr/bin/ping").unwrap().xattrs, capable.xattrs);
        assert_eq!(tree.text("usr/bin/ping").unwrap(), "ping");
        assert_eq!(tree.get("usr").unwrap().body, Body::Folder);
        assert_eq!(tree.get("usr/bin/ping").unwrap().mtime, 50);
        assert_eq!(tree.text(&long).unwrap(), "x");
        assert!(tree.get("etc/.hidden.").is_some());
    }

    #[test]
    fn hard_links_survive_sorting_and_removal() {
        let dir = tempfile::tempdir().unwrap();
        let link = |to: &str| Node { body: Body::Same(to.into()), ..file("") };
        let mut tree = tar(dir.path(), &[("z", file("bytes")), ("a", link("z")), ("m", link("z"))]);
        assert!(matches!(tree.get("a").unwrap().body, Body::Stored { .. }));
        assert_eq!(tree.get("z").unwrap().body, Body::Same("a".into()));
        tree.remove(|path, _| path == "a");
        assert_eq!(tree.text("z").unwrap(), "bytes");
        assert_eq!(tree.text("m").unwrap(), "bytes");
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let one = tar(dir.path(), &[("b", file("1")), ("a/c", file("2"))]);
        one.write(&mut File::create(dir.path().join("1")).unwrap(), 9).unwrap();
        let two = tar(dir.path(), &[("a/c", file("2")), ("b", file("1"))]);
        two.write(&mut File::create(dir.path().join("2")).unwrap(), 9).unwrap();
        assert_eq!(
            std::fs::read(dir.path().join("1")).unwrap(),
            std::fs::read(dir.path().join("2")).unwrap()
        );
    }

    #[test]
    fn a_path_behind_a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = Node { body: Body::Link("usr/lib".into()), ..file("") };
        let mut tree = tar(dir.path(), &[("lib", link)]);
        let err = tree.insert("lib/x", file("")).unwrap_err();
        assert_eq!(err.to_string(), "`/lib/x` lies behind the link `/lib` to `usr/lib`; write the real path");
    }
}
