//! `nuvol plan`: the resolved plan of a profile, where each value came from, and the jobs of many. No effect.

use std::io::Write as _;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use crate::cli::Common;
use crate::cli::matrix::{self, Engine};
use crate::plan::{self, Origins, Resolved, Step, Verb};
use crate::spec::{Architecture, Problem, Problems, ProfileName, yaml};

/// Print the resolved plan of a profile, or where its values came from
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The profile
    #[arg(value_name = "PROFILE", required_unless_present = "matrix")]
    pub profile: Option<String>,

    /// Print the jobs that build all of the tree's own profiles, or the one named, in the form that the
    /// pipelines of ENGINE take
    #[arg(long, value_name = "ENGINE", num_args = 0..=1, require_equals = true, default_missing_value = "github")]
    #[arg(conflicts_with = "origin")]
    pub matrix: Option<Engine>,

    /// The machine's architecture
    #[arg(long, value_name = "NAME", default_value = "amd64")]
    pub arch: Architecture,

    /// Print where KEY came from (as in `packages`, `packages.syncthing`, `disk.root.size`); without KEY,
    /// where everything came from
    #[arg(long, value_name = "KEY", num_args = 0..=1, default_missing_value = "")]
    pub origin: Option<String>,
}

/// Prints the plan of a profile; returns the exit code.
pub fn run(common: &Common, args: &Show) -> anyhow::Result<u8> {
    let tree = common.tree()?;
    let name = args.profile.as_ref().map(|name| name.parse::<ProfileName>());
    let name = name.transpose().map_err(|wrong| invalid(Problem::anywhere(wrong)))?;
    if let Some(engine) = args.matrix {
        writeln!(std::io::stdout(), "{}", matrix::jobs(&tree, name.as_ref(), engine)?)?;
        return Ok(0);
    }
    let name = name.context("a profile is needed")?;
    // Those of the host's architecture are known; a build finds out about others'.
    let known = common.known_packages().filter(|_| args.arch == Architecture::of_host());
    let Resolved { plan, origins } = plan::resolve(&tree, &name, args.arch, known.as_ref())?;
    let text = match (&args.origin, common.json) {
        (None, false) => yaml::to_string(&plan)?,
        (None, true) => format!("{:#}\n", serde_json::to_value(&plan)?),
        (Some(key), false) => text(&origin(&origins, key)?),
        (Some(key), true) => format!("{:#}\n", origins_json(&origin(&origins, key)?)),
    };
    write!(std::io::stdout(), "{text}")?;
    Ok(0)
}

fn invalid(problem: Problem) -> Problems {
    problem.into()
}

type Found<'a> = Vec<(&'a str, &'a [Step])>;

fn origin<'a>(origins: &'a Origins, key: &str) -> Result<Found<'a>, Problems> {
    if key.is_empty() {
        return Ok(origins.keys().flat_map(|key| origins.of(key)).collect());
    }
    let found = origins.of(key);
    if found.is_empty() {
        let heads = origins.keys().filter_map(|known| known.split_once('.')).map(|(head, _)| head);
        let problem = Problem::anywhere(format!("nothing in this plan came from `{key}`"));
        return Err(problem.nearest(key, origins.keys().chain(heads)).into());
    }
    Ok(found)
}

fn text(found: &Found<'_>) -> String {
    let mut text = String::new();
    for (key, steps) in found {
        text.push_str(key);
        text.push('\n');
        for step in *steps {
            let place = step.place.as_ref().map_or_else(|| "nuvol".to_owned(), ToString::to_string);
            let value = step.value.as_ref().map_or_else(String::new, |value| format!(" = {value}"));
            let through =
                step.through.as_ref().map_or_else(String::new, |through| format!(" (through {through})"));
            text.push_str(&format!("  {:<8}{place}{value}{through}\n", step.verb));
        }
    }
    text
}

#[derive(Serialize)]
struct StepJson<'a> {
    verb: Verb,
    value: Option<&'a str>,
    through: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
}

fn origins_json(found: &Found<'_>) -> serde_json::Value {
    let step = |step: &Step| {
        let place = step.place.as_ref();
        json!(StepJson {
            verb: step.verb,
            value: step.value.as_deref(),
            through: step.through.as_deref(),
            file: place.map(|place| place.source.name.as_str()),
            line: place.map(|place| place.span.line),
            column: place.map(|place| place.span.column),
        })
    };
    let keys = found.iter().map(|(key, steps)| ((*key).to_owned(), steps.iter().map(step).collect()));
    serde_json::Value::Object(keys.collect())
}
