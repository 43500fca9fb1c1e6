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
use uuid::Uuid;

use super::vmdk::Vmdk;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::spec::Architecture;
use crate::store::hex;
use crate::workshop::{Finished as _, Making, Product, Workshop, digest_of};

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
        let ovf = self.description();
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

    /// The names in it are all ours; the rest of the text goes through [`escaped`].
    fn description(&self) -> String {
        let Self { name, size, machine, disk, profile, version, .. } = self;
        let title = escaped(&self.title);
        let (file, bytes) = (self.disk_name(), self.vmdk.size());
        format!(
            r##"<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:vbox="http://www.virtualbox.org/ovf/machine" ovf:version="1.0" xml:lang="en-US">
  <References>
    <File ovf:id="file1" ovf:href="{file}" ovf:size="{bytes}"/>
  </References>
  <DiskSection>
    <Info>The disk</Info>
    <Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="{size}" ovf:capacityAllocationUnits="byte" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized" vbox:uuid="{disk}"/>
  </DiskSection>
  <NetworkSection>
    <Info>The networks</Info>
    <Network ovf:name="bridged">
      <Description>The home network, where the node is found</Description>
    </Network>
  </NetworkSection>
  <VirtualSystem ovf:id="{name}">
    <Info>A node of a community cloud</Info>
    <Name>{title}</Name>
    <OperatingSystemSection ovf:id="96" vmw:osType="debian12_64Guest">
      <Info>The operating system</Info>
      <Description>Debian GNU/Linux (64-bit)</Description>
      <vbox:OSType ovf:required="false">Debian_64</vbox:OSType>
    </OperatingSystemSection>
    <ProductSection>
      <Info>What is on the disk</Info>
      <Product>Nuvol {profile}</Product>
      <Version>{version}</Version>
    </ProductSection>
    <VirtualHardwareSection>
      <Info>The hardware</Info>
      <System>
        <vssd:ElementName>Virtual hardware</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>{name}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>vmx-13 virtualbox-2.2</vssd:VirtualSystemType>
      </System>
      <Item>
        <rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>
        <rasd:ElementName>{PROCESSORS} processors</rasd:ElementName>
        <rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>{PROCESSORS}</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
        <rasd:ElementName>{MEMORY_MIB} MiB of memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>{MEMORY_MIB}</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:Address>0</rasd:Address>
        <rasd:ElementName>SATA controller</rasd:ElementName>
        <rasd:InstanceID>3</rasd:InstanceID>
        <rasd:ResourceSubType>AHCI</rasd:ResourceSubType>
        <rasd:ResourceType>20</rasd:ResourceType>
      </Item>
      <Item>
        <rasd:AddressOnParent>0</rasd:AddressOnParent>
        <rasd:ElementName>Disk</rasd:ElementName>
        <rasd:HostResource>ovf:/disk/disk1</rasd:HostResource>
        <rasd:InstanceID>4</rasd:InstanceID>
        <rasd:Parent>3</rasd:Parent>
        <rasd:ResourceType>17</rasd:ResourceType>
      </Item>
      <Item>
        <rasd:AddressOnParent>0</rasd:AddressOnParent>
        <rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
        <rasd:Connection>bridged</rasd:Connection>
        <rasd:ElementName>Network card</rasd:ElementName>
        <rasd:InstanceID>5</rasd:InstanceID>
        <rasd:ResourceSubType>E1000</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType>
      </Item>
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>
    </VirtualHardwareSection>
    <vbox:Machine ovf:required="false" version="1.19-linux" uuid="{{{machine}}}" name="{name}" OSType="Debian_64">
      <ovf:Info>The same for VirtualBox</ovf:Info>
      <Hardware>
        <CPU count="{PROCESSORS}"/>
        <Memory RAMSize="{MEMORY_MIB}"/>
        <Firmware type="EFI"/>
        <Display controller="VMSVGA" VRAMSize="16"/>
        <BIOS>
          <IOAPIC enabled="true"/>
        </BIOS>
        <Network>
          <Adapter slot="0" enabled="true" type="82540EM">
            <NAT>
              <Forwarding name="page" proto="1" hostip="127.0.0.1" hostport="8443" guestport="443"/>
            </NAT>
          </Adapter>
        </Network>
        <StorageControllers>
          <StorageController name="SATA" type="AHCI" PortCount="1" useHostIOCache="false" Bootable="true">
            <AttachedDevice type="HardDisk" hotpluggable="false" port="0" device="0">
              <Image uuid="{{{disk}}}"/>
            </AttachedDevice>
          </StorageController>
        </StorageControllers>
      </Hardware>
    </vbox:Machine>
  </VirtualSystem>
</Envelope>
"##
        )
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

/// Text between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
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
