//! The packages of a build: on the shelf by the time that somebody reads them, and not before.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::fetch::fetch;
use super::resolve::Package;
use crate::workshop::Workshop;

/// All packages that a build may read.
pub struct Supply {
    packages: Vec<Package>,
    offline: bool,
    fetched: Mutex<bool>,
}

impl Supply {
    /// A supply of `packages`; with `offline` they must be on the shelf when they are needed.
    pub fn of(mut packages: Vec<Package>, offline: bool) -> Self {
        // The image and the tools have many in common.
        packages.sort_by(|one, other| one.sha256.cmp(&other.sha256));
        packages.dedup_by(|one, other| one.sha256 == other.sha256);
        Self { packages, offline, fetched: Mutex::new(false) }
    }

    /// Whether nothing may be fetched.
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Sees to it that all packages are on the shelf.
    pub fn ready(&self, shop: &Workshop) -> anyhow::Result<()> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if !*fetched {
            fetch(shop, &self.packages, self.offline)?;
            *fetched = true;
        }
        Ok(())
    }

    /// Does `work`, which reads packages. If it fails and some of them turn out to be damaged, they are fetched
    /// again and it is tried once more.
    pub fn heal<T>(&self, shop: &Workshop, work: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let err = match work() {
            Err(err) => err,
            done => return done,
        };
        let digests: BTreeSet<&str> = self.packages.iter().map(|it| it.sha256.as_str()).collect();
        let damaged = shop.store.drop_damaged(&digests)?;
        if damaged.is_empty() {
            return Err(err);
        }
        for package in self.packages.iter().filter(|it| damaged.contains(&it.sha256)) {
            let Package { name, version, .. } = package;
            shop.report
                .note(&format!("the package {name} {version} was damaged on the shelf, and is removed"));
        }
        *self.fetched.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.ready(shop)?;
        work()
    }
}
