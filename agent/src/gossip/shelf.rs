//! Where the board lies while the agent does not run, and beside it what tells one run from the next.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use data_encoding::BASE64;
use nuvol_community::address::CommunityId;
use nuvol_community::board::Board;

use crate::durable;

/// More than all that two thousand members may sign.
const LIMIT_BYTES: u64 = 256 << 20;

const FORMAT: &str = "nuvol-board 1 ";

/// More messages than a run sends, in microseconds of a clock that counts one each.
const RUN: u64 = 1 << 30;
/// No number is longer.
const RUN_LIMIT_BYTES: u64 = 32;

fn path(dir: &Path) -> PathBuf {
    dir.join("community.board")
}

fn run_path(dir: &Path) -> PathBuf {
    dir.join("community.run")
}

/// Where the numbers of this run's messages begin: at the time, in microseconds of Unix time, and after those of all runs
/// before. Others take what comes with a lower number for something that they have heard before, so a clock that was set
/// back, or lost its battery, would make this node mute.
///
/// # Errors
///
/// Where that cannot be written down for the next run; this one may begin there all the same.
pub(super) fn begin_run(dir: &Path, unix_us: u64) -> (u64, anyhow::Result<()>) {
    let path = run_path(dir);
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        fs::File::open(&path)?.take(RUN_LIMIT_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    // What is no number is as good as none.
    let last = read().ok().and_then(|it| it.trim_end().parse::<u64>().ok());
    let begin = last.map_or(unix_us, |last| unix_us.max(last.saturating_add(RUN))).min(u64::MAX / 2);
    (begin, durable::write(&path, &format!("{begin}\n"), 0o600))
}

/// Writes the board whole or not at all.
pub(super) fn write(dir: &Path, board: &Board) -> anyhow::Result<()> {
    let text = format!("{FORMAT}{}\n{}\n", board.community(), BASE64.encode(&board.to_bytes()));
    durable::write(&path(dir), &text, 0o600)
}

/// The node is in no community any more.
pub(super) fn remove(dir: &Path) -> anyhow::Result<()> {
    if path(dir).exists() { durable::restore(&path(dir), None, 0o600) } else { Ok(()) }
}

/// The board, where there is one. Each object on it is verified again.
///
/// # Errors
///
/// Where it is damaged; it is moved aside then, for other members have the same.
pub(super) fn read(dir: &Path, now_s: u64) -> anyhow::Result<Option<Board>> {
    let path = path(dir);
    let file = match fs::File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.with_context(|| format!("reading `{}`", path.display()))?,
    };
    // What is longer is cut off, and so no board.
    let mut text = String::new();
    let read = file.take(LIMIT_BYTES).read_to_string(&mut text);
    read.with_context(|| format!("reading `{}`", path.display()))?;
    match parse(&text, now_s) {
        Ok(board) => Ok(Some(board)),
        Err(error) => {
            let aside = path.with_extension("board.damaged");
            fs::rename(&path, &aside).with_context(|| format!("moving `{}` aside", path.display()))?;
            Err(error.context(format!("`{}` was damaged and lies beside as `.damaged`", path.display())))
        }
    }
}

fn parse(text: &str, now_s: u64) -> anyhow::Result<Board> {
    let (head, body) = text.split_once('\n').context("it is cut off")?;
    let id = head.strip_prefix(FORMAT).context("it does not begin as a board")?;
    let id = data_encoding::HEXLOWER.decode(id.as_bytes()).context("it names no community")?;
    let id: [u8; 16] = id.try_into().ok().context("it names no community")?;
    let body = body.strip_suffix('\n').context("it is cut off")?;
    let bytes = BASE64.decode(body.as_bytes()).context("it cannot be read")?;
    let mut board = Board::new(CommunityId(id));
    board.take(now_s, &bytes).context("it cannot be read")?;
    if board.charter().is_none() {
        bail!("nothing on it says what community it is of");
    }
    Ok(board)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the test damages files")]
mod tests {
    use nuvol_community::board::Board;
    use nuvol_community::identity::NodeKey;
    use nuvol_community::text::Name;

    use super::{RUN, begin_run, path, read, remove, run_path, write};

    #[test]
    fn runs_follow_each_other_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        let begin = |unix_us| {
            let (begin, kept) = begin_run(dir.path(), unix_us);
            kept.unwrap();
            begin
        };
        assert_eq!(begin(5_000_000), 5_000_000);
        assert_eq!(begin(9_000_000_000), 9_000_000_000);
        assert_eq!(begin(7_000_000), 9_000_000_000 + RUN);
        assert_eq!(begin(0), 9_000_000_000 + 2 * RUN);
        assert_eq!(begin(u64::MAX), u64::MAX / 2);
        std::fs::write(run_path(dir.path()), "12x\n").unwrap();
        assert_eq!(begin(8), 8);
        let nowhere = dir.path().join("nowhere");
        assert!(matches!(begin_run(&nowhere, 8), (8, Err(_))));
    }

    #[test]
    fn a_board_comes_back_or_is_laid_aside() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path(), 0).unwrap().is_none());
        let name = |text| Name::new(text).unwrap();
        let board =
            Board::found(&NodeKey::from_bytes(&[1; 32]), name("Valley"), name("one"), [0; 16]).unwrap();
        write(dir.path(), &board).unwrap();
        assert_eq!(read(dir.path(), 0).unwrap().unwrap().to_bytes(), board.to_bytes());
        let whole = std::fs::read_to_string(path(dir.path())).unwrap();
        for damaged in [&whole[..60], &whole[..whole.len() - 1], "", "x\ny\n"] {
            std::fs::write(path(dir.path()), damaged).unwrap();
            assert!(read(dir.path(), 0).is_err(), "{damaged}");
            // The next start begins without.
            assert!(read(dir.path(), 0).unwrap().is_none());
        }
        write(dir.path(), &board).unwrap();
        remove(dir.path()).unwrap();
        remove(dir.path()).unwrap();
        assert!(read(dir.path(), 0).unwrap().is_none());
    }
}
