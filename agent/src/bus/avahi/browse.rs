//! What others announce: listed by Avahi, resolved and probed by us, and told only after both.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio::time::Instant;
use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedObjectPath};

use super::wire::{ANY, BrowserProxy, Key, LOCAL, Resolved, ServerProxy, TypeBrowserProxy, is_refusal};
use super::{Found, probe, text};

/// So many services are resolved and probed at a time.
const AT_ONCE: usize = 8;
/// So many kinds are looked for.
const KINDS_MAX: usize = 64;
/// So many entries are kept of Avahi's list, where a service is once for each interface and protocol.
const LISTED_MAX: usize = 2048;
/// So many services of others are told, so many of one host, and so many of our own.
const TOLD_MAX: usize = 256;
const HOST_MAX: usize = 64;
/// What does not resolve is tried again this much sooner at first, and less and less often.
const SOONER: u32 = 6;
const TRIES_MAX: u32 = 60;

/// A kind that is looked for.
struct Kind {
    browser: OwnedObjectPath,
    /// The interfaces and protocols that tell of it.
    seen: BTreeSet<(i32, i32)>,
}

enum State {
    New,
    Looking,
    /// Looked at; again at this time.
    Until(Instant),
}

struct Item {
    /// Tells this entry from one that was here before under the same name.
    number: u64,
    flags: u32,
    state: State,
    failures: u32,
    found: Option<Found>,
}

/// An entry that was looked at, and what was found.
type Look = (Key, u64, zbus::Result<Option<Found>>);

/// All that Avahi lists, as far as it is known.
pub(super) struct Browse {
    connection: Connection,
    server: ServerProxy<'static>,
    again: Duration,
    kinds: BTreeMap<String, Kind>,
    listed: BTreeMap<Key, Item>,
    new: VecDeque<Key>,
    looks: JoinSet<Look>,
    number: u64,
}

impl Browse {
    /// Begins to list. The signals must be listened for already: they come before the answer.
    pub(super) async fn start(
        connection: &Connection,
        server: &ServerProxy<'static>,
        again: Duration,
    ) -> anyhow::Result<Self> {
        let path =
            server.service_type_browser_prepare(ANY, ANY, "", 0).await.context("asking Avahi for kinds")?;
        let builder = TypeBrowserProxy::builder(connection).path(path);
        let browser = builder.cache_properties(CacheProperties::No).build().await?;
        browser.start().await.context("asking Avahi for kinds")?;
        let (kinds, listed, new, looks) = Default::default();
        let (connection, server) = (connection.clone(), server.clone());
        Ok(Self { connection, server, again, kinds, listed, new, looks, number: 0 })
    }

    /// A kind appeared or went.
    pub(super) async fn kind(&mut self, new: bool, at: (i32, i32), kind: String) -> anyhow::Result<()> {
        if let Some(known) = self.kinds.get_mut(&kind) {
            if new {
                known.seen.insert(at);
            } else {
                known.seen.remove(&at);
            }
            return self.forget_kind(&kind).await;
        }
        if !new || self.kinds.len() == KINDS_MAX || !text::is_kind(&kind) {
            return Ok(());
        }
        let prepared = self.server.service_browser_prepare(ANY, ANY, &kind, "", 0).await;
        let browser = match prepared {
            Ok(browser) => browser,
            Err(error) if is_refusal(&error) => return Ok(()),
            Err(error) => return Err(error).context("asking Avahi for services"),
        };
        self.browser(&browser).await?.start().await.context("asking Avahi for services")?;
        self.kinds.insert(kind, Kind { browser, seen: [at].into() });
        Ok(())
    }

