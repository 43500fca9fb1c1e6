//! A file tree in tars: read as an index, changed by name, written in canonical form (sorted,
//! parents first, times no later than the epoch), so that the same tree gives the same bytes.
//!
//! Tars lie over each other as the layers of container images do: a later one adds, replaces, and takes
//! away by whiteouts (OCI image specification, "Image Layer Filesystem Changeset").

mod lay;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use anyhow::Context as _;

pub use write::{BUFFER, append_file};

/// A file of this name with another's behind it takes that one away, with all below it.
pub const WHITEOUT: &str = ".wh.";

/// The tree. Paths have no leading `/` (`etc/fstab`).
pub struct Tree {
    sources: Vec<Source>,
    nodes: BTreeMap<String, Node>,
}

struct Source {
    path: PathBuf,
    file: File,
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
    /// A regular file whose bytes lie in a tar.
    Stored {
        /// Number of the tar, the lowest first.
        source: usize,
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
        // Looking for heirs among all nodes takes long; few files have any.
        let mut shared: BTreeSet<String> = self.nodes.values().filter_map(|it| it.body.same()).collect();
        for path in gone {
            if shared.contains(&path) {
                shared.extend(self.take(&path));
            } else {
                self.nodes.remove(&path);
            }
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
            Some(Body::Stored { source, offset, size }) => {
                let Source { path: tar, file } = &self.sources[*source];
                let what = || format!("reading `{path}` of `{}`", tar.display());
                let mut bytes = vec![0; usize::try_from(*size).with_context(what)?];
                file.read_exact_at(&mut bytes, *offset).with_context(what)?;
                Ok(Some(bytes))
            }
            Some(Body::Same(first)) => self.bytes(first),
            _ => Ok(None),
        }
    }

    /// Bytes of the regular file `node` of this tree, from its byte `at` on, as many as `to` takes.
    pub fn read_at(&self, node: &Node, at: u64, to: &mut [u8]) -> anyhow::Result<()> {
        match &node.body {
            Body::Stored { source, offset, .. } => {
                let Source { path: tar, file } = &self.sources[*source];
                file.read_exact_at(to, offset + at).with_context(|| format!("reading `{}`", tar.display()))
            }
            Body::Bytes(bytes) => {
                let from = usize::try_from(at)?;
                let part = bytes.get(from..from + to.len()).context("reading beyond a file's end")?;
                to.copy_from_slice(part);
                Ok(())
            }
            _ => anyhow::bail!("only regular files have bytes"),
        }
    }

    /// The text of the regular file at `path`; it must be there.
    pub fn text(&self, path: &str) -> anyhow::Result<String> {
        let bytes = self.bytes(path)?.with_context(|| format!("the tree has no file `/{path}`"))?;
        String::from_utf8(bytes).with_context(|| format!("`/{path}` is not text"))
    }

    /// Removes one node; the next name of its bytes, if any, takes them over and is returned.
    fn take(&mut self, path: &str) -> Option<String> {
        let node = self.nodes.remove(path)?;
        let gone = Body::Same(path.to_owned());
        let mut heirs = self.nodes.iter_mut().filter(|(_, it)| it.body == gone);
        let (heir, first) = heirs.next()?;
        let heir = heir.clone();
        first.body = node.body;
        heirs.for_each(|(_, it)| it.body = Body::Same(heir.clone()));
        Some(heir)
    }
}

impl Body {
    /// The path that this is another name of.
    fn same(&self) -> Option<String> {
        if let Self::Same(first) = self { Some(first.clone()) } else { None }
    }
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
        let mut tree = Tree::read(&[first]).unwrap();
        for (path, node) in nodes {
            tree.insert(path, node.clone()).unwrap();
        }
        tree.write(&mut File::create(&second).unwrap(), 50).unwrap();
        Tree::read(&[second]).unwrap()
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
    fn a_layer_adds_replaces_and_takes_away() {
        let dir = tempfile::tempdir().unwrap();
        let link = |to: &str| Node { body: Body::Same(to.into()), ..file("") };
        let nodes =
            [("a/x", file("old")), ("a/y", file("gone")), ("b/deep/z", file("gone")), ("c", file("1"))];
        tar(dir.path(), &[&nodes[..], &[("d", link("c"))]].concat());
        std::fs::rename(dir.path().join("b.tar"), dir.path().join("below.tar")).unwrap();
        let above = [("a/x", file("new")), ("a/.wh.y", file("")), (".wh.b", file("")), ("c", file("2"))];
        tar(dir.path(), &above);
        let tree = Tree::read(&["below.tar", "b.tar"].map(|name| dir.path().join(name))).unwrap();
        assert_eq!(tree.nodes().keys().map(String::as_str).collect::<Vec<_>>(), ["a", "a/x", "c", "d"]);
        assert_eq!(tree.text("a/x").unwrap(), "new");
        assert_eq!(tree.text("c").unwrap(), "2");
        assert_eq!(tree.text("d").unwrap(), "1");
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
