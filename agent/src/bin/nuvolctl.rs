//! `nuvolctl`: runs a node from another machine.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(nuvol_agent::ctl::run())
}
