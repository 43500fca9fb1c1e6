//! The whole build, one line a stage.

use std::path::Path;

use crate::overlay::Overlay;
use crate::plan::Plan;
use crate::release::{self, Draft, Release};
use crate::rootfs::{self, Source};
use crate::workshop::Workshop;
use crate::{disk, image};

/// Builds everything that `plan` asks for and publishes it below `out`.
pub fn build(
    shop: &Workshop,
    plan: &Plan,
    overlay: &Overlay,
    source: &Source,
    out: &Path,
) -> anyhow::Result<Release> {
    loop {
        match build_once(shop, plan, overlay, source, out) {
            Err(err) if shop.starts_over(&err) => {}
            result => return result,
        }
    }
}

fn build_once(
    shop: &Workshop,
    plan: &Plan,
    overlay: &Overlay,
    source: &Source,
    out: &Path,
) -> anyhow::Result<Release> {
    let rootfs = rootfs::build(shop, plan, overlay, source)?;
    let draft = Draft::begin(shop, plan, out)?;
    let place = draft.path().to_owned();
    let Some(disk_plan) = &plan.disk else { return release::publish(shop, plan, draft, &rootfs, &[]) };
    let formats = &disk_plan.formats;
    let disk = image::has_disk(formats).then(|| disk::build(shop, disk_plan, &rootfs, &place)).transpose()?;
    let images = image::make(shop, plan, formats, &rootfs, disk.as_ref(), &place)?;
    release::publish(shop, plan, draft, &rootfs, &images)
}

/// Takes every stage that makes something to a `shop` that only explains.
pub fn explain(shop: &Workshop, plan: &Plan, overlay: &Overlay, source: &Source) -> anyhow::Result<()> {
    let rootfs = rootfs::build(shop, plan, overlay, source)?;
    if let Some(disk_plan) = &plan.disk {
        // Nothing is made, so that nothing needs a place.
        let place = Path::new("");
        let formats = &disk_plan.formats;
        let disk =
            image::has_disk(formats).then(|| disk::build(shop, disk_plan, &rootfs, place)).transpose()?;
        image::make(shop, plan, formats, &rootfs, disk.as_ref(), place)?;
    }
    Ok(())
}
