//! Images: the files that people download, one format a file, all made from the one disk.

mod iso;
mod qcow2;
mod raw;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::disk::Disk;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::spec::Format;
use crate::workshop::Workshop;

/// One finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its format.
    pub format: Format,
    /// The file on the shelf.
    pub path: PathBuf,
    /// sha256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// Makes every one of `formats` from `disk`.
pub fn from_disk(
    shop: &Workshop,
    plan: &Plan,
    formats: &BTreeSet<Format>,
    rootfs: &Rootfs,
    disk: &Disk,
) -> anyhow::Result<Vec<Image>> {
    let make = |format: &Format| {
        let artifact = match format {
            Format::Raw => raw::image(disk),
            Format::Qcow2 => qcow2::image(shop, rootfs, disk)?,
            Format::Iso => iso::image(shop, plan, rootfs, disk)?,
        };
        Ok(Image { format: *format, path: artifact.path, sha256: artifact.digest })
    };
    formats.iter().map(make).collect()
}
