//! The release: a folder in `out/` that is complete or absent. Files are assembled aside and
//! take their place by one exchange.

mod manifest;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::disk::copy_sparse;
use crate::host::Scratch;
use crate::image::Image;
use crate::plan::Plan;
use crate::rootfs::Rootfs;
use crate::store::{Found, hex};
use crate::workshop::Workshop;

/// A finished release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its folder.
    pub folder: PathBuf,
    /// The images in it.
    pub images: Vec<PathBuf>,
}

/// Puts `images` and what describes them into `out/<profile>/<version>/`.
pub fn publish(
    shop: &Workshop,
    plan: &Plan,
    out: &Path,
    rootfs: &Rootfs,
    images: &[Image],
) -> anyhow::Result<Release> {
    let since = Instant::now();
    let parent = out.join(plan.profile.as_str());
    let folder = parent.join(plan.version.as_str());
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

    sweep(&parent)?;
    let aside = Scratch::new(parent.join(format!("{PARTIAL}{}", plan.version)))?;
    for (name, image) in &files {
        copy(&image.path, &aside.path().join(name), time)?;
    }
    for (name, text) in texts.into_iter().chain([("SHA256SUMS", sums.as_str())]) {
        fs::write(aside.path().join(name), text).with_context(|| format!("writing `{name}`"))?;
    }
    sync(aside.path())?;
    place(aside, &release.folder)?;
    shop.report.stage("release", since, Found::Made, &detail);
    Ok(release)
}

/// Folders that begin so are half made.
const PARTIAL: &str = ".partial-";

fn file_name(plan: &Plan, image: &Image) -> String {
    let (profile, version) = (&plan.profile, &plan.version);
    format!("nuvol-{profile}-{version}-{}.{}", plan.base.architecture.as_str(), image.format)
}

/// The lock that the images were made by.
fn lock_name(plan: &Plan) -> String {
    let (profile, version) = (&plan.profile, &plan.version);
    format!("nuvol-{profile}-{version}-{}.lock", plan.base.architecture.as_str())
}

fn checksums(files: &[(String, &Image)], texts: &[(&str, &str)]) -> String {
    use sha2::{Digest as _, Sha256};
    let images = files.iter().map(|(name, image)| format!("{}  {name}\n", image.sha256));
    let texts =
        texts.iter().map(|(name, text)| format!("{}  {name}\n", hex(&Sha256::digest(text.as_bytes()))));
    images.chain(texts).collect()
}

/// Whether this very release is in its place already, and nobody has written to its images since: a
/// machine that was booted from one would have.
fn stands(release: &Release, sums: &str, files: &[(String, &Image)], time: SystemTime) -> bool {
    let state = |path: &Path| fs::metadata(path).and_then(|it| Ok((it.len(), it.modified()?))).ok();
    fs::read_to_string(release.folder.join("SHA256SUMS")).is_ok_and(|text| text == sums)
        && files.iter().all(|(name, image)| {
            let found = state(&release.folder.join(name));
            found.is_some() && found == state(&image.path).map(|(size, _)| (size, time))
        })
}

/// A copy that nobody can change the shelf through, with the holes of the original and the time of the build.
fn copy(from: &Path, to: &Path, time: SystemTime) -> anyhow::Result<()> {
    let size = fs::metadata(from).with_context(|| format!("reading `{}`", from.display()))?.len();
    let file = File::create(to)
        .and_then(|file| file.set_len(size).map(|()| file))
        .with_context(|| format!("making `{}`", to.display()))?;
    copy_sparse(from, to, 0)?;
    file.set_modified(time).with_context(|| format!("dating `{}`", to.display()))
}

fn sync(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).context("reading the release")? {
        let path = entry.context("reading the release")?.path();
        let file = File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
        file.sync_all().with_context(|| format!("writing `{}` to disk", path.display()))?;
    }
    Ok(())
}

/// Exchanges an older release of the same version for the new one, or just moves it in.
fn place(aside: Scratch, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        // The older one lies aside now and goes when `aside` does.
        return renameat2(AT_FDCWD, aside.path(), AT_FDCWD, folder, RenameFlags::RENAME_EXCHANGE)
            .with_context(|| format!("replacing `{}`", folder.display()));
    }
    aside.finish(folder)
}

/// Removes what an interrupted build left half made.
fn sweep(parent: &Path) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(parent) else { return Ok(()) };
    for entry in entries {
        let entry = entry.context("reading the output folder")?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("sweeping `{}`", entry.path().display()))?;
        }
    }
    Ok(())
}
