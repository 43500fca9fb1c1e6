//! The node in its community: what its owner wants of it, and what it knows of the others.
//!
//! What members sign lies on the board, which the gossip door keeps; here are the decisions: who is invited and let in,
//! what is offered to whom, and when the mesh has to be told of somebody new.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use nuvol_community::address::{CommunityId, HostId};
use nuvol_community::identity::NodeId;
use nuvol_community::invitation::SecretId;
use nuvol_community::join::Why;
use nuvol_community::object::{Endpoint, Role, ServiceType, Txt};
use nuvol_community::text::{Line, Name};
use serde::{Deserialize, Serialize};

use super::service::Text;

mod acts;
mod foreign;
mod knock;
mod mesh;
mod near;
mod offers;
mod reach;
mod tell;

pub use acts::{CommunityAct, hex};
pub use foreign::{FOREIGN_LIMIT, Foreign, Misfit, Misfits};
pub(super) use mesh::Cable;
pub use mesh::{Errand, MeshPeer, MeshWork};
pub use near::{Announcement, Found};
pub(super) use offers::Offered;
pub use reach::{Latencies, MeshPath, MeshPaths, NoPath};
pub use tell::{Order, Told};

/// The most invitations that are open at a time.
pub const INVITATIONS_LIMIT: usize = 64;
/// The most nodes that wait to be let in.
const WAITING_LIMIT: usize = 64;
/// The most days for which an invitation can be taken up.
pub const DAYS_LIMIT: u32 = 90;
/// The most nodes that one invitation lets in.
pub const USES_LIMIT: u32 = 500;

/// What the node remembers of its community, over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Community {
    /// The invitation that it is taking up, as text.
    pub joining: Option<String>,
    /// Whether it is a member, or is about to be.
    pub member: bool,
    /// Invitations that it made.
    pub invitations: Vec<Invitation>,
    /// Nodes that wait for somebody to say yes.
    pub waiting: Vec<Waiting>,
    /// Who may see which service; who is not here is offered to nobody.
    pub published: BTreeMap<String, Audience>,
    /// Where others can call it from outside its own network.
    pub public: Vec<Endpoint>,
    /// The invitation of `nuvol.toml` that it took up, or tried to: whoever leaves does not come back with each boot.
    #[serde(default)]
    pub taken: Option<SecretId>,
    /// Whether the mesh is still to be switched on, as it is for whoever joins.
    #[serde(default)]
    pub wants_mesh: bool,
    /// Services of other machines that it offers.
    #[serde(default)]
    pub foreign: Vec<Foreign>,
}

/// An invitation that this node made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Invitation {
    /// By which it is found; nothing of the secret.
    pub id: SecretId,
    /// What a proof is held against: no secret can be made of it.
    verifier: [u8; 32],
    /// What those whom it lets in may do.
    pub role: Role,
    /// How many more it lets in.
    pub uses: u32,
    /// Whom it let in.
    pub used: Vec<[u8; 32]>,
    /// Whether somebody has to say yes to each.
    pub approve: bool,
    /// For whom, in words.
    pub note: Text,
    /// Unix time when it was made.
    pub since_s: u64,
    /// Unix time until when it can be taken up.
    pub until_s: u64,
}

/// A node that waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Waiting {
    /// Its key.
    pub node: [u8; 32],
    /// What it is called, by its own word.
    pub name: String,
    /// The invitation that it takes up.
    pub invitation: SecretId,
    /// Unix time of its first request.
    pub since_s: u64,
    /// Whether somebody said no.
    pub declined: bool,
}

/// Who sees a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The home network.
    Household,
    /// The members of the community, and the home network.
    Community,
}

impl Audience {
    /// The word for it, in JSON and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Household => "household",
            Self::Community => "community",
        }
    }
}

/// How it goes with joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joining {
    /// The one who invited is being called.
    Calling,
    /// Nobody answers where the invitation says; it is tried again.
    Unreachable,
    /// Somebody has to say yes first.
    Waiting,
    /// It was refused.
    Refused(Why),
}

/// The community as this node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which.
    pub id: CommunityId,
    /// What it is called.
    pub name: Name,
    /// This node's key.
    pub me: NodeId,
    /// What this node may do in it; nothing where it was expelled.
    pub role: Option<Role>,
    /// Everybody, this node included, by key.
    pub members: Vec<Member>,
    /// All that is offered.
    pub records: Vec<Offer>,
}

