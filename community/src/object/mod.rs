//! What members sign and hand on.
//!
//! An object is one statement of one author about one subject: `[body, signature]`, where the body is
//! `[kind, author, subject, version, expires, payload]` in CBOR (RFC 8949). Nodes keep and hand on the very bytes that
//! were signed, so fields and kinds that they do not know yet travel too. `docs/community.md` has the format.

mod content;
mod record;

use minicbor::bytes::ByteArray;
use minicbor::{Decoder, Encoder};

pub use content::{Certificate, Charter, Contact, Content, Endpoint, MESH_KEY_LIMIT_BYTES, Revocation, Role};
pub use record::{Record, ServiceType, Txt, UnfitRecord};

use crate::address::CommunityId;
use crate::identity::{NodeId, NodeKey, first, hash};

/// No object is longer: it fits one datagram of the mesh.
pub const LIMIT_BYTES: usize = 1200;

const PURPOSE: &[u8] = b"nuvol-object-1";

/// What a statement is about, whoever makes it: a member or a service.
pub type Subject = [u8; 16];

/// Where an object belongs: kind, author and subject in one. Of several objects for one slot the newest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub [u8; 16]);

/// One version of what is in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// The slot.
    pub slot: Slot,
    /// Grows with each change.
    pub version: u64,
    /// Of the bytes: tells two objects apart that pretend to be the same version.
    pub check: [u8; 8],
}

/// A signed object, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Who says it.
    pub author: NodeId,
    /// What it is about.
    pub subject: Subject,
    /// Grows with each change: milliseconds of Unix time, or one more than before.
    pub version: u64,
    /// Unix time in seconds after which it counts no more; `u64::MAX` where it always does.
    pub expires_s: u64,
    /// What it says.
    pub content: Content,
    /// The bytes, as signed.
    pub bytes: Vec<u8>,
    /// Slot and version.
    pub label: Label,
}

/// Why bytes are no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoObject {
    /// Longer than [`LIMIT_BYTES`].
    #[error("it has {0} bytes; an object has {LIMIT_BYTES} at most")]
    Long(usize),
    /// Not of the form.
    #[error("it is not of the form of an object: {0}")]
    Form(String),
    /// Somebody else signed it, or for another community.
    #[error("its signature is not its author's")]
    Signature,
}

impl Label {
    /// Whether this one replaces another of the same slot. Two of one version are the author's fault; everybody keeps
    /// the same one of them.
    pub fn replaces(&self, other: &Self) -> bool {
        (self.version, std::cmp::Reverse(self.check)) > (other.version, std::cmp::Reverse(other.check))
    }
}

/// The slot of what an author says of this kind about a subject.
pub fn slot(kind: u8, author: &NodeId, subject: &Subject) -> Slot {
    Slot(first(hash("nuvol-slot-1", &[&[kind], &author.0, subject])))
}

/// The subject that stands for a node.
pub fn subject_of(node: &NodeId) -> Subject {
    first(hash("nuvol-subject-1", &[&node.0]))
}

impl Object {
    /// States something.
    ///
    /// # Errors
    ///
    /// When it would be longer than an object may be.
    pub fn sign(
        key: &NodeKey,
        community: &CommunityId,
        version: u64,
        expires_s: u64,
        content: Content,
    ) -> Result<Self, NoObject> {
        let (author, subject) = (key.id(), content.subject(community));
        let payload = content.to_bytes();
        let mut body = Vec::with_capacity(payload.len() + 96);
        let mut e = Encoder::new(&mut body);
        let written = e.array(6).and_then(|e| {
            e.u8(content.kind())?
                .bytes(&author.0)?
                .bytes(&subject)?
                .u64(version)?
                .u64(expires_s)?
                .bytes(&payload)
        });
        written.map_err(|never| NoObject::Form(never.to_string()))?;
        let signature = key.sign(&[PURPOSE, &community.0, &body]);
        let mut bytes = Vec::with_capacity(body.len() + 80);
        let written = Encoder::new(&mut bytes).array(2).and_then(|e| e.bytes(&body)?.bytes(&signature)?.ok());
        written.map_err(|never| NoObject::Form(never.to_string()))?;
        if bytes.len() > LIMIT_BYTES {
            return Err(NoObject::Long(bytes.len()));
        }
        let label = label(content.kind(), &author, &subject, version, &bytes);
        Ok(Self { author, subject, version, expires_s, content, bytes, label })
    }

