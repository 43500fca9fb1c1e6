//! The mesh as root has it: keys and files in tinc's folder, and what the running program is told and asked.
//!
//! A request brings all members at once and replaces what was; there is nothing in between that could be left over.

mod key;
pub mod run;
mod status;
mod store;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context;

use super::protocol::Outcome;
use super::systemd::{Job, Signal, Systemd};
use super::verbs::{Done, Failure, Helper};
use crate::durable;
use crate::mesh::{Files, Own, Peer, TincName};
use crate::node::operation::Step;
use crate::node::service::Service;
use store::Store;

/// The service of the catalogue that is the mesh.
pub const SERVICE: &str = "tinc";
/// What the program was started with, in the folder that the service forgets when it stops.
const STARTED: &str = "started";
/// The last list of nodes, there too.
const NODES: &str = "nodes";
/// Where tincd writes its number, there too.
const PID: &str = "pid";
/// There once tincd has said that it is ready: before that a signal would end it.
const READY: &str = "ready";

type Tell<'a> = &'a mut (dyn FnMut(Step) + Send);

/// Where the mesh is.
#[derive(Debug, Clone)]
pub struct Folders {
    /// tinc's files.
    pub files: PathBuf,
    /// What is forgotten when the service stops.
    pub runtime: PathBuf,
}

/// Makes the service able to start, before it does: a key, and files that let nobody in where there are none yet.
/// Notes what it is about to start with.
pub fn prepare(folders: &Folders) -> anyhow::Result<()> {
    let store = Store::lock(&folders.files)?;
    // Of an earlier run. Nobody sends that a signal any more once this is away (`status::tell`).
    for name in [READY, PID, NODES] {
        durable::restore(&folders.runtime.join(name), None, 0o600).ok();
    }
    key::make(&store)?;
    if store.members()?.is_none() {
        store.put(&Files::lonely(&key::private(&store)), &mut |_| Ok(()))?;
    }
    let read_at_start = store.started_with()? + &key::public(&store)?.pem();
    durable::write(&folders.runtime.join(STARTED), &read_at_start, 0o600)
}

impl Helper {
    /// Makes the key where there is none, and tells its public half.
    pub(super) async fn mesh_key(&self, tell: Tell<'_>) -> Done {
        tell(Step::Writing);
        let folder = self.options.mesh.files.clone();
        // A thread of its own: drawing a key takes a small machine a minute.
        let key = apart(move || {
            let store = Store::lock(&folder)?;
            key::make(&store)?;
            key::public(&store)
        });
        Ok(Outcome::MeshKey { key: key.await? })
    }

    /// Makes these the members.
    pub(super) async fn mesh_apply(
        &self,
        service: &Service,
        own: Own,
        peers: Vec<Peer>,
        tell: Tell<'_>,
    ) -> Done {
        tell(Step::Writing);
        let folder = self.options.mesh.files.clone();
        let put = move || {
            let store = Store::lock(&folder)?;
            key::make(&store)?;
            let files = Files::of_member(&own, &peers, &key::private(&store));
            store.put(&files, &mut |_| Ok(()))?;
            Ok(files.needs_restart() + &key::public(&store)?.pem())
        };
        let read_at_start = apart(put).await?;
        self.mesh_reread(service, &read_at_start, tell).await
    }

    /// Forgets all members, and the key with them.
    pub(super) async fn mesh_leave(&self, service: &Service, tell: Tell<'_>) -> Done {
        tell(Step::Writing);
        let folder = self.options.mesh.files.clone();
        let leave = move || {
            let store = Store::lock(&folder)?;
            // In this order: whatever is cut off in between, nobody is a member any more.
            store.put(&Files::lonely(&key::private(&store)), &mut |_| Ok(()))?;
            key::remove(&store)
        };
        apart(leave).await?;
        self.mesh_reread(service, "", tell).await
    }

    /// Has the program read its files again, or start with them where that is not enough. Off stays off.
    async fn mesh_reread(&self, service: &Service, read_at_start: &str, tell: Tell<'_>) -> Done {
        let systemd = self.systemd().await?;
        let Some(unit) = running(&systemd, service).await? else { return Ok(Outcome::Nothing) };
        tell(Step::Starting);
        let started = store::read(&self.options.mesh.runtime.join(STARTED))?;
        if started.as_deref() != Some(read_at_start) {
            return self.mesh_restart(&systemd, service).await;
        }
        // Whoever is stopped meanwhile reads them when it starts.
        status::tell(&systemd, unit, &self.options.mesh, Signal::Reread).await?;
        // It waits with calls that failed; now there may be somebody to call.
        status::tell(&systemd, unit, &self.options.mesh, Signal::CallNow).await?;
        Ok(Outcome::Nothing)
    }

    async fn mesh_restart(&self, systemd: &Systemd, service: &Service) -> Done {
        systemd.forgive(&service.units).await;
        for unit in service.units.iter() {
            match systemd.job(Job::Restart, unit).await?.as_str() {
                "done" => {}
                result => return Err(Failure::job(unit, result)),
            }
        }
        self.stays_up(systemd, service).await?;
        Ok(Outcome::Nothing)
    }

    /// How the mesh is.
    pub(super) async fn mesh_status(&self, service: &Service) -> Done {
        let systemd = self.systemd().await?;
        let folder = self.options.mesh.files.clone();
        let members = apart(move || Ok(Store::lock(&folder)?.members()?.unwrap_or_default())).await?;
        let members: BTreeSet<TincName> = members.into_iter().collect();
        let Some(unit) = running(&systemd, service).await? else {
            return Ok(Outcome::Mesh(status::off(&members)));
        };
        let status = status::ask(&systemd, unit, &self.options.mesh, &members).await?;
        if status.is_alone() {
            // Whoever does not know this node yet lets nobody in, and may know it by now: tinc itself waits longer each
            // time, and nobody else can help a node that knows but one member.
            status::tell(&systemd, unit, &self.options.mesh, Signal::CallNow).await?;
        }
        Ok(Outcome::Mesh(status))
    }
}

/// Its main unit, where that is on.
async fn running<'a>(systemd: &Systemd, service: &'a Service) -> anyhow::Result<Option<&'a str>> {
    let Some(unit) = service.units.first() else { return Ok(None) };
    Ok(systemd.state(unit).await?.is_on().then_some(unit))
}

/// On a thread of its own: the disk may be slow, and others ask meanwhile.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("waiting for a thread")?
}
