//! Packages from the mirror to the shelf, each accepted only if its bytes are those that the
//! signed index names.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;

use super::http;
use super::resolve::Package;
use crate::report::Unit;
use crate::store::{Found, Store};
use crate::workshop::Workshop;

/// More connections than this gained nothing when it was measured.
const CONNECTIONS: usize = 4;
const TRIES: u32 = 4;

/// Makes sure that all of `packages` are on the shelf; with `offline` they must be there.
pub fn fetch(shop: &Workshop, packages: &[Package], offline: bool) -> anyhow::Result<()> {
    let since = Instant::now();
    let missing: Vec<&Package> =
        packages.iter().filter(|it| !shop.store.has_package(&it.sha256, it.size)).collect();
    if offline && !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|it| format!("{} {}", it.name, it.version)).collect();
        anyhow::bail!(
            "the shelf lacks {} packages: {}; build once without --offline",
            names.len(),
            names.join(", ")
        );
    }
    let bytes = missing.iter().map(|it| it.size).sum();
    let bar = shop.report.bar("fetch", bytes, Unit::Bytes);
    let store = &shop.store;
    let agent = http::agent();
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS.min(missing.len()) {
            scope.spawn(|| {
                while let Some(package) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(err) = fetch_one(store, &agent, package, &bar) {
                        next.store(missing.len(), Ordering::Relaxed);
                        if let Ok(mut slot) = failure.lock() {
                            slot.get_or_insert(err);
                        }
                    }
                }
            });
        }
    });
    bar.finish_and_clear();
    if let Some(err) = failure.into_inner().ok().flatten() {
        return Err(err);
    }
    let found = if missing.is_empty() { Found::Reused } else { Found::Made };
    shop.report.stage("fetch", since, found, &format!("{} new, {} MB", missing.len(), bytes / 1_000_000));
    Ok(())
}

fn fetch_one(store: &Store, agent: &ureq::Agent, package: &Package, bar: &ProgressBar) -> anyhow::Result<()> {
    let before = bar.position();
    let mut wait = Duration::from_secs(1);
    let mut attempt = 1;
    loop {
        let Err(err) = receive(store, agent, package, bar) else { return Ok(()) };
        if attempt == TRIES {
            return Err(err.context(format!("fetching `{}` {}", package.name, package.version)))
                .context(crate::host::NetworkFailed);
        }
        bar.set_position(before);
        std::thread::sleep(wait);
        wait *= 2;
        attempt += 1;
    }
}

fn receive(store: &Store, agent: &ureq::Agent, package: &Package, bar: &ProgressBar) -> anyhow::Result<()> {
    let on_bytes = |count| bar.inc(count);
    if let Some(path) = package.uri.strip_prefix("file:").or(package.uri.strip_prefix("copy:")) {
        let path = format!("/{}", path.trim_start_matches('/'));
        let file = std::fs::File::open(&path).with_context(|| format!("opening `{path}`"))?;
        store.keep_package(&package.sha256, file, &on_bytes)?;
    } else {
        let mut answer =
            agent.get(&package.uri).call().with_context(|| format!("asking for `{}`", package.uri))?;
        store.keep_package(&package.sha256, answer.body_mut().as_reader(), &on_bytes)?;
    }
    Ok(())
}
