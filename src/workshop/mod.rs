//! What every stage is handed, and the one way to make something that is kept.

mod differences;
mod explain;
mod product;
mod ready;
mod sharing;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use xshell::Cmd;

pub use explain::{Explained, Explanation, NeverMade};
pub use product::{Destination, Finished, Making, Product, digest_of};
pub use sharing::Sharing;

use crate::host::{Host, Sandbox};
use crate::remote::Share;
use crate::report::Report;
use crate::store::{Found, Key, Store};

/// Programs, the shelf and the voice.
pub struct Workshop {
    /// Runs programs.
    pub host: Host,
    /// Keeps what was made.
    pub store: Store,
    /// Tells what happens.
    pub report: Report,
    sharing: Option<Sharing>,
    /// Entries that were only glanced at.
    glanced: Mutex<BTreeSet<Key>>,
    /// Where nothing is made, what would be.
    explanation: Option<Mutex<Explanation>>,
}

/// What a stage is made from: all of it, as plain data. Its hash is the key on the shelf, and
/// `make` sees nothing else, so no input can be forgotten in the key.
pub trait Recipe: Serialize {
    /// The stage's name, as people read it.
    const STAGE: &'static str;
    /// Raised when `make` would make something else of the same recipe.
    const VERSION: u32;
    /// What of it goes to a shared cache.
    const SHARE: Share = Share::Nothing;

    /// Fills the empty folder `dir`.
    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()>;

    /// What this one is about, for the report; it lies in `entry`.
    fn detail(&self, _entry: &Path) -> String {
        String::new()
    }
}

impl Workshop {
    /// A workshop that makes things.
    pub fn new(host: Host, store: Store, report: Report) -> Self {
        Self { host, store, report, sharing: None, glanced: Mutex::default(), explanation: None }
    }

    /// The same one, with a shared cache.
    #[must_use]
    pub fn sharing(self, sharing: Option<Sharing>) -> Self {
        Self { sharing, ..self }
    }

    /// The same one, which from now on makes nothing and notes what it would make.
    #[must_use]
    pub fn explaining(self) -> Self {
        Self { explanation: Some(Mutex::default()), ..self }
    }

    /// Whether it only explains.
    pub fn explains(&self) -> bool {
        self.explanation.is_some()
    }

    /// What it noted.
    pub fn explained(self) -> Explanation {
        let noted = self.explanation.unwrap_or_default();
        noted.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shelf's folder for `recipe`, made now if it is not there yet.
    pub fn make<R: Recipe>(&self, recipe: &R) -> anyhow::Result<PathBuf> {
        let since = Instant::now();
        let text = serde_json::to_string_pretty(&(R::STAGE, R::VERSION, recipe))
            .with_context(|| format!("writing the recipe of stage `{}`", R::STAGE))?;
        if let Some(explanation) = &self.explanation {
            return held(explanation).explain(&self.store, R::STAGE, &text);
        }
        let key = Key::of(R::STAGE, text.as_bytes());
        let may_be_known = self.sharing.as_ref().is_some_and(|it| it.asks(&key, R::SHARE));
        let fill = |dir: &Path| {
            if self.take_over(&key, &text, R::SHARE, dir)? {
                return Ok(Found::Remote);
            }
            self.ready_for(&text)?;
            recipe.make(self, dir).map(|()| Found::Made)
        };
        let got = self
            .store
            .get_or_make(&key, text.as_bytes(), may_be_known, fill)
            .with_context(|| format!("stage `{}` failed", R::STAGE))?;
        if got.found == Found::Reused {
            held(&self.glanced).insert(key.clone());
        }
        if let Some(sharing) = &self.sharing {
            sharing.uses(&key, R::SHARE);
        }
        if let Some(damage) = got.damage {
            self.report.note(&format!("stage `{}` was damaged on the shelf: {damage}; made again", R::STAGE));
        }
        self.report.stage(R::STAGE, since, got.found, &recipe.detail(&got.path));
        Ok(got.path)
    }

    /// A sandbox with the programs of the tree `root`.
    pub fn sandbox(&self, root: &Path) -> Sandbox {
        Sandbox::new(root, &self.store.mountpoint())
    }

    /// `program` with `args` in `sandbox`.
    pub fn command(&self, sandbox: &Sandbox, program: &str, args: &[&str]) -> anyhow::Result<Cmd<'_>> {
        sandbox.command(self.host.shell(), program, args.iter().copied())
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
