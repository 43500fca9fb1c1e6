//! The image that is written: raw or compressed with zstd, with the map of what holds anything.

use std::fs::File;
#[cfg(feature = "zstd")]
use std::io::{BufReader, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nuvol_seed::Extent;
use sha2::{Digest as _, Sha256};

use super::bmap::Bmap;
use super::gpt::{CONFIG_LABEL, SECTOR, Table};
use super::pipeline::in_order;
use super::progress::Progress;
use super::span::{Span, joined, spans};

/// What is held back until all else is on the disk. Partitions begin behind it.
pub const HEAD: u64 = 1 << 20;
/// Where an ISO says what it is.
const ISO: Span = Span { from: 32_769, to: 32_774 };
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The grain of a map that is made here.
#[cfg(feature = "zstd")]
const GRAIN: usize = 64 << 10;
#[cfg(feature = "zstd")]
const READ: usize = 1 << 20;
const PAGE: u64 = 4096;

/// A file that no disk boots from: the program ends with 3.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is no image that a disk boots from; raw, raw.zst and iso are (those for virtual machines are not)", .0.display())]
pub struct NotBootable(pub PathBuf);

/// Something is not what its checksum or signature says: the program ends with 5.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Untrusted(pub String);

impl std::convert::From<anyhow::Error> for Untrusted {
    fn from(err: anyhow::Error) -> Self {
        Self(format!("{err:#}"))
    }
}

/// An image.
pub struct Source {
    path: PathBuf,
    file: File,
    kind: Kind,
    /// Its size in bytes once it is unpacked.
    pub size_bytes: u64,
    /// What holds anything, in order.
    pub mapped: Vec<Span>,
    /// What the map beside it says about the bytes: stretches and their sha256.
    pub sums: Vec<(Span, String)>,
    /// The map beside it.
    pub map: Option<PathBuf>,
    /// The map says that nobody reads what it leaves out.
    pub unmapped_is_unused: bool,
    /// Its first bytes, `HEAD` of them where there are so many.
    pub head: Vec<u8>,
    /// Its last bytes and where they begin, if it has no partition table and is larger than its head.
    pub end: Option<(u64, Vec<u8>)>,
    /// Its partition table.
    pub table: Option<Table>,
    /// Where in it the configuration before boot has its place.
    pub config: Option<Extent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raw,
    Zstd,
}

impl Source {
    /// The image at `path`, with the map that lies beside it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("reading the image `{}`", path.display());
        let file = File::open(path).with_context(what)?;
        let metadata = file.metadata().with_context(what)?;
        anyhow::ensure!(metadata.is_file(), "the image `{}` is not a file", path.display());
        let mut start = [0; 4];
        let count = file.read_at(&mut start, 0).with_context(what)?;
        anyhow::ensure!(count > 0, "the image `{}` is empty", path.display());
        let kind = if start == ZSTD { Kind::Zstd } else { Kind::Raw };
        let (size_bytes, head, end, table, config) = (0, Vec::new(), None, None, None);
        let (mapped, sums, map) = (Vec::new(), Vec::new(), None);
        let path = path.to_owned();
        let unmapped_is_unused = false;
        let mut source = Self {
            path,
            file,
            kind,
            size_bytes,
            mapped,
            sums,
            map,
            unmapped_is_unused,
            head,
            end,
            table,
            config,
        };
        source.find_map(metadata.len())?;
        let head = HEAD.min(source.size_bytes);
        source.head = source.bytes(Span::new(0, head))?;
        if source.head.get(510..512) != Some(&[0x55, 0xaa]) && !source.is_iso() {
            return Err(NotBootable(source.path).into());
        }
        source.table = source.own_table()?;
        source.config = source.place_of_config()?;
        if source.table.is_none() && source.size_bytes > HEAD {
            let from = HEAD.max((source.size_bytes - 1) / HEAD * HEAD);
            source.end = Some((from, source.bytes(Span::new(from, source.size_bytes))?));
        }
        for bytes in [Some(&mut source.head), source.end.as_mut().map(|it| &mut it.1)].into_iter().flatten() {
            bytes.resize(bytes.len().next_multiple_of(SECTOR as usize), 0);
        }
        source.mapped = joined(source.mapped.iter().map(|it| source.aligned(*it)).collect(), 0);
        Ok(source)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is an ISO, which is written as it is.
    pub fn is_iso(&self) -> bool {
        self.head.get(ISO.from as usize..ISO.to as usize) == Some(b"CD001")
    }

    /// Whether it must be unpacked.
    pub fn is_compressed(&self) -> bool {
        self.kind == Kind::Zstd
    }

    /// What tells whether the file was replaced or written to.
    pub fn stamp(&self) -> anyhow::Result<(u64, u64, u64, i64, i64)> {
        let it = self.file.metadata().with_context(|| format!("looking at `{}`", self.path.display()))?;
        Ok((it.dev(), it.ino(), it.len(), it.mtime(), it.mtime_nsec()))
    }

    /// The bytes of one stretch. Of a compressed image all before it is unpacked for that.
    pub fn bytes(&self, span: Span) -> anyhow::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(span.length())?];
        self.stream()?.read_at(&mut bytes, span.from)?;
        Ok(bytes)
    }

    /// Reads it once from start to end.
    pub fn stream(&self) -> anyhow::Result<Stream<'_>> {
        let what = || format!("reading the image `{}`", self.path.display());
        let from = match self.kind {
            Kind::Raw => From::File(&self.file),
            Kind::Zstd => self.unpacked().with_context(what)?,
        };
        Ok(Stream {
            from,
            path: &self.path,
            #[cfg(feature = "zstd")]
            at: 0,
            #[cfg(feature = "zstd")]
            scratch: Vec::new(),
        })
    }

    #[cfg(feature = "zstd")]
    fn unpacked(&self) -> anyhow::Result<From<'_>> {
        let file = File::open(&self.path)?;
        let same = file.metadata()?.ino() == self.stamp()?.1;
        anyhow::ensure!(same, "it was replaced while it was used");
        let reader = BufReader::with_capacity(READ, file);
        Ok(From::Unpacked(Box::new(zstd::Decoder::with_buffer(reader)?)))
    }

    #[cfg(not(feature = "zstd"))]
    fn unpacked(&self) -> anyhow::Result<From<'_>> {
        anyhow::bail!("it is compressed, which this program cannot read")
    }

    /// Whether the stretches that the map names have the bytes that it says.
    pub fn check_ranges(&self, progress: &dyn Progress) -> anyhow::Result<()> {
        if self.sums.is_empty() {
            return Ok(());
        }
        let phase = progress.phase("check", self.sums.iter().map(|(span, _)| span.length()).sum());
        let spans: Vec<Span> = self.sums.iter().map(|(span, _)| *span).collect();
        let (mut sums, mut hasher) = (self.sums.iter().peekable(), Sha256::new());
        in_order(self, &spans, &mut |piece, bytes| {
            hasher.update(bytes);
            phase.add(bytes.len() as u64, None);
            let Some((span, sum)) = sums.next_if(|(span, _)| span.to == piece.to) else { return Ok(()) };
            let digest = hasher.finalize_reset();
            let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            if found == *sum {
                return Ok(());
            }
            let (map, image) = (self.map.as_deref().unwrap_or(Path::new("")), self.path());
            let text = format!("the map `{}` is not of `{}`: {span} differ", map.display(), image.display());
            Err(Untrusted(text).into())
        })?;
        phase.finish("");
        Ok(())
    }

    /// A stretch of whole pages: some file systems tell of smaller ones.
    fn aligned(&self, span: Span) -> Span {
        Span::new(span.from / PAGE * PAGE, span.to.next_multiple_of(PAGE).min(self.size_bytes))
    }

    /// Finds out how large it is and what of it holds anything.
    fn find_map(&mut self, file_bytes: u64) -> anyhow::Result<()> {
        if let Some(path) = map_beside(&self.path) {
            let what = || format!("the map `{}` cannot be used", path.display());
            let text = std::fs::read_to_string(&path).with_context(what)?;
            let bmap = Bmap::parse(&text).map_err(Untrusted::from).with_context(what)?;
            self.size_bytes = bmap.size_bytes;
            self.mapped = joined(bmap.ranges.iter().map(|(span, _)| *span).collect(), 0);
            let fits = self.kind == Kind::Zstd || bmap.size_bytes == file_bytes;
            let wrong =
                || anyhow::anyhow!("it is for an image of another size than `{}`", self.path.display());
            anyhow::ensure!(fits, anyhow::Error::from(Untrusted::from(wrong())).context(what()));
            self.unmapped_is_unused = bmap.unmapped_is_unused;
            (self.sums, self.map) = (bmap.ranges, Some(path));
        } else if self.kind == Kind::Raw {
            self.size_bytes = file_bytes;
            let found = spans(&self.file, 0, file_bytes)?;
            self.mapped = found.into_iter().map(|(from, to)| Span::new(from, to)).collect();
        } else {
            (self.size_bytes, self.mapped) = self.map_by_reading()?;
        }
        Ok(())
    }

    #[cfg(feature = "zstd")]
    fn map_by_reading(&self) -> anyhow::Result<(u64, Vec<Span>)> {
        self.stream()?.map()
    }

    #[cfg(not(feature = "zstd"))]
    fn map_by_reading(&self) -> anyhow::Result<(u64, Vec<Span>)> {
        self.stream().map(|_| (0, Vec::new()))
    }

    /// Of an ISO, which has no such table in its head, the file system must be looked for.
    fn place_of_config(&self) -> anyhow::Result<Option<Extent>> {
        let what = || format!("reading the image `{}`", self.path.display());
        match &self.table {
            Some(table) => {
                let partition = table.partitions().into_iter().find(|it| it.label == CONFIG_LABEL);
                Ok(partition.map(|it| Extent { offset: it.span.from, size: it.span.length() }))
            }
            None if self.kind == Kind::Raw => nuvol_seed::find(&self.file).with_context(what),
            None => Ok(None),
        }
    }

    /// The table in its head. One that is only at its end is of no use to a firmware.
    fn own_table(&self) -> anyhow::Result<Option<Table>> {
        if self.is_iso() || self.size_bytes <= HEAD {
            return Ok(None);
        }
        let read = |at: u64, length: usize| -> anyhow::Result<Vec<u8>> {
            let at = usize::try_from(at)?;
            let bytes = at.checked_add(length).and_then(|end| self.head.get(at..end));
            Ok(bytes.context("beyond the image's first bytes")?.to_vec())
        };
        Ok(Table::read(&read, self.size_bytes))
    }
}

