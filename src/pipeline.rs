//! The whole build, one line a stage.

use std::path::Path;

use crate::overlay::Overlay;
use crate::plan::Plan;
use crate::release::{self, Release};
use crate::rootfs::{self, Source};
use crate::workshop::Workshop;
use crate::{disk, image};

/// Builds everything that `plan` asks for and publishes it below `out`.
pub fn build(
    shop: &Workshop,
    plan: &Plan,
    overlay: &Overlay,
    source: Source,
    out: &Path,
) -> anyhow::Result<Release> {
    let rootfs = rootfs::build(shop, plan, overlay, source)?;
    let mut images = Vec::new();
    if let Some(disk_plan) = &plan.disk {
        let disk = disk::build(shop, disk_plan, &rootfs)?;
        images = image::from_disk(shop, plan, &disk_plan.formats, &rootfs, &disk)?;
    }
    release::publish(shop, plan, out, &rootfs, &images)
}
