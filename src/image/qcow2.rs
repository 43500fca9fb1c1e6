//! The disk for QEMU and KVM: compressed, and larger inside than the raw disk, so that a
//! virtual machine has room for data without anybody resizing it.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::virtual_disk;
use crate::disk::Disk;
use crate::rootfs::{Rootfs, Tools};
use crate::workshop::{Finished as _, Making, Workshop};

/// All that it is made from.
#[derive(Serialize)]
pub struct Qcow2<'a> {
    disk: &'a Disk<'a>,
    size: u64,
    epoch: u64,
    tools: &'a Tools,
}

impl<'a> Qcow2<'a> {
    /// That of `disk`.
    pub fn of(rootfs: &'a Rootfs, disk: &'a Disk<'a>) -> Self {
        let size = virtual_disk::size(disk);
        Self { disk, size, epoch: rootfs.epoch, tools: &rootfs.tools }
    }
}

impl Making for Qcow2<'_> {
    const STAGE: &'static str = "qcow2";
    const VERSION: u32 = 2;
    const FILE: &'static str = "disk.qcow2";

    fn make(&self, shop: &Workshop, to: &Path, _: &Path) -> anyhow::Result<()> {
        let raw = self.disk.file(shop)?;
        File::create(to).context("making the image")?;
        let bench = self.tools.bench(shop, self.epoch).lend(&raw).write(to);
        let (from, to) = (raw.display().to_string(), to.display().to_string());
        // zstd: a fifth of zlib's time for the same size. Never `-W`: it makes the bytes differ.
        let args = ["convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compression_type=zstd", &from, &to];
        bench.run("qemu-img", &args).context("converting the disk")?;
        bench.run("qemu-img", &["resize", "-q", &to, &self.size.to_string()]).context("giving the disk room")
    }
}
