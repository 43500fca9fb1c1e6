//! Secure Boot must refuse what nobody signed: the image's own GRUB, with its signature taken away.
//!
//! A scratch disk gets the image's beginning up to the end of its EFI partition. Under plain UEFI
//! the changed GRUB must start there, which shows that only the signature is at stake; under
//! Secure Boot it must be refused.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use xshell::cmd;

use super::artefact::{Artefact, Kind, Way};
use super::console::{Tail, last_words};
use super::firmware::Firmware;
use super::machine::{Drive, Medium};
use super::qemu::Qemu;
use super::session::Files;
use super::trial::{self, Audience, Conditions, Trial};
use crate::host::{Host, Need, is_program};

/// Where shim looks for GRUB.
const FOLDERS: [&str; 2] = ["EFI/BOOT", "EFI/debian"];
/// The kind of an EFI partition, C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it lies on a disk.
const EFI_PARTITION: [u8; 16] =
    [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];
const SECTOR: u64 = 512;
const CHUNK: usize = 1 << 20;

/// What is missing on this machine for `unsigned_grub`.
pub fn missing() -> Option<Need> {
    let need = Need::program("mcopy", "mtools", "to put an unsigned boot loader on a scratch disk");
    (!is_program("mcopy")).then_some(need)
}

/// Shows that Secure Boot refuses an unsigned GRUB on `artefact`, a disk.
pub fn unsigned_grub(
    host: &Host,
    conditions: &Conditions,
    artefact: &Artefact,
    audience: &mut dyn Audience,
) -> anyhow::Result<Trial> {
    let dir = trial::folder(conditions)?;
    let way = Way { firmware: Firmware::SecureBoot, medium: Medium::Disk };
    let mut trial = Trial::new(artefact, way, "unsigned-grub");
    let disk = scratch_disk(host, artefact, dir.path())?;
    let start = Instant::now();
    for (firmware, expected) in [(Firmware::Uefi, End::Grub), (Firmware::SecureBoot, End::Refused)] {
        audience.step(&trial.label(), &format!("`{firmware}` to decide on an unsigned GRUB"));
        let (end, console) = boot(conditions, firmware, &disk, dir.path())?;
        if end != expected {
            let lines = last_words(&console, 8);
            trial
                .faults
                .push(format!("unsigned GRUB under `{firmware}`: {end:?} instead of {expected:?}:\n{lines}"));
            break;
        }
    }
    trial.wall_s = start.elapsed().as_secs_f64();
    trial.logs = audience.over(&trial, dir.path())?;
    Ok(trial)
}

/// How a boot of the scratch disk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// GRUB started.
    Grub,
    /// The signature was missed.
    Refused,
    /// Neither was seen in time.
    Nothing,
}

fn end(console: &str) -> End {
    // Looked for first: the refusal may name GRUB.
    if ["Security Violation", "Verification failed", "Access Denied"].iter().any(|it| console.contains(it)) {
        return End::Refused;
    }
    let grub = ["Welcome to GRUB", "GNU GRUB", "grub>", "grub rescue>", "error: no such device"];
    if grub.iter().any(|it| console.contains(it)) { End::Grub } else { End::Nothing }
}

fn boot(
    conditions: &Conditions,
    firmware: Firmware,
    disk: &Path,
    dir: &Path,
) -> anyhow::Result<(End, String)> {
    let drive = Drive { path: disk.to_owned(), format: "raw", medium: Medium::Disk };
    let machine = trial::machine(conditions, firmware, drive, dir)?;
    let mut console = Tail::new(&Files::in_folder(dir).console)?;
    let mut qemu = Qemu::start(&machine, dir)?;
    let start = Instant::now();
    loop {
        let over = qemu.ended()?.is_some() || start.elapsed() > conditions.limit;
        console.grow()?;
        let text = console.text();
        match end(&text) {
            End::Nothing if over => return Ok((End::Nothing, format!("{text}\n{}", qemu.complaint()))),
            End::Nothing => std::thread::sleep(Duration::from_millis(100)),
            end => return Ok((end, text)),
        }
    }
}

fn scratch_disk(host: &Host, artefact: &Artefact, dir: &Path) -> anyhow::Result<std::path::PathBuf> {
    let (from, whole, disk) = (&artefact.path, dir.join("whole.raw"), dir.join("scratch.raw"));
    let from = match artefact.kind {
        Kind::Raw => from,
        Kind::Qcow2 | Kind::Vmdk | Kind::Vdi | Kind::Vhdx => {
            host.run(cmd!(host.shell(), "qemu-img convert -O raw {from} {whole}"))?;
            &whole
        }
        Kind::Iso => anyhow::bail!("`{}` is no disk; give an image of one", from.display()),
    };
    let source = File::open(from).with_context(|| format!("opening `{}`", from.display()))?;
    let (offset, end) = efi_partition(&source).with_context(|| format!("looking at `{}`", from.display()))?;
    copy_beginning(&source, &disk, end).with_context(|| format!("copying to `{}`", disk.display()))?;
    let inside = format!("{}@@{offset}", disk.display());
    let file = dir.join("grub.efi");
    let mut replaced = 0;
    let name = format!("grub{}.efi", artefact.architecture.efi_mark());
    for path in FOLDERS.map(|folder| format!("::{folder}/{name}")) {
        // Only one of the two need be there.
        if host.run(cmd!(host.shell(), "mcopy -n -i {inside} {path} {file}")).is_err() {
            continue;
        }
        let signed = std::fs::read(&file).with_context(|| format!("reading `{}`", file.display()))?;
        std::fs::write(&file, unsigned(signed)?).with_context(|| format!("writing `{}`", file.display()))?;
        host.run(cmd!(host.shell(), "mcopy -o -i {inside} {file} {path}"))?;
        std::fs::remove_file(&file).with_context(|| format!("removing `{}`", file.display()))?;
        replaced += 1;
    }
    anyhow::ensure!(replaced > 0, "the EFI partition of `{}` has no `grubx64.efi`", from.display());
    Ok(disk)
}

