//! `nuvol seed`: sets what a node needs to know before it boots, in an image or on a disk, without root or a mount.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use nuvol_seed::{CONFIG_FILE, Extent, FILE_LIMIT, LABEL, Outcome, RESULT_FILE, Volume, claim};
use rustix::fs::OFlags;
use serde::Serialize;

use super::Common;
use crate::spec::{Place, Problem, Problems, Source, Span};

/// Set name, network, keys and claim code of a node in its image or on its disk, without building anew
///
/// What is set lies as `nuvol.toml` on the FAT partition NUVOL-CFG, where any machine can edit it too. A node
/// reads it at every boot, and writes beside it what came of it. A file with a mistake is not written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nuvol seed --check ana.toml\n  \
    nuvol seed nuvol-home.raw --config ana.toml --claim-code\n  \
    nuvol seed /dev/sdb --show")]
pub struct Seed {
    /// Raw image, ISO, disk or partition with NUVOL-CFG
    #[arg(value_name = "IMAGE|DEVICE", required_unless_present = "check")]
    target: Option<PathBuf>,
    /// Put this configuration there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Draw a claim code and print it; only its hash is stored
    #[arg(long)]
    claim_code: bool,
    /// Print what is there, and what the node said about it
    #[arg(long, conflicts_with_all = ["config", "claim_code"])]
    show: bool,
    /// Check this configuration and do nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "config", "claim_code", "show"])]
    check: Option<PathBuf>,
}

/// Somebody else uses the disk.
#[derive(Debug, thiserror::Error)]
#[error("`{device}` is in use{by}; unmount it, and try again")]
pub struct InUse {
    device: String,
    by: String,
}

/// For machines.
#[derive(Serialize)]
struct Answer<'a> {
    version: u32,
    target: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim_code: Option<&'a str>,
}

/// Checks, shows or writes; returns the exit code.
pub fn run(common: &Common, args: &Seed) -> anyhow::Result<u8> {
    if let Some(path) = &args.check {
        let text = configuration(path)?;
        say(common, &format!("{}: {} lines, all valid", path.display(), text.lines().count()))?;
        return Ok(0);
    }
    let target = args.target.as_deref().context("name an image or a device")?;
    if args.show {
        return show(common, target);
    }
    anyhow::ensure!(
        args.config.is_some() || args.claim_code,
        "say what to set: --config FILE, --claim-code or both"
    );
    // Before anything is opened for writing: a configuration with a mistake changes nothing.
    let given = match &args.config {
        Some(path) => Some(configuration(path)?),
        None => None,
    };
    let (file, extent) = open(target, true)?;
    let volume = Volume::open(&file, extent)?;
    let text = match given {
        Some(text) => text,
        None => match volume.read(CONFIG_FILE)? {
            Some(bytes) => checked(&name_within(target), bytes)?,
            None => format!("version = {}\n", nuvol_seed::VERSION),
        },
    };
    let (text, code) = if args.claim_code { with_code(&text)? } else { (text, None) };
    volume
        .write(CONFIG_FILE, text.as_bytes())
        .with_context(|| format!("writing to `{}`", target.display()))?;
    tell(common, target, code.as_deref())?;
    Ok(0)
}

fn tell(common: &Common, target: &Path, code: Option<&str>) -> anyhow::Result<()> {
    if common.json {
        let answer =
            Answer { version: 1, target: Some(target), config: None, result: None, claim_code: code };
        return say(common, &serde_json::to_string_pretty(&answer).context("writing JSON")?);
    }
    eprintln!("{CONFIG_FILE} is on {LABEL} of {}; the node reads it at every boot", target.display());
    if target.is_file() {
        eprintln!("The image is not the published one any more: its checksum and signature do not fit.");
    }
    match code {
        Some(code) => {
            eprintln!("Keep the claim code: it makes the node yours, and only its hash is stored.");
            say(common, &format!("claim code: {code}"))
        }
        None => Ok(()),
    }
}

fn say(_: &Common, text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("writing the result")
}

/// A configuration for a new claim code, and the code.
fn with_code(text: &str) -> anyhow::Result<(String, Option<String>)> {
    let code = claim::draw()?;
    let hash = claim::hash(&code)?;
    let text =
        nuvol_seed::with_claim_code_hash(text, &hash).map_err(|found| problems(CONFIG_FILE, text, &found))?;
    Ok((text, Some(code)))
}

fn show(common: &Common, target: &Path) -> anyhow::Result<u8> {
    let (file, extent) = open(target, false)?;
    let volume = Volume::open(&file, extent)?;
    let config = volume.read(CONFIG_FILE)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let result = volume.read(RESULT_FILE)?;
    let result: Option<Outcome> = result
        .map(|bytes| serde_json::from_slice(&bytes))
        .transpose()
        .with_context(|| format!("reading `{RESULT_FILE}`"))?;
    if common.json {
        let (config, result) = (config.as_deref(), result.as_ref());
        let answer = Answer { version: 1, target: Some(target), config, result, claim_code: None };
        say(common, &serde_json::to_string_pretty(&answer).context("writing JSON")?)?;
        return Ok(0);
    }
    match &config {
        Some(text) => say(common, text.trim_end())?,
        None => eprintln!("there is no {CONFIG_FILE} on {LABEL} of {}", target.display()),
    }
    match &result {
        Some(outcome) => say(common, &lines(outcome))?,
        None => eprintln!("no node has said anything about it yet"),
    }
    Ok(0)
}

