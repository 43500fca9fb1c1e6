//! When the mesh has to be told of somebody, and how members are reached over it.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::object::{Contact, Endpoint};

use super::near::Ends;
use super::{Community, Liveness, Member, MeshPath, Order, Told, View};
use crate::node::command::Reply;
use crate::node::operation::{Task, Trouble};
use crate::node::{Action, Document, Job, Level, Moment, News, Node, Ticket, Yield};

/// The port of agents.
pub(super) const AGENT_PORT: u16 = 443;
/// The port that meshes call each other on.
pub(super) const MESH_PORT: u16 = 655;
/// The most endpoints that a node tells.
const ENDPOINTS_LIMIT: usize = 4;
/// How often it is looked how members are reached.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// And so often while somebody answers to whom no way is known yet: tinc may have just begun.
const LOOK_SOON: Duration = Duration::from_secs(6);
/// As often as that for so long after the mesh was told of somebody, where nobody answers: a look makes it call again.
const YOUNG: Duration = Duration::from_secs(120);
/// What did not work is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(15);
/// So often the time between two tries doubles, to an hour.
const TRIES_DOUBLED: u32 = 8;
/// The service in the catalogue that is the mesh.
const ROLE: &str = "mesh";

/// A member, as the mesh must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshPeer {
    /// Its address on the mesh.
    pub address: Ipv6Addr,
    /// The public key of its mesh program, in DER.
    pub key: Vec<u8>,
    /// Where it can be called.
    pub endpoints: Vec<Endpoint>,
    /// Whether it is near, and called before others.
    pub near: bool,
}

/// The mesh as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshWork {
    /// This node's address.
    pub address: Ipv6Addr,
    /// The first address of the community's /64.
    pub prefix: Ipv6Addr,
    /// Everybody else, by address.
    pub peers: Vec<MeshPeer>,
}

/// What the node has done for its mesh.
#[derive(Debug, Clone, Default)]
pub(in crate::node) struct Cable {
    /// The public key; asked for once.
    key: Option<Vec<u8>>,
    /// What the mesh was told last.
    told: Option<Arc<MeshWork>>,
    /// When.
    told_at: Duration,
    /// What it is being told.
    telling: Option<Arc<MeshWork>>,
    contact: Option<Contact>,
    asked_key: bool,
    looked: Duration,
    looking: bool,
    /// Whether the last look failed, which was said.
    blind: bool,
    again: Option<Duration>,
    /// The node's own addresses outside the mesh.
    addresses: Vec<IpAddr>,
    leaving: bool,
    /// Where members were seen on the home network.
    pub(super) seen: Ends,
    /// And which of these the mesh is told.
    pub(super) near: Ends,
    /// How often the mesh was to be switched on, and when it is tried again.
    tries: u32,
    try_at: Duration,
}

/// What the helper was asked for the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// The public key.
    Key,
    /// The files.
    Files,
    /// To be alone again.
    Leave,
    /// How members are reached.
    Look,
}

impl Node {
    /// The gossip door tells.
    pub(in crate::node) fn told(&mut self, now: Moment, told: Told) -> Vec<Action> {
        match told {
            Told::View(view) => self.see_community(now, view),
            Told::Joining(joining) => {
                self.belonging.joining = Some(joining);
                Vec::new()
            }
            Told::Joined => self.joined(),
            Told::Latencies(latencies) => {
                self.belonging.latencies = Arc::new(latencies);
                Vec::new()
            }
            Told::Done(ticket, result) => {
                vec![Action::Answer(ticket, result.map(|()| Reply::Done))]
            }
            Told::Answer(ticket, bytes) => vec![Action::Answer(ticket, Ok(Reply::Bytes(bytes)))],
        }
    }

    fn see_community(&mut self, now: Moment, view: Option<Arc<View>>) -> Vec<Action> {
        let was = self.belonging.view.is_some();
        self.belonging.view = view;
        let Some(view) = self.belonging.view.clone() else {
            return if was { self.left() } else { Vec::new() };
        };
        if view.role.is_none() {
            // Expelled: the cable comes out, what was known stays to be read.
            return self.pull_cable();
        }
        self.look_near();
        let mut actions = Vec::new();
        if !self.belonging.own.member {
            actions.extend(self.joined());
        }
        actions.extend(self.ask_mesh_key());
        actions.extend(self.tell_contact());
        actions.extend(self.tell_mesh(now));
        actions
    }

    fn joined(&mut self) -> Vec<Action> {
        self.belonging.joining = None;
        let joined = self.change_community(|it| {
            (it.member, it.joining, it.wants_mesh) = (true, None, true);
            Ok(Reply::Done)
        });
        joined.map(|(_, actions)| actions).unwrap_or_default()
    }

