//! `nuvol`: builds community-cloud images from declarative profiles.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nuvol::cli::{check, plan, schema};
use nuvol::spec::Tree;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,

    /// The folder with `profiles/`, instead of the one found from here upward
    #[arg(long, global = true, value_name = "DIR")]
    tree: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Verb {
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
    Schema(schema::SchemaArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<u8> {
    let tree = || cli.tree.clone().map_or_else(|| Tree::find(Path::new(".")), Ok);
    match cli.verb {
        Verb::Check(args) => check::run(&args, &tree()?),
        Verb::Plan(args) => plan::run(&args, &tree()?),
        Verb::Schema(args) => schema::run(&args),
    }
}
