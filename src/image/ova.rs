//! A virtual machine in one file: a tar with its description (OVF 1.1, DMTF DSP0243), checksums and the disk.
//!
//! VMware reads the hardware from the description itself and the firmware from its `vmw:Config`. VirtualBox reads
//! `vbox:Machine`, by its own words; to others that is a section that they need not know.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};
use tera::{Context, Tera};
use uuid::Uuid;

use super::vmdk::Vmdk;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::spec::Architecture;
use crate::store::hex;
use crate::workshop::{Finished as _, Making, Product, Workshop, digest_of};

/// The machine's description; values are escaped for XML.
const DESCRIPTION: &str = include_str!("machine.ovf.tera");
/// A size in a tar's header has eleven octal digits.
const MEMBER_MOST: u64 = (8 << 30) - 1;
/// The machine: what `home` is at ease with.
const PROCESSORS: u32 = 2;
const MEMORY_MIB: u32 = 2048;

/// All that it is made from.
#[derive(Serialize)]
pub struct Ova<'a> {
    #[serde(serialize_with = "digest_of")]
    vmdk: Arc<Product<'a, Vmdk<'a>>>,
    /// The machine's name, and what the files in it are called.
    name: String,
    title: String,
    profile: &'a str,
    version: &'a str,
    /// What the machine's disk holds in bytes.
    size: u64,
    machine: Uuid,
    disk: Uuid,
    epoch: u64,
}

impl<'a> Ova<'a> {
    /// The machine around `vmdk`.
    pub fn of(plan: &'a Plan, rootfs: &Rootfs, vmdk: Arc<Product<'a, Vmdk<'a>>>) -> anyhow::Result<Self> {
        let Plan { profile, version, .. } = plan;
        anyhow::ensure!(
            rootfs.architecture == Architecture::Amd64,
            "an OVA describes a PC; for {} take `vmdk` or `qcow2`",
            rootfs.architecture
        );
        let disk = &vmdk.making().0;
        let (size, machine, disk) = (disk.size(), disk.id("ova/machine"), disk.id("ova/disk"));
        Ok(Self {
            vmdk,
            name: format!("nuvol-{profile}-{version}-{}", rootfs.architecture),
            title: format!("Nuvol {profile} {version}"),
            profile: profile.as_str(),
            version: version.as_str(),
            size,
            machine,
            disk,
            epoch: rootfs.epoch,
        })
    }
}

impl Making for Ova<'_> {
    const STAGE: &'static str = "ova";
    const VERSION: u32 = 1;
    const FILE: &'static str = "machine.ova";

    fn make(&self, shop: &Workshop, to: &Path, _: &Path) -> anyhow::Result<()> {
        let vmdk = self.vmdk.file(shop)?;
        check_member(self.vmdk.size())?;
        let ovf = self.description()?;
        let checksums = format!(
            "SHA256({}.ovf)= {}\nSHA256({})= {}\n",
            self.name,
            hex(&Sha256::digest(ovf.as_bytes())),
            self.disk_name(),
            self.vmdk.sha256()
        );
        let what = || "writing the machine";
        let mut tar = Builder::new(File::create(to).with_context(what)?);
        // The description comes first and its checksums second: who reads a stream knows then what follows.
        for (extension, text) in [("ovf", &ovf), ("mf", &checksums)] {
            let mut header = self.header(text.len() as u64);
            tar.append_data(&mut header, format!("{}.{extension}", self.name), text.as_bytes())
                .with_context(what)?;
        }
        let disk = File::open(&vmdk).with_context(|| format!("opening `{}`", vmdk.display()))?;
        tar.append_data(&mut self.header(self.vmdk.size()), self.disk_name(), disk).with_context(what)?;
        tar.finish().with_context(what)
    }
}

impl Ova<'_> {
    fn disk_name(&self) -> String {
        format!("{}-disk1.vmdk", self.name)
    }

    fn header(&self, size: u64) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(self.epoch);
        header.set_size(size);
        header
    }

    fn description(&self) -> anyhow::Result<String> {
        let mut context = Context::new();
        context.insert("name", &self.name);
        context.insert("title", &self.title);
        context.insert("profile", self.profile);
        context.insert("version", self.version);
        context.insert("processors", &PROCESSORS);
        context.insert("memory", &MEMORY_MIB);
        context.insert("machine", &self.machine);
        context.insert("disk", &self.disk);
        context.insert("size", &self.size);
        context.insert("file", &self.disk_name());
        context.insert("packed", &self.vmdk.size());
        Tera::one_off(DESCRIPTION, &context, true).context("describing the machine")
    }
}

/// Fails where a disk of `size` bytes does not fit into the tar of an OVA.
fn check_member(size: u64) -> anyhow::Result<()> {
    anyhow::ensure!(
        size <= MEMBER_MOST,
        "the compressed disk has {} GiB, and in an OVA no file may have 8: leave `ova` out of the formats, or make \
         the profile smaller",
        size >> 30
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_member;

    #[test]
    fn what_does_not_fit_into_a_tar_is_refused() {
        assert!(check_member((8 << 30) - 1).is_ok());
        let err = check_member(8 << 30).unwrap_err().to_string();
        assert!(err.starts_with("the compressed disk has 8 GiB"), "{err}");
    }
}