    async fn browser(&self, path: &OwnedObjectPath) -> zbus::Result<BrowserProxy<'static>> {
        let builder = BrowserProxy::builder(&self.connection).path(path.clone());
        builder.cache_properties(CacheProperties::No).build().await
    }

    /// Stops to look for a kind that nobody tells of. The farewell of one node takes the kind off Avahi's list
    /// for all of them; so it is kept while there is a service of it.
    async fn forget_kind(&mut self, kind: &str) -> anyhow::Result<()> {
        let unused = self.kinds.get(kind).is_some_and(|it| it.seen.is_empty())
            && !self.listed.keys().any(|key| key.kind == kind);
        if unused && let Some(known) = self.kinds.remove(kind) {
            match self.browser(&known.browser).await?.free().await {
                Err(error) if !is_refusal(&error) => return Err(error).context("leaving a kind"),
                _ => {}
            }
        }
        Ok(())
    }

    /// A service appeared or went. Says whether there is news to tell.
    pub(super) async fn service(&mut self, new: bool, key: Key, flags: u32) -> anyhow::Result<bool> {
        if !new {
            let was_told = self.listed.remove(&key).is_some_and(|item| item.found.is_some());
            self.forget_kind(&key.kind).await?;
            return Ok(was_told);
        }
        if self.listed.len() < LISTED_MAX
            && !self.listed.contains_key(&key)
            && self.kinds.contains_key(&key.kind)
        {
            self.number += 1;
            let item = Item { number: self.number, flags, state: State::New, failures: 0, found: None };
            self.new.push_back(key.clone());
            self.listed.insert(key, item);
        }
        Ok(false)
    }

    /// Looks at what is new, then at what has waited longest, as many as may be at a time.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        while self.looks.len() < AT_ONCE {
            let Some(key) =
                self.next_new().or_else(|| self.due().filter(|due| due.0 <= now).map(|due| due.1))
            else {
                return;
            };
            let Some(item) = self.listed.get_mut(&key) else { return };
            item.state = State::Looking;
            let (number, flags, server) = (item.number, item.flags, self.server.clone());
            self.looks.spawn(async move {
                let found = look(&server, &key, flags).await;
                (key, number, found)
            });
        }
    }

    fn next_new(&mut self) -> Option<Key> {
        loop {
            let key = self.new.pop_front()?;
            if self.listed.get(&key).is_some_and(|item| matches!(item.state, State::New)) {
                return Some(key);
            }
        }
    }

    fn due(&self) -> Option<(Instant, Key)> {
        let waiting = self.listed.iter().filter_map(|(key, item)| match item.state {
            State::Until(at) => Some((at, key)),
            State::New | State::Looking => None,
        });
        waiting.min().map(|(at, key)| (at, key.clone()))
    }

    /// When there is something to look at again; `None` while nothing waits or nothing may be begun.
    pub(super) fn wake(&self) -> Option<Instant> {
        (self.looks.len() < AT_ONCE).then(|| self.due()).flatten().map(|due| due.0)
    }

    /// Waits for a look to end, for ever if there is none. Says whether there is news to tell.
    pub(super) async fn looked(&mut self) -> anyhow::Result<bool> {
        let Some(look) = self.looks.join_next().await else { return std::future::pending().await };
        let (key, number, found) = look.context("looking at a service")?;
        let found = match found {
            Ok(found) => found,
            Err(error) if is_refusal(&error) => None,
            Err(error) if matches!(&error, zbus::Error::InputOutput(io) if io.kind() == std::io::ErrorKind::TimedOut) => {
                None
            }
            Err(error) => return Err(error).context("asking Avahi for a service"),
        };
        let Some(item) = self.listed.get_mut(&key).filter(|item| item.number == number) else {
            return Ok(false);
        };
        let wait = if found.is_some() {
            item.failures = 0;
            self.again
        } else {
            item.failures = (item.failures + 1).min(TRIES_MAX);
            self.again / SOONER * item.failures
        };
        item.state = State::Until(Instant::now() + wait);
        let news = item.found != found;
        item.found = found;
        Ok(news)
    }

    /// All that may be told now.
    pub(super) fn told(&self) -> Vec<Found> {
        choose(self.listed.values().filter_map(|item| item.found.as_ref()))
    }
}

/// Resolves an entry and probes it. `None`: there is nothing that anybody could use.
async fn look(server: &ServerProxy<'_>, key: &Key, flags: u32) -> zbus::Result<Option<Found>> {
    let Key { interface, protocol, name, kind, domain } = key;
    let resolved = server.resolve_service(*interface, *protocol, name, kind, domain, *protocol, 0).await?;
    let Some(mut found) = found(key, flags, &resolved) else { return Ok(None) };
    let index = u32::try_from(*interface).unwrap_or(0);
    found.available = probe::probe(&found.kind, found.address, found.port, index).await;
    Ok(Some(found))
}

/// What Avahi's answer says, as far as it is sound; not probed yet.
fn found(key: &Key, flags: u32, resolved: &Resolved) -> Option<Found> {
    let (_, _, _, _, _, host, _, address, port, txt, also) = resolved;
    let address = address.parse::<IpAddr>().ok()?.to_canonical();
    if !probe::is_a_machine(address) || *port == 0 || !text::is_kind(&key.kind) {
        return None;
    }
    Some(Found {
        name: text::name(&key.name)?,
        kind: key.kind.clone(),
        host: text::host(host)?,
        address,
        port: *port,
        txt: text::read(txt),
        own: (flags | also) & LOCAL != 0,
        available: None,
    })
}

