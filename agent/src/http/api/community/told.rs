//! The community as JSON.

use nuvol_community::identity::NodeId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::session::Visit;
use crate::node::community::{self, Belonging, Joining, Liveness, MeshPath, NoPath, Offer, View, hex};
use crate::node::rights::Right;

/// The community as this node knows it.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Community {
    /// Nothing where the node is in none.
    community: Option<About>,
    /// How far it is with joining.
    joining: Option<JoiningState>,
    members: Vec<Member>,
    /// Nodes that wait for somebody to say yes; for owners alone.
    waiting: Vec<WaitingNode>,
    /// Invitations of this node; for owners alone.
    invitations: Vec<NodeInvitation>,
    /// Where others can call this node from outside its own network.
    places: Vec<String>,
}

#[derive(Serialize, ToSchema)]
struct About {
    id: String,
    name: String,
    /// What this node may do; nothing where it was expelled.
    role: Option<&'static str>,
    /// This node's key.
    node: String,
    /// What people compare by eye.
    fingerprint: String,
}

#[derive(Serialize, ToSchema)]
struct JoiningState {
    /// `calling`, `unreachable`, `waiting` or `refused`.
    state: &'static str,
    /// Why it was refused.
    why: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Member {
    node: String,
    fingerprint: String,
    name: String,
    role: &'static str,
    /// The key of who let it in.
    inviter: Option<String>,
    /// Unix time.
    since_s: u64,
    /// On the mesh.
    address: String,
    /// `me`, `unheard`, `up` or `down`.
    state: &'static str,
    /// Unix time since when it does not answer.
    down_since_s: Option<u64>,
    path: Option<Path>,
    /// How long it takes to answer over the mesh, there and back, as measured last.
    latency_ms: Option<u32>,
    endpoints: Vec<String>,
    may_expel: bool,
}

#[derive(Serialize, ToSchema)]
struct Path {
    /// `direct`, `direct-tcp`, `relayed`, `untried` or `none`.
    kind: &'static str,
    /// The key of the member through which packets go.
    via: Option<String>,
    /// Why there is none.
    why: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct WaitingNode {
    node: String,
    fingerprint: String,
    name: String,
    since_s: u64,
    declined: bool,
}

#[derive(Serialize, ToSchema)]
struct NodeInvitation {
    id: String,
    role: &'static str,
    /// How many more it lets in.
    uses: u32,
    /// How many it has let in.
    used: usize,
    approve: bool,
    note: String,
    since_s: u64,
    until_s: u64,
}

/// What members offer.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Offers {
    services: Vec<OfferedService>,
    /// What programs and devices on the home network offer. Nobody vouches for it.
    near: Vec<Near>,
}

#[derive(Serialize, ToSchema)]
struct Near {
    title: String,
    r#type: String,
    host: String,
    address: String,
    port: u16,
    txt: std::collections::BTreeMap<String, String>,
    /// Whether it took a connection when last asked; nothing where that cannot be asked.
    available: Option<bool>,
}

#[derive(Serialize, ToSchema)]
struct OfferedService {
    id: String,
    owner: String,
    owner_name: String,
    r#type: String,
    title: String,
    /// An address or a name.
    host: String,
    port: u16,
    txt: std::collections::BTreeMap<String, String>,
    zone: Option<String>,
    /// Whether its owner answers: `me`, `unheard`, `up` or `down`.
    owner_state: &'static str,
    until_s: u64,
    /// Whether it is this node's own.
    own: bool,
}

impl Community {
    pub(super) fn of(visit: &Visit) -> Self {
        let belonging = &visit.context.snapshot.belonging;
        let view = belonging.view.as_deref();
        let owner = visit.context.who.may(Right::Node);
        let own = &belonging.own;
        Self {
            community: view.map(About::of),
            joining: belonging.joining.map(JoiningState::of),
            members: view.map(|view| members(view, belonging)).unwrap_or_default(),
            waiting: own.waiting.iter().filter(|_| owner).map(WaitingNode::of).collect(),
            invitations: own.invitations.iter().filter(|_| owner).map(NodeInvitation::of).collect(),
            places: own.public.iter().map(ToString::to_string).collect(),
        }
    }
}

impl About {
    fn of(view: &View) -> Self {
        Self {
            id: view.id.to_string(),
            name: view.name.to_string(),
            role: view.role.map(community::role_word),
            node: hex(&view.me.0),
            fingerprint: view.me.fingerprint(),
        }
    }
}

impl JoiningState {
    fn of(joining: Joining) -> Self {
        let why = match joining {
            // The word of its own serialisation: one name for one thing.
            Joining::Refused(why) => {
                serde_json::to_value(why).ok().and_then(|it| Some(it.as_str()?.to_owned()))
            }
            _ => None,
        };
        let state = match joining {
            Joining::Calling => "calling",
            Joining::Unreachable => "unreachable",
            Joining::Waiting => "waiting",
            Joining::Refused(_) => "refused",
        };
        Self { state, why }
    }
}

fn members(view: &View, belonging: &Belonging) -> Vec<Member> {
    let member = |it: &community::Member| Member {
        node: hex(&it.id.0),
        fingerprint: it.id.fingerprint(),
        name: it.name.to_string(),
        role: community::role_word(it.role),
        inviter: it.inviter.map(|it| hex(&it.0)),
        since_s: it.since_s,
        address: it.address.to_string(),
        state: it.liveness.as_str(),
        down_since_s: match it.liveness {
            Liveness::Down { since_s } => Some(since_s),
            _ => None,
        },
        path: belonging.paths.get(&it.host).map(|path| Path::of(path, view)),
        latency_ms: belonging.latencies.get(&it.host).copied().filter(|_| it.liveness == Liveness::Up),
        endpoints: it.endpoints.iter().map(ToString::to_string).collect(),
        may_expel: it.may_expel,
    };
    view.members.iter().map(member).collect()
}

impl Path {
    fn of(path: &MeshPath, view: &View) -> Self {
        let key = |host| view.members.iter().find(|it| it.host == host).map(|it| hex(&it.id.0));
        let (kind, via, why) = match path {
            MeshPath::Direct => ("direct", None, None),
            MeshPath::DirectTcp => ("direct-tcp", None, None),
            MeshPath::Relayed(via) => ("relayed", via.and_then(key), None),
            MeshPath::Untried => ("untried", None, None),
            MeshPath::None(why) => (
                "none",
                None,
                why.map(|why| match why {
                    NoPath::CannotConnect => "cannot-connect",
                    NoPath::NoAnswer => "no-answer",
                    NoPath::NotBelieved => "not-believed",
                    NoPath::HungUp => "hung-up",
                }),
            ),
        };
        Self { kind, via, why }
    }
}

impl WaitingNode {
    fn of(it: &community::Waiting) -> Self {
        Self {
            node: hex(&it.node),
            fingerprint: NodeId(it.node).fingerprint(),
            name: it.name.clone(),
            since_s: it.since_s,
            declined: it.declined,
        }
    }
}

impl NodeInvitation {
    fn of(it: &community::Invitation) -> Self {
        Self {
            id: hex(&it.id.0),
            role: community::role_word(it.role),
            uses: it.uses,
            used: it.used.len(),
            approve: it.approve,
            note: it.note.to_string(),
            since_s: it.since_s,
            until_s: it.until_s,
        }
    }
}

impl Offers {
    pub(super) fn of(visit: &Visit, words: &str, kind: &str) -> Self {
        let near = &visit.context.snapshot.belonging.near;
        let near = near.iter().filter(|it| it.has(words, kind)).map(Near::of).collect();
        let Some(view) = visit.context.snapshot.belonging.view.as_deref() else {
            return Self { services: Vec::new(), near };
        };
        let found = view.search(words, kind);
        Self { services: found.into_iter().filter_map(|it| OfferedService::of(view, it)).collect(), near }
    }
}

impl Near {
    fn of(it: &community::Found) -> Self {
        Self {
            title: it.name.clone(),
            r#type: it.kind.clone(),
            host: it.host.clone(),
            address: it.address.to_string(),
            port: it.port,
            txt: it.txt.clone(),
            available: it.available,
        }
    }
}

impl OfferedService {
    fn of(view: &View, it: &Offer) -> Option<Self> {
        let owner = view.member(&it.owner)?;
        Some(Self {
            id: hex(&it.id),
            owner: hex(&it.owner.0),
            owner_name: owner.name.to_string(),
            r#type: it.kind.as_str().to_owned(),
            title: it.title.to_string(),
            host: view.place(it)?,
            port: it.port,
            txt: it.txt.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            zone: it.zone.as_ref().map(ToString::to_string),
            owner_state: owner.liveness.as_str(),
            until_s: it.until_s,
            own: it.owner == view.me,
        })
    }
}