/// What a node said, as lines that may stand below its TOML.
fn lines(outcome: &Outcome) -> String {
    let mut text = format!("\n# A node with Nuvol {} read it:", outcome.nuvol);
    for (section, key) in &outcome.keys {
        let why = key.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        text += &format!("\n#   {}: {}{why}", section.key(), key.state);
    }
    for problem in &outcome.problems {
        let remedy = problem.remedy.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
        text +=
            &format!("\n#   {CONFIG_FILE}:{}:{}: {}{remedy}", problem.line, problem.column, problem.cause);
    }
    text
}

fn name_within(target: &Path) -> String {
    format!("{}:{CONFIG_FILE}", target.display())
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("reading `{}`", path.display()))?;
    anyhow::ensure!(
        bytes.len() as u64 <= FILE_LIMIT,
        "`{}` is larger than {} KiB",
        path.display(),
        FILE_LIMIT >> 10
    );
    Ok(bytes)
}

/// The text of the file `path`, which is a configuration without a mistake.
pub(super) fn configuration(path: &Path) -> anyhow::Result<String> {
    checked(&path.display().to_string(), read_file(path)?)
}

/// The text of a configuration that has no mistake.
fn checked(name: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    let found = nuvol_seed::read_bytes(&bytes).problems;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if found.is_empty() { Ok(text) } else { Err(problems(name, &text, &found).into()) }
}

/// As those of every other file that people write.
fn problems(name: &str, text: &str, found: &[nuvol_seed::Problem]) -> Problems {
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let mut problems = Problems::default();
    for it in found {
        let span = Span { line: it.span.line, column: it.span.column, length: it.span.length };
        let problem = Problem::at(Place { source: Arc::clone(&source), span }, &it.cause);
        problems.push(Problem { remedy: it.remedy.clone(), ..problem });
    }
    problems
}

/// Opens `target` and finds NUVOL-CFG in it. A disk that is to be written must be ours alone.
fn open(target: &Path, to_write: bool) -> anyhow::Result<(File, Extent)> {
    let shown = target.display();
    let kind = fs::metadata(target).with_context(|| format!("opening `{shown}`"))?.file_type();
    anyhow::ensure!(kind.is_file() || kind.is_block_device(), "`{shown}` is no image and no disk");
    let mut options = File::options();
    options.read(true).write(to_write);
    if to_write && kind.is_block_device() {
        // The kernel knows best: it refuses while anything of the disk is mounted or otherwise taken.
        options.custom_flags(OFlags::EXCL.bits().cast_signed());
    }
    let file = match options.open(target) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) => {
            return Err(InUse { device: shown.to_string(), by: mounted(target) }.into());
        }
        file => file.with_context(|| format!("opening `{shown}`"))?,
    };
    match nuvol_seed::find(&file).with_context(|| format!("reading `{shown}`"))? {
        Some(extent) => Ok((file, extent)),
        None => match packed(&file)? {
            Some(format) => anyhow::bail!(
                "`{shown}` is {format}, in which nothing can be set; seed the raw image or the ISO of the same release \
                 and convert that, or write it to a disk and seed the disk"
            ),
            None => anyhow::bail!(
                "`{shown}` has no partition {LABEL}: it is no disk image or ISO of Nuvol, or of an old version"
            ),
        },
    }
}

/// Where `device` or a part of it is mounted, as words.
fn mounted(device: &Path) -> String {
    let name = device.canonicalize().unwrap_or_else(|_| device.to_owned()).display().to_string();
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let places = table.lines().filter_map(|line| {
        let (source, rest) = line.split_once(' ')?;
        source.starts_with(&name).then(|| rest.split(' ').next()).flatten()
    });
    let places: Vec<String> = places.map(|place| format!("`{place}`")).collect();
    if places.is_empty() { String::new() } else { format!(" (mounted at {})", places.join(", ")) }
}

/// What a file is that holds a disk in another way than byte for byte.
fn packed(file: &File) -> anyhow::Result<Option<&'static str>> {
    use std::os::unix::fs::FileExt as _;
    const FORMATS: [(&[u8], &str); 7] = [
        (b"QFI\xfb", "a qcow2 image"),
        (b"KDMV", "a vmdk image"),
        (b"vhdxfile", "a vhdx image"),
        (b"<<< ", "a vdi image"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "compressed (zstd)"),
        (&[0x1f, 0x8b], "compressed (gzip)"),
        (&[0xfd, b'7', b'z', b'X', b'Z'], "compressed (xz)"),
    ];
    let mut head = [0; 8];
    let length = file.read_at(&mut head, 0).context("reading the beginning of the file")?;
    Ok(FORMATS.iter().find(|(magic, _)| head[..length].starts_with(magic)).map(|(_, name)| *name))
}
