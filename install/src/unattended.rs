//! Installing without asking: what was said before must be enough, else nothing happens.

use std::io::Write;

use anyhow::Context as _;
use nuvol_media::{Disk, Filter, Mode, Refusal, Refused};
use nuvol_seed::{Existing, Install, Then};

use crate::found::Found;
use crate::ground::{Ground, is_medium};
use crate::progress::{Reader, Told};
use crate::words;

/// How it ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is installed; this comes next.
    Installed(Then),
    /// It was installed before: the machine started from the medium once more.
    Before,
}

/// Installs as `install` says and tells of it on `out`.
pub fn run(ground: &Ground, install: &Install, out: &mut (dyn Write + Send)) -> anyhow::Result<Ending> {
    anyhow::ensure!(ground.refusal().is_none(), "{}", ground.refusal().unwrap_or_default());
    let found = choose(ground, install)?;
    let then = install.then.unwrap_or_default();
    // Who restarts into the medium again and again shall not lose what the node has by now.
    if then == Then::Reboot && ground.is_on(&found) {
        return Ok(Ending::Before);
    }
    let mode = mode(&found, install)?;
    let config = ground.config(&found, mode, None)?;
    let name = config.as_deref().and_then(|text| nuvol_seed::read(text).config.name);
    let path = found.disk.path.display();
    let tell = |out: &mut dyn Write, text: String| writeln!(out, "{text}").context("telling");
    tell(out, format!("Installing Nuvol on {path}, {}", found.disk.title()))?;
    tell(out, format!("On it is {}: {}.", words::contents(&found), words::fate(&found, mode)))?;
    let done = ground.install(&found, mode, config.as_deref(), &Told::new(out, Reader::Log))?;
    if let Some((label, bytes)) = done.preserved {
        tell(out, format!("Kept the data partition ({label}, {}).", nuvol_media::size(bytes)))?;
    }
    tell(out, format!("Nuvol is on {path}, written and read back. {}", words::place(name.as_deref(), mode)))?;
    Ok(Ending::Installed(then))
}

/// The one disk that is meant, and what is on it.
fn choose(ground: &Ground, install: &Install) -> anyhow::Result<Found> {
    let Install { serial, vendor, model, transport, min_size, max_size, .. } = install.clone();
    let bytes = |size: Option<nuvol_seed::Bytes>| size.map(|it| it.0);
    let (min_bytes, max_bytes) = (bytes(min_size), bytes(max_size));
    let filter = Filter { serial, vendor, model, transport, min_bytes, max_bytes };
    let disks: Vec<Disk> = ground.disks()?.into_iter().filter(|disk| !is_medium(disk)).collect();
    let disk = filter.choose(&disks).map_err(|reason| {
        let all: String = disks.iter().map(|it| words::disk("", it, &ground.refusals(it))).collect();
        let all = if all.is_empty() { "  none\n".to_owned() } else { all };
        anyhow::Error::from(Refused(vec![reason])).context(format!("the disks are:\n{}", all.trim_end()))
    })?;
    let reasons = ground.refusals(disk);
    if !reasons.is_empty() {
        return Err(Refused(reasons).into());
    }
    Found::look(disk)
}

/// What becomes of what is on it. Where nobody said that, it must be empty.
fn mode(found: &Found, install: &Install) -> anyhow::Result<Mode> {
    match install.existing {
        _ if found.is_blank => Ok(Mode::Overwrite),
        Some(Existing::Overwrite) => Ok(Mode::Overwrite),
        Some(Existing::Preserve) if found.node.is_some() => Ok(Mode::Preserve),
        Some(Existing::Preserve) => {
            Err(Refused(vec![Refusal::NothingToPreserve(found.disk.path.clone())]).into())
        }
        None => anyhow::bail!(
            "on `{}` is {}, and nobody said what becomes of it; nothing was written\nsay `existing = \"preserve\"` \
             (a node's data stay) or `existing = \"overwrite\"` (all goes)",
            found.disk.path.display(),
            words::contents(found)
        ),
    }
}
