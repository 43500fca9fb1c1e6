//! Door to the journal: a line on standard error, with its level where systemd reads it.

use std::io::Write;
use std::process::ExitCode;
use std::sync::OnceLock;

use crate::node::Level;

/// Writes one line. Line ends within it become blanks, so that nothing can forge a second line.
pub fn write(level: Level, line: &str) {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let head = if read_by_systemd() { format!("<{}>", priority(level)) } else { "nuvol-agent: ".to_owned() };
    // Not `eprintln!`: a journal that is away is no reason to end.
    std::io::stderr().write_all(format!("{head}{line}\n").as_bytes()).ok();
}

/// How a program ends: well, or with a line that says why.
pub fn end(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            write(Level::Error, &format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// sd-daemon(3): the level of a line is a number in angle brackets before it.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warning => 4,
        Level::Info => 6,
    }
}

fn read_by_systemd() -> bool {
    static READ: OnceLock<bool> = OnceLock::new();
    *READ.get_or_init(|| std::env::var_os("JOURNAL_STREAM").is_some())
}
