//! Where everything lies on the disk: partition arithmetic, nothing else.

use super::boot::has_bios;
use crate::plan::DiskIds;
use crate::spec::{Architecture, ByteSize};

/// Partitions begin and end at multiples of this.
const ALIGNMENT: u64 = 1 << 20;
const SECTOR: u64 = 512;
const BIOS: u64 = 1 << 20;
const ESP: u64 = 64 << 20;
const CONFIG: u64 = 16 << 20;
/// Free space at the end, so that the data partition of first boot always fits.
const DATA: u64 = 144 << 20;
/// Room beyond the content until the partition has grown, on first boot.
const HEADROOM: u64 = 128 << 20;

/// A span of the disk in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub size: u64,
}

/// The disk's partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// GRUB's core for BIOS, where there is one.
    pub bios: Option<Span>,
    /// EFI system partition.
    pub esp: Span,
    /// `NUVOL-CFG`.
    pub config: Span,
    /// Root file system.
    pub root: Span,
    /// The whole disk.
    pub size: u64,
}

impl Layout {
    /// The layout for `architecture` with a root partition of `root` bytes.
    pub fn new(architecture: Architecture, root: u64) -> Self {
        let mut offset = ALIGNMENT;
        let mut span = |size: u64| {
            let span = Span { offset, size: size.next_multiple_of(ALIGNMENT) };
            offset += span.size;
            span
        };
        let bios = has_bios(architecture).then(|| span(BIOS));
        let (esp, config, root) = (span(ESP), span(CONFIG), span(root));
        Self { bios, esp, config, root, size: offset + DATA + ALIGNMENT }
    }

    /// The partition table for sfdisk. Types are those of the Discoverable Partitions
    /// Specification and of UEFI; NUVOL-CFG is basic data, so that every desktop shows it.
    pub fn table(&self, architecture: Architecture, ids: &DiskIds) -> String {
        let root = match architecture {
            Architecture::Amd64 => "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
            Architecture::Arm64 => "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
        };
        let partitions = [
            (self.bios, "21686148-6449-6E6F-744E-656564454649", "bios"),
            (Some(self.esp), "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "esp"),
            (Some(self.config), "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "nuvol-cfg"),
            (Some(self.root), root, "root"),
        ];
        let mut text =
            format!("label: gpt\nlabel-id: {}\nunit: sectors\nsector-size: {SECTOR}\n\n", ids.disk);
        for ((span, kind, name), id) in partitions.into_iter().zip(ids.partitions) {
            let Some(span) = span else { continue };
            let (start, size) = (span.offset / SECTOR, span.size / SECTOR);
            text += &format!("start={start}, size={size}, type={kind}, uuid={id}, name=\"{name}\"\n");
        }
        text
    }
}

/// Size of a root partition for files that take `content` bytes in whole blocks: a quarter more, and some
/// headroom.
pub fn root_size(content: u64) -> u64 {
    (content + content / 4 + HEADROOM).next_multiple_of(64 << 20)
}

/// Whether a root partition of `size` can hold `content` with room to work; says how much
/// would do.
pub fn check_root(size: ByteSize, content: u64) -> Result<(), ByteSize> {
    let least = ByteSize::mib((content + content / 5).div_ceil(1 << 20) + 128);
    if size >= least { Ok(()) } else { Err(least) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Layout, check_root, root_size};
    use crate::plan::DiskIds;
    use crate::spec::{Architecture, ByteSize};

    #[test]
    fn partitions_follow_each_other_without_overlap() {
        let layout = Layout::new(Architecture::Amd64, (1 << 30) + 7);
        let bios = layout.bios.unwrap();
        assert_eq!(bios.offset, 1 << 20);
        assert_eq!(layout.esp.offset, bios.offset + bios.size);
        assert_eq!(layout.config.offset, layout.esp.offset + layout.esp.size);
        assert_eq!(layout.root.offset, layout.config.offset + layout.config.size);
        assert_eq!(layout.root.size % (1 << 20), 0);
        assert!(layout.size >= layout.root.offset + layout.root.size + (129 << 20));
    }

    #[test]
    fn the_table_names_every_partition_and_its_identity() {
        let id = |n| Uuid::from_u128(n);
        let ids = DiskIds {
            disk: id(1),
            partitions: [id(2), id(3), id(4), id(5)],
            root: id(6),
            esp: 7,
            config: 8,
            build: id(9),
        };
        let table = Layout::new(Architecture::Amd64, 1 << 30).table(Architecture::Amd64, &ids);
        let expected = "start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, \
                        uuid=00000000-0000-0000-0000-000000000002, name=\"bios\"";
        assert!(table.contains(expected), "{table}");
        assert_eq!(table.matches("start=").count(), 4);
        let table = Layout::new(Architecture::Arm64, 1 << 30).table(Architecture::Arm64, &ids);
        assert!(table.contains("start=2048, size=131072, type=C12A7328-"), "{table}");
        assert_eq!(table.matches("start=").count(), 3);
    }

    #[test]
    fn a_root_has_headroom() {
        assert_eq!(root_size(1 << 30), (1 << 30) + (1 << 28) + (1 << 27));
    }

    #[test]
    fn a_root_that_is_too_small_names_the_least_size() {
        assert_eq!(check_root(ByteSize::mib(4096), 1 << 30), Ok(()));
        assert!(check_root(ByteSize::mib(1024), 1 << 30).unwrap_err() > ByteSize::mib(1024));
    }
}
