//! The tools root: a small Debian tree with the file-system, boot-loader and ISO tools that
//! the builder runs. It comes with us, so that every host gives the same bytes.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use xshell::Cmd;

use super::archive::{Archive, Repository};
use super::bootstrap::Bootstrap;
use super::emulator;
use super::resolve::Package;
use super::supply::Supply;
use crate::host::{Feed, Sandbox};
use crate::plan::Base;
use crate::remote::Share;
use crate::spec::{Architecture, PackageName};
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

/// What a build for `architecture` needs: the packages that the tools root is asked to have, and the
/// emulator, where the host cannot run that architecture's programs.
pub fn names(architecture: Architecture) -> BTreeSet<PackageName> {
    let emulator = (architecture != Architecture::of_host()).then_some(emulator::PACKAGE);
    PACKAGES.iter().copied().chain(emulator).filter_map(|name| name.parse().ok()).collect()
}

/// The tools for a build for another architecture than the host's, whose index has none that run here.
/// No other index may be open.
pub fn foreign(
    shop: &Workshop,
    base: &Base,
    repository: &Repository,
    offline: bool,
) -> anyhow::Result<Option<Vec<Package>>> {
    let host = Architecture::of_host();
    if base.architecture == host {
        return Ok(None);
    }
    let here = Base { architecture: host, ..base.clone() };
    let archive = Archive::update(shop, &here, repository, offline)?;
    archive.resolve(shop, &names(base.architecture)).context("resolving the tools").map(Some)
}

#[derive(Serialize)]
struct ToolsRecipe<'a> {
    suite: &'a str,
    architecture: Architecture,
    packages: Vec<&'a Package>,
    #[serde(skip)]
    supply: &'a Supply,
}

impl Tools {
    /// The tools root of `packages`, which are in `supply`. It is the same whatever is built.
    pub fn of(shop: &Workshop, suite: &str, packages: &[Package], supply: &Supply) -> anyhow::Result<Self> {
        let packages = packages.iter().filter(|it| it.name != emulator::PACKAGE).collect();
        let recipe = ToolsRecipe { suite, architecture: Architecture::of_host(), packages, supply };
        let entry = supply.heal(shop, || shop.make(&recipe))?;
        let key = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { key, root: entry.join("root") })
    }

    /// The tree.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The tools at work, at one time.
pub struct Bench<'a> {
    shop: &'a Workshop,
    sandbox: Sandbox,
    epoch: u64,
}

impl Tools {
    /// The tools, which believe that it is `epoch`.
    pub fn bench<'a>(&self, shop: &'a Workshop, epoch: u64) -> Bench<'a> {
        Bench { shop, sandbox: shop.sandbox(&self.root), epoch }
    }
}

impl<'a> Bench<'a> {
    /// Lends a file or folder for reading.
    #[must_use]
    pub fn lend(mut self, path: &Path) -> Self {
        self.sandbox = self.sandbox.read(path);
        self
    }

    /// Lends a file for writing, or a folder to work in.
    #[must_use]
    pub fn write(mut self, path: &Path) -> Self {
        self.sandbox = self.sandbox.write(path);
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
            architecture: self.architecture.as_str(),
            epoch: 0,
            packages: &self.packages,
            own: &[],
            wanted: PACKAGES.to_vec(),
            options: vec!["--aptopt=APT::Install-Recommends \"false\"".into()],
            lend: Vec::new(),
        };
        let tar = bootstrap.run(shop, dir)?;
        let root = dir.join("root");
        fs::create_dir(&root).context("making the tools root")?;
        let file = File::open(&tar).context("opening the tools' tar")?;
        unpack(&mut tar::Archive::new(file), &root).context("unpacking the tools")?;
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
/// owns the shelf must be able to read and delete it.
pub fn unpack(archive: &mut tar::Archive<impl Read>, root: &Path) -> anyhow::Result<()> {
    archive.set_preserve_ownerships(false);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_character_special() || kind.is_block_special() || kind.is_fifo() {
            continue;
        }
        entry.unpack_in(root)?;
        // Root may read what its owner may not (`/etc/gshadow-`).
        if kind.is_file() && entry.header().mode()? & 0o400 == 0 {
            fs::set_permissions(root.join(entry.path()?), Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}
