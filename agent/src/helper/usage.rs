//! How much a folder keeps.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::protocol::Size;

/// `st_blocks` counts these, whatever the file system's own blocks are (stat(2)).
const BLOCK_BYTES: u64 = 512;

/// What each of these folders takes on the disk, counted until `limit` is over. Links are not followed, and other
/// file systems are not entered.
pub fn measure(folders: &[String], limit: Duration) -> Vec<Size> {
    let end = Instant::now() + limit;
    folders.iter().map(|path| one(path, end)).collect()
}

fn one(path: &str, end: Instant) -> Size {
    let mut size = Size { path: path.to_owned(), bytes: 0, at_least: false };
    let Ok(root) = fs::symlink_metadata(path) else { return size };
    size.bytes = root.blocks() * BLOCK_BYTES;
    let mut folders: Vec<PathBuf> = if root.is_dir() { vec![path.into()] } else { Vec::new() };
    while let Some(folder) = folders.pop() {
        if Instant::now() >= end || add(&folder, root.dev(), &mut size.bytes, &mut folders, end).is_err() {
            size.at_least = true;
        }
        if Instant::now() >= end {
            break;
        }
    }
    size
}

/// Adds what lies right in `folder`. What goes away meanwhile is no error.
fn add(
    folder: &Path,
    device: u64,
    bytes: &mut u64,
    folders: &mut Vec<PathBuf>,
    end: Instant,
) -> io::Result<()> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match fs::read_dir(folder) {
        Err(error) if gone(&error) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let about = match entry.metadata() {
            Err(error) if gone(&error) => continue,
            about => about?,
        };
        if about.dev() != device {
            continue;
        }
        *bytes += about.blocks() * BLOCK_BYTES;
        if about.is_dir() {
            folders.push(entry.path());
        }
        if Instant::now() >= end {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::measure;
    use crate::durable;

    #[test]
    fn a_folder_is_counted_with_all_below_it_and_no_links() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        durable::write(&dir.path().join("a/b/file"), &"x".repeat(100_000), 0o600).unwrap();
        symlink("/usr", dir.path().join("a/link")).unwrap();
        let path = dir.path().join("a").display().to_string();
        let absent = dir.path().join("absent").display().to_string();
        let sizes = measure(&[path, absent], Duration::from_secs(10));
        assert!((100_000..1_000_000).contains(&sizes[0].bytes) && !sizes[0].at_least, "{sizes:?}");
        assert_eq!(sizes[1].bytes, 0);
        assert!(measure(&["/usr".to_owned()], Duration::ZERO)[0].at_least);
    }
}
