//! The container for podman and Docker: an OCI image layout in a tar, with one layer (OCI image specification 1.1).
//! It starts systemd, as a node does.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::archive::Archive;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::store::hex;
use crate::workshop::{Finished as _, Making, Product, Workshop, digest_of};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// All that it is made from.
#[derive(Serialize)]
pub struct Oci<'a> {
    #[serde(serialize_with = "digest_of")]
    layer: Arc<Product<'a, Archive<'a>>>,
    architecture: &'static str,
    profile: &'a str,
    version: &'a str,
    summary: &'a str,
    epoch: u64,
}

impl<'a> Oci<'a> {
    /// That of `rootfs`, which is packed as `layer`.
    pub fn of(plan: &'a Plan, rootfs: &Rootfs, layer: Arc<Product<'a, Archive<'a>>>) -> Self {
        Self {
            layer,
            architecture: rootfs.architecture.as_str(),
            profile: plan.profile.as_str(),
            version: plan.version.as_str(),
            summary: &plan.summary,
            epoch: rootfs.epoch,
        }
    }
}

impl Making for Oci<'_> {
    const STAGE: &'static str = "oci";
    const VERSION: u32 = 1;
    const FILE: &'static str = "image.tar";

    fn make(&self, shop: &Workshop, to: &Path, _: &Path) -> anyhow::Result<()> {
        let path = self.layer.file(shop)?;
        let what = || format!("packing `{}`", path.display());
        let config = self.config(&digest(zstd::Decoder::new(File::open(&path)?)?).with_context(what)?);
        let layer = json!({
            "mediaType": LAYER,
            "digest": format!("sha256:{}", self.layer.sha256()),
            "size": self.layer.size(),
        });
        let (config, config_entry) = blob(CONFIG, &config)?;
        let (manifest, mut manifest_entry) = blob(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config_entry,
                "layers": [layer],
                "annotations": self.labels(),
            }),
        )?;
        manifest_entry["platform"] = json!({ "architecture": self.architecture, "os": "linux" });
        manifest_entry["annotations"] = json!({ "org.opencontainers.image.ref.name": self.name() });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest_entry] });

        let mut tar = Builder::new(File::create(to).context("making the image")?);
        for folder in ["blobs/", "blobs/sha256/"] {
            tar.append_data(&mut self.header(EntryType::Directory, 0), folder, std::io::empty())?;
        }
        for (bytes, entry) in [(&config, &config_entry), (&manifest, &manifest_entry)] {
            let name = entry["digest"].as_str().unwrap_or_default().replacen(':', "/", 1);
            self.append(&mut tar, &format!("blobs/{name}"), bytes).with_context(what)?;
        }
        let mut header = self.header(EntryType::Regular, self.layer.size());
        let name = format!("blobs/sha256/{}", self.layer.sha256());
        tar.append_data(&mut header, name, File::open(&path).with_context(what)?).with_context(what)?;
        self.append(&mut tar, "index.json", index.to_string().as_bytes()).with_context(what)?;
        self.append(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#).with_context(what)?;
        tar.finish().with_context(what)
    }
}

impl Oci<'_> {
    /// What the image is called when it is loaded. A tag has fewer letters than a version.
    fn name(&self) -> String {
        let tag: String =
            self.version.chars().map(|it| if matches!(it, '+' | '~') { '_' } else { it }).collect();
        format!("nuvol-{}:{tag}", self.profile)
    }

    fn labels(&self) -> Value {
        json!({
            "org.opencontainers.image.created": moment(self.epoch),
            "org.opencontainers.image.description": self.summary,
            "org.opencontainers.image.title": format!("Nuvol {}", self.profile),
            "org.opencontainers.image.version": self.version,
        })
    }

    /// How the container runs. `container=oci` tells systemd where it is; it stops on the signal that means
    /// "power off" to it (systemd(1)). What a node keeps lies in `/data`.
    fn config(&self, layer: &str) -> Value {
        json!({
            "created": moment(self.epoch),
            "architecture": self.architecture,
            "os": "linux",
            "config": {
                "Entrypoint": ["/sbin/init"],
                "Env": [
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "container=oci",
                ],
                "StopSignal": "SIGRTMIN+3",
                "ExposedPorts": { "80/tcp": {}, "443/tcp": {} },
                "Volumes": { "/data": {} },
                "Labels": self.labels(),
            },
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
            "history": [{ "created": moment(self.epoch), "created_by": "nuvol" }],
        })
    }

    fn header(&self, kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
        header.set_mtime(self.epoch);
        header.set_size(size);
        header
    }

    fn append(&self, tar: &mut Builder<File>, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        tar.append_data(&mut self.header(EntryType::Regular, bytes.len() as u64), path, bytes)
    }
}

/// `value` as bytes, and what points to them.
fn blob(media: &str, value: &Value) -> anyhow::Result<(Vec<u8>, Value)> {
    let bytes = serde_json::to_vec(value).context("describing the image")?;
    let digest = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
    let entry = json!({ "mediaType": media, "digest": digest, "size": bytes.len() });
    Ok((bytes, entry))
}

/// sha256 of all that `from` gives.
fn digest(mut from: impl Read) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// `epoch`, seconds since 1970, as RFC 3339 writes it. The calendar's days are counted from March of the year 0, so
/// that the odd day comes last.
fn moment(epoch: u64) -> String {
    let (day, second) = (epoch / 86_400 + 719_468, epoch % 86_400);
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (date, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_is_told_by_the_calendar() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(moment(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(moment(1_795_227_046), "2026-11-21T02:10:46Z");
        assert_eq!(moment(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
