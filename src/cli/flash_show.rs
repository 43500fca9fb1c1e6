//! What `nuvol flash` shows of disks, and how it asks for one.

use std::io::{BufRead as _, Write as _};

use anyhow::Context as _;
use xshell::cmd;

use super::Common;
use crate::host::Host;
use crate::media::{Disk, Refused};

/// Prints the disks.
pub fn disks(common: &Common, disks: &[Disk]) -> anyhow::Result<()> {
    if common.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "schema": 1, "disks": disks }))?);
    } else if disks.is_empty() {
        println!("no disks");
    } else {
        disks.iter().for_each(|disk| print!("{}", described(disk)));
    }
    Ok(())
}

/// A disk, its partitions, and why it could not be written.
fn described(disk: &Disk) -> String {
    let mut text = format!("{}  {}\n", disk.path.display(), disk.title());
    for part in &disk.partitions {
        text += &format!("    {}\n", part.title());
    }
    for reason in disk.refusals(0) {
        text += &format!("    protected: {reason}\n");
    }
    text
}

/// Has a person choose one of `disks` that can take an image of `needed_bytes`.
pub fn ask(disks: &[Disk], needed_bytes: u64) -> anyhow::Result<Disk> {
    let (free, protected): (Vec<&Disk>, Vec<&Disk>) =
        disks.iter().partition(|disk| disk.refusals(needed_bytes).is_empty());
    for disk in &protected {
        let reasons = disk.refusals(needed_bytes);
        eprintln!("     {}  {}", disk.path.display(), disk.title());
        reasons.iter().for_each(|reason| eprintln!("         protected: {reason}"));
    }
    for (number, disk) in free.iter().enumerate() {
        eprintln!("  {}  {}  {}", number + 1, disk.path.display(), disk.title());
        disk.partitions.iter().for_each(|part| eprintln!("         {}", part.title()));
    }
    if free.is_empty() {
        return Err(Refused(vec![crate::media::Refusal::NotOne(Vec::new())]).into());
    }
    eprint!("Number of the disk to erase: ");
    std::io::stderr().flush().context("asking")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading the answer")?;
    let chosen = line.trim().parse::<usize>().ok().and_then(|it| free.get(it.checked_sub(1)?));
    // No answer is a no.
    chosen
        .map(|disk| (*disk).clone())
        .ok_or_else(|| Refused(vec![crate::media::Refusal::NotOne(Vec::new())]).into())
}

/// What is going to happen.
pub fn warning(disk: &Disk, preserved: Option<&str>) {
    let path = disk.path.display();
    match preserved {
        None => eprintln!("This erases {path}, {}:", disk.title()),
        Some(kept) => eprintln!("This erases {path}, {}, all but the data partition ({kept}):", disk.title()),
    }
    if disk.partitions.is_empty() {
        eprintln!("    no partitions");
    }
    disk.partitions.iter().for_each(|part| eprintln!("    {}", part.title()));
}

/// Has the kernel look at the new partitions, where udev does not do that by itself.
pub fn reread(disk: &Disk) {
    // The disk is written either way; whoever needs the partitions sooner plugs it in again.
    let again = || -> anyhow::Result<()> {
        let logs = tempfile::tempdir().context("making a folder")?;
        let (host, path) = (Host::new(logs.path().to_owned())?, &disk.path);
        host.run(cmd!(host.shell(), "blockdev --rereadpt {path}"))
    };
    again().ok();
}