/// Of a service at several addresses the best one; of all services no more than the limits allow.
fn choose<'a>(found: impl Iterator<Item = &'a Found>) -> Vec<Found> {
    let mut best: BTreeMap<_, &Found> = BTreeMap::new();
    for one in found {
        let known = best.entry((&one.name, &one.kind, &one.host, one.port)).or_insert(one);
        if worth(one) < worth(known) {
            *known = one;
        }
    }
    let (mut own, mut others, mut hosts) = (0, 0, BTreeMap::<String, usize>::new());
    let fits = |one: &&Found| {
        let of_host = hosts.entry(one.host.clone()).or_default();
        let (count, fits) = if one.own { (&mut own, true) } else { (&mut others, *of_host < HOST_MAX) };
        let fits = fits && *count < TOLD_MAX;
        if fits {
            *count += 1;
            *of_host += usize::from(!one.own);
        }
        fits
    };
    best.into_values().filter(fits).cloned().collect()
}

/// The lower the better: what answers, then what everybody can use.
fn worth(found: &Found) -> (bool, u8, IpAddr) {
    let scope = match found.address {
        IpAddr::V4(address) => u8::from(address.is_link_local()) * 2,
        IpAddr::V6(address) => 1 + u8::from(address.is_unicast_link_local()) * 2,
    };
    (found.available != Some(true), scope, found.address)
}

#[cfg(test)]
mod tests {
    use super::super::Found;
    use super::{HOST_MAX, Key, LOCAL, Resolved, TOLD_MAX, choose, found};

    fn key() -> Key {
        let [name, kind, domain] = ["Files", "_http._tcp", "local"].map(str::to_owned);
        Key { interface: 2, protocol: 0, name, kind, domain }
    }

    fn resolved(host: &str, address: &str, port: u16) -> Resolved {
        let [name, kind, domain] = ["Files", "_http._tcp", "local"].map(str::to_owned);
        (2, 0, name, kind, domain, host.to_owned(), 0, address.to_owned(), port, vec![b"a=b".to_vec()], 4)
    }

    fn sound(name: &str, host: &str, address: &str) -> Found {
        let key = Key { name: name.to_owned(), ..key() };
        found(&key, 0, &resolved(host, address, 80)).unwrap()
    }

    #[test]
    fn only_what_somebody_can_use_is_found() {
        let found = |host, address, port| found(&key(), 0, &resolved(host, address, port));
        assert!(found("a.local", "10.0.0.1", 80).is_some_and(|it| !it.own && it.txt["a"] == "b"));
        for none in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "224.0.0.1", "nonsense"] {
            assert_eq!(found("a.local", none, 80), None, "{none}");
        }
        assert_eq!(found("a.local", "10.0.0.1", 0), None);
        assert_eq!(found("a\u{202e}.local", "10.0.0.1", 80), None);
        assert!(super::found(&key(), LOCAL, &resolved("a.local", "10.0.0.1", 80)).unwrap().own);
    }

    #[test]
    fn the_address_that_answers_is_told_then_the_plainest() {
        let (six, four, link) =
            (sound("a", "h", "fd00::1"), sound("a", "h", "10.0.0.1"), sound("a", "h", "fe80::1"));
        assert_eq!(choose([&link, &six, &four].into_iter()), std::slice::from_ref(&four));
        let link = Found { available: Some(true), ..link };
        assert_eq!(choose([&link, &six, &four].into_iter()), std::slice::from_ref(&link));
    }

    #[test]
    fn no_host_fills_the_list_and_no_network_does() {
        let loud: Vec<_> = (0..200).map(|it| sound(&format!("{it}"), "loud", "10.0.0.1")).collect();
        let own: Vec<_> =
            (0..200).map(|it| Found { own: true, ..sound(&format!("o{it}"), "we", "10.0.0.2") }).collect();
        let quiet = sound("zz", "quiet", "10.0.0.3");
        let told = choose(loud.iter().chain(&own).chain([&quiet]));
        assert_eq!(told.iter().filter(|it| it.host == "loud").count(), HOST_MAX);
        assert_eq!(told.iter().filter(|it| it.own).count(), 200);
        assert!(told.contains(&quiet));
        let many: Vec<_> = (0..300).map(|it| sound("a", &format!("h{it}"), "10.0.0.1")).collect();
        assert_eq!(choose(many.iter()).len(), TOLD_MAX);
    }
}
