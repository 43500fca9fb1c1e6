//! The disk itself, compressed: the smallest thing to download, and what `nuvol flash` and bmaptool write from.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::zst;
use crate::disk::Disk;
use crate::store::spans;
use crate::workshop::{Finished as _, Making, Workshop};

/// All that it is made from.
#[derive(Serialize)]
pub struct RawZst<'a> {
    /// The disk.
    pub disk: &'a Disk<'a>,
}

impl Making for RawZst<'_> {
    const STAGE: &'static str = "raw.zst";
    const VERSION: u32 = 1;
    const FILE: &'static str = "disk.raw.zst";

    fn make(&self, shop: &Workshop, to: &Path, _: &Path) -> anyhow::Result<()> {
        let raw = self.disk.file(shop)?;
        let what = || format!("compressing `{}`", raw.display());
        let file = File::open(&raw).with_context(what)?;
        let size = file.metadata().with_context(what)?.len();
        let out = File::create(to).with_context(what)?;
        let mut out = zst::encoder(out, Some(size))?;
        copy(file, size, &mut out).with_context(what)?;
        out.finish().with_context(what)?;
        Ok(())
    }
}

/// Copies `file` of `size` bytes; its holes are not read.
fn copy(mut file: File, size: u64, out: &mut impl Write) -> anyhow::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let zeros = vec![0; 256 << 10];
    let mut at = 0;
    for (from, to) in spans(&file, 0, size)? {
        write_zeros(&zeros, from - at, out)?;
        file.seek(SeekFrom::Start(from))?;
        at = from;
        while at < to {
            let part = usize::try_from(to - at).map_or(buffer.len(), |it| it.min(buffer.len()));
            file.read_exact(&mut buffer[..part])?;
            out.write_all(&buffer[..part])?;
            at += part as u64;
        }
    }
    write_zeros(&zeros, size - at, out)
}

fn write_zeros(zeros: &[u8], mut count: u64, out: &mut impl Write) -> anyhow::Result<()> {
    while count > 0 {
        let part = usize::try_from(count).map_or(zeros.len(), |it| it.min(zeros.len()));
        out.write_all(&zeros[..part])?;
        count -= part as u64;
    }
    Ok(())
}
