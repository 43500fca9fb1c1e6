//! An invitation: one line of text that lets a node into a community.
//!
//! It names the one who invites by key, so that whoever answers in between is noticed, and carries a secret that is
//! worth something to whoever has it. The one who invites keeps no more of the secret than a hash.

use data_encoding::BASE64URL_NOPAD;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use crate::address::CommunityId;
use crate::identity::{NodeId, first, hash};
use crate::object::Endpoint;
use crate::text::Name;

/// What every invitation begins with.
pub const SCHEME: &str = "nuvol:";
/// No invitation is longer, in characters.
pub const LIMIT: usize = 2000;
/// The most places that it names.
pub const ENDPOINTS_LIMIT: usize = 8;

const VERSION: u8 = 1;

/// An invitation.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Invitation {
    #[n(0)]
    version: u8,
    #[n(1)]
    community: ByteArray<16>,
    #[n(2)]
    inviter: ByteArray<32>,
    #[n(3)]
    secret: ByteArray<16>,
    /// Unix time in seconds until when it can be taken up.
    #[n(4)]
    pub expires_s: u64,
    /// What the community is called.
    #[n(5)]
    pub name: Name,
    /// Where the one who invites can be called, the likeliest first.
    #[n(6)]
    pub endpoints: Vec<Endpoint>,
}

/// The secret of an invitation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 16]);

/// By which an invitation is found without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct SecretId(pub [u8; 8]);

/// Why a text is no invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoInvitation {
    /// It begins otherwise.
    #[error("an invitation begins with `{SCHEME}`")]
    Scheme,
    /// Something is missing or wrong.
    #[error("a part of the invitation is missing, or a letter is wrong")]
    Damaged,
    /// A later program made it.
    #[error("this invitation is of a later version of Nuvol")]
    Later,
}

impl Invitation {
    /// An invitation into a community.
    pub fn new(
        community: CommunityId,
        inviter: NodeId,
        secret: Secret,
        expires_s: u64,
        name: Name,
        mut endpoints: Vec<Endpoint>,
    ) -> Self {
        endpoints.truncate(ENDPOINTS_LIMIT);
        let (community, inviter, secret) = (community.0.into(), inviter.0.into(), secret.0.into());
        Self { version: VERSION, community, inviter, secret, expires_s, name, endpoints }
    }

    /// Into which community.
    pub fn community(&self) -> CommunityId {
        CommunityId(*self.community)
    }

    /// Who invites.
    pub fn inviter(&self) -> NodeId {
        NodeId(*self.inviter)
    }

    /// What proves that one was invited.
    pub fn secret(&self) -> Secret {
        Secret(*self.secret)
    }

    /// The line of text.
    pub fn to_text(&self) -> String {
        // Writing to memory does not fail.
        let mut bytes = minicbor::to_vec(self).unwrap_or_default();
        bytes.extend(check(&bytes));
        format!("{SCHEME}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    /// The invitation in a text that somebody pasted: blanks and line ends do not matter.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NoInvitation> {
        let text: String = text.chars().filter(|it| !it.is_whitespace()).take(LIMIT + 1).collect();
        let text = text.strip_prefix(SCHEME).ok_or(NoInvitation::Scheme)?;
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NoInvitation::Damaged)?;
        let (bytes, end) = bytes.split_last_chunk::<4>().ok_or(NoInvitation::Damaged)?;
        if check(bytes) != *end {
            return Err(NoInvitation::Damaged);
        }
        // The version is the first field of every version.
        match minicbor::Decoder::new(bytes)
            .array()
            .and_then(|_| minicbor::Decoder::new(bytes.get(1..).unwrap_or_default()).u8())
        {
            Ok(VERSION) => {}
            Ok(_) => return Err(NoInvitation::Later),
            Err(_) => return Err(NoInvitation::Damaged),
        }
        let it: Self = minicbor::decode(bytes).map_err(|_| NoInvitation::Damaged)?;
        let callable = |it: &Endpoint| Endpoint::new(it.host.as_str(), it.port).is_some();
        if it.endpoints.len() > ENDPOINTS_LIMIT || !it.endpoints.iter().all(callable) {
            return Err(NoInvitation::Damaged);
        }
        Ok(it)
    }
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invitation of {} into {}", self.inviter(), self.community())
    }
}

impl Secret {
    /// By which the one who invites finds it.
    pub fn id(&self) -> SecretId {
        SecretId(first(hash("nuvol-invitation-1", &[&self.0])))
    }

    /// What the one who invites keeps: enough to check a proof, nothing to make an invitation of.
    pub fn verifier(&self) -> [u8; 32] {
        hash("nuvol-invitation-key-1", &[&self.0])
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

fn check(bytes: &[u8]) -> [u8; 4] {
    first(hash("nuvol-invitation-check-1", &[bytes]))
}

#[cfg(test)]
mod tests {
    use super::{Invitation, NoInvitation, Secret};
    use crate::address::CommunityId;
    use crate::identity::NodeKey;
    use crate::object::Endpoint;
    use crate::text::Name;

    fn invitation() -> Invitation {
        let endpoints = ["192.0.2.7:443", "[fd00::7]:443", "node.example.org:8443"];
        Invitation::new(
            CommunityId([1; 16]),
            NodeKey::from_bytes(&[2; 32]).id(),
            Secret([3; 16]),
            1_800_000_000,
            Name::new("Example Valley").unwrap(),
            endpoints.iter().map(|it| Endpoint::parse(it).unwrap()).collect(),
        )
    }

    #[test]
    fn what_is_pasted_is_what_was_copied() {
        let text = invitation().to_text();
        assert!(text.len() < 260, "{}", text.len());
        assert_eq!(Invitation::parse(&text), Ok(invitation()));
        let (one, other) = text.split_at(50);
        assert_eq!(Invitation::parse(&format!("  {one}\r\n{other}\n")), Ok(invitation()));
    }

    #[test]
    fn a_slip_is_noticed() {
        let text = invitation().to_text();
        assert_eq!(Invitation::parse("https://example.org/"), Err(NoInvitation::Scheme));
        for end in 6..text.len() {
            assert!(Invitation::parse(&text[..end]).is_err(), "{end}");
        }
        for at in 6..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(Invitation::parse(&String::from_utf8(bytes).unwrap()).is_err(), "{at}");
        }
    }

    #[test]
    fn places_to_call_are_written_as_one_knows_them() {
        for text in ["192.0.2.7:443", "[fd00::7]:443", "node.example.org:8443"] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), text);
        }
        for text in ["fd00::7:443", "node:0", "node", "node:70000", "a b:1", "[fd00::7:443", "NODE:1", ":1"] {
            assert_eq!(Endpoint::parse(text), None, "{text}");
        }
    }
}
