//! The root file system: the base, cleaned of what a build leaves behind, with the overlays'
//! files laid over, in canonical form.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::gate;
use super::inventory::{self, Installed};
use super::tree::{Body, Node, Tree};
use crate::overlay::{Content, Entry, Ids, Layer};
use crate::remote::Share;
use crate::store::Artifact;
use crate::workshop::{Recipe, Workshop};

/// Debian's public sources, as apt itself ships them.
const EXAMPLE_SOURCES: &str = "usr/share/doc/apt/examples/debian.sources";
const SECONDS_A_DAY: u64 = 86_400;
const FACTS: &str = "facts.json";

/// All that the root file system is made from. It is never written down as a whole: the base is, and the
/// rest is a matter of milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Layering {
    /// What the packages gave: tars that lie over each other, the lowest first.
    pub base: Vec<Artifact>,
    /// What is laid over.
    pub files: Layer,
    /// Archive components that the image's own apt uses.
    pub components: Vec<String>,
    /// Seconds since 1970.
    pub epoch: u64,
}

/// The check of a root file system, once for each.
#[derive(Serialize)]
pub struct LayerRecipe<'a> {
    /// The root file system.
    pub layering: &'a Layering,
    /// Names that must not stand in the image, such as the build host's.
    #[serde(skip)]
    pub foreign: gate::Foreign,
}

impl Recipe for LayerRecipe<'_> {
    const STAGE: &'static str = "layer";
    const VERSION: u32 = 4;
    const SHARE: Share = Share::AtOnce;

    fn make(&self, _: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let tree = self.layering.tree()?;
        gate::check(&tree, &self.foreign)?;
        let facts = serde_json::to_vec_pretty(&Facts::of(&tree)?).context("writing down what is in it")?;
        fs::write(dir.join(FACTS), facts).context("writing down what is in it")
    }

    fn detail(&self, _: &Path) -> String {
        format!("{} overlay files", self.layering.files.len())
    }
}

/// What later stages ask about the tree, so that they need not read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What its dpkg says is installed.
    pub installed: Vec<Installed>,
    /// Bytes of all its files.
    pub bytes: u64,
    /// The same in whole blocks, with an inode each.
    pub allocated: u64,
}

impl Facts {
    fn of(tree: &Tree) -> anyhow::Result<Self> {
        const BLOCK: u64 = 4096;
        const INODE: u64 = 256;
        let sizes = || {
            tree.nodes().values().map(|node| match &node.body {
                Body::Stored { size, .. } => *size,
                Body::Bytes(bytes) => bytes.len() as u64,
                _ => 1,
            })
        };
        Ok(Self {
            installed: inventory::parse(&tree.text("var/lib/dpkg/status")?),
            bytes: sizes().sum(),
            allocated: sizes().map(|size| size.next_multiple_of(BLOCK) + INODE).sum(),
        })
    }

    /// Those of the finished layer `entry`.
    pub fn read(entry: &Path) -> anyhow::Result<Self> {
        let text = fs::read(entry.join(FACTS)).context("reading what is in the root file system")?;
        serde_json::from_slice(&text).context("reading what is in the root file system")
    }
}

impl Layering {
    /// The finished tree.
    pub fn tree(&self) -> anyhow::Result<Tree> {
        let mut tree = Tree::read(&self.base.iter().map(|it| &it.path).collect::<Vec<_>>())?;
        tree.remove(is_left_over);
        self.settle(&mut tree).context("settling the root file system")?;
        let ids = Ids::parse(&tree.text("etc/passwd")?, &tree.text("etc/group")?);
        for (path, entry) in &self.files {
            let node = self.node(&tree, path, entry, &ids)?;
            tree.insert(path, node)?;
        }
        Ok(tree)
    }

    fn node(&self, tree: &Tree, path: &str, entry: &Entry, ids: &Ids) -> anyhow::Result<Node> {
        let what = || format!("laying `/{path}`");
        let body = match &entry.content {
            Content::File(bytes) => Body::Bytes(bytes.clone()),
            Content::Link(target) => Body::Link(target.clone()),
            Content::Directory => {
                anyhow::ensure!(
                    tree.get(path).is_none_or(|it| it.body == Body::Folder),
                    "`/{path}` is not a folder in the packages"
                );
                Body::Folder
            }
        };
        let (uid, gid) =
            (ids.user(&entry.owner).with_context(what)?, ids.group(&entry.group).with_context(what)?);
        Ok(Node { body, mode: entry.mode, uid, gid, mtime: self.epoch, xattrs: Vec::new() })
    }

