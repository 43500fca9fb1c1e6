//! FAT file systems made from outside, without mounting: for the ESP and for NUVOL-CFG.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;

use crate::rootfs::Bench;

/// A FAT file system in a file of its own.
pub struct Fat<'a> {
    bench: &'a Bench<'a>,
    image: &'a Path,
}

impl<'a> Fat<'a> {
    /// Makes an empty one of `size` bytes.
    pub fn make(
        bench: &'a Bench<'a>,
        image: &'a Path,
        size: u64,
        id: u32,
        label: &str,
    ) -> anyhow::Result<Self> {
        File::create(image).and_then(|file| file.set_len(size)).context("making a FAT image")?;
        // The order counts: `--invariant` sets an id of its own.
        let args = ["--invariant", "-i", &format!("{id:08x}"), "-n", label, &image.display().to_string()];
        bench.run("mkfs.vfat", &args).with_context(|| format!("making the file system {label}"))?;
        Ok(Self { bench, image })
    }

    /// Makes folders; parents must come first.
    pub fn folders(&self, names: &[&str]) -> anyhow::Result<()> {
        let image = self.image.display().to_string();
        let paths: Vec<String> = names.iter().map(|name| format!("::{name}")).collect();
        let args: Vec<&str> = ["-i", &image].into_iter().chain(paths.iter().map(String::as_str)).collect();
        self.bench.run("mmd", &args).with_context(|| format!("making `{}`", names.join("`, `")))
    }

    /// Copies `file` to the path `to`. mcopy keeps the file's time (`-m`), so the file is given
    /// the build's time first.
    pub fn copy(&self, file: &Path, to: &str) -> anyhow::Result<()> {
        let time = UNIX_EPOCH + Duration::from_secs(self.bench.epoch());
        let opened = File::options().write(true).open(file);
        opened
            .and_then(|it| it.set_modified(time))
            .with_context(|| format!("dating `{}`", file.display()))?;
        let (image, from) = (self.image.display().to_string(), file.display().to_string());
        let args = ["-m", "-i", &image, &from, &format!("::{to}")];
        self.bench.run("mcopy", &args).with_context(|| format!("writing `{to}`"))
    }
}
