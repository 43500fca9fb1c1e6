//! A file that is whole or not there, whenever the power fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use anyhow::Context;

/// No file of the agent's state is larger: 64 people with all that they may have come to half of it.
const FILE_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// The first line of a document is shorter.
const HEAD_BYTES: u64 = 256;

/// Reads a text file of the state; `None` where there is none.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let Some(bytes) = read_bytes(path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(Some(text))
}

/// Reads a file of the state; `None` where there is none.
pub(super) fn read_bytes(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    read_some(path, FILE_LIMIT_BYTES as u64)
}

/// Reads the beginning of a file of the state; nothing where there is none.
pub(super) fn read_head(path: &Path) -> anyhow::Result<Vec<u8>> {
    Ok(read_some(path, HEAD_BYTES)?.unwrap_or_default())
}

fn read_some(path: &Path, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("opening `{}`", path.display())),
    };
    file.take(limit).read_to_end(&mut bytes).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(Some(bytes))
}

/// Writes aside, waits until it is on the disk, and renames: afterwards `path` has all of `text`, and if the
/// power fails in between it has all or nothing of it.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    write_for(path, text, mode, None)
}

/// The same, for the group of this number to use as far as `mode` lets it.
pub(crate) fn write_for(path: &Path, text: &str, mode: u32, group: Option<u32>) -> anyhow::Result<()> {
    // Cut off when it is read again, it would be taken for damaged.
    anyhow::ensure!(
        text.len() < FILE_LIMIT_BYTES,
        "writing `{}`: it would have {} bytes, at most {FILE_LIMIT_BYTES} are read again",
        path.display(),
        text.len()
    );
    let aside = path.with_extension("new");
    let put = || -> io::Result<()> {
        // Left by an agent that was cut off; nobody has ever used it.
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
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        // The rename itself lies in the folder.
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    put().with_context(|| format!("writing `{}`", path.display())).inspect_err(|_| {
        // A full disk is no fuller for it.
        fs::remove_file(&aside).ok();
    })
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_cut_off_is_replaced_and_never_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        write(&dir.path().join("node.new"), "half of a k", 0o600).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        write(&path, "whole", 0o600).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("whole"));
        let left: Vec<_> = dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["node.key"]);
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
