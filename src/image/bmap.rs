//! The block map of the disk (version 2.0 of the format of bmap-tools): which blocks must be written, and the
//! checksum of each range of them. The other blocks are zero in the image and may hold anything on the target.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::disk::{BLOCK, Disk, Span, used};
use crate::store::{hex, side_by_side};
use crate::workshop::{Finished as _, Making, Workshop};

/// What stands for the map's own checksum while it is taken.
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The longest range: several are summed at once, and whoever reads the image back learns where it is bad.
/// In bytes, a multiple of the block.
const LONGEST: u64 = 32 << 20;

/// All that it is made from.
#[derive(Serialize)]
pub struct Bmap<'a> {
    /// The disk.
    pub disk: &'a Disk<'a>,
}

impl Making for Bmap<'_> {
    const STAGE: &'static str = "bmap";
    const VERSION: u32 = 3;
    const FILE: &'static str = "disk.bmap";

    fn make(&self, shop: &Workshop, to: &Path, _: &Path) -> anyhow::Result<()> {
        let raw = self.disk.file(shop)?;
        let layout = self.disk.layout();
        let spans: Vec<Span> = used(&raw, &layout)?.into_iter().flat_map(parts).collect();
        let what = || format!("mapping `{}`", raw.display());
        let file = File::open(&raw).with_context(what)?;
        let sums = side_by_side(&spans, |span| checksum(&file, *span)).with_context(what)?;
        let text = text(layout.size, &spans, &sums).with_context(what)?;
        std::fs::write(to, text).context("writing the block map")
    }
}

/// `span` in parts of at most `LONGEST` bytes, which begin at its multiples.
fn parts(span: Span) -> impl Iterator<Item = Span> {
    let end = span.offset + span.size;
    let next = move |at: &u64| Some((at / LONGEST + 1) * LONGEST).filter(|it| *it < end);
    std::iter::successors(Some(span.offset), next)
        .map(move |at| Span { offset: at, size: end.min((at / LONGEST + 1) * LONGEST) - at })
}

fn checksum(file: &File, span: Span) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let (mut at, end) = (span.offset, span.offset + span.size);
    while at < end {
        let part = usize::try_from(end - at).map_or(buffer.len(), |it| it.min(buffer.len()));
        file.read_exact_at(&mut buffer[..part], at)?;
        hasher.update(&buffer[..part]);
        at += part as u64;
    }
    Ok(hex(&hasher.finalize()))
}

/// The map of an image of `size` bytes, with its own checksum. What it leaves out no file system reads: `unmapped` says
/// so to `nuvol flash`, which would write zeros there otherwise. bmap-tools does not look at it.
fn text(size: u64, spans: &[Span], sums: &[String]) -> anyhow::Result<String> {
    let mapped: u64 = spans.iter().map(|it| it.size.div_ceil(BLOCK)).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" ?>\n\
         <bmap version=\"2.0\" unmapped=\"unused\">\n\
         \t<ImageSize> {size} </ImageSize>\n\
         \t<BlockSize> {BLOCK} </BlockSize>\n\
         \t<BlocksCount> {} </BlocksCount>\n\
         \t<MappedBlocksCount> {mapped} </MappedBlocksCount>\n\
         \t<ChecksumType> sha256 </ChecksumType>\n\
         \t<BmapFileChecksum> {NO_CHECKSUM} </BmapFileChecksum>\n\
         \t<BlockMap>\n",
        size.div_ceil(BLOCK)
    );
    for (span, sum) in spans.iter().zip(sums) {
        let (first, last) = (span.offset / BLOCK, (span.offset + span.size).div_ceil(BLOCK) - 1);
        let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
        writeln!(text, "\t\t<Range chksum=\"{sum}\"> {range} </Range>")?;
    }
    text += "\t</BlockMap>\n</bmap>\n";
    let sum = hex(&Sha256::digest(text.as_bytes()));
    Ok(text.replacen(NO_CHECKSUM, &sum, 1))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, parts, text};
    use crate::disk::Span;
    use crate::store::hex;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn long_spans_are_several_ranges() {
        let of =
            |offset, size| parts(Span { offset, size }).map(|it| (it.offset, it.size)).collect::<Vec<_>>();
        assert_eq!(of(8192, 4096), [(8192, 4096)]);
        assert_eq!(of(LONGEST, LONGEST), [(LONGEST, LONGEST)]);
        let expected = [(LONGEST - 4096, 4096), (LONGEST, LONGEST), (2 * LONGEST, 100)];
        assert_eq!(of(LONGEST - 4096, LONGEST + 4196), expected);
    }

    #[test]
    fn a_map_tells_its_ranges_and_sums_itself_up() {
        let spans = [Span { offset: 0, size: 8192 }, Span { offset: 16384, size: 100 }];
        let text = text(16484, &spans, &["aa".to_owned(), "bb".to_owned()]).unwrap();
        for line in [
            "<bmap version=\"2.0\" unmapped=\"unused\">",
            "<BlocksCount> 5 </BlocksCount>",
            "<MappedBlocksCount> 3 </MappedBlocksCount>",
            "<Range chksum=\"aa\"> 0-1 </Range>",
            "<Range chksum=\"bb\"> 4 </Range>",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let (before, rest) = text.split_once("<BmapFileChecksum> ").unwrap();
        let (sum, after) = rest.split_at(64);
        let without = format!("{before}<BmapFileChecksum> {}{after}", "0".repeat(64));
        assert_eq!(hex(&Sha256::digest(without)), sum);
    }
}
