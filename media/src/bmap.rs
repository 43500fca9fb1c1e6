//! Block maps, version 2.0, as bmap-tools reads and writes them: which blocks of an image hold anything.

use anyhow::Context as _;
use quick_xml::Reader;
use quick_xml::events::Event;
use sha2::{Digest as _, Sha256};

use super::span::Span;

/// A block map that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bmap {
    /// Size of the image in bytes.
    pub size_bytes: u64,
    /// The stretches that hold something, in order, with the sha256 of each.
    pub ranges: Vec<(Span, String)>,
    /// Nobody reads what the map leaves out. It says so itself (`unmapped="unused"`, as ours do, which come from the
    /// file systems); otherwise that may be a hole that stands for zeros.
    pub unmapped_is_unused: bool,
}

/// Half-read values of a map.
#[derive(Default)]
struct Draft {
    size: Option<u64>,
    block: Option<u64>,
    kind: Option<String>,
    sum: Option<String>,
    unused: bool,
    ranges: Vec<(String, String)>,
}

impl Bmap {
    /// The map that `text` describes.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let draft = Draft::read(text)?;
        let kind = draft.kind.context("there is no ChecksumType")?;
        anyhow::ensure!(kind == "sha256", "checksums of type `{kind}` are not known here, only sha256");
        let sum = draft.sum.context("there is no BmapFileChecksum")?;
        // The sum is taken with zeros in its own place.
        let own = text.replacen(&sum, &"0".repeat(sum.len()), 1);
        anyhow::ensure!(
            sum.len() == 64 && hex(&Sha256::digest(own)) == sum,
            "it is not what its own sum says"
        );
        let (size_bytes, block) =
            (draft.size.context("there is no ImageSize")?, draft.block.context("there is no BlockSize")?);
        anyhow::ensure!(block.is_power_of_two() && block >= 512, "BlockSize is {block}");
        let mut ranges: Vec<(Span, String)> = Vec::new();
        for (blocks, sum) in draft.ranges {
            let span = span(&blocks, block, size_bytes).with_context(|| format!("range `{blocks}`"))?;
            let follows = ranges.last().is_none_or(|(last, _)| last.to <= span.from);
            anyhow::ensure!(follows, "range `{blocks}` is out of order");
            anyhow::ensure!(sum.len() == 64, "range `{blocks}` has no sha256");
            ranges.push((span, sum));
        }
        Ok(Self { size_bytes, ranges, unmapped_is_unused: draft.unused })
    }
}

impl Draft {
    fn read(text: &str) -> anyhow::Result<Self> {
        let mut reader = Reader::from_str(text);
        let (mut draft, mut element, mut sum) = (Self::default(), Vec::new(), String::new());
        loop {
            match reader.read_event()? {
                Event::Start(start) => {
                    element = start.name().as_ref().to_vec();
                    let value = |name: &str| -> anyhow::Result<Option<String>> {
                        let found = start.try_get_attribute(name)?;
                        found.map(|it| Ok(String::from_utf8(it.value.into_owned())?)).transpose()
                    };
                    match &*element {
                        b"bmap" => {
                            let version = value("version")?.unwrap_or_default();
                            let known = version.split('.').next() == Some("2");
                            anyhow::ensure!(known, "version `{version}` is not known here, only 2.0");
                            draft.unused = value("unmapped")?.as_deref() == Some("unused");
                        }
                        b"Range" => sum = value("chksum")?.unwrap_or_default(),
                        _ => {}
                    }
                }
                Event::Text(text) => {
                    let text = text.decode()?.trim().to_owned();
                    if !text.is_empty() {
                        draft.put(&element, text, &sum)?;
                    }
                }
                Event::End(_) => element.clear(),
                Event::Eof => return Ok(draft),
                _ => {}
            }
        }
    }

    fn put(&mut self, element: &[u8], text: String, sum: &str) -> anyhow::Result<()> {
        let number = || text.parse().with_context(|| format!("`{text}` is no number"));
        match element {
            b"ImageSize" => self.size = Some(number()?),
            b"BlockSize" => self.block = Some(number()?),
            b"ChecksumType" => self.kind = Some(text),
            b"BmapFileChecksum" => self.sum = Some(text),
            b"Range" => self.ranges.push((text, sum.to_owned())),
            _ => {}
        }
        Ok(())
    }
}

