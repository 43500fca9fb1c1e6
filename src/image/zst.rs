//! zstd as downloads have it. The bytes depend on the contents alone, not on how many processors there are.

use std::io::Write;

use anyhow::Context as _;

/// Twice the time of level 3 for a tenth less; beyond, a percent costs as much again.
const LEVEL: i32 = 9;

/// Compresses into `out` what is written to it, `size` bytes if that is known. To be finished.
pub fn encoder<'a, W: Write>(out: W, size: Option<u64>) -> anyhow::Result<zstd::Encoder<'a, W>> {
    let threads = std::thread::available_parallelism().map_or(1, |it| u32::try_from(it.get()).unwrap_or(1));
    let what = || "preparing to compress";
    let mut encoder = zstd::Encoder::new(out, LEVEL).with_context(what)?;
    // Any number of workers cuts the contents into the same parts; none would not.
    encoder.multithread(threads).with_context(what)?;
    encoder.include_checksum(true).with_context(what)?;
    if let Some(size) = size {
        encoder.set_pledged_src_size(Some(size)).with_context(what)?;
    }
    Ok(encoder)
}