/// A member, as this node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub id: NodeId,
    /// Its place in the mesh.
    pub host: HostId,
    /// Its address on the mesh.
    pub address: Ipv6Addr,
    /// What it is called.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// Who let it in; nobody where it founded the community.
    pub inviter: Option<NodeId>,
    /// Unix time when it was let in; 0 for the founder.
    pub since_s: u64,
    /// Whether it answers.
    pub liveness: Liveness,
    /// Where it can be called.
    pub endpoints: Vec<Endpoint>,
    /// The public key of its mesh program, in DER; empty where it has not told yet.
    pub mesh_key: Vec<u8>,
    /// Whether this node may expel it.
    pub may_expel: bool,
}

/// Whether a member answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// This node itself.
    Me,
    /// It was never heard.
    Unheard,
    /// It answers.
    Up,
    /// It does not answer, since this Unix time.
    Down {
        /// Unix time.
        since_s: u64,
    },
}

/// A service that a member offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Names it.
    pub id: [u8; 16],
    /// Whose it is.
    pub owner: NodeId,
    /// What it speaks.
    pub kind: ServiceType,
    /// What its owner calls it.
    pub title: Line<63>,
    /// Where it is, where that is not its owner's address on the mesh.
    pub host: Option<Line<253>>,
    /// Its port.
    pub port: u16,
    /// What programs want to know.
    pub txt: Txt,
    /// The part of the community that it is meant for.
    pub zone: Option<Line<63>>,
    /// Unix time until when its owner's word counts.
    pub until_s: u64,
}

/// All of it, for pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Belonging {
    /// What the owner decided.
    pub own: std::sync::Arc<Community>,
    /// The community; nothing where the node is in none, or has just started.
    pub view: Option<std::sync::Arc<View>>,
    /// How it goes with joining.
    pub joining: Option<Joining>,
    /// How members are reached over the mesh.
    pub paths: std::sync::Arc<MeshPaths>,
    /// How long members take to answer over it.
    pub latencies: std::sync::Arc<Latencies>,
    /// What others offer on the home network; nobody vouches for it.
    pub near: std::sync::Arc<Vec<Found>>,
}

impl View {
    /// A member by its key.
    pub fn member(&self, id: &NodeId) -> Option<&Member> {
        self.members.iter().find(|it| it.id == *id)
    }

    /// What has all of these words in title, owner, type or TXT, and is of this type, where one is given. What answers
    /// comes first, then by title.
    pub fn search(&self, words: &str, kind: &str) -> Vec<&Offer> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<_> = self
            .records
            .iter()
            .filter(|it| kind.is_empty() || it.kind.as_str() == kind)
            .filter_map(|it| Some((it, self.member(&it.owner)?)))
            .filter(|(it, owner)| {
                let txt = it.txt.iter().map(|(key, value)| format!(" {key} {value}")).collect::<String>();
                let text = format!("{} {} {}{txt}", it.title, owner.name, it.kind.as_str()).to_lowercase();
                words.iter().all(|word| text.contains(word))
            })
            .collect();
        found.sort_by_key(|(it, owner)| (!owner.liveness.is_near(), it.title.as_str().to_lowercase(), it.id));
        found.into_iter().map(|(it, _)| it).collect()
    }

    /// Where a service is: its own host, or its owner's address.
    pub fn place(&self, offer: &Offer) -> Option<String> {
        match &offer.host {
            Some(host) => Some(host.to_string()),
            None => Some(self.member(&offer.owner)?.address.to_string()),
        }
    }
}

/// The word for a role, in JSON and forms.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
        Role::Member => "member",
        Role::Steward => "steward",
    }
}

impl Liveness {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::Unheard => "unheard",
            Self::Up => "up",
            Self::Down { .. } => "down",
        }
    }

    /// Whether one may expect it to answer.
    pub fn is_near(self) -> bool {
        matches!(self, Self::Me | Self::Up)
    }
}

impl Invitation {
    /// Whether it can be taken up.
    pub fn is_open(&self, unix_s: u64) -> bool {
        self.uses > 0 && unix_s <= self.until_s
    }
}
