//! `nuvol flash`: an image onto a disk, and never onto the wrong one.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;

use super::{Common, flash_show as show};
use crate::host::on_signals;
use crate::media::{
    Access, Demands, Device, Disk, Filter, Job, Key, Mode, NeedsRoot, NotBootable, NotVerified, Order,
    Outcome, Plan, Refusal, Refused, Source, System, Trust, Untrusted, Verification, check, size,
};
use crate::report::Report;
use crate::spec::ByteSize;

/// Write an image to a disk or USB stick, and read it back
///
/// Without a disk it shows what there is and asks. The disk's own system, mounted disks and whatever else is in use
/// are refused. What is interrupted does not boot, and can be done again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nuvol flash --list\n  nuvol flash nuvol-home-0.1.0-amd64.raw.zst --key nuvol.pub\n  \
                        nuvol flash image.raw /dev/sdb --confirm 4C53 --allow-unsigned"
)]
pub struct Flash {
    /// The image: raw, raw.zst or iso
    #[arg(required_unless_present = "list")]
    image: Option<PathBuf>,
    /// The disk, as `/dev/sdb` [default: asked for on a terminal]
    #[arg(conflicts_with_all = ["serial", "vendor", "model"])]
    disk: Option<PathBuf>,
    /// Show the disks of this machine
    #[arg(long, conflicts_with_all = ["image", "dry_run"])]
    list: bool,
    /// Do all but write
    #[arg(long)]
    dry_run: bool,
    /// Part of the disk's serial number, four characters at least, in place of typing it
    #[arg(long, value_name = "SERIAL")]
    confirm: Option<String>,
    /// The disk with this serial number, in place of DISK
    #[arg(long, value_name = "NUMBER")]
    serial: Option<String>,
    /// The disk of this maker, if there is one alone
    #[arg(long, value_name = "NAME")]
    vendor: Option<String>,
    /// The disk of this model, if there is one alone
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// With --serial, --vendor or --model: no disk that is smaller
    #[arg(long, value_name = "SIZE")]
    min_size: Option<ByteSize>,
    /// Keep the data partition of the Nuvol node that is on the disk
    #[arg(long)]
    preserve: bool,
    /// File with the public key of whoever made the image, as minisign writes it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The public key itself
    #[arg(long, value_name = "BASE64", conflicts_with = "key", value_parser = Key::of_text)]
    public_key: Option<Key>,
    /// Take an image that nobody signed, or without looking at the signature
    #[arg(long)]
    allow_unsigned: bool,
    /// Put this configuration there, as `nuvol seed` does
    #[arg(long, value_name = "FILE", conflicts_with = "verify_only")]
    config: Option<PathBuf>,
    /// Do not read back what was written
    #[arg(long)]
    no_verify: bool,
    /// Only compare the disk with the image
    #[arg(long, conflicts_with_all = ["no_verify", "dry_run", "preserve", "confirm"])]
    verify_only: bool,
    /// Look at a recorded machine
    #[arg(long, value_name = "DIR", hide = true, default_value = "/")]
    system: PathBuf,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    schema: u32,
    image: &'a Path,
    trust: Trust,
    disk: &'a Disk,
    preserved: Option<String>,
    dry_run: bool,
    #[serde(flatten)]
    outcome: Option<Outcome>,
    seconds: f64,
}

