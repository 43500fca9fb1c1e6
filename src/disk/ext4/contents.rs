//! What goes into the file system: an inode for each file, folder and link, with the names that it has.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::folder::Entry;
use super::inode::Kind;
use super::space::Inodes;
use crate::rootfs::{Body, Node, Tree};

/// The inode of `/`.
pub const ROOT: u32 = 2;
/// mke2fs makes `/lost+found`, for e2fsck.
const LOST_AND_FOUND: Entry<'static> = Entry { name: "lost+found", number: 11, kind: Kind::Folder };

/// One inode.
pub struct Item<'a> {
    /// Its number.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// What is to be known of it.
    pub node: &'a Node,
    /// Names that it has; a folder has two more than folders are in it.
    pub links: u16,
    /// The inode of the folder that it lies in.
    pub parent: u32,
    /// What lies in it.
    pub entries: Vec<Entry<'a>>,
}

/// Those of `tree`, by path; first of all `root`, for which trees have no path.
pub fn of<'a>(tree: &'a Tree, root: &'a Node, inodes: &mut Inodes) -> anyhow::Result<Vec<Item<'a>>> {
    let first = Item {
        number: ROOT,
        kind: Kind::Folder,
        node: root,
        links: 3,
        parent: ROOT,
        entries: vec![LOST_AND_FOUND],
    };
    let (mut items, mut places) = (vec![first], BTreeMap::from([("", 0)]));
    for (path, node) in tree.nodes() {
        let kind = match node.body {
            Body::Stored { .. } | Body::Bytes(_) => Kind::File,
            Body::Folder => Kind::Folder,
            Body::Link(_) => Kind::Link,
            Body::Same(_) => continue,
        };
        anyhow::ensure!(path != LOST_AND_FOUND.name, "`/{path}` is the file system's own");
        let number = inodes.take(kind == Kind::Folder)?;
        places.insert(path, items.len());
        let links = if kind == Kind::Folder { 1 } else { 0 };
        items.push(Item { number, kind, node, links, parent: 0, entries: Vec::new() });
    }
    for (path, node) in tree.nodes() {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let own = if let Body::Same(first) = &node.body { first } else { path };
        let what = || format!("`/{path}` has no folder to lie in, or names no file");
        let (parent, own) =
            (*places.get(parent).with_context(what)?, *places.get(own.as_str()).with_context(what)?);
        let (above, number) = (items[parent].number, items[own].number);
        let item = &mut items[own];
        item.parent = above;
        item.links = item.links.checked_add(1).with_context(|| format!("`/{path}` has too many names"))?;
        let kind = item.kind;
        let folder = &mut items[parent];
        folder.entries.push(Entry { name, number, kind });
        if kind == Kind::Folder {
            folder.links =
                folder.links.checked_add(1).with_context(|| format!("`/{path}` is one folder too many"))?;
        }
    }
    Ok(items)
}
