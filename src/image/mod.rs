//! Images: the files that people download, one format a file, all made from the one disk.

mod iso;
mod qcow2;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::disk::{Disk, copy_sparse};
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::spec::Format;
use crate::store::Artifact;
use crate::workshop::Workshop;

/// One finished image.
pub struct Image<'a> {
    /// Its format.
    pub format: Format,
    /// sha256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    body: Body<'a>,
}

enum Body<'a> {
    /// A file on the shelf.
    Kept(Artifact),
    /// The disk itself.
    Disk(&'a Disk<'a>),
}

impl Image<'_> {
    /// Sees to it that its bytes can be read.
    pub fn ready(&self, shop: &Workshop) -> anyhow::Result<()> {
        match &self.body {
            Body::Kept(artifact) => shop.ready(artifact),
            Body::Disk(disk) => shop.ready(disk),
        }
    }

    /// Puts the image at `to`, where nothing is yet; nobody can change the shelf through it. The disk itself
    /// is moved there, so it comes last.
    pub fn place(&self, shop: &Workshop, to: &Path) -> anyhow::Result<()> {
        let what = || format!("making `{}`", to.display());
        match &self.body {
            Body::Kept(artifact) => {
                fs::File::create(to).and_then(|file| file.set_len(self.size)).with_context(what)?;
                copy_sparse(&artifact.path, to, 0)
            }
            Body::Disk(disk) => fs::rename(disk.raw(shop)?, to).with_context(what),
        }
    }
}

/// Makes every one of `formats` from `disk`.
pub fn from_disk<'a>(
    shop: &Workshop,
    plan: &Plan,
    formats: &BTreeSet<Format>,
    rootfs: &Rootfs,
    disk: &'a Disk<'a>,
) -> anyhow::Result<Vec<Image<'a>>> {
    let make = |format: &Format| {
        let artifact = match format {
            Format::Raw => return Ok(raw(disk)),
            Format::Qcow2 => qcow2::image(shop, rootfs, disk)?,
            Format::Iso => iso::image(shop, plan, rootfs, disk)?,
        };
        let size = artifact.size()?;
        Ok(Image { format: *format, sha256: artifact.digest.clone(), size, body: Body::Kept(artifact) })
    };
    formats.iter().map(make).collect()
}

fn raw<'a>(disk: &'a Disk<'a>) -> Image<'a> {
    let (sha256, size) = (disk.digest().to_owned(), disk.layout().size);
    Image { format: Format::Raw, sha256, size, body: Body::Disk(disk) }
}
