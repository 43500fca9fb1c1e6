//! The container for Incus and LXC: a tar with the root file system and what the image says of itself
//! (Incus, "Image format", unified tarball).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use tar::{EntryType, Header};

use super::{container, zst};
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::spec::{Architecture, yaml};
use crate::workshop::{Making, Workshop};

/// The node takes the container's name: whoever runs containers names them.
const TEMPLATE: &str = "hostname.tpl";
const TEMPLATE_TEXT: &str = "{{ container.name }}\n";

/// All that it is made from.
#[derive(Serialize)]
pub struct Lxc<'a> {
    /// The hash of all that the root file system is made from.
    root: &'a str,
    metadata: Metadata<'a>,
    #[serde(skip)]
    rootfs: &'a Rootfs,
}

/// `metadata.yaml`.
#[derive(Serialize)]
struct Metadata<'a> {
    architecture: &'static str,
    /// Seconds since 1970.
    creation_date: u64,
    properties: BTreeMap<&'static str, String>,
    templates: BTreeMap<&'a str, Template>,
}

#[derive(Serialize)]
struct Template {
    when: [&'static str; 2],
    template: &'static str,
}

impl<'a> Lxc<'a> {
    /// That of `rootfs`.
    pub fn of(plan: &Plan, rootfs: &'a Rootfs) -> Self {
        let Plan { profile, version, summary, .. } = plan;
        let architecture = match rootfs.architecture {
            Architecture::Amd64 => "x86_64",
            Architecture::Arm64 => "aarch64",
        };
        let properties = BTreeMap::from([
            ("architecture", rootfs.architecture.to_string()),
            ("description", format!("Nuvol {profile} {version}: {summary}")),
            ("name", format!("nuvol-{profile}")),
            ("os", "Nuvol".to_owned()),
            ("release", plan.base.suite.clone()),
            ("serial", version.to_string()),
            ("variant", profile.to_string()),
        ]);
        let hostname = Template { when: ["create", "copy"], template: TEMPLATE };
        let metadata = Metadata {
            architecture,
            creation_date: rootfs.epoch,
            properties,
            templates: BTreeMap::from([("/etc/hostname", hostname)]),
        };
        Self { root: rootfs.root.key(), metadata, rootfs }
    }
}

impl Making for Lxc<'_> {
    const STAGE: &'static str = "lxc";
    const VERSION: u32 = 2;
    const FILE: &'static str = "container.tar.zst";

    fn make(&self, _: &Workshop, to: &Path, _: &Path) -> anyhow::Result<()> {
        let tree = container::tree(self.rootfs)?;
        let out = zst::encoder(File::create(to).context("making the container")?, None)?;
        let mut tar = tar::Builder::new(BufWriter::with_capacity(1 << 20, out));
        let what = || "writing the container";
        let metadata = yaml::to_string(&self.metadata).with_context(what)?;
        self.append(&mut tar, "metadata.yaml", Some(&metadata)).with_context(what)?;
        self.append(&mut tar, "templates/", None).with_context(what)?;
        self.append(&mut tar, &format!("templates/{TEMPLATE}"), Some(TEMPLATE_TEXT)).with_context(what)?;
        self.append(&mut tar, "rootfs/", None).with_context(what)?;
        tree.append_to(&mut tar, "rootfs/", self.rootfs.epoch)?;
        let out = tar.into_inner().with_context(what)?.into_inner().map_err(|it| it.into_error());
        out.with_context(what)?.finish().with_context(what)?;
        Ok(())
    }
}

impl Lxc<'_> {
    /// Appends a file with this text, or a folder.
    fn append(
        &self,
        tar: &mut tar::Builder<impl Write>,
        path: &str,
        text: Option<&str>,
    ) -> std::io::Result<()> {
        let mut header = Header::new_gnu();
        let (kind, mode) = match text {
            Some(_) => (EntryType::Regular, 0o644),
            None => (EntryType::Directory, 0o755),
        };
        let bytes = text.unwrap_or_default().as_bytes();
        header.set_entry_type(kind);
        header.set_mode(mode);
        // Left empty they are no numbers, and some readers stop there.
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.rootfs.epoch);
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, path, bytes)
    }
}