    /// Reads an object and verifies that its author signed it for this community.
    ///
    /// # Errors
    ///
    /// Says why the bytes are none.
    pub fn read(community: &CommunityId, bytes: &[u8]) -> Result<Self, NoObject> {
        Unverified::read(community, bytes)?.verify(community)
    }
}

/// Bytes of the form of an object: anybody may have written them.
#[derive(Debug, Clone)]
pub struct Unverified<'a> {
    claimed: Object,
    body: &'a [u8],
    signature: [u8; 64],
    bytes: &'a [u8],
}

impl<'a> Unverified<'a> {
    /// Reads the form.
    ///
    /// # Errors
    ///
    /// Says why it is not an object's.
    pub fn read(community: &CommunityId, bytes: &'a [u8]) -> Result<Self, NoObject> {
        if bytes.len() > LIMIT_BYTES {
            return Err(NoObject::Long(bytes.len()));
        }
        let form = |error: minicbor::decode::Error| NoObject::Form(error.to_string());
        let (body, signature) = envelope(bytes).map_err(form)?;
        let mut claimed = parse(body, community).map_err(form)?;
        claimed.label =
            label(claimed.content.kind(), &claimed.author, &claimed.subject, claimed.version, bytes);
        Ok(Self { claimed, body, signature, bytes })
    }

    /// What it pretends to be.
    pub fn claimed(&self) -> &Object {
        &self.claimed
    }

    /// What would be known of it.
    pub fn label(&self) -> Label {
        self.claimed.label
    }

    /// The object, where its author signed it for this community.
    ///
    /// # Errors
    ///
    /// Where nobody did.
    pub fn verify(self, community: &CommunityId) -> Result<Object, NoObject> {
        if !self.claimed.author.verifies(&[PURPOSE, &community.0, self.body], &self.signature) {
            return Err(NoObject::Signature);
        }
        Ok(Object { bytes: self.bytes.to_vec(), ..self.claimed })
    }
}

fn label(kind: u8, author: &NodeId, subject: &Subject, version: u64, bytes: &[u8]) -> Label {
    Label { slot: slot(kind, author, subject), version, check: first(hash("nuvol-check-1", &[bytes])) }
}

fn envelope(bytes: &[u8]) -> Result<(&[u8], [u8; 64]), minicbor::decode::Error> {
    let mut d = Decoder::new(bytes);
    exactly(d.array()?, 2)?;
    let body = d.bytes()?;
    let signature: ByteArray<64> = d.decode()?;
    ended(&d, bytes)?;
    // Nobody signs what is around the body: were there two forms of it, whoever hands an object on could make another.
    let length = |it: usize| {
        if it < 24 {
            1
        } else if it < 256 {
            2
        } else {
            3
        }
    };
    if bytes.len() != 1 + length(body.len()) + body.len() + 2 + signature.len() {
        return Err(minicbor::decode::Error::message("lengths that take more bytes than they need"));
    }
    Ok((body, signature.into()))
}

fn parse(body: &[u8], community: &CommunityId) -> Result<Object, minicbor::decode::Error> {
    let mut d = Decoder::new(body);
    exactly(d.array()?, 6)?;
    let kind = d.u8()?;
    let author: ByteArray<32> = d.decode()?;
    let subject: ByteArray<16> = d.decode()?;
    let (version, expires_s) = (d.u64()?, d.u64()?);
    let content = Content::read(kind, d.bytes()?, subject.into())?;
    ended(&d, body)?;
    if content.subject(community) != *subject {
        return Err(minicbor::decode::Error::message("it is about another subject than it says"));
    }
    let (author, subject) = (NodeId(author.into()), subject.into());
    let label = Label { slot: Slot([0; 16]), version, check: [0; 8] };
    Ok(Object { author, subject, version, expires_s, content, bytes: Vec::new(), label })
}

/// An array of another length, or of none that is told, is another format.
fn exactly(length: Option<u64>, wanted: u64) -> Result<(), minicbor::decode::Error> {
    if length == Some(wanted) {
        Ok(())
    } else {
        Err(minicbor::decode::Error::message("an array of another length"))
    }
}

/// Bytes behind the end would be a second form of the same object.
fn ended(d: &Decoder<'_>, bytes: &[u8]) -> Result<(), minicbor::decode::Error> {
    if d.position() == bytes.len() {
        Ok(())
    } else {
        Err(minicbor::decode::Error::message("bytes after the end"))
    }
}

#[cfg(test)]
mod tests;
