//! The zone that the clock shows: the link that localtime(5) describes.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Places;
use crate::durable;

/// The longest path, PATH_MAX of Linux.
const PATH_BYTES: u64 = 4096;

/// Where the image's own link leads, kept while another is set.
pub(super) fn before(places: &Places) -> PathBuf {
    places.state.join("timezone-before")
}

/// Whether the image has this zone.
pub(super) fn is_here(zone: &str, places: &Places) -> bool {
    places.zones.join(zone).is_file()
}

/// Shows `zone` where the image has it, and else what the image shows by itself. Cut off anywhere, the next boot ends
/// it: what was before is noted before anything changes, and forgotten after it is back.
pub(super) fn apply(zone: Option<&str>, places: &Places) -> anyhow::Result<()> {
    let (link, note) = (&places.localtime, before(places));
    let noted = read(&note).with_context(|| format!("reading `{}`", note.display()))?;
    match zone.filter(|zone| is_here(zone, places)) {
        Some(zone) => {
            if noted.is_none() {
                let shown = target(link)?.map(|path| path.display().to_string()).unwrap_or_default();
                durable::write(&note, &format!("{shown}\n"), 0o644)?;
            }
            lead(link, Some(&places.zones.join(zone)))
        }
        None => {
            let Some(noted) = noted else { return Ok(()) };
            lead(link, Some(noted.trim_end()).filter(|path| !path.is_empty()).map(Path::new))?;
            durable::restore(&note, None, 0o644)
        }
    }
}

/// The path in a note, if it is there.
fn read(note: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(note) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?.take(PATH_BYTES).read_to_string(&mut text)?,
    };
    Ok(Some(text))
}

/// Where the link leads; nowhere, where there is none.
fn target(link: &Path) -> anyhow::Result<Option<PathBuf>> {
    match fs::read_link(link) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        path => Ok(Some(path.with_context(|| format!("reading the link `{}`", link.display()))?)),
    }
}

/// Makes the link lead to `path`, or takes it away.
fn lead(link: &Path, path: Option<&Path>) -> anyhow::Result<()> {
    if target(link)?.as_deref() == path {
        return Ok(());
    }
    let replace = || -> io::Result<()> {
        let Some(path) = path else {
            fs::remove_file(link)?;
            return durable::sync_parent(link);
        };
        let aside = link.with_extension("new");
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(path, &aside)?;
        fs::rename(&aside, link)?;
        durable::sync_parent(link)
    };
    replace().with_context(|| format!("changing the link `{}`", link.display()))
}
