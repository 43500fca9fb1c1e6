//! The tools root: a small Debian tree with the file-system, boot-loader and ISO tools that
//! the builder runs. It comes with us, so that every host gives the same bytes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use xshell::Cmd;

use super::bootstrap::Bootstrap;
use super::resolve::Package;
use super::supply::Supply;
use crate::host::{Feed, Sandbox};
use crate::remote::Share;
use crate::spec::PackageName;
use crate::workshop::{Recipe, Workshop};

/// What the later stages run. `libarchive13t64` is named because `mke2fs -d` needs it to read
/// a tar and e2fsprogs only suggests it.
const PACKAGES: [&str; 15] = [
    "mmdebstrap",
    "debian-archive-keyring",
    "e2fsprogs",
    "libarchive13t64",
    "dosfstools",
    "mtools",
    "fdisk",
    "grub-common",
    "squashfs-tools",
    "xorriso",
    "qemu-utils",
    "zstd",
    "cpio",
    "tar",
    "udev",
];

/// The tools root on the shelf. In a recipe it stands for its packages in exact versions.
#[derive(Debug, Clone, Serialize)]
pub struct Tools {
    /// Its folder on the shelf is named by the hash of what it is made of.
    key: String,
    #[serde(skip)]
    root: PathBuf,
}

/// The packages that the tools root is asked to have.
pub fn names() -> BTreeSet<PackageName> {
    PACKAGES.iter().filter_map(|name| name.parse().ok()).collect()
}

#[derive(Serialize)]
struct ToolsRecipe<'a> {
    suite: &'a str,
    architecture: &'a str,
    packages: &'a [Package],
    #[serde(skip)]
    supply: &'a Supply,
}

impl Tools {
    /// The tools root of `packages`, which are in `supply`.
    pub fn of(
        shop: &Workshop,
        suite: &str,
        architecture: &str,
        packages: &[Package],
        supply: &Supply,
    ) -> anyhow::Result<Self> {
        let recipe = ToolsRecipe { suite, architecture, packages, supply };
        let entry = supply.heal(shop, || shop.make(&recipe))?;
        let key = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { key, root: entry.join("root") })
    }

    /// The tree.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The tools at work in one folder, at one time.
pub struct Bench<'a> {
    shop: &'a Workshop,
    sandbox: Sandbox,
    epoch: u64,
}

impl Tools {
    /// The tools with `dir` to work in.
    pub fn bench<'a>(&self, shop: &'a Workshop, dir: &Path, epoch: u64) -> Bench<'a> {
        Bench { shop, sandbox: shop.sandbox(&self.root).write(dir), epoch }
    }
}

impl<'a> Bench<'a> {
    /// Lends a file or folder for reading.
    #[must_use]
    pub fn lend(mut self, path: &Path) -> Self {
        self.sandbox = self.sandbox.read(path);
        self
    }

    /// Seconds since 1970 that the tools believe it is.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Runs a tool to its end.
    pub fn run(&self, program: &str, args: &[&str]) -> anyhow::Result<()> {
        self.shop.host.run(self.command(program, args)?)
    }

    /// Runs a tool to its end and gives it what `write` writes.
    pub fn feed(&self, program: &str, args: &[&str], write: Feed<'_>) -> anyhow::Result<()> {
        self.shop.host.feed(self.command(program, args)?, write)
    }

    fn command(&self, program: &str, args: &[&str]) -> anyhow::Result<Cmd<'a>> {
        let command = self.shop.command(&self.sandbox, program, args)?;
        Ok(command.env("SOURCE_DATE_EPOCH", self.epoch.to_string()).env("MTOOLS_SKIP_CHECK", "1"))
    }
}

impl Recipe for ToolsRecipe<'_> {
    const STAGE: &'static str = "tools";
    const VERSION: u32 = 1;
    const SHARE: Share = Share::Whole;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        self.supply.ready(shop)?;
        let bootstrap = Bootstrap {
            tools: Path::new("/"),
            suite: self.suite,
            architecture: self.architecture,
            epoch: 0,
            packages: self.packages,
            own: &[],
            wanted: PACKAGES.to_vec(),
            options: vec!["--aptopt=APT::Install-Recommends \"false\"".into()],
            lend: Vec::new(),
        };
        let tar = bootstrap.run(shop, dir)?;
        let root = dir.join("root");
        unpack(&tar, &root).context("unpacking the tools")?;
        // Places for the network's name service to be lent.
        for name in ["etc/resolv.conf", "etc/hosts"] {
            let path = root.join(name);
            if path.is_symlink() {
                fs::remove_file(&path)?;
            }
            fs::write(&path, "").with_context(|| format!("writing `{name}`"))?;
        }
        fs::remove_file(&tar).context("removing the tools' tar")
    }

    fn detail(&self, _: &Path) -> String {
        format!("{} packages", self.packages.len())
    }
}

/// Unpacks without owners, devices and special bits: the tree only has to run, and whoever
/// owns the shelf must be able to delete it.
fn unpack(tar: &Path, root: &Path) -> anyhow::Result<()> {
    fs::create_dir(root)?;
    let mut archive = tar::Archive::new(File::open(tar)?);
    archive.set_preserve_ownerships(false);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_character_special() || kind.is_block_special() || kind.is_fifo() {
            continue;
        }
        entry.unpack_in(root)?;
    }
    Ok(())
}
