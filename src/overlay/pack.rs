//! A layer to the bytes of a tar: the same layer gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use tar::{EntryType, Header};

use crate::overlay::{Content, Entry, Layer};

/// Numbers of users and groups by name, as an image has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    users: BTreeMap<String, u64>,
    groups: BTreeMap<String, u64>,
}

impl Ids {
    /// Only `root`.
    pub fn root() -> Self {
        let root = BTreeMap::from([("root".to_owned(), 0)]);
        Self { users: root.clone(), groups: root }
    }

    /// From the texts of `/etc/passwd` and `/etc/group`.
    pub fn parse(passwd: &str, group: &str) -> Self {
        let table = |text: &str| {
            let entries = text.lines().filter_map(|line| {
                let mut fields = line.split(':');
                Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
            });
            entries.collect()
        };
        Self { users: table(passwd), groups: table(group) }
    }

    /// The number of a user.
    pub fn user(&self, name: &str) -> anyhow::Result<u64> {
        self.users.get(name).copied().with_context(|| {
            format!("the image has no user `{name}`; a package or a sysusers.d file must make it first")
        })
    }

    /// The number of a group.
    pub fn group(&self, name: &str) -> anyhow::Result<u64> {
        self.groups.get(name).copied().with_context(|| {
            format!("the image has no group `{name}`; a package or a sysusers.d file must make it first")
        })
    }
}

/// Packs a layer: sorted, parents before children, every time `epoch`.
///
/// Folders that the layer only implies are packed as root's with mode 0755, except where `is_there`
/// says that what the tar will be laid over has them: their modes and owners are not ours to set.
pub fn pack(
    layer: &Layer,
    ids: &Ids,
    epoch: u64,
    is_there: &dyn Fn(&str) -> bool,
) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let implied = implied_folders(layer);
    let folder = folder();
    let implied = implied.iter().filter(|path| !is_there(path)).map(|path| (path.as_str(), &folder));
    let all: BTreeMap<&str, &Entry> =
        implied.chain(layer.iter().map(|(path, entry)| (path.as_str(), entry))).collect();
    for (path, entry) in all {
        append(&mut archive, path, entry, ids, epoch).with_context(|| format!("packing `/{path}`"))?;
    }
    archive.into_inner().context("packing a layer")
}

/// Folders that must be there for a layer, without those which it holds itself.
pub fn implied_folders(layer: &Layer) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for path in layer.keys() {
        let mut above = path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/') {
            if !layer.contains_key(parent) {
                folders.insert(parent.to_owned());
            }
            above = parent;
        }
    }
    folders
}

fn folder() -> Entry {
    Entry { content: Content::Directory, mode: 0o755, owner: "root".to_owned(), group: "root".to_owned() }
}

fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    path: &str,
    entry: &Entry,
    ids: &Ids,
    epoch: u64,
) -> anyhow::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(ids.user(&entry.owner)?);
    header.set_gid(ids.group(&entry.group)?);
    header.set_mtime(epoch);
    header.set_size(0);
    match &entry.content {
        Content::File(bytes) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, path, bytes.as_slice())?;
        }
        Content::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            archive.append_link(&mut header, path, target)?;
        }
        Content::Directory => {
            header.set_entry_type(EntryType::Directory);
            archive.append_data(&mut header, format!("{path}/"), std::io::empty())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{prop, proptest};

    use super::{Ids, pack};
    use crate::overlay::{Content, Entry, Layer};

    fn entry(content: Content) -> Entry {
        Entry { content, mode: 0o644, owner: "root".to_owned(), group: "root".to_owned() }
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive.entries().unwrap();
        entries.map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap()).collect()
    }

    #[test]
    fn folders_that_are_there_are_left_alone() {
        let layer = Layer::from([("etc/x/y".to_owned(), entry(Content::File(b"y".to_vec())))]);
        let bytes = pack(&layer, &Ids::root(), 1, &|path| path == "etc").unwrap();
        assert_eq!(names(&bytes), ["etc/x/", "etc/x/y"]);
    }

    #[test]
    fn an_owner_that_the_image_lacks_is_refused() {
        let mut owned = entry(Content::Directory);
        owned.group = "icecast".to_owned();
        let layer = Layer::from([("srv".to_owned(), owned)]);
        let error = pack(&layer, &Ids::parse("root:x:0:0::/:\n", "root:x:0:\n"), 1, &|_| false).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "packing `/srv`: the image has no group `icecast`; a package or a sysusers.d file must make it first"
        );
    }

    proptest! {
        #[test]
        fn parents_come_before_children(paths in prop::collection::btree_set("[a-c-]/[a-c-]{1,2}(/[a-c-]){0,3}", 0..20)) {
            let layer: Layer = paths.iter().map(|path| (path.clone(), entry(Content::Directory))).collect();
            let bytes = pack(&layer, &Ids::root(), 1, &|_| false).unwrap();
            assert_eq!(bytes, pack(&layer, &Ids::root(), 1, &|_| false).unwrap());
            let mut seen: BTreeSet<String> = BTreeSet::new();
            for name in names(&bytes) {
                let name = name.trim_end_matches('/').to_owned();
                if let Some((parent, _)) = name.rsplit_once('/') {
                    assert!(seen.contains(parent), "{name}");
                }
                assert!(seen.insert(name));
            }
        }
    }
}
