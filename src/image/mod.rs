//! Images: the files that people download, one format a file, all made from the one disk.

mod iso;
mod qcow2;

use std::collections::BTreeSet;
use std::path::Path;

use crate::disk::Disk;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::spec::Format;
use crate::workshop::{Destination, Finished, Product, Workshop};
use iso::Iso;
use qcow2::Qcow2;

/// One finished image.
pub struct Image<'a> {
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub file: Box<dyn Finished + 'a>,
}

/// Makes every one of `formats` from `disk`, in the folder `place`.
pub fn from_disk<'a>(
    shop: &Workshop,
    plan: &'a Plan,
    formats: &BTreeSet<Format>,
    rootfs: &'a Rootfs,
    disk: &'a Disk<'a>,
    place: &'a Path,
) -> anyhow::Result<Vec<Image<'a>>> {
    let place = Destination { folder: place, stays: true };
    let make = |format: &Format| {
        let file: Box<dyn Finished + 'a> = match format {
            Format::Raw => Box::new(disk),
            Format::Qcow2 => Box::new(Product::of(shop, Qcow2::of(rootfs, disk), place)?),
            Format::Iso => Box::new(Product::of(shop, Iso::of(plan, rootfs, disk)?, place)?),
        };
        Ok(Image { format: *format, file })
    };
    formats.iter().map(make).collect()
}
