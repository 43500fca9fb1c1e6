//! Two trees, side by side: what differs, path by path.

use std::collections::BTreeSet;
use std::fmt;

use super::tree::{Body, Node, Tree};

/// A path at which two trees differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path, without `/` before.
    pub path: String,
    /// In which way.
    pub how: How,
}

/// In which way two trees differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The path is in the first tree only.
    OnlyFirst,
    /// The path is in the second tree only.
    OnlySecond,
    /// File, folder or link.
    Kind,
    /// Where a link leads.
    Target,
    /// Permission bits.
    Mode,
    /// User or group.
    Owner,
    /// Capabilities or access lists.
    Attributes,
    /// What is in a file.
    Bytes,
    /// The time of its last change.
    Time,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            How::OnlyFirst => "only-first",
            How::OnlySecond => "only-second",
            How::Kind => "kind",
            How::Target => "target",
            How::Mode => "mode",
            How::Owner => "owner",
            How::Attributes => "attributes",
            How::Bytes => "bytes",
            How::Time => "time",
        };
        write!(f, "{how} /{}", self.path)
    }
}

/// Every path at which the trees differ, each with the first way in which it does, sorted by path. Times of
/// folders are not looked at.
pub fn compare(first: &Tree, second: &Tree) -> anyhow::Result<Vec<Difference>> {
    let paths: BTreeSet<&String> = first.nodes().keys().chain(second.nodes().keys()).collect();
    let mut found = Vec::new();
    for path in paths {
        let how = match (first.get(path), second.get(path)) {
            (Some(_), None) => Some(How::OnlyFirst),
            (None, _) => Some(How::OnlySecond),
            (Some(one), Some(other)) => match differ(one, other) {
                Some(how) => Some(how),
                None if first.bytes(path)? != second.bytes(path)? => Some(How::Bytes),
                None if one.body != Body::Folder && one.mtime != other.mtime => Some(How::Time),
                None => None,
            },
        };
        found.extend(how.map(|how| Difference { path: path.clone(), how }));
    }
    Ok(found)
}

fn differ(one: &Node, other: &Node) -> Option<How> {
    let is_file = |body: &Body| matches!(body, Body::Stored { .. } | Body::Bytes(_));
    match (&one.body, &other.body) {
        (Body::Link(a), Body::Link(b)) | (Body::Same(a), Body::Same(b)) if a != b => Some(How::Target),
        (a, b) if std::mem::discriminant(a) != std::mem::discriminant(b) && !(is_file(a) && is_file(b)) => {
            Some(How::Kind)
        }
        _ if one.mode != other.mode => Some(How::Mode),
        _ if (one.uid, one.gid) != (other.uid, other.gid) => Some(How::Owner),
        _ if one.xattrs != other.xattrs => Some(How::Attributes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::{Body, Node, Tree, compare};

    fn tree(dir: &Path, nodes: &[(&str, Node)]) -> Tree {
        let path = dir.join("empty.tar");
        tar::Builder::new(File::create(&path).unwrap()).finish().unwrap();
        let mut tree = Tree::read(&[path]).unwrap();
        nodes.iter().for_each(|(path, node)| tree.insert(path, node.clone()).unwrap());
        tree
    }

    #[test]
    fn every_way_to_differ_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let file = |text: &str| Node {
            body: Body::Bytes(text.into()),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 1,
            xattrs: vec![],
        };
        let link = |to: &str| Node { body: Body::Link(to.into()), ..file("") };
        let capable = Node { xattrs: vec![("k".into(), vec![1])], ..file("") };
        let one = [
            ("a", file("1")),
            ("b", file("1")),
            ("c", link("x")),
            ("d", file("")),
            ("e", file("")),
            ("f", file("")),
        ];
        let other = [
            ("b", file("2")),
            ("c", link("y")),
            ("d", Node { mode: 0o600, ..file("") }),
            ("e", capable),
            ("f", link("x")),
            ("g", file("")),
        ];
        let (one, other) = (tree(dir.path(), &one), tree(dir.path(), &other));
        let lines: Vec<String> = compare(&one, &other).unwrap().iter().map(ToString::to_string).collect();
        let expected = [
            "only-first /a",
            "bytes /b",
            "target /c",
            "mode /d",
            "attributes /e",
            "kind /f",
            "only-second /g",
        ];
        assert_eq!(lines, expected);
        assert!(compare(&one, &one).unwrap().is_empty());
    }
}
