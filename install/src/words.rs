//! What the installer says of disks and of what went wrong.

use nuvol_media::{Disk, Mode, Refusal, Refused, Use, size};

use crate::found::Found;
use crate::machine;

/// A disk and its partitions, indented; what begins the first line is `mark`.
pub fn disk(mark: &str, disk: &Disk, reasons: &[Refusal]) -> String {
    let mut text = format!("  {mark:<2} {}  {}\n", disk.path.display(), disk.title());
    for part in &disk.partitions {
        text += &format!("        {}\n", part.title());
    }
    for reason in reasons {
        text += &format!("        not possible: {}\n", cause(reason));
    }
    text
}

/// What is on a disk, in a line.
pub fn contents(found: &Found) -> String {
    match &found.node {
        Some(node) => {
            let name = node.name().map(|it| format!(" `{it}`")).unwrap_or_default();
            let used = node.used_bytes.map(|it| format!("{} of ", size(it))).unwrap_or_default();
            format!("a Nuvol node{name} with {used}{} of data", size(node.data_bytes))
        }
        None if found.is_blank => "nothing".to_owned(),
        None if found.disk.partitions.is_empty() => "something without partitions".to_owned(),
        None => {
            let parts: Vec<String> =
                found.disk.partitions.iter().map(nuvol_media::Partition::title).collect();
            parts.join("; ")
        }
    }
}

/// What becomes of it, in a line.
pub fn fate(found: &Found, mode: Mode) -> String {
    match (mode, &found.node) {
        (Mode::Preserve, Some(node)) => {
            format!("its data stay ({}), all else on the disk goes", size(node.data_bytes))
        }
        _ if found.is_blank => "it is empty".to_owned(),
        _ => "all on it goes".to_owned(),
    }
}

/// Where the new node will be found.
pub fn place(name: Option<&str>, mode: Mode) -> String {
    // Who has an owner is met with encryption.
    let scheme = if mode == Mode::Preserve { "https" } else { "http" };
    match name {
        Some(name) => {
            format!("Its page will be {scheme}://{name}.local/ on the network that it is plugged into.")
        }
        None => "Its screen will show the address of its page; on another machine `nuvol find` lists it."
            .to_owned(),
    }
}

/// An error with all that would help.
pub fn failure(err: &anyhow::Error) -> String {
    let refused = err.downcast_ref().or_else(|| err.chain().find_map(|it| it.downcast_ref::<Refused>()));
    match refused {
        Some(Refused(reasons)) => {
            let lines = reasons.iter().map(|it| format!("\n  {}\n    {}", cause(it), remedy(it)));
            let lines: String = lines.collect();
            let (all, own) = (err.to_string(), Refused(reasons.clone()).to_string());
            // What was said around it tells more, as which disks there are.
            let around = if all == own { String::new() } else { format!("\n{all}") };
            format!("nothing was written{lines}{around}")
        }
        None => format!("{err:#}"),
    }
}

fn cause(reason: &Refusal) -> String {
    match reason {
        Refusal::InUse(path, Use::System { .. }) => {
            format!("`{}` is the medium that this system was started from", path.display())
        }
        Refusal::TooSmall { path, size_bytes, needed_bytes } if *needed_bytes == machine::DISK_BYTES => {
            format!(
                "`{}` has {}; a node needs a disk of {} GB",
                path.display(),
                size(*size_bytes),
                machine::DISK_GB
            )
        }
        other => other.to_string(),
    }
}

fn remedy(reason: &Refusal) -> String {
    match reason {
        Refusal::InUse(_, Use::System { .. }) => "choose another disk".to_owned(),
        Refusal::Missing(_) | Refusal::NotBlockDevice(_) => "choose again".to_owned(),
        Refusal::NothingToPreserve(_) => {
            "choose Overwrite (`existing = \"overwrite\"`) if all on it may go".to_owned()
        }
        Refusal::DataInTheWay { .. } => {
            "copy the data elsewhere, then choose Overwrite (`existing = \"overwrite\"`)".to_owned()
        }
        Refusal::NotOne(found) if found.is_empty() => "say of the disk what is true of it".to_owned(),
        Refusal::NotOne(_) => "say more of the disk, as its serial number".to_owned(),
        other => other.remedy(),
    }
}
