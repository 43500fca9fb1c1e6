//! A file that is whole or not there, whenever the power fails.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use anyhow::Context;

/// Writes aside, waits until it is on the disk, and renames: afterwards `path` has all of `text`, and if the power fails
/// in between it has all or nothing of it.
pub fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    write_for(path, text, mode, None)
}

/// The same, for the group of this number to use as far as `mode` lets it.
pub fn write_for(path: &Path, text: &str, mode: u32, group: Option<u32>) -> anyhow::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let put = || -> io::Result<()> {
        // Left by a program that was cut off; nobody has ever used it.
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Secret from its first moment: the mode is given when the file is made.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode & 0o600).open(&aside)?;
        file.write_all(text.as_bytes())?;
        if group.is_some() {
            fchown(&file, None, group)?;
        }
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        sync_parent(path)
    };
    put().with_context(|| format!("writing `{}`", path.display())).inspect_err(|_| {
        // Half a file takes room on a disk that may be full.
        fs::remove_file(&aside).ok();
    })
}

/// Puts back what was there: `text`, or nothing.
pub fn restore(path: &Path, text: Option<&str>, mode: u32) -> anyhow::Result<()> {
    match text {
        Some(text) => write(path, text, mode),
        None => fs::remove_file(path)
            .and_then(|()| sync_parent(path))
            .with_context(|| format!("removing `{}`", path.display())),
    }
}

/// Waits until the file system that holds `folder` is on the disk.
pub fn sync(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// A name that came or went lies in its folder.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::PermissionsExt;

    use super::{restore, write};

    #[test]
    fn what_was_cut_off_is_replaced_and_what_was_there_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("radio.env");
        write(&dir.path().join("radio.env.new"), "half", 0o600).unwrap();
        write(&path, "A=\"1\"\n", 0o600).unwrap();
        assert_eq!(std::io::read_to_string(File::open(&path).unwrap()).unwrap(), "A=\"1\"\n");
        restore(&path, None, 0o600).unwrap();
        assert!(!path.exists());
        restore(&path, Some("B"), 0o600).unwrap();
        let names: Vec<_> = dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["radio.env"]);
    }

    #[test]
    fn the_mode_is_the_one_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o644] {
            let path = dir.path().join(format!("{mode:o}"));
            write(&path, "x", mode).unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, mode);
        }
    }
}
