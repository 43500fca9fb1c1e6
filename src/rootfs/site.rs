//! Where packages are installed: a sandbox that stays up between the layers of one build, because a layer that
//! stands on the one before finds it there, and laying it down again takes longer than most layers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use anyhow::Context as _;

use super::base::BaseRecipe;
use super::install::{Job, PACKING, verify};
use super::quick::quick;
use crate::host::Dialogue;
use crate::report::Unit;
use crate::store::Aside;
use crate::workshop::Workshop;

/// The site of one build.
#[derive(Default)]
pub struct Site(Mutex<Option<Standing>>);

/// A sandbox with a tree in it.
struct Standing {
    dialogue: Dialogue,
    /// What it may write to; what it needs comes there too.
    aside: Aside,
    /// The entries whose layers stand in the tree, the lowest first.
    layers: Vec<String>,
}

impl Site {
    /// Installs what `recipe` says, and leaves the tar in `dir`, whose name is the entry's.
    pub fn install(&self, shop: &Workshop, recipe: &BaseRecipe<'_>, dir: &Path) -> anyhow::Result<()> {
        let debs = quick(shop, recipe.packages)?;
        let below: Vec<String> = recipe.below.iter().filter_map(|it| name(it.path.parent()?)).collect();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Standing { dialogue, aside, .. } =
            match held.take().filter(|it| it.layers == below && !below.is_empty()) {
                Some(standing) => standing,
                None => begin(shop, recipe)?,
            };
        let job = job(recipe, debs, &aside.path)?;
        let dialogue = ask(shop, dialogue, &job)?;
        fs::rename(&job.out, dir.join("base.tar")).context("taking the installed packages over")?;
        let layers = below.into_iter().chain(name(dir)).collect();
        *held = Some(Standing { dialogue, aside, layers });
        Ok(())
    }
}

fn begin(shop: &Workshop, recipe: &BaseRecipe<'_>) -> anyhow::Result<Standing> {
    let aside = shop.store.aside("site")?;
    let mut sandbox = shop.sandbox(recipe.tools.root()).read(shop.store.shelf()).write(&aside.path);
    if let Some(emulator) = &recipe.emulator {
        sandbox = sandbox.emulate(&emulator.path);
    }
    let command = sandbox.call(shop.host.shell(), "install", [])?;
    let dialogue = shop.host.converse(command.env("TMPDIR", "/tmp"))?;
    Ok(Standing { dialogue, aside, layers: Vec::new() })
}

/// Asks for the job. While its tar is written, its digest is taken.
fn ask(shop: &Workshop, dialogue: Dialogue, job: &Job) -> anyhow::Result<Dialogue> {
    let text = serde_json::to_string(job).context("writing the job")?;
    // We say a line when we unpack a package, and dpkg says one when it configures it.
    let bar = shop.report.bar("install", 2 * job.debs.len() as u64, Unit::Steps);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut follower = None;
        let mut on_line = |line: &str| {
            if line.starts_with("Unpacking ") || line.starts_with("Setting up ") {
                bar.inc(1);
            } else if line == PACKING && follower.is_none() {
                follower = Some(scope.spawn(|| shop.store.hashed().follow(&job.out, &done)));
            }
        };
        let answered = dialogue.ask(&text, &job.done, &mut on_line);
        done.store(true, Ordering::Release);
        bar.finish_and_clear();
        // If it could not follow, the file is read later.
        follower.map(ScopedJoinHandle::join);
        answered
    })
}

/// The job that `recipe` is; what it needs beside the shelf's entries is put into `aside`.
fn job(recipe: &BaseRecipe<'_>, mut debs: Vec<PathBuf>, aside: &Path) -> anyhow::Result<Job> {
    for own in &recipe.own {
        let copy = aside.join("own.deb");
        fs::copy(&own.path, &copy).with_context(|| format!("copying `{}`", own.path.display()))?;
        verify(&copy, &own.digest)?;
        debs.push(copy);
    }
    let finish = aside.join("finish.sh");
    recipe.write_finish(&finish)?;
    Ok(Job {
        debs,
        wanted: recipe.wanted().into_iter().map(str::to_owned).collect(),
        architecture: recipe.base.architecture.as_str().to_owned(),
        install: recipe.install.path.clone(),
        finish,
        below: recipe.below.iter().map(|it| it.path.clone()).collect(),
        epoch: recipe.epoch,
        out: aside.join("base.tar"),
        done: uuid::Uuid::new_v4().to_string(),
    })
}

fn name(entry: &Path) -> Option<String> {
    Some(entry.file_name()?.to_string_lossy().into_owned())
}
