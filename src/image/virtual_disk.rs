//! Disks for virtual machines: larger inside than the raw disk, so that a machine has room for data without anybody
//! resizing it, and as qemu-img writes them. What it draws by lot is replaced by the format's own file here.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use uuid::Uuid;

use crate::disk::Disk;
use crate::plan::Plan;
use crate::rootfs::{Rootfs, Tools};
use crate::workshop::{Finished as _, Workshop};

/// Size that the virtual machine sees, where the disk itself is not larger; it takes no space.
const VIRTUAL_BYTES: u64 = 16 << 30;

/// What the virtual machine sees of `disk`, in bytes.
pub fn size(disk: &Disk<'_>) -> u64 {
    disk.layout().size.max(VIRTUAL_BYTES)
}

/// All that such a disk is made from.
#[derive(Serialize)]
pub struct VirtualDisk<'a> {
    disk: &'a Disk<'a>,
    size: u64,
    /// What its identities are derived from.
    build: Uuid,
    epoch: u64,
    tools: &'a Tools,
}

impl<'a> VirtualDisk<'a> {
    /// That of `disk`.
    pub fn of(plan: &Plan, rootfs: &'a Rootfs, disk: &'a Disk<'a>) -> anyhow::Result<Self> {
        let build = plan.disk.as_ref().context("a virtual disk needs a disk")?.ids.build;
        Ok(Self { disk, size: size(disk), build, epoch: rootfs.epoch, tools: &rootfs.tools })
    }

    /// What the virtual machine sees, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// An identity of its own: the same build gives the same.
    pub fn id(&self, role: &str) -> Uuid {
        Uuid::new_v5(&self.build, role.as_bytes())
    }

    /// Writes it to `to` in `format`, as qemu-img names it and its `options`.
    pub fn convert(
        &self,
        shop: &Workshop,
        (format, options): (&str, &str),
        to: &Path,
        work: &Path,
    ) -> anyhow::Result<()> {
        let raw = self.disk.file(shop)?;
        File::create(to).context("making the image")?;
        let bench = self.tools.bench(shop, self.epoch).lend(&raw).write(work).write(to);
        // Not every format can be made larger afterwards.
        let larger = work.join("larger.qcow2").display().to_string();
        let (raw, to) = (raw.display().to_string(), to.display().to_string());
        let size = self.size.to_string();
        bench
            .run("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "raw", "-b", &raw, &larger, &size])
            .context("giving the disk room")?;
        let args = ["convert", "-f", "qcow2", "-O", format, "-o", options, &larger, &to];
        bench.run("qemu-img", &args).context("converting the disk")
    }
}
