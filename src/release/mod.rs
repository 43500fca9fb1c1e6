//! The release: a folder in `out/` that is complete or absent. Files are assembled aside and
//! take their place by one exchange.

mod draft;
mod manifest;
mod verify;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

pub use draft::Draft;
pub use manifest::BUILDER;
pub use verify::{Deviation, StatedImage, Statement, deviation, lock_of, problems};

use crate::image::Image;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::store::{Found, hex, side_by_side};
use crate::workshop::Workshop;

/// A finished release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its folder.
    pub folder: PathBuf,
    /// The images in it.
    pub images: Vec<PathBuf>,
}

/// Puts `images` and what describes them into the place of `draft`.
pub fn publish(
    shop: &Workshop,
    plan: &Plan,
    draft: Draft,
    rootfs: &Rootfs,
    images: &[Image<'_>],
) -> anyhow::Result<Release> {
    let since = Instant::now();
    let folder = draft.place().to_owned();
    let files: Vec<(String, &Image)> = images.iter().map(|image| (file_name(plan, image), image)).collect();
    let manifest = manifest::text(plan, rootfs, &files)?;
    let lock = (lock_name(plan), rootfs.lock.as_str());
    let texts = [(lock.0.as_str(), lock.1), ("manifest.json", manifest.as_str())];
    let sums = checksums(&files, &texts);
    let release = Release { images: files.iter().map(|(name, _)| folder.join(name)).collect(), folder };
    let detail = release.folder.display().to_string();
    let time = UNIX_EPOCH + Duration::from_secs(rootfs.epoch);
    if stands(&release, &sums, &files, time) {
        shop.report.stage("release", since, Found::Reused, &detail);
        return Ok(release);
    }

    // Some are made from others: only when all are there may they leave their places.
    let made = side_by_side(&files, |(_, image)| image.file.file(shop))?;
    for ((name, _), made) in files.iter().zip(made) {
        let to = draft.path().join(name);
        fs::rename(made, &to).with_context(|| format!("making `{}`", to.display()))?;
        date(&to, time)?;
    }
    for (name, text) in texts.into_iter().chain([("SHA256SUMS", sums.as_str())]) {
        fs::write(draft.path().join(name), text).with_context(|| format!("writing `{name}`"))?;
    }
    draft.finish()?;
    shop.report.stage("release", since, Found::Made, &detail);
    Ok(release)
}

fn file_name(plan: &Plan, image: &Image<'_>) -> String {
    image.format.file_name(&plan.profile, &plan.version, plan.base.architecture)
}

/// The lock that the images were made by.
fn lock_name(plan: &Plan) -> String {
    let (profile, version) = (&plan.profile, &plan.version);
    format!("nuvol-{profile}-{version}-{}.lock", plan.base.architecture.as_str())
}

fn checksums(files: &[(String, &Image<'_>)], texts: &[(&str, &str)]) -> String {
    use sha2::{Digest as _, Sha256};
    let images = files.iter().map(|(name, image)| format!("{}  {name}\n", image.file.sha256()));
    let texts =
        texts.iter().map(|(name, text)| format!("{}  {name}\n", hex(&Sha256::digest(text.as_bytes()))));
    images.chain(texts).collect()
}

/// Whether this very release is in its place already, and nobody has written to its images since: a
/// machine that was booted from one would have.
fn stands(release: &Release, sums: &str, files: &[(String, &Image<'_>)], time: SystemTime) -> bool {
    let state = |path: &Path| fs::metadata(path).and_then(|it| Ok((it.len(), it.modified()?))).ok();
    fs::read_to_string(release.folder.join("SHA256SUMS")).is_ok_and(|text| text == sums)
        && files
            .iter()
            .all(|(name, image)| state(&release.folder.join(name)) == Some((image.file.size(), time)))
}

fn date(path: &Path, time: SystemTime) -> anyhow::Result<()> {
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(time)).with_context(|| format!("dating `{}`", path.display()))
}