    /// The node is in no community any more.
    fn left(&mut self) -> Vec<Action> {
        (self.belonging.paths, self.belonging.latencies) = Default::default();
        // The invitation that was set before boot is not taken up again.
        let own = Community { taken: self.belonging.own.taken, ..Community::default() };
        self.belonging.own = Arc::new(own.clone());
        let mut actions = vec![Action::Save(Document::Community(Box::new(own)))];
        actions.extend(self.pull_cable());
        actions
    }

    fn pull_cable(&mut self) -> Vec<Action> {
        if self.cable.leaving {
            return Vec::new();
        }
        let addresses = std::mem::take(&mut self.cable.addresses);
        let seen = std::mem::take(&mut self.cable.seen);
        self.cable = Cable { leaving: true, addresses, seen, ..Cable::default() };
        vec![Action::Help(Ticket::Mesh(Errand::Leave), Job::MeshLeave)]
    }

    /// Where others in the same network call this node's agent.
    pub(super) fn own_places(&self) -> impl Iterator<Item = Endpoint> + '_ {
        self.cable.addresses.iter().filter_map(|it| Endpoint::new(&it.to_string(), AGENT_PORT))
    }

    /// This node's addresses, as they are now.
    pub(in crate::node) fn see_addresses(&mut self, addresses: Vec<IpAddr>) -> Vec<Action> {
        self.cable.addresses = addresses;
        self.tell_contact()
    }

    /// How others reach this node; nothing while it has no end of the mesh.
    pub(super) fn contact(&self) -> Option<Contact> {
        let mesh_key = self.cable.key.clone()?;
        let mut endpoints = self.belonging.own.public.clone();
        let near = self.cable.addresses.iter().filter_map(|it| Endpoint::new(&it.to_string(), MESH_PORT));
        endpoints.extend(near);
        endpoints.truncate(ENDPOINTS_LIMIT);
        Some(Contact { mesh_key, endpoints, name: Some(self.own_name()) })
    }

    /// Asks for the key of the mesh, once at a time.
    pub(super) fn ask_mesh_key(&mut self) -> Vec<Action> {
        self.cable.leaving = false;
        if std::mem::replace(&mut self.cable.asked_key, true) {
            return Vec::new();
        }
        vec![Action::Help(Ticket::Mesh(Errand::Key), Job::MeshKey)]
    }

    /// How others reach this node, where that has changed.
    pub(in crate::node) fn tell_contact(&mut self) -> Vec<Action> {
        if self.view().is_err() {
            return Vec::new();
        }
        let Some(contact) = self.contact() else { return Vec::new() };
        if self.cable.contact.as_ref() == Some(&contact) {
            return Vec::new();
        }
        self.cable.contact = Some(contact.clone());
        vec![Action::Gossip(Order::Contact(contact))]
    }

    /// Has the mesh know exactly the members, where it does not.
    pub(in crate::node) fn tell_mesh(&mut self, now: Moment) -> Vec<Action> {
        let Ok(view) = self.view() else { return Vec::new() };
        // Without its own key the node has no end of a cable.
        if self.cable.key.is_none() || self.cable.telling.is_some() {
            return Vec::new();
        }
        if self.cable.again.is_some_and(|at| at > now.uptime) {
            return Vec::new();
        }
        let work = Arc::new(work(&view, &self.cable.near));
        if self.cable.told.as_ref() == Some(&work) {
            return Vec::new();
        }
        (self.cable.telling, self.cable.again) = (Some(work.clone()), None);
        vec![Action::Help(Ticket::Mesh(Errand::Files), Job::Mesh(work))]
    }

    /// The helper tells of an errand.
    pub(in crate::node) fn helped_mesh(&mut self, now: Moment, errand: Errand, news: News) -> Vec<Action> {
        let failed = match news {
            News::Step(_) => return Vec::new(),
            News::Done(ref gain) => match (errand, gain) {
                (Errand::Key, Yield::MeshKey(key)) => {
                    self.cable.key = Some(key.clone());
                    let mut actions = self.call_inviter();
                    actions.extend(self.tell_contact());
                    actions.extend(self.tell_mesh(now));
                    return actions;
                }
                (Errand::Files, _) => {
                    (self.cable.told, self.cable.told_at) = (self.cable.telling.take(), now.uptime);
                    let mut actions = self.plug_in(now);
                    actions.extend(self.tell_mesh(now));
                    return actions;
                }
                (Errand::Look, Yield::Mesh(paths)) => {
                    (self.cable.looking, self.cable.blind) = (false, false);
                    if *self.belonging.paths != *paths {
                        self.belonging.paths = Arc::new(paths.clone());
                    }
                    return Vec::new();
                }
                _ => return Vec::new(),
            },
            News::Failed(trouble) => trouble,
        };
        self.cable.looking = false;
        match errand {
            Errand::Key => self.cable.asked_key = false,
            Errand::Files => self.cable.telling = None,
            Errand::Leave => self.cable.leaving = false,
            Errand::Look => {}
        }
        let first = if matches!(errand, Errand::Look) {
            // A mesh that does not tell how it is can still be told who is new.
            !std::mem::replace(&mut self.cable.blind, true)
        } else {
            self.cable.again.replace(now.uptime + TRY_AGAIN).is_none()
        };
        let away = matches!(failed, Trouble::HelperAway { .. });
        let line = format!("the mesh could not be seen to ({errand:?}): {failed:?}");
        (first && !away).then_some(Action::Log(Level::Warning, line)).into_iter().collect()
    }

    /// Whoever has just joined wants the mesh to be on, and tries until it is. After that it is its owner's matter.
    fn plug_in(&mut self, now: Moment) -> Vec<Action> {
        let Some(service) = self.mesh_service().filter(|_| self.belonging.own.wants_mesh) else {
            return Vec::new();
        };
        if self.is_on(&service) {
            let done = self.change_community(|it| {
                it.wants_mesh = false;
                Ok(Reply::Done)
            });
            return done.map(|(_, actions)| actions).unwrap_or_default();
        }
        if !self.is_off(&service) || self.cable.try_at > now.uptime {
            return Vec::new();
        }
        self.cable.try_at = now.uptime + TRY_AGAIN * (1 << self.cable.tries.min(TRIES_DOUBLED));
        self.cable.tries += 1;
        let task = Task::SwitchOn { service: service.clone() };
        let started = self.start(now, "the node itself", task, Job::Switch { service, on: true });
        started.map(|(_, actions)| actions).unwrap_or_default()
    }

    /// The service that is the mesh.
    pub(super) fn mesh_service(&self) -> Option<String> {
        let service = self.catalogue.services.values().find(|it| &*it.role == ROLE)?;
        Some(service.name.to_string())
    }

    /// Whether somebody answers, and how they are reached is not known yet.
    fn lacks_a_path(&self) -> bool {
        let known = |it: &Member| {
            !matches!(self.belonging.paths.get(&it.host), None | Some(MeshPath::None(_) | MeshPath::Untried))
        };
        let mut members = self.belonging.view.iter().flat_map(|view| &view.members);
        members.any(|it| it.liveness == Liveness::Up && !known(it))
    }

    /// Whether the mesh heard of somebody lately, and nobody answers yet: a node that has just joined may know but one
    /// member, which hears of it a moment later than it calls.
    fn is_alone(&self, now: Moment) -> bool {
        let young = now.uptime.saturating_sub(self.cable.told_at) < YOUNG;
        let mut others = self
            .belonging
            .view
            .iter()
            .flat_map(|view| &view.members)
            .filter(|it| it.liveness != Liveness::Me);
        young && others.clone().next().is_some() && others.all(|it| it.liveness != Liveness::Up)
    }

    /// What is due from time to time.
    pub(in crate::node) fn mesh_chores(&mut self, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        let due = self.cable.again.is_none_or(|at| at <= now.uptime);
        let wanted = self.view().is_ok() || self.belonging.own.joining.is_some();
        if wanted && due {
            actions.extend(self.ask_mesh_key());
        }
        actions.extend(self.tell_mesh(now));
        if self.cable.told.is_some() {
            actions.extend(self.plug_in(now));
        }
        let soon = self.lacks_a_path() || self.is_alone(now);
        let every = if soon { LOOK_SOON } else { LOOK_EVERY };
        let due = now.uptime.saturating_sub(self.cable.looked) >= every;
        if self.cable.told.is_some() && !self.cable.looking && due {
            (self.cable.looking, self.cable.looked) = (true, now.uptime);
            actions.push(Action::Help(Ticket::Mesh(Errand::Look), Job::MeshStatus));
        }
        actions
    }
}

/// The mesh by what members have signed: those that have told no key have no end of a cable yet.
fn work(view: &View, near: &Ends) -> MeshWork {
    let others = view.members.iter().filter(|it| it.id != view.me && !it.mesh_key.is_empty());
    let mut peers: Vec<MeshPeer> = others
        .map(|it| {
            let near = near.get(&it.address);
            let endpoints = it.endpoints.iter().chain(near).cloned().collect();
            MeshPeer { address: it.address, key: it.mesh_key.clone(), endpoints, near: near.is_some() }
        })
        .collect();
    peers.sort_by_key(|it| it.address);
    let host = HostId::from(&view.me);
    MeshWork { address: view.id.address(host), prefix: view.id.prefix(), peers }
}
