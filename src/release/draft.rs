//! A release in the making: a folder beside its place, gone if the build does not come to its end.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::host::Scratch;
use crate::plan::Plan;
use crate::spec::Architecture;
use crate::workshop::Workshop;

/// Folders that begin so are half made.
const PARTIAL: &str = ".partial-";

/// An architecture's images must not replace another's; those of the usual one need no mark.
fn folder_name(plan: &Plan) -> String {
    match plan.base.architecture {
        Architecture::Amd64 => plan.version.to_string(),
        other => format!("{}-{other}", plan.version),
    }
}

/// A release that is being made.
#[must_use]
pub struct Draft {
    aside: Scratch,
    place: PathBuf,
    /// Held while a release of this profile is made; given back after `aside` is gone.
    _lock: File,
}

impl Draft {
    /// Begins the release `out/<profile>/<version>/`. Waits while another build makes one of the same
    /// profile there, and sweeps what an interrupted build left.
    pub fn begin(shop: &Workshop, plan: &Plan, out: &Path) -> anyhow::Result<Self> {
        let parent = out.join(plan.profile.as_str());
        let what = || format!("beginning a release in `{}`", parent.display());
        fs::create_dir_all(&parent).with_context(what)?;
        let lock = File::open(&parent).with_context(what)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                shop.report.note(&format!("waiting for another build of {} to end", plan.profile));
                lock.lock().with_context(what)?;
            }
            result => result.with_context(what)?,
        }
        sweep(&parent)?;
        let name = folder_name(plan);
        let aside = Scratch::new(parent.join(format!("{PARTIAL}{name}")))?;
        Ok(Self { aside, place: parent.join(name), _lock: lock })
    }

    /// The folder that things are made in.
    pub fn path(&self) -> &Path {
        self.aside.path()
    }

    /// The folder that it will become.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Takes its place, or that of an older release of the same version, once it is on the medium.
    pub fn finish(self) -> anyhow::Result<()> {
        sync(self.aside.path())?;
        if !self.place.exists() {
            return self.aside.finish(&self.place);
        }
        // The older one lies aside then and goes when `aside` does.
        renameat2(AT_FDCWD, self.aside.path(), AT_FDCWD, &self.place, RenameFlags::RENAME_EXCHANGE)
            .with_context(|| format!("replacing `{}`", self.place.display()))
    }
}

/// Removes the folders that things were made in and waits until the files' bytes are on the medium.
fn sync(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).context("reading the release")? {
        let path = entry.context("reading the release")?.path();
        let what = || format!("writing `{}` to the medium", path.display());
        if path.is_dir() {
            fs::remove_dir_all(&path).with_context(what)?;
        } else {
            File::open(&path).and_then(|file| file.sync_all()).with_context(what)?;
        }
    }
    Ok(())
}

fn sweep(parent: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(parent).context("reading the output folder")? {
        let entry = entry.context("reading the output folder")?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("sweeping `{}`", entry.path().display()))?;
        }
    }
    Ok(())
}
