//! The disk for VMware: compressed, written in one stream (`streamOptimized`), as an OVA needs it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::virtual_disk::VirtualDisk;
use crate::workshop::{Making, Workshop};

const SECTOR: u64 = 512;

/// All that it is made from.
#[derive(Serialize)]
pub struct Vmdk<'a>(pub VirtualDisk<'a>);

impl Making for Vmdk<'_> {
    const STAGE: &'static str = "vmdk";
    const VERSION: u32 = 1;
    /// The name stands in the file's own description.
    const FILE: &'static str = "disk.vmdk";

    fn make(&self, shop: &Workshop, to: &Path, work: &Path) -> anyhow::Result<()> {
        self.0.convert(shop, ("vmdk", "subformat=streamOptimized,adapter_type=lsilogic"), to, work)?;
        let file = File::options().read(true).write(true).open(to).context("opening the image")?;
        let (id, ..) = self.0.id("vmdk/content").as_fields();
        settle(&file, id).context("naming the image")
    }
}

/// Gives it the identity `id` in place of the one that qemu-img drew.
fn settle(file: &File, id: u32) -> anyhow::Result<()> {
    let mut header = [0; 64];
    file.read_exact_at(&mut header, 0)?;
    anyhow::ensure!(header.starts_with(b"KDMV"), "it is no VMDK");
    let sectors =
        |at: usize| header[at..at + 8].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)) * SECTOR;
    let (place, room) = (sectors(28), usize::try_from(sectors(36))?);
    let mut bytes = vec![0; room];
    file.read_exact_at(&mut bytes, place)?;
    let text = std::str::from_utf8(&bytes)?.trim_end_matches('\0');
    let mut text = described(text, id).context("its description has no identity")?.into_bytes();
    anyhow::ensure!(text.len() <= room, "its description does not fit");
    text.resize(room, 0);
    Ok(file.write_all_at(&text, place)?)
}

/// The description `text` with the identity `id`, if it has one. Neither may be the number that stands for none.
fn described(text: &str, id: u32) -> Option<String> {
    let (before, rest) = text.split_once("\nCID=")?;
    let (_, after) = rest.split_once('\n')?;
    let id = if id >= u32::MAX - 1 { 1 } else { id };
    Some(format!("{before}\nCID={id:08x}\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn the_identity_is_replaced_however_long_it_was() {
        let text = |id: &str| format!("# Disk DescriptorFile\nversion=1\nCID={id}\nparentCID=ffffffff\n");
        assert_eq!(described(&text("1a2b3c4"), 0xab), Some(text("000000ab")));
        assert_eq!(described(&text("ffffffff"), u32::MAX), Some(text("00000001")));
        assert_eq!(described("version=1\n", 7), None);
    }
}
