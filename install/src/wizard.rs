//! The installer's questions: which disk, what becomes of what is on it, the node's name; then a summary, and a part of
//! the disk's serial number to be typed. `b` goes back, Enter shows the question again: who plugs in a serial line late
//! sees where it is.

use nuvol_media::{Disk, Mode};
use nuvol_seed::Then;

use crate::console::Console;
use crate::found::Found;
use crate::ground::Ground;
use crate::progress::{Reader, Told};
use crate::words;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Somebody left, and all is as it was.
    Left,
    /// It is installed; this comes next.
    Installed(Then),
}

/// Where somebody is.
enum Step {
    Disk,
    Existing(Found),
    Name(Found, Mode),
    Confirm(Found, Mode, Option<String>),
    Over(Ending),
}

/// Asks until a node is installed, or somebody leaves.
pub fn run(ground: &Ground, console: &mut Console<'_>) -> anyhow::Result<Ending> {
    let version = env!("CARGO_PKG_VERSION");
    console.say(&format!("\n  Nuvol {version}: install on a disk of this machine\n"))?;
    if let Some(reason) = ground.refusal() {
        console.say(&format!("\n  {reason}\n"))?;
        return Ok(Ending::Left);
    }
    let mut step = Step::Disk;
    loop {
        step = match step {
            Step::Disk => disk(ground, console)?,
            Step::Existing(found) => existing(ground, console, found)?,
            Step::Name(found, mode) => name(ground, console, found, mode)?,
            Step::Confirm(found, mode, name) => confirm(ground, console, found, mode, name)?,
            Step::Over(ending) => return Ok(ending),
        };
    }
}

/// Which disk. What cannot be taken is shown with the reason.
fn disk(ground: &Ground, console: &mut Console<'_>) -> anyhow::Result<Step> {
    let all = ground.disks()?;
    let (free, other): (Vec<Disk>, Vec<Disk>) =
        all.into_iter().partition(|it| ground.refusals(it).is_empty());
    let mut text = "\n  Disks\n\n".to_owned();
    for disk in &other {
        text += &words::disk("-", disk, &ground.refusals(disk));
    }
    for (disk, number) in free.iter().zip(1..) {
        text += &words::disk(&number.to_string(), disk, &[]);
    }
    if free.is_empty() {
        text += "\n  No disk of this machine can be taken.\n";
    }
    console.say(&text)?;
    let Some(answer) = console.ask("\n  Number of the disk (Enter: look again, q: leave): ")? else {
        return Ok(Step::Over(Ending::Left));
    };
    if answer.eq_ignore_ascii_case("q") {
        return Ok(Step::Over(Ending::Left));
    }
    let chosen = answer.parse::<usize>().ok().and_then(|it| free.get(it.checked_sub(1)?));
    let Some(disk) = chosen else {
        if !answer.is_empty() {
            console.say(&format!("\n  `{answer}` is no number of a disk.\n"))?;
        }
        return Ok(Step::Disk);
    };
    match Found::look(disk) {
        Ok(found) if found.node.is_some() => Ok(Step::Existing(found)),
        Ok(found) => Ok(Step::Name(found, Mode::Overwrite)),
        Err(err) => {
            console.say(&format!("\n  {}\n", words::failure(&err)))?;
            Ok(Step::Disk)
        }
    }
}

/// What becomes of an older node.
fn existing(ground: &Ground, console: &mut Console<'_>, found: Found) -> anyhow::Result<Step> {
    console.say(&format!(
        "\n  On {} is {}.\n\n  1  Preserve: the data of its services stay, the system is new\n  \
         2  Overwrite: all on the disk goes\n",
        found.disk.path.display(),
        words::contents(&found)
    ))?;
    let Some(answer) = console.ask("\n  1 or 2 (b: back): ")? else { return Ok(Step::Over(Ending::Left)) };
    match answer.as_str() {
        "1" => match ground.plan(&found, Mode::Preserve) {
            Ok(_) => Ok(Step::Name(found, Mode::Preserve)),
            Err(reasons) => {
                console.say(&format!("\n  {}\n", words::failure(&reasons.into())))?;
                Ok(Step::Existing(found))
            }
        },
        "2" => Ok(Step::Name(found, Mode::Overwrite)),
        "b" | "B" => Ok(Step::Disk),
        _ => Ok(Step::Existing(found)),
    }
}

fn name(ground: &Ground, console: &mut Console<'_>, found: Found, mode: Mode) -> anyhow::Result<Step> {
    let given = ground.name(&found, mode);
    let default = given.as_deref().unwrap_or("nuvol- and eight digits of its own");
    let question = format!("\n  Name of the node (Enter: {default}; b: back): ");
    let Some(answer) = console.ask(&question)? else { return Ok(Step::Over(Ending::Left)) };
    match answer.as_str() {
        "" => Ok(Step::Confirm(found, mode, given)),
        "b" | "B" if found.node.is_some() => Ok(Step::Existing(found)),
        "b" | "B" => Ok(Step::Disk),
        name => match ground.config(&found, mode, Some(name)) {
            Ok(_) => Ok(Step::Confirm(found, mode, Some(name.to_owned()))),
            Err(err) => {
                console.say(&format!("\n  {err:#}\n"))?;
                Ok(Step::Name(found, mode))
            }
        },
    }
}

/// All at a glance; a part of the serial number goes on.
fn confirm(
    ground: &Ground,
    console: &mut Console<'_>,
    found: Found,
    mode: Mode,
    name: Option<String>,
) -> anyhow::Result<Step> {
    let disk = &found.disk;
    console.say(&format!(
        "\n  Disk    {}  {}\n  On it   {}\n  Then    {}\n  Name    {}\n",
        disk.path.display(),
        disk.title(),
        words::contents(&found),
        words::fate(&found, mode),
        name.as_deref().unwrap_or("drawn when it starts for the first time")
    ))?;
    let question = format!("\n  Type four or more characters of `{}` to install (b: back): ", disk.token());
    let Some(answer) = console.ask(&question)? else { return Ok(Step::Over(Ending::Left)) };
    if answer.eq_ignore_ascii_case("b") {
        return Ok(Step::Name(found, mode));
    }
    if answer.is_empty() || disk.is_confirmed_by(&answer).is_err() {
        console.say("\n  Nothing was written: that is not this disk.\n")?;
        return Ok(Step::Confirm(found, mode, name));
    }
    console.say("\n")?;
    let config = match ground.config(&found, mode, name.as_deref()) {
        Ok(config) => config,
        Err(err) => {
            console.say(&format!("  {err:#}\n"))?;
            return Ok(Step::Name(found, mode));
        }
    };
    let done = {
        let told = Told::new(&mut *console.output, Reader::Person);
        ground.install(&found, mode, config.as_deref(), &told)
    };
    match done {
        Ok(_) => {
            console.say(&format!(
                "\n  Nuvol is on {}, written and read back.\n  {}\n",
                disk.path.display(),
                words::place(name.as_deref(), mode)
            ))?;
            farewell(console)
        }
        Err(err) => {
            console.say(&format!(
                "\n  It is not installed: {}\n  The disk does not start as a node now; you can try again.\n",
                words::failure(&err)
            ))?;
            Ok(Step::Disk)
        }
    }
}

fn farewell(console: &mut Console<'_>) -> anyhow::Result<Step> {
    let answer = console.ask("\n  Take the medium out, then Enter starts the node (o: switch off): ")?;
    let off = answer.is_some_and(|it| it.eq_ignore_ascii_case("o"));
    Ok(Step::Over(Ending::Installed(if off { Then::Poweroff } else { Then::Reboot })))
}
