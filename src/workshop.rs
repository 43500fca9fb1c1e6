//! What every stage is handed, and the one way to make something that is kept.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use xshell::Cmd;

use crate::host::{Host, Sandbox};
use crate::report::Report;
use crate::store::Store;

/// Programs, the shelf and the voice.
pub struct Workshop {
    /// Runs programs.
    pub host: Host,
    /// Keeps what was made.
    pub store: Store,
    /// Tells what happens.
    pub report: Report,
}

/// What a stage is made from: all of it, as plain data. Its hash is the key on the shelf, and
/// `make` sees nothing else, so no input can be forgotten in the key.
pub trait Recipe: Serialize {
    /// The stage's name, as people read it.
    const STAGE: &'static str;
    /// Raised when `make` would make something else of the same recipe.
    const VERSION: u32;

    /// Fills the empty folder `dir`.
    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()>;

    /// What this one is about, for the report; it lies in `entry`.
    fn detail(&self, _entry: &Path) -> String {
        String::new()
    }
}

impl Workshop {
    /// The shelf's folder for `recipe`, made now if it is not there yet.
    pub fn make<R: Recipe>(&self, recipe: &R) -> anyhow::Result<PathBuf> {
        let since = Instant::now();
        let text = serde_json::to_vec_pretty(&(R::STAGE, R::VERSION, recipe))
            .with_context(|| format!("writing the recipe of stage `{}`", R::STAGE))?;
        let (path, found) = self
            .store
            .get_or_make(R::STAGE, &text, |dir| recipe.make(self, dir))
            .with_context(|| format!("stage `{}` failed", R::STAGE))?;
        self.report.stage(R::STAGE, since, found, &recipe.detail(&path));
        Ok(path)
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
