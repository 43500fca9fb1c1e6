//! What `nuvol flash` shows of disks, and how it asks for one.

use std::io::{BufRead as _, Write as _};

use anyhow::Context as _;
use xshell::cmd;

use super::Common;
use crate::host::Host;
use crate::media::{Disk, Partition, Refused};

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
    let mut text = format!("{}  {}\n", disk.path.display(), title(disk));
    for part in &disk.partitions {
        text += &format!("    {}\n", partition(part));
    }
    for reason in disk.refusals(0) {
        text += &format!("    protected: {reason}\n");
    }
    text
}

/// Maker, model, size, serial number and connection.
pub fn title(disk: &Disk) -> String {
    let name: Vec<&str> = [&disk.vendor, &disk.model].into_iter().flatten().map(String::as_str).collect();
    let name = if name.is_empty() { "unknown model".to_owned() } else { name.join(" ") };
    let serial = disk.serial.as_ref().map_or("no serial number".to_owned(), |it| format!("serial {it}"));
    let transport = disk.transport.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
    format!("{name}, {}, {serial}{transport}", size(disk.size_bytes))
}

fn partition(part: &Partition) -> String {
    let mut text = format!("{}  {}", part.name, size(part.size_bytes));
    for (what, value) in [("", &part.filesystem), ("label ", &part.filesystem_label), ("named ", &part.label)]
    {
        if let Some(value) = value {
            text += &format!(", {what}{value}");
        }
    }
    text
}

/// Bytes as makers of disks count them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", bytes as f64 / 1e9),
        _ => format!("{:.2} TB", bytes as f64 / 1e12),
    }
}

/// Has a person choose one of `disks` that can take an image of `needed_bytes`.
pub fn ask(disks: &[Disk], needed_bytes: u64) -> anyhow::Result<Disk> {
    let (free, protected): (Vec<&Disk>, Vec<&Disk>) =
        disks.iter().partition(|disk| disk.refusals(needed_bytes).is_empty());
    for disk in &protected {
        let reasons = disk.refusals(needed_bytes);
        eprintln!("     {}  {}", disk.path.display(), title(disk));
        reasons.iter().for_each(|reason| eprintln!("         protected: {reason}"));
    }
    for (number, disk) in free.iter().enumerate() {
        eprintln!("  {}  {}  {}", number + 1, disk.path.display(), title(disk));
        disk.partitions.iter().for_each(|part| eprintln!("         {}", partition(part)));
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
        None => eprintln!("This erases {path}, {}:", title(disk)),
        Some(kept) => eprintln!("This erases {path}, {}, all but the data partition ({kept}):", title(disk)),
    }
    if disk.partitions.is_empty() {
        eprintln!("    no partitions");
    }
    disk.partitions.iter().for_each(|part| eprintln!("    {}", partition(part)));
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
