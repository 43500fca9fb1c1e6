//! How a node joins: one request, and one answer that the one who invited has signed.
//!
//! Neither needs a channel that anybody trusts. The request proves that the secret is known without telling it, and is
//! bound to the key of the node that joins; the answer is signed by the key that the invitation names, and bound to the
//! request. They may as well travel on a stick.

use hmac::{Hmac, KeyInit, Mac};
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use sha2::Sha256;

use crate::address::CommunityId;
use crate::identity::{NodeId, NodeKey, hash};
use crate::invitation::{Invitation, SecretId};
use crate::text::Name;

/// No request is longer, in bytes.
pub const REQUEST_LIMIT_BYTES: usize = 2048;
/// No answer is longer: certificates and contacts of two thousand members.
pub const ANSWER_LIMIT_BYTES: usize = 4 << 20;

const REQUEST: &[u8] = b"nuvol-join-1";
const ANSWER: &[u8] = b"nuvol-join-answer-1";

/// Somebody wants to join.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Request {
    #[n(0)]
    invitation: ByteArray<8>,
    #[n(1)]
    joiner: ByteArray<32>,
    /// What its node is called.
    #[n(2)]
    pub name: Name,
    /// Drawn once for each attempt to join, so that an old answer is none.
    #[n(3)]
    nonce: ByteArray<16>,
    /// How it is reached, as an object that it has signed for the community: without it the mesh would let nobody in.
    #[n(4)]
    pub contact: Option<ByteVec>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct SignedRequest {
    #[n(0)]
    body: ByteVec,
    /// By the secret of the invitation.
    #[n(1)]
    proof: ByteArray<32>,
    /// By the key that joins.
    #[n(2)]
    signature: ByteArray<64>,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// It is a member: here is the community's board ([`Board::to_bytes`](crate::board::Board::to_bytes)).
    #[n(0)]
    Welcome(#[n(0)] ByteVec),
    /// Somebody has to say yes first: ask again later, with the same request.
    #[n(1)]
    Wait,
    /// It does not become one.
    #[n(2)]
    No(#[n(0)] Why),
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum Why {
    /// There is no such invitation, or it was taken back.
    #[n(0)]
    Unknown,
    /// It was used up.
    #[n(1)]
    Used,
    /// Its time is over.
    #[n(2)]
    Expired,
    /// A person said no.
    #[n(3)]
    Declined,
    /// This node was expelled.
    #[n(4)]
    Expelled,
    /// Whoever invited may not let anybody in any more.
    #[n(5)]
    Powerless,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct SignedAnswer {
    #[n(0)]
    body: ByteVec,
    #[n(1)]
    signature: ByteArray<64>,
}

/// Why bytes are neither request nor answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTalk {
    /// Not of the form.
    #[error("this is not how nodes join")]
    Form,
    /// Whoever wrote it does not have the invitation.
    #[error("the proof of the invitation is wrong")]
    Proof,
    /// It is signed by somebody else, or for something else.
    #[error("it is not signed by the node that it should come from")]
    Signature,
}

impl Request {
    /// A request to take up an invitation, as bytes.
    pub fn sign(
        invitation: &Invitation,
        key: &NodeKey,
        name: Name,
        nonce: [u8; 16],
        contact: Option<&[u8]>,
    ) -> Vec<u8> {
        let id = invitation.secret().id();
        let it = Self {
            invitation: id.0.into(),
            joiner: key.id().0.into(),
            name,
            nonce: nonce.into(),
            contact: contact.map(|it| it.to_vec().into()),
        };
        // Writing to memory does not fail.
        let body = minicbor::to_vec(&it).unwrap_or_default();
        let (community, inviter) = (invitation.community(), invitation.inviter());
        let proof = proof(&invitation.secret().verifier(), &community, &inviter, &body);
        let signature = key.sign(&[REQUEST, &community.0, &inviter.0, &body]);
        let signed = SignedRequest {
            body: body.into(),
            proof: <[u8; 32]>::from(proof.finalize().into_bytes()).into(),
            signature: signature.into(),
        };
        minicbor::to_vec(&signed).unwrap_or_default()
    }

    /// Reads a request. `verifier` gives what is kept of the invitation that it names; without one, or with a wrong
    /// proof, there is nothing to answer for.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn read(
        bytes: &[u8],
        community: &CommunityId,
        me: &NodeId,
        verifier: impl FnOnce(SecretId) -> Option<[u8; 32]>,
    ) -> Result<Self, NoTalk> {
        if bytes.len() > REQUEST_LIMIT_BYTES {
            return Err(NoTalk::Form);
        }
        let signed: SignedRequest = minicbor::decode(bytes).map_err(|_| NoTalk::Form)?;
        let it: Self = minicbor::decode(&signed.body).map_err(|_| NoTalk::Form)?;
        let verifier = verifier(it.invitation()).ok_or(NoTalk::Proof)?;
        proof(&verifier, community, me, &signed.body)
            .verify_slice(&*signed.proof)
            .map_err(|_| NoTalk::Proof)?;
        if !it.joiner().verifies(&[REQUEST, &community.0, &me.0, &signed.body], &signed.signature) {
            return Err(NoTalk::Signature);
        }
        Ok(it)
    }

    /// The invitation that it takes up.
    pub fn invitation(&self) -> SecretId {
        SecretId(*self.invitation)
    }

    /// Who joins.
    pub fn joiner(&self) -> NodeId {
        NodeId(*self.joiner)
    }
}

impl Answer {
    /// The answer to a request, as bytes.
    pub fn sign(&self, key: &NodeKey, community: &CommunityId, request: &[u8]) -> Vec<u8> {
        // Writing to memory does not fail.
        let body = minicbor::to_vec(self).unwrap_or_default();
        let request = hash("nuvol-join-request-1", &[request]);
        let signature = key.sign(&[ANSWER, &community.0, &request, &body]);
        minicbor::to_vec(SignedAnswer { body: body.into(), signature: signature.into() }).unwrap_or_default()
    }

    /// Reads the answer to a request, which must be signed by the one who invited.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn read(bytes: &[u8], invitation: &Invitation, request: &[u8]) -> Result<Self, NoTalk> {
        if bytes.len() > ANSWER_LIMIT_BYTES {
            return Err(NoTalk::Form);
        }
        let signed: SignedAnswer = minicbor::decode(bytes).map_err(|_| NoTalk::Form)?;
        let (community, request) = (invitation.community(), hash("nuvol-join-request-1", &[request]));
        if !invitation.inviter().verifies(&[ANSWER, &community.0, &request, &signed.body], &signed.signature)
        {
            return Err(NoTalk::Signature);
        }
        minicbor::decode(&signed.body).map_err(|_| NoTalk::Form)
    }
}

fn proof(verifier: &[u8; 32], community: &CommunityId, inviter: &NodeId, body: &[u8]) -> Hmac<Sha256> {
    // A key that is shorter than a block of the hash is filled up with zeros (RFC 2104).
    let mut block = [0; 64];
    block[..32].copy_from_slice(verifier);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for part in [REQUEST, &community.0, &inviter.0, body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::{Answer, NoTalk, Request, Why};
    use crate::address::CommunityId;
    use crate::identity::NodeKey;
    use crate::invitation::{Invitation, Secret};
    use crate::text::Name;

    const COMMUNITY: CommunityId = CommunityId([1; 16]);

    fn invitation(secret: u8) -> Invitation {
        let inviter = NodeKey::from_bytes(&[2; 32]).id();
        Invitation::new(COMMUNITY, inviter, Secret([secret; 16]), 9, Name::new("Valley").unwrap(), Vec::new())
    }

    fn request(secret: u8) -> Vec<u8> {
        Request::sign(
            &invitation(secret),
            &NodeKey::from_bytes(&[4; 32]),
            Name::new("joiner").unwrap(),
            [5; 16],
            Some(b"contact"),
        )
    }

    #[test]
    fn whoever_has_the_secret_is_heard() {
        let inviter = NodeKey::from_bytes(&[2; 32]);
        let read = |bytes: &[u8]| {
            Request::read(bytes, &COMMUNITY, &inviter.id(), |id| {
                (id == Secret([3; 16]).id()).then(|| Secret([3; 16]).verifier())
            })
        };
        let it = read(&request(3)).unwrap();
        assert_eq!((it.joiner(), it.name.as_str()), (NodeKey::from_bytes(&[4; 32]).id(), "joiner"));
        assert_eq!(read(&request(6)), Err(NoTalk::Proof));
        let whole = request(3);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert!(read(&bytes).is_err(), "byte {at}");
        }
        // What was meant for one who invites is nothing for another.
        let other = NodeKey::from_bytes(&[7; 32]).id();
        assert_eq!(
            Request::read(&whole, &COMMUNITY, &other, |_| Some(Secret([3; 16]).verifier())),
            Err(NoTalk::Proof)
        );
    }

    #[test]
    fn an_answer_is_of_the_inviter_and_for_one_request() {
        let inviter = NodeKey::from_bytes(&[2; 32]);
        for answer in [Answer::Welcome(vec![1, 2, 3].into()), Answer::Wait, Answer::No(Why::Used)] {
            let bytes = answer.sign(&inviter, &COMMUNITY, &request(3));
            assert_eq!(Answer::read(&bytes, &invitation(3), &request(3)), Ok(answer.clone()));
            assert_eq!(Answer::read(&bytes, &invitation(3), &request(6)), Err(NoTalk::Signature));
            let forged = answer.sign(&NodeKey::from_bytes(&[8; 32]), &COMMUNITY, &request(3));
            assert_eq!(Answer::read(&forged, &invitation(3), &request(3)), Err(NoTalk::Signature));
        }
        assert_eq!(Answer::read(b"hello", &invitation(3), &request(3)), Err(NoTalk::Form));
    }
}
