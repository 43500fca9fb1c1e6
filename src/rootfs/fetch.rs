//! Packages from the mirror to the shelf, each accepted only if its bytes are those that the
//! signed index names.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use indicatif::ProgressBar;

use super::download::Download;
use super::http::{self, Patience};
use super::resolve::Package;
use crate::host::NetworkFailed;
use crate::report::Unit;
use crate::store::{Found, Store};
use crate::workshop::Workshop;

/// More connections than this gained nothing when it was measured.
const CONNECTIONS: usize = 4;

const REMEDY: &str = "what came so far is kept; try again, or name another mirror with `--mirror URL`";

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
    let agent = http::agent(Patience::ORDINARY);
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
    let Package { name, version, sha256, size, uri } = package;
    let mut download = Download::new(agent, uri, *size, Patience::ORDINARY);
    let mut result = store.keep_package(sha256, &mut download, &|count| bar.inc(count));
    if result.is_err() && download.position() == *size {
        bar.dec(*size);
        download = Download::new(agent, uri, *size, Patience::ORDINARY).fresh();
        result = store.keep_package(sha256, &mut download, &|count| bar.inc(count));
    }
    let Err(err) = result else { return Ok(()) };
    let ours = !download.failed() && err.chain().any(|it| it.is::<std::io::Error>());
    let what = format!("fetching `{name}` {version} from {uri}");
    Err(if ours {
        err.context(what)
    } else {
        anyhow::anyhow!("{what}: {err:#}\n{REMEDY}").context(NetworkFailed)
    })
}
