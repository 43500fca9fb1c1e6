//! A shared cache in a folder, such as a network file system.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Place;

pub struct Folder(PathBuf);

impl Folder {
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(!path.as_os_str().is_empty(), "a folder without a name");
        Ok(Self(std::path::absolute(path).context("finding the folder")?))
    }
}

impl Place for Folder {
    fn get(&self, name: &str) -> anyhow::Result<Option<Box<dyn Read>>> {
        match File::open(self.0.join(name)) {
            Ok(file) => Ok(Some(Box::new(file))),
            // A folder that is not mounted must not look like an empty one.
            Err(err) if err.kind() == ErrorKind::NotFound && self.0.is_dir() => Ok(None),
            Err(err) => Err(err).with_context(|| format!("reading `{}`", self.0.join(name).display())),
        }
    }

    fn put(&self, name: &str, mut file: &File) -> anyhow::Result<()> {
        let path = self.0.join(name);
        let what = || format!("writing `{}`", path.display());
        let folder = path.parent().unwrap_or(&self.0);
        std::fs::create_dir_all(folder).with_context(what)?;
        let mut aside = tempfile::Builder::new();
        // As the umask says: it is shared.
        let aside = aside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut aside = aside.tempfile_in(folder).with_context(what)?;
        std::io::copy(&mut file, &mut aside).with_context(what)?;
        aside.as_file().sync_all().with_context(what)?;
        aside.persist(&path).with_context(what)?;
        Ok(())
    }
}
