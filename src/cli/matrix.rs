//! `nuvol plan --matrix`: one job for each profile and architecture, for engines that run jobs side by side.

use serde::Serialize;
use serde_json::json;

use crate::plan;
use crate::spec::{Architecture, Problems, ProfileName, Tree};

/// Whose form the jobs take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// What `strategy: matrix:` of GitHub Actions takes by `fromJSON`.
    Github,
    /// What stands below `parallel: matrix:` of GitLab CI: each key becomes a variable of the job.
    Gitlab,
}

/// What one job builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Job {
    profile: String,
    version: String,
    architecture: &'static str,
}

/// The jobs for all of the tree's own profiles, or for `only`, as JSON on one line. Fails if one of the profiles
/// would not build, so that a pipeline ends before it starts.
pub fn jobs(tree: &Tree, only: Option<&ProfileName>, engine: Engine) -> Result<String, Problems> {
    let names = only.map_or(tree.own_profiles(), std::slice::from_ref);
    let mut problems = Problems::default();
    let mut jobs = Vec::new();
    for (name, machine) in names.iter().flat_map(|name| Architecture::ALL.map(|machine| (name, machine))) {
        match plan::resolve(tree, name, machine, None) {
            Ok(resolved) => jobs.push(Job {
                profile: name.to_string(),
                version: resolved.plan.version.to_string(),
                architecture: resolved.plan.base.architecture.as_str(),
            }),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    jobs.sort_by(|a, b| (&a.profile, a.architecture).cmp(&(&b.profile, b.architecture)));
    let answer = match engine {
        Engine::Github => json!({ "include": jobs }),
        Engine::Gitlab => jobs
            .iter()
            .map(|job| json!({ "PROFILE": job.profile, "VERSION": job.version, "ARCHITECTURE": job.architecture }))
            .collect(),
    };
    Ok(answer.to_string())
}
