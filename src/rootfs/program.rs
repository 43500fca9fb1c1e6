//! The agent's programs, compiled in the build root from the source that comes with `nuvol`: never with the
//! host's compiler or libraries, from crates that `Cargo.lock` vouches for, without network, and at the same
//! paths on every machine, so that the same source gives the same bytes.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::compiler::Compiler;
use crate::report::Unit;
use crate::store::{Artifact, hex};
use crate::workshop::{Recipe, Workshop};

/// The source as a tar, made by `build.rs`.
const SOURCE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/agent.tar"));
const LOCK: &str = include_str!("../../Cargo.lock");
/// The package of crates, and the name of its log.
const NAME: &str = "nuvol-agent";
/// What the agent's package has for programs: the agent itself, the helper that does as root what it may not, what runs
/// a node from a command line, what applies the configuration before boot, and the installer, for the ISO's live system
/// has the root file system of every node.
pub(super) const PROGRAMS: [&str; 5] = [NAME, "nuvol-helper", "nuvolctl", "nuvol-config", INSTALLER];
/// A package of crates of its own.
const INSTALLER: &str = "nuvol-install";

/// Places in the sandbox. No path of the host is seen by the compiler, and none of these by the program.
const SOURCE_AT: &str = "/source";
const CRATES_AT: &str = "/crates";
const BUILD_AT: &str = "/build";

/// sha256 of the source.
pub fn source_digest() -> String {
    hex(&Sha256::digest(SOURCE))
}

/// The programs as `compiler` makes them, in the order of `PROGRAMS`.
pub fn compile(shop: &Workshop, compiler: &Compiler, offline: bool) -> anyhow::Result<Vec<Artifact>> {
    let crates = shop.make(&CratesRecipe { lock: LOCK, compiler, offline })?;
    let crates = crates.join("crates");
    let entry = shop.make(&ProgramRecipe { source: source_digest(), compiler, crates: &crates })?;
    PROGRAMS.iter().map(|name| Artifact::of(&entry, name)).collect()
}

/// What the program is made from besides its own source.
#[derive(Serialize)]
struct CratesRecipe<'a> {
    lock: &'static str,
    compiler: &'a Compiler,
    #[serde(skip)]
    offline: bool,
}

impl Recipe for CratesRecipe<'_> {
    const STAGE: &'static str = "crates";
    const VERSION: u32 = 1;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        anyhow::ensure!(!self.offline, "the shelf lacks the agent's crates; build once without --offline");
        let (source, crates) = (dir.join("source"), dir.join("crates"));
        unpack_source(&source)?;
        fs::create_dir(&crates).context("making a folder for crates")?;
        let sandbox = self.compiler.sandbox(shop).with_network();
        let sandbox = sandbox.read_as(&source, SOURCE_AT).write_as(&crates, CRATES_AT);
        // cargo accepts a crate only with the checksum that the lock names.
        let target = self.compiler.target();
        let args = ["fetch", "--quiet", "--locked", "--manifest-path", MANIFEST, "--target", &target];
        let command = shop.command(&sandbox, "cargo", &args)?.env("CARGO_HOME", CRATES_AT);
        shop.host.run(command).context(crate::host::NetworkFailed).context("fetching the agent's crates")?;
        fs::remove_dir_all(&source).context("removing the agent's source")
    }
}

const MANIFEST: &str = "/source/Cargo.toml";

#[derive(Serialize)]
struct ProgramRecipe<'a> {
    source: String,
    compiler: &'a Compiler,
    /// What the lock in the source vouches for.
    #[serde(skip)]
    crates: &'a Path,
}

impl Recipe for ProgramRecipe<'_> {
    const STAGE: &'static str = "program";
    const VERSION: u32 = 4;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let (source, build) = (dir.join("source"), dir.join("build"));
        unpack_source(&source)?;
        fs::create_dir(&build).context("making a folder to compile in")?;
        let sandbox = self.compiler.sandbox(shop).read_as(&source, SOURCE_AT);
        let sandbox = sandbox.read_as(self.crates, CRATES_AT).write_as(&build, BUILD_AT);
        let target = self.compiler.target();
        let mut args =
            vec!["build", "--release", "--locked", "--offline", "--package", NAME, "--package", INSTALLER];
        args.extend(["--manifest-path", MANIFEST, "--target", &target]);
        let mut command = shop.command(&sandbox, "cargo", &args)?;
        for (name, value) in self.compiler.environment() {
            command = command.env(name, value);
        }
        let command = command
            .env("CARGO_HOME", CRATES_AT)
            .env("CARGO_TARGET_DIR", BUILD_AT)
            .env("CARGO_ENCODED_RUSTFLAGS", flags())
            .env("SOURCE_DATE_EPOCH", "0");
        let bar = shop.report.bar("program", LOCK.matches("[[package]]").count() as u64, Unit::Steps);
        let mut on_line = |line: &str| bar.inc(u64::from(line.trim_start().starts_with("Compiling ")));
        let result = shop.host.watch(command, &mut on_line);
        bar.finish_and_clear();
        result.context("compiling the agent")?;
        for name in PROGRAMS {
            let made = build.join(&target).join("release").join(name);
            fs::rename(&made, dir.join(name)).with_context(|| format!("taking `{}`", made.display()))?;
        }
        [source, build].iter().try_for_each(fs::remove_dir_all).context("removing the parts")
    }

    fn detail(&self, _: &Path) -> String {
        format!("{NAME} for {}", self.compiler.target())
    }
}

/// Words for rustc: what the programs say about their own source is short and the same everywhere.
fn flags() -> String {
    [(SOURCE_AT, "nuvol"), (CRATES_AT, "crates"), (BUILD_AT, "build")]
        .map(|(from, to)| format!("--remap-path-prefix={from}={to}"))
        .join("\u{1f}")
}

fn unpack_source(folder: &Path) -> anyhow::Result<()> {
    tar::Archive::new(SOURCE).unpack(folder).context("unpacking the agent's source")
}

#[cfg(test)]
mod tests {
    use super::{LOCK, SOURCE};

    #[test]
    fn the_source_that_comes_along_can_be_compiled() {
        let dir = tempfile::tempdir().unwrap();
        super::unpack_source(dir.path()).unwrap();
        let text = |path: &str| std::fs::read_to_string(dir.path().join(path)).unwrap();
        assert_eq!(text("Cargo.lock"), LOCK);
        assert!(text("agent/src/main.rs").contains("fn main"));
        assert!(text("agent/src/bin/nuvol-helper.rs").contains("fn main"));
        assert!(text("seed/src/lib.rs").contains("pub use read"));
        assert!(text("media/src/lib.rs").contains("pub use write"));
        assert!(text("install/src/main.rs").contains("fn main"));
        assert!(text("src/lib.rs").is_empty(), "of the builder only its manifest is there");
        // Cargo refuses a workspace that lacks a member.
        let manifest = text("Cargo.toml");
        let members = manifest.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
        for member in members.trim_matches(['[', ']']).split(", ").map(|it| it.trim_matches('"')) {
            assert!(dir.path().join(member).join("Cargo.toml").exists(), "`{member}` does not come along");
            assert!(dir.path().join(member).join("src").exists(), "`{member}` comes without source");
        }
        assert!(!dir.path().join("agent/tests").exists());
        // Nothing but source: it is in each `nuvol`.
        assert!(SOURCE.len() < 3 << 20);
    }
}
