//! The disk for VirtualBox.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use uuid::Uuid;

use super::virtual_disk::VirtualDisk;
use crate::workshop::{Making, Workshop};

/// Where its identity and that of its last change lie in the header (version 1.1 of the format).
const IDS: u64 = 392;

/// All that it is made from.
#[derive(Serialize)]
pub struct Vdi<'a>(pub VirtualDisk<'a>);

impl Making for Vdi<'_> {
    const STAGE: &'static str = "vdi";
    const VERSION: u32 = 1;
    const FILE: &'static str = "disk.vdi";

    fn make(&self, shop: &Workshop, to: &Path, work: &Path) -> anyhow::Result<()> {
        self.0.convert(shop, ("vdi", "static=off"), to, work)?;
        let file = File::options().write(true).open(to).context("opening the image")?;
        settle(&file, ["vdi/image", "vdi/change"].map(|it| self.0.id(it))).context("naming the image")
    }
}

/// Gives it its identities; nothing sums up the header.
fn settle(file: &File, ids: [Uuid; 2]) -> anyhow::Result<()> {
    Ok(file.write_all_at(&ids.map(|id| id.to_bytes_le()).concat(), IDS)?)
}
