//! `nuvol schema`: JSON Schemas for editors, made from the types that read the files.

use std::io::Write as _;

use schemars::schema_for;

use crate::overlay::OverlaySpec;
use crate::spec::{Catalog, Profile};

/// Print the JSON Schema of a kind of file, for editors
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// The kind of file
    #[arg(value_enum)]
    pub kind: Kind,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// profiles/*.yaml
    Profile,
    /// packages.yaml
    Packages,
    /// overlays/*/overlay.yaml
    Overlay,
}

/// Prints a schema; returns the exit code.
pub fn run(args: &Schema) -> anyhow::Result<u8> {
    let schema = match args.kind {
        Kind::Profile => schema_for!(Profile),
        Kind::Packages => schema_for!(Catalog),
        Kind::Overlay => schema_for!(OverlaySpec),
    };
    writeln!(std::io::stdout(), "{:#}", schema.as_value())?;
    Ok(0)
}
