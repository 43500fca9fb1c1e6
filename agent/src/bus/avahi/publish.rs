//! What this node announces: a group of entries per service, so that each comes and goes by itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use zbus::Connection;
use zbus::proxy::CacheProperties;

use super::wire::{ANY, COLLISION, EntryGroupProxy, FAILURE, RUNNING, ServerProxy, is_collision, is_refusal};
use super::{Announcement, text};

/// So many names are tried for a service.
const TRIES: u32 = 20;

/// Title, kind and port: what makes two announcements the same one with another TXT.
type Id = (String, String, u16);

/// A service that was given to Avahi.
struct Entry {
    group: EntryGroupProxy<'static>,
    name: String,
    kind: String,
    port: u16,
    txt: Vec<Vec<u8>>,
    tries: u32,
}

/// All that this node announces now.
pub(super) struct Published {
    connection: Connection,
    server: ServerProxy<'static>,
    wanted: BTreeSet<Announcement>,
    entries: BTreeMap<Id, Entry>,
    /// Avahi takes entries only while it is sure of its own name.
    running: bool,
}

impl Published {
    /// Nothing announced so far. An error: Avahi does not answer.
    pub(super) async fn new(connection: &Connection, server: &ServerProxy<'static>) -> anyhow::Result<Self> {
        let running = server.get_state().await.context("asking Avahi how it is")? == RUNNING;
        let (wanted, entries) = Default::default();
        Ok(Self { connection: connection.clone(), server: server.clone(), wanted, entries, running })
    }

    /// From now on this is to be announced, and nothing else.
    pub(super) async fn set(&mut self, wanted: BTreeSet<Announcement>) -> anyhow::Result<()> {
        self.wanted = wanted;
        self.publish().await
    }

    /// Avahi is in another state; when it runs again, its host name may have changed, and all is announced anew.
    pub(super) async fn server(&mut self, state: i32) -> anyhow::Result<()> {
        self.running = state == RUNNING;
        for (_, entry) in std::mem::take(&mut self.entries) {
            entry.free().await?;
        }
        self.publish().await
    }

    /// A group is in another state: a name that somebody else has already is exchanged for the next.
    pub(super) async fn group(&mut self, path: &str, state: i32) -> anyhow::Result<()> {
        let known = self.entries.values_mut().find(|entry| entry.group.inner().path().as_str() == path);
        let Some(entry) = known else { return Ok(()) };
        match state {
            COLLISION => entry.rename(&self.server).await,
            // Without a group that stands there is nothing to keep; the next change of the set tries again.
            FAILURE => answered(entry.group.reset().await).map(drop),
            _ => Ok(()),
        }
    }

    async fn publish(&mut self) -> anyhow::Result<()> {
        let wanted: BTreeMap<Id, &Announcement> = self.wanted.iter().map(|it| (id(it), it)).collect();
        let gone: Vec<Id> = self.entries.keys().filter(|id| !wanted.contains_key(*id)).cloned().collect();
        for id in gone {
            if let Some(entry) = self.entries.remove(&id) {
                entry.free().await?;
            }
        }
        if !self.running || wanted.is_empty() {
            return Ok(());
        }
        let host = self.server.get_host_name().await.context("asking Avahi for its host name")?;
        for (id, announcement) in wanted {
            let txt = text::write(&announcement.txt);
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.update(txt).await?;
            } else if let Some(name) = instance(announcement, &host) {
                let Some(path) = answered(self.server.entry_group_new().await)? else { continue };
                let builder = EntryGroupProxy::builder(&self.connection).path(path);
                let group = builder.cache_properties(CacheProperties::No).build().await?;
                let (kind, port) = (announcement.kind.clone(), announcement.port);
                let mut entry = Entry { group, name, kind, port, txt, tries: 0 };
                entry.commit(&self.server).await?;
                self.entries.insert(id, entry);
            }
        }
        Ok(())
    }
}

fn id(announcement: &Announcement) -> Id {
    (announcement.title.clone(), announcement.kind.clone(), announcement.port)
}

/// The name to begin with; `None` for what no neighbour could use.
fn instance(announcement: &Announcement, host: &str) -> Option<String> {
    let sound = text::is_kind(&announcement.kind) && announcement.port != 0;
    sound.then(|| text::instance(&announcement.title, host)).flatten()
}

impl Entry {
    /// Gives it to Avahi, under the first name that is free on this machine.
    async fn commit(&mut self, server: &ServerProxy<'_>) -> anyhow::Result<()> {
        loop {
            let Self { name, kind, port, txt, .. } = &*self;
            match self.group.add_service(ANY, ANY, 0, name, kind, "", "", *port, txt).await {
                Err(error) if is_collision(&error) && self.tries < TRIES => self.next_name(server).await?,
                added => {
                    if answered(added)?.is_some() {
                        answered(self.group.commit().await)?;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Somebody else in the network has the name.
    async fn rename(&mut self, server: &ServerProxy<'_>) -> anyhow::Result<()> {
        answered(self.group.reset().await)?;
        if self.tries == TRIES {
            return Ok(());
        }
        self.next_name(server).await?;
        self.commit(server).await
    }

    async fn next_name(&mut self, server: &ServerProxy<'_>) -> anyhow::Result<()> {
        self.tries += 1;
        let next = server.get_alternative_service_name(&self.name).await;
        self.name = next.context("asking Avahi for another name")?;
        Ok(())
    }

    async fn update(&mut self, txt: Vec<Vec<u8>>) -> anyhow::Result<()> {
        if self.txt != txt {
            let updated = self.group.update_service_txt(ANY, ANY, 0, &self.name, &self.kind, "", &txt).await;
            answered(updated)?;
            self.txt = txt;
        }
        Ok(())
    }

    async fn free(self) -> anyhow::Result<()> {
        answered(self.group.free().await).map(drop)
    }
}

/// `None` where Avahi refuses: that is the matter of one service and no reason to end all.
fn answered<T>(answer: zbus::Result<T>) -> anyhow::Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_refusal(&error) => Ok(None),
        Err(error) => Err(error).context("announcing by Avahi"),
    }
}