/// Shows the disks, or writes.
pub fn run(common: &Common, args: &Flash) -> anyhow::Result<u8> {
    on_signals()?;
    let system = System::at(&args.system);
    let writes = !args.list && !args.dry_run;
    anyhow::ensure!(system.is_this_machine() || !writes, "a recorded machine can only be looked at");
    if args.list {
        show::disks(common, &system.disks()?)?;
        return Ok(0);
    }
    let (since, report) = (Instant::now(), Report::new(common.voice()));
    // Before anything is opened for writing: a configuration with a mistake changes nothing.
    let config = args.config.as_deref().map(super::seed::configuration).transpose()?;
    let image = args.image.as_deref().context("there is no image")?;
    // A file that is damaged is best told of by its checksum.
    let source = Source::open(image).or_else(|err| trusted(args, image, None).and(Err(err)))?;
    let disk = choose(args, &system, &source)?;
    if args.verify_only {
        let trust = vouched(args, &source, &report)?;
        return compare(common, &source, &disk, trust, &report, since);
    }
    refuse(disk.refusals(source.size_bytes))?;
    let trust = vouched(args, &source, &report)?;
    // Without --preserve nothing of the disk's content matters.
    let old = match mode(args) {
        Mode::Preserve if system.is_this_machine() => Device::open(&disk, Access::Look)?.table(),
        _ => None,
    };
    let verification = if args.no_verify { Verification::None } else { Verification::ReadBack };
    let config = config.as_deref().map(str::as_bytes);
    let order = Order { disk: &disk, mode: mode(args), least_bytes: 0, verification, config };
    let plan = order.plan(&source, old.as_ref())?;
    let preserved = plan.preserved.as_ref().map(|it| format!("{}, {}", it.label, size(it.span.length())));
    let mut answer = Answer {
        schema: 1,
        image,
        trust,
        disk: &disk,
        preserved,
        dry_run: args.dry_run,
        outcome: None,
        seconds: 0.0,
    };
    if !args.dry_run {
        confirm(args, &disk, answer.preserved.as_deref())?;
        answer.outcome = Some(write(&order, &system, &source, &report)?);
    }
    answer.seconds = (since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    tell(common, &answer)?;
    Ok(0)
}

fn mode(args: &Flash) -> Mode {
    if args.preserve { Mode::Preserve } else { Mode::Overwrite }
}

fn refuse(reasons: Vec<Refusal>) -> anyhow::Result<()> {
    if reasons.is_empty() { Ok(()) } else { Err(Refused(reasons).into()) }
}

/// The disk that was named, described, or is chosen now.
fn choose(args: &Flash, system: &System, source: &Source) -> anyhow::Result<Disk> {
    if let Some(path) = &args.disk {
        return Ok(system.find(path)?.map_err(|reason| Refused(vec![reason]))?);
    }
    let filter = Filter {
        serial: args.serial.clone(),
        vendor: args.vendor.clone(),
        model: args.model.clone(),
        ..Filter::default()
    };
    let disks = system.disks()?;
    if !filter.is_empty() {
        let filter = Filter { min_bytes: args.min_size.map(|it| it.bytes()), ..filter };
        return Ok(filter.choose(&disks).map_err(|reason| Refused(vec![reason]))?.clone());
    }
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !asks {
        // Exit code 2, as for any other argument that is missing.
        eprintln!("error: no disk was named\nname one of `nuvol flash --list`, or describe it with --serial");
        std::process::exit(2);
    }
    show::ask(&disks, source.size_bytes)
}

/// How far the file `image` and the map beside it are what their maker says; an error if that is not far enough.
fn trusted(args: &Flash, image: &Path, map: Option<&Path>) -> anyhow::Result<Trust> {
    let key = match (&args.key, &args.public_key) {
        (Some(path), _) => Some(Key::of_file(path)?),
        (None, key) => key.clone(),
    };
    let demands = Demands { key, allow_unsigned: args.allow_unsigned };
    check(image, map.as_slice(), &demands)
}

/// The same, told.
fn vouched(args: &Flash, source: &Source, report: &Report) -> anyhow::Result<Trust> {
    let since = Instant::now();
    let trust = trusted(args, source.path(), source.map.as_deref())?;
    if trust == Trust::Nothing {
        // The map at least must belong to this image: what it leaves out is not written.
        source.check_ranges(report)?;
    }
    let detail = match trust {
        Trust::Signed => "checksum and signature are right",
        Trust::Checksum => "the checksum is right; the signature was not looked at",
        Trust::Nothing => "nothing vouches for this image",
    };
    report.stage("check", since, crate::store::Found::Made, detail);
    Ok(trust)
}

/// Has a part of the serial number typed, unless it was given.
fn confirm(args: &Flash, disk: &Disk, preserved: Option<&str>) -> anyhow::Result<()> {
    let typed = match &args.confirm {
        Some(given) => given.clone(),
        None if std::io::stdin().is_terminal() => {
            show::warning(disk, preserved);
            eprint!("Type four or more characters of `{}` to go on: ", disk.token());
            std::io::stderr().flush().context("asking")?;
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).context("reading the answer")?;
            line
        }
        None => String::new(),
    };
    refuse(disk.is_confirmed_by(&typed).err().into_iter().collect())
}

