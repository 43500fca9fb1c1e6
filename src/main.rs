//! The builder's program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(nuvol::cli::run())
}