/// Reads an image from start to end.
pub struct Stream<'a> {
    from: From<'a>,
    path: &'a Path,
    #[cfg(feature = "zstd")]
    at: u64,
    #[cfg(feature = "zstd")]
    scratch: Vec<u8>,
}

enum From<'a> {
    File(&'a File),
    #[cfg(feature = "zstd")]
    Unpacked(Box<zstd::Decoder<'static, BufReader<File>>>),
}

impl Stream<'_> {
    /// Fills `buffer` with the image's bytes from `offset` on, which lies behind all that was read before.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> anyhow::Result<()> {
        let what = || format!("reading the image `{}`", self.path.display());
        match &mut self.from {
            From::File(file) => file.read_exact_at(buffer, offset).with_context(what)?,
            #[cfg(feature = "zstd")]
            From::Unpacked(decoder) => {
                self.scratch.resize(READ, 0);
                while self.at < offset {
                    let part = usize::try_from(offset - self.at).map_or(READ, |it| it.min(READ));
                    decoder.read_exact(&mut self.scratch[..part]).with_context(what)?;
                    self.at += part as u64;
                }
                decoder.read_exact(buffer).with_context(what)?;
            }
        }
        #[cfg(feature = "zstd")]
        {
            self.at = offset + buffer.len() as u64;
        }
        Ok(())
    }

    /// Unpacks all of it: its size and what of it is not zero.
    #[cfg(feature = "zstd")]
    fn map(mut self) -> anyhow::Result<(u64, Vec<Span>)> {
        let what = || format!("reading the image `{}`", self.path.display());
        let From::Unpacked(decoder) = &mut self.from else { anyhow::bail!("the image is not compressed") };
        let (mut at, mut found, mut grain) = (0, Vec::new(), vec![0; GRAIN]);
        loop {
            let mut count = 0;
            while count < GRAIN {
                match decoder.read(&mut grain[count..]).with_context(what)? {
                    0 => break,
                    more => count += more,
                }
            }
            if grain[..count].iter().any(|byte| *byte != 0) {
                found.push(Span::new(at, at + count as u64));
            }
            at += count as u64;
            if count < GRAIN {
                return Ok((at, joined(found, 0)));
            }
        }
    }
}

/// The map of the image at `path`: its name with `.bmap` behind it, or in place of its endings. An ISO keeps its
/// ending: a release's `x.bmap` is that of `x.raw`.
fn map_beside(path: &Path) -> Option<PathBuf> {
    let mut name = path.file_name()?.to_str()?.to_owned();
    loop {
        let map = path.with_file_name(format!("{name}.bmap"));
        if map.is_file() {
            return Some(map);
        }
        let (shorter, ending) = name.rsplit_once('.')?;
        if !["zst", "raw", "img"].contains(&ending) {
            return None;
        }
        name = shorter.to_owned();
    }
}
