//! `nuvol cache explain`: what a build would reuse, and why it would make the rest.

use std::fmt::Write as _;

use super::Common;
use super::build::{Inputs, What};
use crate::workshop::{Explained, NeverMade, Workshop};

/// More changes of a stage than these are only counted.
const TOLD: usize = 12;

/// Prints what would become of every stage. Nothing is made and nobody is asked.
pub fn run(common: &Common, shop: Workshop, what: &What) -> anyhow::Result<()> {
    let planned = what.plan(common)?;
    let Inputs { plan, overlay, source } = what.inputs(common, &shop, planned, true)?;
    let shop = shop.explaining();
    let ended = crate::pipeline::explain(&shop, &plan, &overlay, &source);
    let is_first = ended.as_ref().is_err_and(|err| err.is::<NeverMade>());
    if !is_first {
        ended?;
    }
    let explanation = shop.explained();
    if common.json {
        println!("{}", serde_json::to_string_pretty(explanation.stages())?);
        return Ok(());
    }
    explanation.stages().iter().for_each(|stage| print!("{}", text(stage)));
    if is_first {
        println!("all that comes after it would be made too");
    }
    Ok(())
}

fn text(explained: &Explained) -> String {
    let Explained { stage, reused: true, .. } = explained else { return reasons(explained) };
    format!("{stage:<10} reused\n")
}

fn reasons(explained: &Explained) -> String {
    let Explained { stage, follows, changes, .. } = explained;
    let mut reasons: Vec<String> = follows.iter().map(|it| format!("follows from {it}")).collect();
    reasons.extend(changes.iter().take(TOLD).cloned());
    if changes.len() > TOLD {
        reasons.push(format!("and {} more changes", changes.len() - TOLD));
    }
    let mut text = String::new();
    for (number, reason) in reasons.iter().enumerate() {
        let (stage, made) = if number == 0 { (*stage, "made again: ") } else { ("", "            ") };
        writeln!(text, "{stage:<10} {made}{reason}").ok();
    }
    text
}
