//! The disk for QEMU and KVM: compressed, and larger inside than the raw disk, so that a
//! virtual machine has room for data without anybody resizing it.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::disk::Disk;
use crate::remote::Share;
use crate::rootfs::{Rootfs, Tools};
use crate::store::Artifact;
use crate::workshop::{Recipe, Workshop};

/// Size that the virtual machine sees, where the disk itself is not larger; it takes no space.
const VIRTUAL_BYTES: u64 = 16 << 30;

#[derive(Serialize)]
struct Qcow2Recipe<'a> {
    disk: &'a Disk<'a>,
    size: u64,
    epoch: u64,
    tools: &'a Tools,
}

/// Makes `disk.qcow2` of `disk`.
pub fn image(shop: &Workshop, rootfs: &Rootfs, disk: &Disk<'_>) -> anyhow::Result<Artifact> {
    let size = disk.layout().size.max(VIRTUAL_BYTES);
    let entry = shop.make(&Qcow2Recipe { disk, size, epoch: rootfs.epoch, tools: &rootfs.tools })?;
    Artifact::of(&entry, "disk.qcow2")
}

impl Recipe for Qcow2Recipe<'_> {
    const STAGE: &'static str = "qcow2";
    const VERSION: u32 = 1;
    const SHARE: Share = Share::Digests;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let raw = self.disk.raw(shop)?;
        let bench = self.tools.bench(shop, dir, self.epoch).lend(&raw);
        let (from, to) = (raw.display().to_string(), dir.join("disk.qcow2").display().to_string());
        // zstd: a fifth of zlib's time for the same size. Never `-W`: it makes the bytes differ.
        let args = ["convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compression_type=zstd", &from, &to];
        bench.run("qemu-img", &args).context("converting the disk")?;
        bench.run("qemu-img", &["resize", "-q", &to, &self.size.to_string()]).context("giving the disk room")
    }
}
