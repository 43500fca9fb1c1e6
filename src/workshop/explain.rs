//! A build that makes nothing and says of each stage whether it would be reused, and if not, why.
//!
//! For a stage that would be made, the nearest entry of that stage stands in, so that later stages can be looked at
//! too: whatever they take from a stand-in follows from its stage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;

use super::differences::{Difference, differences};
use crate::store::{Key, Look, State, Store};

/// What would become of the stages of a build.
#[derive(Debug, Default)]
pub struct Explanation {
    stages: Vec<Explained>,
    /// Digests and keys of stand-ins, with the stage of each.
    stand_ins: BTreeMap<String, &'static str>,
}

/// What would become of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The stage.
    pub stage: &'static str,
    /// Whether it stands on the shelf.
    pub reused: bool,
    /// Stages before it that would be made, and whose products it takes.
    pub follows: BTreeSet<&'static str>,
    /// What else differs from the nearest entry of this stage.
    pub changes: Vec<String>,
}

/// A stage was never made, so that nobody can say what would become of later ones.
#[derive(Debug, thiserror::Error)]
#[error("stage `{0}` was never made")]
pub struct NeverMade(&'static str);

impl Explanation {
    /// What was found so far, in the order of the build.
    pub fn stages(&self) -> &[Explained] {
        &self.stages
    }

    /// Looks at the recipe `text` of `stage` and returns the entry of the shelf that is, or stands in for, its
    /// product.
    pub fn explain(&mut self, store: &Store, stage: &'static str, text: &str) -> anyhow::Result<PathBuf> {
        let recipe: Value = serde_json::from_str(text).context("reading a recipe")?;
        let mut follows = BTreeSet::new();
        each_text(&recipe, &mut |text| follows.extend(self.stand_ins.get(text)));
        let key = Key::of(stage, text.as_bytes());
        let state = store.state(&key, Look::Glance);
        if follows.is_empty() && state == State::Whole {
            self.stages.push(Explained { stage, reused: true, follows, changes: Vec::new() });
            return Ok(store.entry(&key));
        }
        let nearest = nearest(store, stage, &recipe)?;
        let mut changes = match state {
            State::Damaged(why) => vec![format!("the entry is damaged: {why}")],
            State::Known => vec!["its bytes were not fetched from the shared cache".to_owned()],
            _ => Vec::new(),
        };
        let Some((near, differences)) = nearest else {
            changes.extend(changes.is_empty().then(|| "never made before".to_owned()));
            self.stages.push(Explained { stage, reused: false, follows, changes });
            return Err(NeverMade(stage).into());
        };
        let own = differences.into_iter().filter(|it| !self.is_stand_in(it.now.as_deref()));
        changes.extend(own.map(|it| it.words));
        self.stages.push(Explained { stage, reused: false, follows, changes });
        for digest in store.digests(&near) {
            self.stand_ins.insert(digest, stage);
        }
        self.stand_ins.insert(near.as_str().to_owned(), stage);
        Ok(store.entry(&near))
    }

    fn is_stand_in(&self, text: Option<&str>) -> bool {
        text.is_some_and(|it| self.stand_ins.contains_key(it))
    }
}

/// The entry of `stage` whose recipe differs least from `recipe`; of several the one that was used last.
fn nearest(store: &Store, stage: &str, recipe: &Value) -> anyhow::Result<Option<(Key, Vec<Difference>)>> {
    let weight = |found: &[Difference]| found.iter().map(|it| it.weight).sum::<usize>();
    let mut best: Option<(Key, Vec<Difference>)> = None;
    for (key, text) in store.recipes(stage)? {
        let Ok(other) = serde_json::from_slice(&text) else { continue };
        let found = differences(&other, recipe);
        if best.as_ref().is_none_or(|(_, best)| weight(&found) <= weight(best)) {
            best = Some((key, found));
        }
    }
    Ok(best)
}

fn each_text(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(list) => list.iter().for_each(|it| each_text(it, take)),
        Value::Object(fields) => fields.values().for_each(|it| each_text(it, take)),
        _ => {}
    }
}
