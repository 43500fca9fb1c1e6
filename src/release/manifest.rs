//! `manifest.json`: what a release is and what it is made of, for programs.

use anyhow::Context as _;
use serde::Serialize;

use crate::image::Image;
use crate::plan::Plan;
use crate::rootfs::{Installed, Rootfs};

/// This program, as a manifest names it.
pub const BUILDER: &str = concat!("nuvol ", env!("CARGO_PKG_VERSION"));

#[derive(Serialize)]
struct Manifest<'a> {
    /// Raised when the meaning of a field changes.
    schema: u32,
    profile: &'a str,
    summary: &'a str,
    version: &'a str,
    architecture: &'a str,
    suite: &'a str,
    /// Seconds since 1970.
    epoch: u64,
    builder: &'static str,
    services: Vec<&'a str>,
    images: Vec<File<'a>>,
    /// Hash of all that the root file system is made from.
    rootfs: &'a str,
    packages: &'a [Installed],
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    format: &'static str,
    sha256: &'a str,
    size: u64,
}

/// The manifest as text.
pub fn text(plan: &Plan, rootfs: &Rootfs, files: &[(String, &Image<'_>)]) -> anyhow::Result<String> {
    let images = files.iter().map(|(name, image)| File {
        file: name,
        format: image.format.as_str(),
        sha256: image.file.sha256(),
        size: image.file.size(),
    });
    let manifest = Manifest {
        schema: 1,
        profile: plan.profile.as_str(),
        summary: &plan.summary,
        version: plan.version.as_str(),
        architecture: plan.base.architecture.as_str(),
        suite: &plan.base.suite,
        epoch: rootfs.epoch,
        builder: BUILDER,
        services: plan.services.keys().map(|name| name.as_str()).collect(),
        images: images.collect(),
        rootfs: rootfs.root.key(),
        packages: &rootfs.facts.installed,
    };
    Ok(serde_json::to_string_pretty(&manifest).context("writing the manifest")? + "\n")
}
