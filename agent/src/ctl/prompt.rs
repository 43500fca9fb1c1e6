//! Questions to whoever sits at the terminal. Answers come from there even where standard input is a file.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write, stdin};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{Outcome, Trouble};

/// A file's first line is never longer.
const LINE_LIMIT_BYTES: u64 = 4096;
/// More than a node takes in.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// The first line of a file; `-` is standard input.
pub fn first_line(path: &Path) -> Outcome<String> {
    let wrong = |error: std::io::Error| Trouble::Input(format!("`{}`: {error}", path.display()));
    let mut line = String::new();
    if path == Path::new("-") {
        stdin().lock().take(LINE_LIMIT_BYTES).read_line(&mut line).map_err(wrong)?;
    } else {
        let file = File::open(path).map_err(wrong)?;
        BufReader::new(file.take(LINE_LIMIT_BYTES)).read_line(&mut line).map_err(wrong)?;
    }
    let line = line.trim_end_matches(['\n', '\r']).to_owned();
    if line.is_empty() { Err(Trouble::Input(format!("`{}` is empty", path.display()))) } else { Ok(line) }
}

/// All of a file; `-` is standard input.
pub fn whole(path: &Path) -> Outcome<String> {
    let wrong = |error: std::io::Error| Trouble::Input(format!("`{}`: {error}", path.display()));
    let mut text = String::new();
    if path == Path::new("-") {
        stdin().lock().take(FILE_LIMIT_BYTES).read_to_string(&mut text).map_err(wrong)?;
    } else {
        File::open(path).map_err(wrong)?.take(FILE_LIMIT_BYTES).read_to_string(&mut text).map_err(wrong)?;
    }
    Ok(text)
}

/// Asks for a line.
pub fn line(question: &str) -> Outcome<String> {
    Ok(ask(question, false)?.trim().to_owned())
}

/// Asks for something that nobody else should see.
pub fn hidden(question: &str) -> Outcome<String> {
    ask(question, true)
}

/// Asks for a yes.
pub fn agrees(question: &str) -> Outcome<bool> {
    let answer = line(&format!("{question} [y/N] "))?;
    Ok(["y", "yes"].contains(&answer.to_lowercase().as_str()))
}

fn ask(question: &str, hide: bool) -> Outcome<String> {
    let nobody = |_| Trouble::Input(format!("there is nobody to ask for `{}`; see --help", question.trim()));
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(nobody)?;
    if !terminal.is_terminal() {
        return Err(Trouble::Input(format!("there is no terminal to ask for `{}`", question.trim())));
    }
    let broken = |error: std::io::Error| Trouble::Environment(format!("the terminal: {error}"));
    terminal.write_all(question.as_bytes()).map_err(broken)?;
    let quiet = if hide { Some(Quiet::new(&terminal).map_err(broken)?) } else { None };
    let mut answer = String::new();
    BufReader::new(Read::by_ref(&mut terminal).take(LINE_LIMIT_BYTES))
        .read_line(&mut answer)
        .map_err(broken)?;
    if quiet.is_some() {
        drop(quiet);
        terminal.write_all(b"\n").map_err(broken)?;
    }
    Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn new(terminal: &File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal: terminal.try_clone()?, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        tcsetattr(&self.terminal, OptionalActions::Flush, &self.before).ok();
    }
}