/// Writes, and has the kernel look at what is there now.
fn write(order: &Order<'_>, system: &System, source: &Source, report: &Report) -> anyhow::Result<Outcome> {
    let done = order.carry_out(system, source, report)?;
    show::reread(order.disk);
    Ok(done.outcome)
}

fn compare(
    common: &Common,
    source: &Source,
    disk: &Disk,
    trust: Trust,
    report: &Report,
    since: Instant,
) -> anyhow::Result<u8> {
    let device = Device::open(disk, Access::Look)?;
    // A data partition that was kept, or made by the node, is in the table too.
    let old = device.table();
    let mode =
        if old.as_ref().is_some_and(|it| it.data().is_some()) { Mode::Preserve } else { Mode::Overwrite };
    let name = disk.path.display().to_string();
    let plan = Plan::new(source, disk.size_bytes, old.as_ref(), mode, &name)
        .or_else(|_| Plan::new(source, disk.size_bytes, None, Mode::Overwrite, &name))
        .map_err(|reason| Refused(vec![reason]))?;
    let job = Job { source, plan: &plan, medium: &device, progress: report, config: None };
    let verified_bytes = job.compare().with_context(|| format!("`{}`", disk.path.display()))?;
    let outcome = Some(Outcome { written_bytes: 0, verified_bytes, rewritten: 0 });
    let seconds = since.elapsed().as_secs_f64();
    let image = source.path();
    tell(
        common,
        &Answer { schema: 1, image, trust, disk, preserved: None, dry_run: false, outcome, seconds },
    )?;
    Ok(0)
}

fn tell(common: &Common, answer: &Answer<'_>) -> anyhow::Result<()> {
    if common.json {
        println!("{}", serde_json::to_string(answer)?);
        return Ok(());
    }
    let disk = answer.disk.path.display();
    match answer.outcome {
        None => {
            println!("{disk}: {} would be erased for {}", answer.disk.title(), answer.image.display());
        }
        Some(Outcome { written_bytes: 0, .. }) => println!("{disk}: holds {}", answer.image.display()),
        Some(Outcome { verified_bytes: 0, .. }) => {
            println!("{disk}: written, not read back; it can be pulled out now");
        }
        Some(_) => println!("{disk}: written and read back; it can be pulled out now"),
    }
    if let Some(kept) = &answer.preserved {
        println!(
            "{disk}: {} the data partition ({kept})",
            if answer.dry_run { "would keep" } else { "kept" }
        );
    }
    if answer.outcome.is_some_and(|it| it.written_bytes > 0) {
        eprintln!("Next: start the machine from it, and look for the node with `nuvol find`");
    }
    Ok(())
}

/// The documented exit code of what went wrong with a disk or an image.
pub fn code_of(err: &anyhow::Error) -> Option<u8> {
    let has = |test: fn(&(dyn std::error::Error + 'static)) -> bool| err.chain().any(test);
    if err.downcast_ref::<NotBootable>().is_some() {
        Some(3)
    } else if err.downcast_ref::<Refused>().is_some() || has(|it| it.is::<Refused>()) {
        Some(4)
    } else if err.downcast_ref::<Untrusted>().is_some() {
        Some(5)
    } else if err.downcast_ref::<NotVerified>().is_some() || has(|it| it.is::<NotVerified>()) {
        Some(8)
    } else if err.downcast_ref::<NeedsRoot>().is_some() {
        Some(6)
    } else {
        None
    }
}
