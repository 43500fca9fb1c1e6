//! Runs tincd, and beside it what reads its log.
//!
//! tinc 1.0 tells how the mesh is on its log alone: thousands of lines in a large mesh, every time. The list of nodes
//! goes into a file instead, whole or not at all; its other lists go nowhere; what it really logs goes on to the journal.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::store::CURRENT;
use super::{Folders, NODES, PID, READY};

/// A member can make up nodes without end.
const NODES_LIMIT: usize = 10_000;
/// tinc's lines are shorter; a longer one is cut into several.
const LINE_LIMIT_BYTES: u64 = 4096;

/// Becomes tincd, with a second process of this program behind its log. Comes back only if that fails.
pub fn run(folders: &Folders) -> anyhow::Result<()> {
    let (reader, writer) = io::pipe().context("making a pipe")?;
    let own = std::env::current_exe().context("looking for this program")?;
    let mut log = program(&own);
    log.arg("mesh-log").arg("--mesh-runtime").arg(&folders.runtime).stdin(reader);
    log.spawn().context("starting what reads the log")?;
    let mut tincd = program(Path::new("tincd"));
    tincd.arg("--config").arg(folders.files.join(CURRENT)).arg("--pidfile").arg(folders.runtime.join(PID));
    // Level 1 tells who is connected and why not.
    tincd.args(["--no-detach", "--debug=1"]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    tincd.stdin(Stdio::null()).stderr(writer);
    Err(tincd.exec()).context("starting tincd")
}

fn program(name: &Path) -> Command {
    tokio::process::Command::new(name).into_std()
}

/// Reads tinc's log to its end.
pub fn log(input: impl Read, output: &mut impl Write, runtime: &Path) -> anyhow::Result<()> {
    let mut input = BufReader::new(input);
    let mut state = State::Log;
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = (&mut input).take(LINE_LIMIT_BYTES).read_until(b'\n', &mut line);
        if length.context("reading the log of tincd")? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        state = state.then(&line, output, runtime)?;
    }
}

/// Where in the log it is.
enum State {
    /// Lines for people.
    Log,
    /// Between the beginning and the end of what tinc lists.
    Lists,
    /// In the list of nodes.
    Nodes(Vec<u8>, usize),
}

impl State {
    fn then(self, line: &[u8], output: &mut impl Write, runtime: &Path) -> anyhow::Result<Self> {
        Ok(match (self, line) {
            (Self::Log, line) => {
                let (said, then) = match lists_from(line) {
                    Some(at) => (&line[..at], Self::Lists),
                    None => (line, Self::Log),
                };
                // Its number is no such sign: it writes that, and takes signals, before it has a device to tell of.
                if said == b"Ready\n" {
                    replace(&runtime.join(READY), &[])?;
                }
                // Without a journal the mesh goes on.
                output.write_all(said).and_then(|()| output.flush()).ok();
                then
            }
            (Self::Lists, b"Nodes:\n") => Self::Nodes(Vec::new(), 0),
            (Self::Lists | Self::Nodes(..), b"End of subnet list.\n") => Self::Log,
            (Self::Lists, _) => Self::Lists,
            (Self::Nodes(list, _), b"End of nodes.\n") => {
                replace(&runtime.join(NODES), &list)?;
                Self::Lists
            }
            (Self::Nodes(mut list, count), line) => {
                if count < NODES_LIMIT {
                    list.extend_from_slice(line);
                }
                Self::Nodes(list, count + 1)
            }
        })
    }
}

/// Where in a line the lists begin: with what went through the interface. The signal may come while tinc is in the midst
/// of saying something else, whose line ends after the lists.
fn lists_from(line: &[u8]) -> Option<usize> {
    const FRONT: &[u8] = b"Statistics for ";
    line.ends_with(b":\n").then(|| line.windows(FRONT.len()).position(|it| it == FRONT)).flatten()
}

/// Whole or not at all, for whoever reads it now; after a power failure nobody does.
fn replace(path: &Path, list: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let put = || File::create(&new)?.write_all(list).and_then(|()| fs::rename(&new, path));
    put().with_context(|| format!("writing `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{NODES_LIMIT, log};

    fn through(text: &str) -> (String, Option<String>) {
        let dir = tempfile::tempdir().unwrap();
        let mut output = Vec::new();
        log(text.as_bytes(), &mut output, dir.path()).unwrap();
        let nodes = crate::helper::mesh::store::read(&dir.path().join("nodes")).unwrap();
        (String::from_utf8(output).unwrap(), nodes)
    }

    #[test]
    fn lists_do_not_reach_the_journal() {
        let lists = "Statistics for Linux tun/tap device (tun mode) /dev/net/tun:\n total bytes in:  1\nNodes:\n one\n two\n\
            End of nodes.\nEdges:\n one to two\nEnd of edges.\nSubnet list:\n x owner y\nEnd of subnet list.\n";
        let (journal, nodes) = through(&format!("Ready\n{lists}after\n"));
        assert_eq!(journal, "Ready\nafter\n");
        let dir = tempfile::tempdir().unwrap();
        log(&b"tincd starting\n"[..], &mut Vec::new(), dir.path()).unwrap();
        assert!(!dir.path().join("ready").exists());
        log(&b"Ready\n"[..], &mut Vec::new(), dir.path()).unwrap();
        assert!(dir.path().join("ready").exists());
        assert_eq!(nodes.as_deref(), Some(" one\n two\n"));
        // In the midst of another line, whose end comes after them.
        let (journal, nodes) = through(&format!("Ready\nTrying to connect to n2 (there){lists}\nafter\n"));
        assert_eq!(journal, "Ready\nTrying to connect to n2 (there)\nafter\n");
        assert_eq!(nodes.as_deref(), Some(" one\n two\n"));
        // Cut off: what was there before stays.
        for end in ["End of nodes.", "Edges:"] {
            let (half, _) = lists.split_once(end).unwrap();
            assert_eq!(through(half).1.is_some(), end == "Edges:", "{half}");
        }
        let newer = lists.replace(" two\n", "");
        assert_eq!(through(&format!("{lists}{newer}")).1.as_deref(), Some(" one\n"));
        assert_eq!(through("no line end").0, "no line end\n");
        // Words of a list by themselves are only words.
        assert_eq!(through("Nodes:\nEnd of nodes.\n"), ("Nodes:\nEnd of nodes.\n".to_owned(), None));
    }

    #[test]
    fn made_up_nodes_have_an_end() {
        let many = " x\n".repeat(NODES_LIMIT + 5);
        let (journal, nodes) =
            through(&format!("Statistics for x:\nNodes:\n{many}End of nodes.\nEnd of subnet list.\nlog\n"));
        assert_eq!(nodes.unwrap().lines().count(), NODES_LIMIT);
        assert_eq!(journal, "log\n");
        let (journal, _) = through(&format!("{}\nlog\n", "y".repeat(10_000)));
        assert!(journal.lines().all(|line| line.len() <= 4096) && journal.ends_with("log\n"));
    }
}