    /// What must stand in every image, whatever the packages did.
    fn settle(&self, tree: &mut Tree) -> anyhow::Result<()> {
        let file = |text: String, mode| Node {
            body: Body::Bytes(text.into_bytes()),
            mode,
            uid: 0,
            gid: 0,
            mtime: self.epoch,
            xattrs: Vec::new(),
        };
        // With an empty file Debian's sshd-keygen would never run: it waits for a first boot.
        tree.insert("etc/machine-id", file("uninitialized\n".into(), 0o444))?;
        let sources = public_sources(&tree.text(EXAMPLE_SOURCES)?, &self.components)?;
        tree.insert("etc/apt/sources.list.d/debian.sources", file(sources, 0o644))?;
        // As systemd-update-done would leave them: /etc and /var fit this /usr, so that first boot
        // rebuilds no caches (ldconfig, the journal's catalogue, hwdb).
        for name in ["etc/.updated", "var/.updated"] {
            tree.insert(name, file(String::new(), 0o644))?;
        }
        // useradd writes today's date as that of the last password change.
        let text = on_day(&tree.text("etc/shadow")?, self.epoch / SECONDS_A_DAY);
        if let Some(node) = tree.get("etc/shadow").cloned() {
            tree.insert("etc/shadow", Node { body: Body::Bytes(text.into_bytes()), ..node })?;
        }
        Ok(())
    }
}

/// What a build leaves behind and no node needs; each is made afresh where it is needed.
fn is_left_over(path: &str, node: &Node) -> bool {
    const FILES: [&str; 18] = [
        // These three are mmdebstrap's.
        "etc/apt/apt.conf.d/99mmdebstrap",
        "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
        "etc/.resolv.conf.systemd-resolved.bak",
        "etc/apt/sources.list",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/passwd-",
        "etc/group-",
        "etc/shadow-",
        "etc/gshadow-",
        "etc/subuid-",
        "etc/subgid-",
        "etc/.pwd.lock",
        "var/cache/ldconfig/aux-cache",
        "var/lib/dbus/machine-id",
        "var/lib/systemd/random-seed",
        "var/lib/systemd/credential.secret",
        "var/cache/debconf/config.dat-old",
    ];
    const BELOW: [&str; 11] = [
        "dev/",
        "run/",
        "tmp/",
        "var/tmp/",
        "var/lib/apt/lists/",
        "var/cache/apt/",
        "etc/apt/sources.list.d/",
        "var/cache/man/",
        "var/cache/fontconfig/",
        "root/.cache",
        "proc/",
    ];
    let is_folder = node.body == Body::Folder;
    FILES.contains(&path)
        || BELOW.iter().any(|folder| path.starts_with(folder))
        || path.starts_with("etc/ssh/ssh_host_")
        || (path.starts_with("var/log/") && !is_folder)
        || (path.starts_with("var/lib/dpkg/") && path.ends_with("-old"))
        || (path.starts_with("var/cache/debconf/") && path.ends_with("-old"))
}

/// Debian's example with the components that the build used.
fn public_sources(example: &str, components: &[String]) -> anyhow::Result<String> {
    let mut found = false;
    let lines = example.lines().map(|line| {
        if line.starts_with("Components:") {
            found = true;
            format!("Components: {}", components.join(" "))
        } else {
            line.to_owned()
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    anyhow::ensure!(found, "apt's example of sources names no components; has its form changed?");
    Ok(text)
}

/// The shadow file with every last change of a password on `day` (days since 1970).
fn on_day(shadow: &str, day: u64) -> String {
    let lines = shadow.lines().map(|line| {
        let mut fields: Vec<&str> = line.split(':').collect();
        let day = day.to_string();
        if let Some(field) = fields.get_mut(2).filter(|it| !it.is_empty()) {
            *field = &day;
            return fields.join(":") + "\n";
        }
        format!("{line}\n")
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::{on_day, public_sources};

    #[test]
    fn the_day_of_the_last_change_is_the_epochs() {
        assert_eq!(on_day("root:*:20000:0:99999:7:::\nx:!::::::\n", 7), "root:*:7:0:99999:7:::\nx:!::::::\n");
    }

    #[test]
    fn the_images_sources_are_debians_own() {
        let components = ["main".to_owned(), "contrib".to_owned()];
        let text = public_sources("Types: deb\nComponents: main\n", &components).unwrap();
        assert_eq!(text, "Types: deb\nComponents: main contrib\n");
        assert!(public_sources("nothing", &components).is_err());
    }
}
