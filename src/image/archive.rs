//! The root file system of a container as a compressed tar. Proxmox takes it as it is (a template for `pct create`),
//! and it is the one layer of the OCI image.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::{container, zst};
use crate::rootfs::Rootfs;
use crate::workshop::{Making, Workshop};

/// All that it is made from.
#[derive(Serialize)]
pub struct Archive<'a> {
    /// The hash of all that the root file system is made from.
    root: &'a str,
    #[serde(skip)]
    rootfs: &'a Rootfs,
}

impl<'a> Archive<'a> {
    /// That of `rootfs`.
    pub fn of(rootfs: &'a Rootfs) -> Self {
        Self { root: rootfs.root.key(), rootfs }
    }
}

impl Making for Archive<'_> {
    const STAGE: &'static str = "archive";
    const VERSION: u32 = 1;
    const FILE: &'static str = "root.tar.zst";

    fn make(&self, _: &Workshop, to: &Path, _: &Path) -> anyhow::Result<()> {
        let tree = container::tree(self.rootfs)?;
        let mut out = zst::encoder(File::create(to).context("making the archive")?, None)?;
        tree.write(&mut out, self.rootfs.epoch)?;
        out.finish().context("compressing the root file system")?;
        Ok(())
    }
}
