//! Where the board lies while the agent does not run.

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

fn path(dir: &Path) -> PathBuf {
    dir.join("community.board")
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

    use super::{path, read, remove, write};

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
