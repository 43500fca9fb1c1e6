//! What objects say.

use std::net::IpAddr;

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::{Record, Subject, subject_of};
use crate::address::CommunityId;
use crate::identity::{NodeId, NodeKey};
use crate::text::{Line, Name};

/// No public key of the mesh is longer, in DER: RSA with 4096 bits takes 550 bytes.
pub const MESH_KEY_LIMIT_BYTES: usize = 600;
/// The most ways that a member names by which it is reached.
const ENDPOINTS_LIMIT: usize = 4;

/// What an object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The community itself; its author is the founder.
    Charter(Charter),
    /// Somebody is a member.
    Certificate(Certificate),
    /// Somebody is none any more.
    Revocation(Revocation),
    /// How the author is reached.
    Contact(Contact),
    /// A service that the author offers.
    Record(Record),
    /// A service that the author offered (its id): kept until nobody can have the older one.
    Withdrawn(Subject),
    /// Something of a later version of this program: its kind, payload and subject.
    Unknown(u8, Vec<u8>, Subject),
}

/// What a community is called, and what makes it another one than the founder's others.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Charter {
    /// Its name.
    #[n(0)]
    pub name: Name,
    /// By which the community's id follows from the founder's key.
    #[n(1)]
    pub salt: ByteArray<16>,
    /// What the founder's node is called.
    #[n(2)]
    pub founder: Name,
}

/// Somebody is a member, by its author's word.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Certificate {
    /// The member's key.
    #[n(0)]
    pub member: ByteArray<32>,
    /// What its node is called.
    #[n(1)]
    pub name: Name,
    /// What it may do.
    #[n(2)]
    pub role: Role,
}

/// What a member may do. Each may do what those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum Role {
    /// Use and offer services.
    #[n(0)]
    Guest,
    /// Invite guests and members.
    #[n(1)]
    Member,
    /// Expel whoever is no steward, and invite stewards.
    #[n(2)]
    Steward,
}

/// Somebody is no member any more.
///
/// The version of such an object is the last version of a certificate that it undoes, so that of two of them the one
/// that undoes more counts; `u64::MAX` undoes whatever may come.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Revocation {
    /// The member's key.
    #[n(0)]
    pub member: ByteArray<32>,
}

/// How a member is reached: its own word, because addresses and keys of the mesh change while it stays a member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Contact {
    /// The public key of its mesh program (RSA, `RSAPublicKey` in DER); empty while it has none.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub mesh_key: Vec<u8>,
    /// Where others can call it; none behind a router that lets nobody in.
    #[n(1)]
    pub endpoints: Vec<Endpoint>,
    /// What its node is called now, where that is not what its certificate says.
    #[n(2)]
    pub name: Option<Name>,
}

/// Where a node can be called.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, serde::Serialize, serde::Deserialize,
)]
#[cbor(map)]
pub struct Endpoint {
    /// An address, or a name of the DNS in lower case.
    #[n(0)]
    #[serde(with = "host_text")]
    pub host: Line<253>,
    /// The port.
    #[n(1)]
    pub port: u16,
}

mod host_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::text::Line;

    pub fn serialize<S: Serializer>(line: &Line<253>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(line.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Line<253>, D::Error> {
        Line::new(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

impl Endpoint {
    /// A host and a port; nothing where the host is neither an address nor a name of the DNS.
    pub fn new(host: &str, port: u16) -> Option<Self> {
        let fit = host.parse::<IpAddr>().is_ok() || is_dns_name(host);
        if port == 0 || !fit {
            return None;
        }
        Some(Self { host: Line::new(host).ok()?, port })
    }

    /// What is written `host:port`, IPv6 in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        // An IPv6 address without brackets would lose its last part.
        if inner.is_none() && host.contains(':') {
            return None;
        }
        Self::new(inner.unwrap_or(host), port.parse().ok()?)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.as_str().contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Labels of letters, digits and inner hyphens (RFC 1123), the last not a number, so that no address is spelt otherwise.
pub(super) fn is_dns_name(text: &str) -> bool {
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(label) && last.bytes().any(|it| it.is_ascii_lowercase())
}

impl Content {
    /// Charter, certificate, and so on, as numbers.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Charter(_) => 0,
            Self::Certificate(_) => 1,
            Self::Revocation(_) => 2,
            Self::Contact(_) => 3,
            Self::Record(_) | Self::Withdrawn(_) => 4,
            Self::Unknown(kind, ..) => *kind,
        }
    }

    /// What it is about.
    pub fn subject(&self, community: &CommunityId) -> Subject {
        match self {
            Self::Charter(_) => community.0,
            Self::Certificate(it) => subject_of(&NodeId(*it.member)),
            Self::Revocation(it) => subject_of(&NodeId(*it.member)),
            Self::Contact(_) => [0; 16],
            Self::Record(it) => *it.id,
            Self::Withdrawn(id) => *id,
            Self::Unknown(_, _, subject) => *subject,
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let written = match self {
            Self::Charter(it) => minicbor::to_vec(it),
            Self::Certificate(it) => minicbor::to_vec(it),
            Self::Revocation(it) => minicbor::to_vec(it),
            Self::Contact(it) => minicbor::to_vec(it),
            Self::Record(it) => minicbor::to_vec(it),
            Self::Withdrawn(_) => Ok(Vec::new()),
            Self::Unknown(_, payload, _) => Ok(payload.clone()),
        };
        // Writing to memory does not fail.
        written.unwrap_or_default()
    }

    pub(super) fn read(kind: u8, payload: &[u8], subject: Subject) -> Result<Self, minicbor::decode::Error> {
        let content = match kind {
            0 => Self::Charter(minicbor::decode(payload)?),
            1 => Self::Certificate(minicbor::decode(payload)?),
            2 => Self::Revocation(minicbor::decode(payload)?),
            3 => Self::Contact(minicbor::decode(payload)?),
            4 if payload.is_empty() => Self::Withdrawn(subject),
            4 => Self::Record(minicbor::decode(payload)?),
            kind => Self::Unknown(kind, payload.to_vec(), subject),
        };
        content.check().map_err(minicbor::decode::Error::message)?;
        Ok(content)
    }

    /// What the form alone does not hold.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Contact(it) => it.check(),
            Self::Record(it) => it.check().map_err(|unfit| unfit.to_string()),
            _ => Ok(()),
        }
    }
}

impl Contact {
    fn check(&self) -> Result<(), String> {
        if self.mesh_key.len() > MESH_KEY_LIMIT_BYTES {
            return Err("the key of the mesh is too long".to_owned());
        }
        if self.endpoints.len() > ENDPOINTS_LIMIT {
            return Err(format!("more than {ENDPOINTS_LIMIT} endpoints"));
        }
        match self.endpoints.iter().find(|it| Endpoint::new(it.host.as_str(), it.port).is_none()) {
            Some(it) => Err(format!("`{it}` is no place that can be called")),
            None => Ok(()),
        }
    }
}

impl Certificate {
    /// What the author says of a member.
    pub fn new(member: NodeId, name: Name, role: Role) -> Self {
        Self { member: member.0.into(), name, role }
    }
}

impl Revocation {
    /// Of this member.
    pub fn new(member: NodeId) -> Self {
        Self { member: member.0.into() }
    }
}

impl Charter {
    /// A new community.
    pub fn new(founder: &NodeKey, name: Name, node: Name, salt: [u8; 16]) -> (CommunityId, Self) {
        let id = CommunityId::new(&founder.id(), &salt);
        (id, Self { name, salt: salt.into(), founder: node })
    }
}