/// Blocks `3` or `3-7` as bytes of an image; the last block may be shorter than the others.
fn span(blocks: &str, block: u64, size: u64) -> anyhow::Result<Span> {
    let (first, last) = blocks.split_once('-').unwrap_or((blocks, blocks));
    let (first, last): (u64, u64) = (first.trim().parse()?, last.trim().parse()?);
    let end = last.checked_add(1).and_then(|it| it.checked_mul(block)).context("it is too large")?;
    let from = first.checked_mul(block).context("it is too large")?;
    anyhow::ensure!(first <= last && from < size && end < size + block, "it does not lie in the image");
    Ok(Span::new(from, end.min(size)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::{Bmap, Span, hex};

    /// A map as bmap-tools writes it, with these ranges and a sum that fits.
    fn map(ranges: &str) -> String {
        let zeros = "0".repeat(64);
        let text = format!(
            "<?xml version=\"1.0\" ?>\n<!-- A comment. -->\n<bmap version=\"2.0\">\n\
             <ImageSize> 10000 </ImageSize>\n<BlockSize> 4096 </BlockSize>\n<BlocksCount> 3 </BlocksCount>\n\
             <ChecksumType> sha256 </ChecksumType>\n<BmapFileChecksum> {zeros} </BmapFileChecksum>\n\
             <BlockMap>\n{ranges}\n</BlockMap>\n</bmap>\n"
        );
        text.replacen(&zeros, &hex(&Sha256::digest(&text)), 1)
    }

    fn range(blocks: &str) -> String {
        format!("<Range chksum=\"{}\"> {blocks} </Range>", "a".repeat(64))
    }

    #[test]
    fn ranges_are_read_as_bytes() {
        let bmap = Bmap::parse(&map(&(range("0") + &range("1-2")))).unwrap();
        assert_eq!(bmap.size_bytes, 10_000);
        let spans: Vec<Span> = bmap.ranges.iter().map(|(span, _)| *span).collect();
        assert_eq!(spans, [Span::new(0, 4096), Span::new(4096, 10_000)]);
        assert!(!bmap.unmapped_is_unused);
    }

    #[test]
    fn a_map_can_say_that_nobody_reads_what_it_leaves_out() {
        let told = |word: &str| {
            let zeros = "0".repeat(64);
            let text = map(&range("0")).replace("\"2.0\">", &format!("\"2.0\" unmapped=\"{word}\">"));
            let (before, rest) = text.split_once("<BmapFileChecksum> ").unwrap();
            let text = format!("{before}<BmapFileChecksum> {zeros}{}", &rest[64..]);
            let sum = hex(&Sha256::digest(&text));
            Bmap::parse(&text.replacen(&zeros, &sum, 1)).unwrap().unmapped_is_unused
        };
        assert!(told("unused"));
        assert!(!told("zeros"));
    }

    #[test]
    fn a_map_that_was_altered_or_does_not_fit_is_refused() {
        let fails = |text: &str| format!("{:#}", Bmap::parse(text).unwrap_err());
        let good = map(&range("0"));
        assert_eq!(fails(&good.replace(" 0 ", " 1 ")), "it is not what its own sum says");
        assert_eq!(fails(&map(&range("3"))), "range `3`: it does not lie in the image");
        assert_eq!(fails(&map(&(range("1-2") + &range("2")))), "range `2` is out of order");
        assert_eq!(fails(&map(&range("2-1"))), "range `2-1`: it does not lie in the image");
        let huge = u64::MAX.to_string();
        assert_eq!(fails(&map(&range(&huge))), format!("range `{huge}`: it is too large"));
        assert_eq!(fails(&good.replace("2.0", "1.4")), "version `1.4` is not known here, only 2.0");
        assert_eq!(fails("nothing"), "there is no ChecksumType");
    }
}
