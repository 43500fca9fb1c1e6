//! Debian packages as files: an `ar` of two tars, one about the package, one with what it
//! installs (deb(5)).

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Context as _;

use super::super::control::Paragraph;
use crate::store::sha256_file;

/// A package, opened.
pub struct Deb {
    file: File,
    /// Size of the whole in bytes.
    pub size: u64,
    /// The paragraph that describes it.
    pub control: Paragraph,
    /// Scripts and lists that come with it, `control` itself aside.
    pub members: Vec<Member>,
}

/// A file for dpkg's database.
pub struct Member {
    /// `postinst`, `conffiles`, `triggers`…
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
    /// Seconds since 1970.
    pub mtime: u64,
}

impl Deb {
    /// Opens the package at `path` if its bytes have this sha256.
    pub fn verified(path: &Path, sha256: &str) -> anyhow::Result<Self> {
        verify(path, sha256)?;
        Self::open(path)
    }

    /// Opens the package at `path`.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
        let what = || format!("reading the package `{}`", path.display());
        let (mut control, mut members) = (None, Vec::new());
        tar_of(&file, "control.tar", |tar| {
            for entry in tar.entries()? {
                let mut entry = entry?;
                if !entry.header().entry_type().is_file() {
                    continue;
                }
                let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
                let (mode, mtime) = (entry.header().mode()? & 0o7777, entry.header().mtime()?);
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                if name == "control" {
                    control = Some(Paragraph::parse(&String::from_utf8(bytes)?));
                } else {
                    members.push(Member { name, bytes, mode, mtime });
                }
            }
            Ok(())
        })
        .with_context(what)?;
        let control = control.context("no control file").with_context(what)?;
        let size = file.metadata().with_context(what)?.len();
        Ok(Self { file, size, control, members })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.control.get("Package").unwrap_or_default()
    }

    /// Its name as dpkg's files have it: with the architecture where several may be installed.
    pub fn qualified(&self) -> String {
        match (self.control.get("Multi-Arch"), self.control.get("Architecture")) {
            (Some("same"), Some(arch)) => format!("{}:{arch}", self.name()),
            _ => self.name().to_owned(),
        }
    }

    /// The lines of one of its lists.
    pub fn lines(&self, member: &str) -> Vec<String> {
        let member = self.members.iter().find(|it| it.name == member);
        let text = member.map(|it| String::from_utf8_lossy(&it.bytes).into_owned()).unwrap_or_default();
        text.lines().map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
    }

    /// Whether it brings this script.
    pub fn has(&self, script: &str) -> bool {
        self.members.iter().any(|it| it.name == script)
    }

    /// Hands what it installs to `take`.
    pub fn data(
        &self,
        take: impl FnMut(&mut tar::Archive<&mut dyn Read>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        tar_of(&self.file, "data.tar", take)
    }
}

/// Compares the bytes of the package at `path` with their digest.
pub fn verify(path: &Path, sha256: &str) -> anyhow::Result<()> {
    let found = sha256_file(path)?;
    anyhow::ensure!(
        found == sha256,
        "`{}` is damaged: its sha256 is {found}, expected {sha256}",
        path.display()
    );
    Ok(())
}

/// What a part of a package holds, whose name ends in `kind`.
pub fn decoded<'a>(part: impl Read + 'a, kind: &str) -> anyhow::Result<Box<dyn Read + 'a>> {
    Ok(match kind {
        "" => Box::new(part),
        ".gz" => Box::new(flate2::read::GzDecoder::new(part)),
        ".xz" => Box::new(liblzma::read::XzDecoder::new(part)),
        ".zst" => Box::new(zstd::Decoder::new(part)?),
        other => anyhow::bail!("a part is compressed in a way that we do not read: `{other}`"),
    })
}

/// Decompresses the member of `file` that begins with `wanted`.
fn tar_of(
    mut file: &File,
    wanted: &str,
    mut take: impl FnMut(&mut tar::Archive<&mut dyn Read>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut archive = ar::Archive::new(BufReader::with_capacity(256 << 10, file));
    while let Some(entry) = archive.next_entry() {
        let entry = entry?;
        let name = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        let Some(kind) = name.trim_end_matches('/').strip_prefix(wanted) else { continue };
        let mut plain: Box<dyn Read> = decoded(entry, kind).with_context(|| format!("reading `{name}`"))?;
        take(&mut tar::Archive::new(&mut plain))?;
        // A tar ends before its compression does, and only there is the checksum compared.
        std::io::copy(&mut plain, &mut std::io::sink()).with_context(|| format!("reading `{name}`"))?;
        return Ok(());
    }
    anyhow::bail!("it has no `{wanted}`")
}
