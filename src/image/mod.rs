//! Images: the files that people download, one format a file, made from the one disk or the one root file system.

mod archive;
mod bmap;
mod container;
mod iso;
mod lxc;
mod oci;
mod ova;
mod qcow2;
mod raw_zst;
mod vdi;
mod vhdx;
mod virtual_disk;
mod vmdk;
mod zst;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::disk::Disk;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::spec::Format;
use crate::store::side_by_side;
use crate::workshop::{Destination, Finished, Making, Product, Workshop};
use archive::Archive;
use bmap::Bmap;
use iso::Iso;
use lxc::Lxc;
use oci::Oci;
use ova::Ova;
use qcow2::Qcow2;
use raw_zst::RawZst;
use vdi::Vdi;
use vhdx::Vhdx;
use virtual_disk::VirtualDisk;
use vmdk::Vmdk;

/// One finished image.
pub struct Image<'a> {
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub file: Box<dyn Finished + Send + 'a>,
}

/// Whether any of `formats` is made from the disk.
pub fn has_disk(formats: &BTreeSet<Format>) -> bool {
    formats.iter().any(|it| it.has_disk())
}

/// Makes every one of `formats`, in the folder `place`: from `disk`, which must be there if any has one, or from
/// `rootfs`. As many are made at once as there are processors.
pub fn make<'a>(
    shop: &Workshop,
    plan: &'a Plan,
    formats: &BTreeSet<Format>,
    rootfs: &'a Rootfs,
    disk: Option<&'a Disk<'a>>,
    place: &'a Path,
) -> anyhow::Result<Vec<Image<'a>>> {
    let formats = &with_companions(formats);
    let studio = Studio { shop, plan, formats, rootfs, disk, place };
    let first: Vec<Step> = Step::ALL.into_iter().filter(|step| step.is_wanted(formats)).collect();
    let mut images = Vec::new();
    let (mut vmdk, mut archive) = (None, None);
    for part in side_by_side(&first, |step| studio.step(*step))? {
        match part {
            Part::Image(image) => images.push(image),
            Part::Vmdk(it) => vmdk = Some(it),
            Part::Archive(it) => archive = Some(it),
        }
    }
    for format in formats {
        let made: Option<Box<dyn Finished + Send>> = match (format, &vmdk, &archive) {
            (Format::Vmdk, Some(vmdk), _) => Some(Box::new(vmdk.clone())),
            (Format::Ova, Some(vmdk), _) => Some(studio.product(Ova::of(plan, rootfs, vmdk.clone())?, true)?),
            (Format::Proxmox, _, Some(archive)) => Some(Box::new(archive.clone())),
            (Format::Oci, _, Some(archive)) => {
                Some(studio.product(Oci::of(plan, rootfs, archive.clone()), true)?)
            }
            _ => None,
        };
        images.extend(made.map(|file| Image { format: *format, file }));
    }
    images.sort_by_key(|it| it.format);
    Ok(images)
}

/// A compressed disk is hardly of use without its block map.
fn with_companions(formats: &BTreeSet<Format>) -> BTreeSet<Format> {
    let map = formats.contains(&Format::RawZst).then_some(Format::Bmap);
    formats.iter().copied().chain(map).collect()
}

/// What is made first, all independent of each other.
#[derive(Debug, Clone, Copy)]
enum Step {
    Image(Format),
    /// For the image and the machine.
    Vmdk,
    /// For the template and the image with layers.
    Archive,
}

impl Step {
    /// What keeps one processor busy for the longest time comes first.
    const ALL: [Self; 10] = [
        Self::Vmdk,
        Self::Image(Format::Vdi),
        Self::Image(Format::Vhdx),
        Self::Image(Format::Raw),
        Self::Image(Format::Qcow2),
        Self::Image(Format::Iso),
        Self::Image(Format::RawZst),
        Self::Image(Format::Bmap),
        Self::Archive,
        Self::Image(Format::Lxc),
    ];

    fn is_wanted(self, formats: &BTreeSet<Format>) -> bool {
        match self {
            Self::Image(format) => formats.contains(&format),
            Self::Vmdk => formats.contains(&Format::Vmdk) || formats.contains(&Format::Ova),
            Self::Archive => formats.contains(&Format::Proxmox) || formats.contains(&Format::Oci),
        }
    }
}

/// What comes of a step.
enum Part<'a> {
    Image(Image<'a>),
    Vmdk(Arc<Product<'a, Vmdk<'a>>>),
    Archive(Arc<Product<'a, Archive<'a>>>),
}

/// All that a step may need.
struct Studio<'s, 'a> {
    shop: &'s Workshop,
    plan: &'a Plan,
    formats: &'s BTreeSet<Format>,
    rootfs: &'a Rootfs,
    disk: Option<&'a Disk<'a>>,
    place: &'a Path,
}

impl<'a> Studio<'_, 'a> {
    fn step(&self, step: Step) -> anyhow::Result<Part<'a>> {
        let format = match step {
            Step::Image(format) => format,
            Step::Vmdk => {
                let place = Destination { folder: self.place, stays: self.formats.contains(&Format::Vmdk) };
                let vmdk = Product::of(self.shop, Vmdk(self.virtual_disk()?), place)?;
                return Ok(Part::Vmdk(Arc::new(vmdk)));
            }
            Step::Archive => {
                let stays = self.formats.contains(&Format::Proxmox);
                let place = Destination { folder: self.place, stays };
                let archive = Product::of(self.shop, Archive::of(self.rootfs), place)?;
                return Ok(Part::Archive(Arc::new(archive)));
            }
        };
        let file: Box<dyn Finished + Send> = match format {
            Format::Raw => Box::new(self.disk()?),
            Format::Qcow2 => self.product(Qcow2::of(self.rootfs, self.disk()?), true)?,
            Format::Iso => self.product(Iso::of(self.plan, self.rootfs, self.disk()?)?, true)?,
            Format::RawZst => self.product(RawZst { disk: self.disk()? }, true)?,
            Format::Bmap => self.product(Bmap { disk: self.disk()? }, true)?,
            Format::Vdi => self.product(Vdi(self.virtual_disk()?), true)?,
            Format::Vhdx => self.product(Vhdx(self.virtual_disk()?), true)?,
            Format::Lxc => self.product(Lxc::of(self.plan, self.rootfs), true)?,
            Format::Vmdk | Format::Ova | Format::Proxmox | Format::Oci => {
                anyhow::bail!("`{format}` is made from a part that others have too")
            }
        };
        Ok(Part::Image(Image { format, file }))
    }

    fn product<M: Making + Send + 'a>(
        &self,
        making: M,
        stays: bool,
    ) -> anyhow::Result<Box<dyn Finished + Send + 'a>> {
        let place = Destination { folder: self.place, stays };
        Ok(Box::new(Product::of(self.shop, making, place)?))
    }

    fn virtual_disk(&self) -> anyhow::Result<VirtualDisk<'a>> {
        VirtualDisk::of(self.plan, self.rootfs, self.disk()?)
    }

    fn disk(&self) -> anyhow::Result<&'a Disk<'a>> {
        self.disk.context("an image of the disk needs the disk")
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, with_companions};
    use crate::spec::Format;

    #[test]
    fn no_format_is_forgotten() {
        for format in Format::ALL {
            let formats = with_companions(&[format].into());
            assert!(formats.contains(&format));
            assert!(Step::ALL.into_iter().any(|step| step.is_wanted(&formats)), "{format}");
        }
        assert!(with_companions(&[Format::RawZst].into()).contains(&Format::Bmap));
    }
}
