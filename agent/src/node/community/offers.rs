//! What this node offers, and to whom.

use std::collections::{BTreeMap, BTreeSet};

use nuvol_community::address::HostId;
use nuvol_community::identity::{NodeId, hash};
use nuvol_community::object::{Record, ServiceType, Txt};
use nuvol_community::text::Line;

use super::near::own_end;
use super::{Announcement, Audience, Order};
use crate::node::asked::Outcome;
use crate::node::command::{Refusal, Reply};
use crate::node::service::{Name, Service};
use crate::node::unit::State;
use crate::node::{Action, Node};

/// What was told last.
#[derive(Debug, Clone, Default)]
pub(in crate::node) struct Offered {
    records: Vec<Record>,
    announcements: BTreeSet<Announcement>,
}

impl Node {
    /// One switch for each service.
    pub(super) fn publish(&mut self, service: &str, audience: Option<Audience>) -> Outcome {
        let known = self.catalogue.services.get(service).ok_or(Refusal::NoSuch)?;
        if audience.is_some() && known.announce.is_none() {
            return Err(Refusal::NotOffered);
        }
        if audience == Some(Audience::Community) {
            self.view()?;
        }
        self.change_community(|it| {
            match audience {
                Some(audience) => it.published.insert(service.to_owned(), audience),
                None => it.published.remove(service),
            };
            Ok(Reply::Done)
        })
    }

    /// Tells what is offered, where that has changed.
    pub(in crate::node) fn tell_offers(&mut self) -> Vec<Action> {
        // What is not known yet is not taken back: after a restart systemd may need a while.
        let unknown = |it: &&Service| self.state_of(it) == State::Unknown;
        let published = &self.belonging.own.published;
        let services = || self.catalogue.services.values();
        if services().filter(|it| published.contains_key(&*it.name)).any(|it| unknown(&it)) {
            return Vec::new();
        }
        let mut actions = Vec::new();
        if let Ok(view) = self.view() {
            let offered = services().filter(|it| self.is_offered(it, Audience::Community));
            let own = offered.filter_map(|it| record(&view.me, it, &self.told_of(it)));
            let foreign = self.belonging.own.foreign.iter().filter_map(|it| it.record(&view.me).ok());
            let records: Vec<Record> = own.chain(foreign).collect();
            if records != self.offered.records || !self.offers_told {
                self.offers_told = true;
                self.offered.records.clone_from(&records);
                actions.push(Action::Gossip(Order::Offer(records)));
            }
        }
        let near = services().filter(|it| self.is_offered(it, Audience::Household));
        let mut announcements: BTreeSet<Announcement> =
            near.filter_map(|it| announcement(it, self.told_of(it))).collect();
        if let Ok(view) = self.view()
            && self.mesh_service().is_some_and(|it| self.is_on(&it))
        {
            announcements.insert(own_end(view.id.address(HostId::from(&view.me))));
        }
        if announcements != self.offered.announcements {
            self.offered.announcements.clone_from(&announcements);
            actions.push(Action::Announce(announcements));
        }
        actions
    }

    /// Whether this audience, or a larger one, sees the service now.
    fn is_offered(&self, service: &Service, audience: Audience) -> bool {
        let seen = self.belonging.own.published.get(&*service.name).is_some_and(|it| *it >= audience);
        // One that is started anew was not taken back.
        seen && matches!(self.state_of(service), State::Running | State::Starting | State::Stopping)
    }

    /// What programs of others need to know of a service, as far as it is there.
    fn told_of(&self, service: &Service) -> BTreeMap<String, String> {
        let (Some(announce), Some(settings)) = (&service.announce, self.settings.get(&*service.name)) else {
            return BTreeMap::new();
        };
        let value =
            |(key, shown): (&Name, &Name)| Some((key.to_string(), settings.shown.get(&**shown)?.clone()));
        announce.txt.iter().filter_map(value).collect()
    }

    fn state_of(&self, service: &Service) -> State {
        self.report(service).state
    }

    /// Whether a service is known to be on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.catalogue.services.get(name).is_some_and(|it| self.state_of(it) == State::Running)
    }

    /// Whether a service is known to be off.
    pub(super) fn is_off(&self, name: &str) -> bool {
        self.catalogue.services.get(name).is_some_and(|it| self.state_of(it) == State::Stopped)
    }
}

fn port(service: &Service) -> Option<(&str, u16)> {
    let announce = service.announce.as_ref()?;
    let port = service.ports.iter().find(|it| it.name == announce.port)?;
    Some((announce.service_type.as_str(), port.port.get()))
}

fn record(me: &NodeId, service: &Service, txt: &BTreeMap<String, String>) -> Option<Record> {
    let (kind, port) = port(service)?;
    let digest = hash("nuvol-service-1", &[&me.0, service.name.as_bytes()]);
    let id: [u8; 16] = digest.first_chunk().copied()?;
    Some(Record {
        id: id.into(),
        kind: ServiceType::new(kind).ok()?,
        title: Line::nearest(&service.title)?,
        host: None,
        port,
        // A service is of use even where what it drew does not fit.
        txt: Txt::new(txt).unwrap_or_default(),
        zone: None,
    })
}

fn announcement(service: &Service, txt: BTreeMap<String, String>) -> Option<Announcement> {
    let (kind, port) = port(service)?;
    Some(Announcement { title: service.title.to_string(), kind: kind.to_owned(), port, txt })
}