/// Beginning and end of the EFI partition in bytes, from the GUID partition table.
fn efi_partition(disk: &File) -> anyhow::Result<(u64, u64)> {
    let mut table = vec![0; 33 * SECTOR as usize];
    disk.read_exact_at(&mut table, SECTOR).context("reading the partition table")?;
    anyhow::ensure!(table.starts_with(b"EFI PART"), "there is no GUID partition table");
    let number = |entry: &[u8], at: usize| -> u64 {
        entry[at..at + 8].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    };
    table[SECTOR as usize..]
        .chunks_exact(128)
        .find(|entry| entry[..16] == EFI_PARTITION)
        .map(|entry| (number(entry, 32) * SECTOR, (number(entry, 40) + 1) * SECTOR))
        .context("there is no EFI partition")
}

/// A sparse file as long as `source`, with its first `end` bytes.
fn copy_beginning(source: &File, to: &Path, end: u64) -> std::io::Result<()> {
    let target = File::create(to)?;
    target.set_len(source.metadata()?.len())?;
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < end {
        let count = source.read_at(&mut chunk, at)?;
        let bytes = &chunk[..count];
        if bytes.iter().any(|&byte| byte != 0) {
            target.write_all_at(bytes, at)?;
        }
        if count == 0 {
            break;
        }
        at += count as u64;
    }
    Ok(())
}

/// The program without its signature: the entry that points at it is cleared, and it is cut off.
fn unsigned(mut program: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let word = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = program.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let header =
        word(0x3c).filter(|&at| program.get(at..at + 4) == Some(b"PE\0\0")).context("GRUB is no program")?;
    // Fifth of the data directories, which begin 136 bytes into a 64-bit program's header.
    let entry = header + 136 + 4 * 8;
    let (at, size) = word(entry).zip(word(entry + 4)).context("GRUB's header is cut off")?;
    anyhow::ensure!(size > 0 && at + size <= program.len(), "the image's GRUB is not signed to begin with");
    program[entry..entry + 8].fill(0);
    program.truncate(at);
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::{EFI_PARTITION, End, copy_beginning, efi_partition, end, unsigned};

    #[test]
    fn a_refusal_is_told_from_a_start() {
        assert_eq!(
            end("BdsDxe: starting Boot0001\nERROR\nVerification failed: (0x1A) Security Violation"),
            End::Refused
        );
        assert_eq!(end("Welcome to GRUB!\n"), End::Grub);
        assert_eq!(end("BdsDxe: starting Boot0001"), End::Nothing);
    }

    #[test]
    fn the_signature_is_taken_away_and_nothing_else() {
        let mut program = vec![7; 600];
        program[0x3c..0x40].copy_from_slice(&64_u32.to_le_bytes());
        program[64..68].copy_from_slice(b"PE\0\0");
        program[232..236].copy_from_slice(&500_u32.to_le_bytes());
        program[236..240].copy_from_slice(&100_u32.to_le_bytes());
        let bare = unsigned(program.clone()).unwrap();
        assert_eq!((bare.len(), &bare[232..240], &bare[240..]), (500, &[0; 8][..], &program[240..500]));
        assert!(unsigned(bare).unwrap_err().to_string().contains("not signed"));
        assert!(unsigned(vec![0; 600]).is_err());
    }

    #[test]
    fn the_efi_partition_is_found_and_copied() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("disk"), dir.path().join("copy"));
        let mut disk = vec![0_u8; 4 << 20];
        disk[512..520].copy_from_slice(b"EFI PART");
        let entry = 1024 + 128;
        disk[entry..entry + 16].copy_from_slice(&EFI_PARTITION);
        disk[entry + 32..entry + 40].copy_from_slice(&2048_u64.to_le_bytes());
        disk[entry + 40..entry + 48].copy_from_slice(&4095_u64.to_le_bytes());
        disk[1 << 20] = 1;
        disk[3 << 20] = 9;
        std::fs::write(&from, &disk).unwrap();
        let file = std::fs::File::open(&from).unwrap();
        assert_eq!(efi_partition(&file).unwrap(), (1 << 20, 2 << 20));
        copy_beginning(&file, &to, 2 << 20).unwrap();
        disk[3 << 20] = 0;
        assert!(std::fs::read(&to).unwrap() == disk);
    }
}
