//! Our own package, the agent, made from its programs and `agent/package/`: a `.deb` is an
//! `ar` of two tars (deb(5)).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::{Compression, GzBuilder};
use include_dir::{Dir, DirEntry, include_dir};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::archive::Repository;
use super::compiler::Compiler;
use super::install::Deb;
use super::program;
use crate::spec::Architecture;
use crate::store::{Artifact, hex};
use crate::workshop::{Recipe, Workshop};

static PACKAGE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/agent/package");
const SCRIPTS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];
const PACKAGE_FILE: &str = "nuvol-agent.deb";
/// Lies beside the package and tells what made it.
const INFO_FILE: &str = "nuvol-agent.buildinfo";
/// Where the programs lie, in the order of `program::PROGRAMS`.
const PLACES: [&str; 5] = [
    "usr/bin/nuvol-agent",
    "usr/lib/nuvol/nuvol-helper",
    "usr/bin/nuvolctl",
    "usr/lib/nuvol/nuvol-config",
    "usr/sbin/nuvol-install",
];

/// Says from which source a package was made.
const SOURCE_FIELD: &str = "Nuvol-Source";

#[derive(Serialize)]
struct AgentRecipe {
    programs: Vec<Artifact>,
    version: &'static str,
    architecture: Architecture,
    /// Of programs that we compiled ourselves.
    made: Option<Made>,
    files: Vec<(String, String)>,
}

/// How the programs were made.
#[derive(Serialize)]
struct Made {
    /// sha256 of the source, and of the files that lie beside it in the package.
    source: String,
    /// The compiler's packages.
    with: Vec<String>,
}

/// The file name of the agent's package for `architecture`.
pub fn file_name(architecture: Architecture) -> String {
    format!("nuvol-agent_{}_{architecture}.deb", env!("CARGO_PKG_VERSION"))
}

/// The agent's package for `architecture`: `given`, or the one beside our program if it is of our source, or
/// compiled now with the compiler of `repository`.
pub fn agent(
    shop: &Workshop,
    architecture: Architecture,
    given: Option<&Path>,
    repository: &Repository,
    offline: bool,
) -> anyhow::Result<Artifact> {
    if let Some(path) = given {
        let path = path.canonicalize().with_context(|| format!("finding `{}`", path.display()))?;
        let (artifact, deb) = open(path)?;
        let found = deb.control.get("Architecture").unwrap_or_default();
        anyhow::ensure!(
            found == architecture.as_str(),
            "`{}` is for {found}, the image for {architecture}; name another one with --agent, or none",
            artifact.path.display()
        );
        return Ok(artifact);
    }
    if let Some(artifact) = beside_us(architecture)? {
        return Ok(artifact);
    }
    let compiler = Compiler::of_archive(shop, architecture, repository, offline)?;
    let programs = program::compile(shop, &compiler, offline)?;
    let made = Made { source: origin(), with: compiler.installed() };
    package(shop, architecture, programs, Some(made))
}

/// The agent in `path` and the other programs beside it, which came from elsewhere, and what belongs to them as a package:
/// for trials. Builds do not take it by themselves.
pub fn foreign_package(shop: &Workshop, architecture: Architecture, path: &Path) -> anyhow::Result<Artifact> {
    let [_, others @ ..] = program::PROGRAMS;
    let beside = others.iter().map(|name| path.with_file_name(name));
    let programs = std::iter::once(path.to_owned()).chain(beside).map(|path| {
        let path = path.canonicalize().with_context(|| format!("finding `{}`", path.display()))?;
        let digest = crate::store::sha256_file(&path).context("reading the agent's programs")?;
        Ok(Artifact { path, digest })
    });
    package(shop, architecture, programs.collect::<anyhow::Result<_>>()?, None)
}

fn package(
    shop: &Workshop,
    architecture: Architecture,
    programs: Vec<Artifact>,
    made: Option<Made>,
) -> anyhow::Result<Artifact> {
    let version = env!("CARGO_PKG_VERSION");
    let entry = shop.make(&AgentRecipe { programs, version, architecture, made, files: files() })?;
    Artifact::of(&entry, PACKAGE_FILE)
}

/// What belongs to the programs: path in `agent/package/`, and text.
fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&PACKAGE, &mut files);
    files.into_iter().map(|(path, bytes)| (path, String::from_utf8_lossy(bytes).into_owned())).collect()
}

/// Stands for all that a package is made from, but the compiler.
fn origin() -> String {
    let mut hasher = Sha256::new();
    hasher.update(program::source_digest());
    for (path, text) in files() {
        hasher.update(format!("{path} {}\n{text}", text.len()));
    }
    hex(&hasher.finalize())
}

/// The package that lies beside our program, unless it was made from another source than ours.
fn beside_us(architecture: Architecture) -> anyhow::Result<Option<Artifact>> {
    let own = std::env::current_exe().context("finding our own program")?;
    let path = own.with_file_name(file_name(architecture));
    if !path.is_file() {
        return Ok(None);
    }
    let (artifact, deb) = open(path)?;
    Ok((deb.control.get(SOURCE_FIELD) == Some(origin().as_str())).then_some(artifact))
}

