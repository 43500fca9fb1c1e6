//! Asks the running program how the mesh is.
//!
//! tinc 1.0 has no other way to be asked than a signal, upon which it lists all it knows on its log; from there the
//! nodes go into a file (`run.rs`). It lists in the handler of the signal, wherever it happens to be, so it is not
//! asked more often than needed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};

use super::store::Store;
use super::{Folders, NODES, READY, apart};
use crate::helper::journal;
use crate::helper::protocol::LINES_LIMIT;
use crate::helper::systemd::{Signal, Systemd};
use crate::mesh::{PeerStatus, Status, TincName, dump, troubles};

/// Whoever asks again within this time gets the same list.
const FRESH: Duration = Duration::from_secs(5);
/// A list takes milliseconds; a machine that swaps takes longer.
const LIMIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// Its start has much arithmetic, which small machines take their time for.
const START_LIMIT: Duration = Duration::from_secs(30);
/// So long it is busy with its first calls.
const CALLS: Duration = Duration::from_secs(1);
/// There are no more than 10,000 nodes in it, of some 300 bytes each.
const LIST_LIMIT_BYTES: u64 = 4 << 20;

/// How it is while it is off.
pub fn off(members: &BTreeSet<TincName>) -> Status {
    let peer = |name: &TincName| PeerStatus { name: *name, path: None, address: None, trouble: None };
    Status { running: false, peers: members.iter().map(peer).collect(), strangers: Vec::new() }
}

/// How it is.
pub async fn ask(
    systemd: &Systemd,
    unit: &str,
    folders: &Folders,
    members: &BTreeSet<TincName>,
) -> anyhow::Result<Status> {
    let list = folders.runtime.join(NODES);
    let before = List::at(&list)?;
    let is_fresh = |it: &List| it.age.is_some_and(|age| age < FRESH);
    if !before.as_ref().is_some_and(is_fresh) {
        if !tell(systemd, unit, folders, Signal::List).await? {
            return Ok(off(members));
        }
        let end = tokio::time::Instant::now() + LIMIT;
        let is_same = |now: Option<List>| now.map(|it| it.version) == before.as_ref().map(|it| it.version);
        while is_same(List::at(&list)?) {
            if tokio::time::Instant::now() >= end {
                bail!("the mesh does not tell within {} s how it is", LIMIT.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    let read = || -> io::Result<String> {
        let mut text = Vec::new();
        File::open(&list)?.take(LIST_LIMIT_BYTES).read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let nodes = dump::parse(&read().with_context(|| format!("reading `{}`", list.display()))?);
    // Without a journal the ways are still known.
    let lines = journal::last(&[unit.to_owned()], LINES_LIMIT).await.unwrap_or_default();
    let troubles = troubles(lines.iter().map(|line| (line.time_s, line.text.as_str())));
    Ok(dump::status(nodes, members, troubles))
}

/// Sends it a signal as soon as it knows what that means: tinc 1.0 takes the one for its list from the moment that it has
/// written its number, and dies of it before it has a device, and when it has none any more. Tells whether it is still on.
pub async fn tell(systemd: &Systemd, unit: &str, folders: &Folders, signal: Signal) -> anyhow::Result<bool> {
    // Whoever has just begun is in the midst of calling others, and would list from within that.
    let since = if matches!(signal, Signal::List) { CALLS } else { Duration::ZERO };
    let end = tokio::time::Instant::now() + START_LIMIT;
    loop {
        if is_ready(&folders.runtime, since)? {
            // Who starts it anew waits here, or the signal would reach the next one (`prepare`).
            let files = folders.files.clone();
            let _held = apart(move || Store::lock(&files)).await?;
            if !systemd.state(unit).await?.is_on() {
                return Ok(false);
            }
            if is_ready(&folders.runtime, since)? {
                return systemd.signal(unit, signal).await.map(|()| true);
            }
        }
        if tokio::time::Instant::now() >= end {
            bail!("the mesh does not begin within {} s", START_LIMIT.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether it has been ready for so long; with a clock that was set back, whether it is.
fn is_ready(runtime: &Path, since: Duration) -> anyhow::Result<bool> {
    Ok(List::at(&runtime.join(READY))?.is_some_and(|it| it.age.is_none_or(|age| age >= since)))
}

/// A list that is there.
struct List {
    /// What tells it from the next, which is a file of its own.
    version: (u64, i64, i64),
    /// How old it is; nothing where the clock was set back meanwhile.
    age: Option<Duration>,
}

impl List {
    fn at(path: &Path) -> anyhow::Result<Option<Self>> {
        match path.metadata() {
            Ok(it) => {
                let written = it.modified().ok();
                #[allow(clippy::disallowed_methods, reason = "files know no other time")]
                let age = written.and_then(|written| SystemTime::now().duration_since(written).ok());
                Ok(Some(Self { version: (it.ino(), it.mtime(), it.mtime_nsec()), age }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("looking at `{}`", path.display())),
        }
    }
}
