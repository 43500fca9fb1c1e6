//! `nuvol check`: everything that is wrong with a tree, in one run, without doing anything.

use std::collections::BTreeSet;
use std::io::Write as _;

use serde_json::json;

use crate::cli::{Common, colour};
use crate::spec::{Architecture, PackageName, Problem, Problems, ProfileName, Tree, report};
use crate::{overlay, plan};

/// Exit code for input that is invalid.
const INPUT_INVALID: u8 = 3;

/// Check profiles, catalogue and overlays, and list every problem
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Profiles to check; all profiles of the tree where none is named
    #[arg(value_name = "PROFILE")]
    pub profiles: Vec<String>,

    /// How problems are written
    #[arg(long, value_enum, default_value_t = Style::Human)]
    pub format: Style,
}

/// How problems are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Style {
    /// With source lines, for people
    Human,
    /// For programs
    Json,
    /// As annotations of a GitHub workflow
    Github,
}

/// Checks the tree; returns the exit code.
pub fn run(common: &Common, args: &Check) -> anyhow::Result<u8> {
    let tree = common.tree()?;
    let style = if common.json { Style::Json } else { args.format };
    let (profiles, problems) = check(&tree, &args.profiles, common.known_packages().as_ref());
    let mut out = std::io::stdout().lock();
    match style {
        Style::Human => {
            write!(std::io::stderr(), "{}", report::human(&problems, colour()))?;
            for (name, summary) in profiles.iter().filter(|_| problems.is_empty()) {
                writeln!(out, "{name}: {summary}")?;
            }
        }
        Style::Github => write!(out, "{}", report::github(&problems))?,
        Style::Json => {
            let names: Vec<&ProfileName> = profiles.iter().map(|(name, _)| name).collect();
            let answer = json!({ "profiles": names, "problems": report::items(&problems) });
            writeln!(out, "{answer:#}")?;
        }
    }
    if style == Style::Human && !problems.is_empty() {
        let plural = if problems.len() == 1 { "" } else { "s" };
        writeln!(std::io::stderr(), "{} problem{plural}", problems.len())?;
    }
    Ok(if problems.is_empty() { 0 } else { INPUT_INVALID })
}

/// The profiles that were checked, each with what it would become, and everything that is wrong.
fn check(
    tree: &Tree,
    asked: &[String],
    known: Option<&BTreeSet<PackageName>>,
) -> (Vec<(ProfileName, String)>, Problems) {
    let mut problems = Problems::default();
    let mut names: Vec<ProfileName> = Vec::new();
    for text in asked {
        match text.parse() {
            Ok(name) => names.push(name),
            Err(wrong) => problems.push(Problem::anywhere(wrong)),
        }
    }
    if asked.is_empty() {
        names = tree.own_profiles().to_vec();
        problems.extend(tree.stray_problems().clone());
        problems.extend(plan::check_catalogue(tree));
        problems.extend(overlay::check(tree));
    }
    let mut checked = Vec::new();
    for name in names {
        let (resolved, wrong) = plan::check(tree, &name, Architecture::Amd64, known);
        problems.extend(wrong);
        let Some(resolved) = resolved else { continue };
        match overlay::render(&resolved.plan, tree) {
            Ok(_) => checked.push((name, summary(&resolved.plan))),
            Err(wrong) => problems.extend(wrong),
        }
    }
    (checked, problems)
}

fn summary(plan: &plan::Plan) -> String {
    let formats: Vec<&str> =
        plan.disk.iter().flat_map(|disk| &disk.formats).map(|format| format.as_str()).collect();
    let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let packages = count(plan.base.packages.len(), "package");
    format!("{packages}, {}, {}", count(plan.services.len(), "service"), formats.join(" "))
}
