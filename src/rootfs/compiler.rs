//! The build root: Debian's Rust compiler and what it links with, in which the agent is compiled. Its
//! packages are unpacked and none of their scripts runs, so it takes seconds and looks the same everywhere.
//!
//! Debian 13's own Rust is too old, so that comes from its backports, and nothing else does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use serde::Serialize;

use super::archive::{Archive, Repository};
use super::install::Deb;
use super::resolve::Package;
use super::supply::Supply;
use super::tools::unpack;
use crate::host::Sandbox;
use crate::plan::Base;
use crate::spec::Architecture;
use crate::workshop::{Recipe, Workshop};

/// The Debian release that the agent is made for.
const SUITE: &str = "trixie";
/// The source package that comes from the backports.
const BACKPORT: &str = "rustc";

/// The compiler for one architecture.
#[derive(Debug, Clone, Serialize)]
pub struct Compiler {
    key: String,
    architecture: Architecture,
    #[serde(skip)]
    root: PathBuf,
    #[serde(skip)]
    packages: Vec<Package>,
}

#[derive(Serialize)]
struct CompilerRecipe<'a> {
    packages: &'a [Package],
    #[serde(skip)]
    supply: &'a Supply,
}

/// The packages by name, as apt takes them. `base-files` brings the links of the merged `/usr`.
fn names(architecture: Architecture) -> Vec<String> {
    let host = Architecture::of_host();
    let mut names = ["base-files", "cargo", "rustc", "gcc", "libc6-dev"].map(str::to_owned).to_vec();
    if architecture != host {
        names.push(format!("gcc-{}-linux-gnu", architecture.machine().replace('_', "-")));
        names.extend(["libc6-dev", "libstd-rust-dev"].map(|name| format!("{name}:{architecture}")));
    }
    names
}

impl Compiler {
    /// The newest compiler in `repository` for `architecture`; with `offline`, the shelf's.
    pub fn of_archive(
        shop: &Workshop,
        architecture: Architecture,
        repository: &Repository,
        offline: bool,
    ) -> anyhow::Result<Self> {
        let host = Architecture::of_host();
        let base = Base {
            suite: SUITE.to_owned(),
            components: vec!["main".to_owned()],
            architecture: host,
            foreign: (architecture != host).then_some(architecture).into_iter().collect(),
            backports: vec![BACKPORT.to_owned()],
            packages: BTreeSet::new(),
        };
        let archive = Archive::update(shop, &base, repository, offline)?;
        let packages = archive.resolve_words(shop, &names(architecture)).context("resolving the compiler")?;
        drop(archive);
        let supply = Supply::of(packages.clone(), offline);
        let recipe = CompilerRecipe { packages: &packages, supply: &supply };
        let entry = supply.heal(shop, || shop.make(&recipe))?;
        let key = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { key, architecture, root: entry.join("root"), packages })
    }

    /// What it consists of, as deb-buildinfo(5) lists it: `libc6-dev:arm64 (= 2.41-12)`.
    pub fn installed(&self) -> Vec<String> {
        let line = |it: &Package| {
            let foreign = it.uri.ends_with(&format!("_{}.deb", self.architecture))
                && self.architecture != Architecture::of_host();
            let mark = if foreign { format!(":{}", self.architecture) } else { String::new() };
            format!("{}{mark} (= {})", it.name, it.version)
        };
        self.packages.iter().map(line).collect()
    }

    /// A sandbox with the compiler's programs.
    pub fn sandbox(&self, shop: &Workshop) -> Sandbox {
        shop.sandbox(&self.root)
    }

    /// The architecture that it compiles for, as Rust names it.
    pub fn target(&self) -> String {
        format!("{}-unknown-linux-gnu", self.architecture.machine())
    }

    /// What cargo and C build scripts are to be told, besides the target.
    pub fn environment(&self) -> Vec<(String, String)> {
        // Without their scripts the packages have no `cc`: every program is named by its machine.
        let mut environment = Vec::new();
        for architecture in [Architecture::of_host(), self.architecture] {
            let target = format!("{}_unknown_linux_gnu", architecture.machine());
            let program = |name: &str| format!("{}-linux-gnu-{name}", architecture.machine());
            environment.push((format!("CARGO_TARGET_{}_LINKER", target.to_uppercase()), program("gcc")));
            environment.push((format!("CC_{target}"), program("gcc")));
            environment.push((format!("AR_{target}"), program("ar")));
        }
        environment
    }
}

impl Recipe for CompilerRecipe<'_> {
    const STAGE: &'static str = "compiler";
    const VERSION: u32 = 1;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        self.supply.ready(shop)?;
        let root = dir.join("root");
        fs::create_dir(&root).context("making the build root")?;
        let debs = self.packages.iter().map(|package| {
            let path = shop.store.whole_package(&package.sha256);
            Deb::open(&path.with_context(|| format!("reading the package `{}`", package.name))?)
        });
        let debs = debs.collect::<anyhow::Result<Vec<Deb>>>()?;
        // The links of the merged /usr first. Packages of two architectures share files, so the foreign
        // ones come alone, after the others.
        let host = Architecture::of_host().as_str();
        let (first, rest): (Vec<&Deb>, Vec<&Deb>) = debs.iter().partition(|it| it.name() == "base-files");
        let is_native =
            |it: &&Deb| matches!(it.control.get("Architecture"), Some(arch) if arch == host || arch == "all");
        let (native, foreign): (Vec<&Deb>, Vec<&Deb>) = rest.into_iter().partition(is_native);
        [first, native, foreign].iter().try_for_each(|debs| unpack_all(debs, &root))?;
        // Places for what the network needs to be lent.
        for name in ["etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&root))
                .and_then(|()| fs::write(&path, ""))
                .with_context(|| format!("writing `{name}`"))?;
        }
        Ok(())
    }

    fn detail(&self, _: &Path) -> String {
        let rust = self.packages.iter().find(|it| it.name == "rustc").map_or("", |it| &it.version);
        format!("rustc {rust}, {} packages", self.packages.len())
    }
}

fn unpack_all(debs: &[&Deb], root: &Path) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(debs.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(deb) = debs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = deb.data(|tar| unpack(tar, root));
                    if let (Err(err), Ok(mut slot)) = (result, failure.lock()) {
                        slot.get_or_insert(err.context(format!("unpacking {}", deb.name())));
                    }
                }
            });
        }
    });
    failure.into_inner().ok().flatten().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::names;
    use crate::spec::Architecture;

    #[test]
    fn another_architecture_adds_its_libraries_to_the_hosts_compiler() {
        let own = names(Architecture::of_host());
        assert_eq!(own, ["base-files", "cargo", "rustc", "gcc", "libc6-dev"]);
        let other = Architecture::ALL.into_iter().find(|it| *it != Architecture::of_host()).unwrap();
        let more = names(other).split_off(own.len());
        assert!(more.contains(&format!("libstd-rust-dev:{other}")), "{more:?}");
        assert!(more[0].starts_with("gcc-") && !more[0].contains('_'), "{more:?}");
    }
}