fn open(path: PathBuf) -> anyhow::Result<(Artifact, Deb)> {
    let digest = crate::store::sha256_file(&path).context("reading the agent's package")?;
    let deb = Deb::open(&path)?;
    Ok((Artifact { path, digest }, deb))
}

impl Recipe for AgentRecipe {
    const STAGE: &'static str = "agent";
    const VERSION: u32 = 4;

    fn make(&self, _: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let read = |program: &Artifact| std::fs::read(&program.path).context("reading the agent's programs");
        let programs = self.programs.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let mut control = Vec::new();
        let mut data: Vec<(String, &[u8], u32)> = Vec::new();
        data.extend(
            PLACES.iter().zip(&programs).map(|(place, program)| ((*place).to_owned(), &program[..], 0o755)),
        );
        for (path, text) in &self.files {
            if let Some(path) = path.strip_prefix("root/") {
                data.push((path.to_owned(), text.as_bytes(), mode(text)));
            } else if SCRIPTS.contains(&path.as_str()) {
                control.push((path.clone(), text.clone().into_bytes(), 0o755));
            } else if path == "control" {
                let size = programs.iter().map(Vec::len).sum::<usize>().div_ceil(1024);
                control.push((path.clone(), self.control(text, size).into_bytes(), 0o644));
            }
        }
        data.sort();
        control.push(("md5sums".to_owned(), md5sums(&data).into_bytes(), 0o644));
        control.sort();
        let control: Vec<_> =
            control.iter().map(|(path, bytes, mode)| (path.clone(), &bytes[..], *mode)).collect();
        let file = std::fs::File::create(dir.join(PACKAGE_FILE)).context("making the package")?;
        let mut deb = ar::Builder::new(file);
        let parts = [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.gz", tar_gz(&control)?),
            ("data.tar.gz", tar_gz(&data)?),
        ];
        for (name, bytes) in parts {
            let mut header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
            header.set_mode(0o100_644);
            deb.append(&header, bytes.as_slice()).context("writing the package")?;
        }
        drop(deb);
        let Some(made) = &self.made else { return Ok(()) };
        let path = dir.join(PACKAGE_FILE);
        let artifact = Artifact { digest: crate::store::sha256_file(&path)?, path };
        std::fs::write(dir.join(INFO_FILE), self.info(made, &artifact)?)
            .context("telling what made the package")
    }

    fn detail(&self, _: &Path) -> String {
        format!("nuvol-agent {} for {}", self.version, self.architecture)
    }
}

impl AgentRecipe {
    /// With what exact packages `deb` was made (deb-buildinfo(5)).
    fn info(&self, made: &Made, deb: &Artifact) -> anyhow::Result<String> {
        let Self { version, architecture, .. } = self;
        let size = std::fs::metadata(&deb.path).context("reading the package")?.len();
        Ok(format!(
            "Format: 1.0\nSource: nuvol\nBinary: nuvol-agent\nArchitecture: {architecture}\nVersion: {version}\n\
             Checksums-Sha256:\n {} {size} {}\nBuild-Architecture: {}\nInstalled-Build-Depends:\n {}\n",
            deb.digest,
            file_name(*architecture),
            Architecture::of_host(),
            made.with.join(",\n ")
        ))
    }

    fn control(&self, text: &str, installed_kib: usize) -> String {
        let Self { version, architecture, made, .. } = self;
        let text = text.trim_end();
        let source: String = made.iter().map(|it| format!("{SOURCE_FIELD}: {}\n", it.source)).collect();
        format!(
            "{text}\nVersion: {version}\nArchitecture: {architecture}\nInstalled-Size: {installed_kib}\n{source}"
        )
    }
}

fn collect<'a>(dir: &'a Dir<'a>, files: &mut Vec<(String, &'a [u8])>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, files),
            DirEntry::File(file) => files.push((file.path().display().to_string(), file.contents())),
        }
    }
    files.sort();
}

/// What `dpkg --verify` compares files with.
fn md5sums(files: &[(String, &[u8], u32)]) -> String {
    use md5::{Digest as _, Md5};
    let lines = files.iter().map(|(path, bytes, _)| format!("{}  {path}\n", hex(&Md5::digest(bytes))));
    lines.collect()
}

/// Executable bits do not survive embedding; a script says itself that it is one.
fn mode(text: &str) -> u32 {
    if text.starts_with("#!") { 0o755 } else { 0o644 }
}

/// A tar of `files` with every parent folder, all owned by root and of no time.
fn tar_gz(files: &[(String, &[u8], u32)]) -> anyhow::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    let mut builder = tar::Builder::new(gzip);
    let mut folders = std::collections::BTreeSet::new();
    for (path, bytes, mode) in files {
        for (end, _) in path.match_indices('/') {
            if folders.insert(path[..end].to_owned()) {
                let mut header = header(tar::EntryType::Directory, 0o755, 0);
                builder.append_data(&mut header, format!("./{}/", &path[..end]), std::io::empty())?;
            }
        }
        let mut header = header(tar::EntryType::Regular, *mode, bytes.len() as u64);
        builder.append_data(&mut header, format!("./{path}"), *bytes)?;
    }
    let mut gzip = builder.into_inner().context("writing the package")?;
    gzip.flush().context("writing the package")?;
    gzip.finish().context("compressing the package")
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}
