//! All that a community has signed, and what of it is believed.
//!
//! Two boards that have been offered the same objects, in whatever order and however often, hold the same ones: each
//! rule looks at what is there and not at what came first. Where somebody has too many objects, those with the
//! smallest slots stay, everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::{Decoder, Encoder};

use crate::CLOCK_EPOCH_S;
use crate::address::CommunityId;
use crate::identity::{NodeId, NodeKey};
use crate::members::{Certified, DEPTH_LIMIT, Member, Members, Revoked};
use crate::object::{self, Charter, Contact, Content, Label, NoObject, Object, Record, Slot, Unverified};
use crate::text::Name;

/// How long a record or contact counts without being renewed, in seconds.
pub const LIFETIME_S: u64 = 7 * 24 * 3600;
/// The longest that anything may count but what counts for ever.
const LIFETIME_LIMIT_S: u64 = 40 * 24 * 3600;
/// How long it is remembered that something was withdrawn: until nobody can have what it was.
pub const WITHDRAWN_S: u64 = 37 * 24 * 3600;
/// The most objects of one member that is no steward; a steward may certify a whole community besides.
const OWNER_LIMIT: usize = 512;
/// The most certificates and revocations of one steward.
const STEWARD_LIMIT: usize = 8192;
/// The most records of one branch of the invitation tree.
const BRANCH_LIMIT: usize = 4096;

/// What a community has signed.
#[derive(Debug, Clone)]
pub struct Board {
    community: CommunityId,
    objects: BTreeMap<Slot, Object>,
    members: Arc<Members>,
    owned: BTreeMap<(NodeId, Sort), BTreeSet<Slot>>,
    branches: BTreeMap<NodeId, BTreeSet<Slot>>,
    revision: u64,
}

/// What has a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Membership,
    /// One for each member: nothing crowds it out.
    Contact,
    Other,
}

/// What became of an object that was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offered {
    /// It was new, and is kept.
    New(Label),
    /// It was there.
    Known,
    /// A newer one was there.
    Old,
}

/// Why an object is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is none.
    #[error(transparent)]
    NoObject(#[from] NoObject),
    /// Its author is no member; it may become one by what comes later.
    #[error("its author is no member")]
    Stranger,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It would count for too long.
    #[error("it would count for longer than 40 days")]
    Eternal,
    /// Its author has, or its branch have, too many already.
    #[error("there are too many of its author's already")]
    TooMany,
    /// Only the founder has a charter, and only one.
    #[error("it is not this community's charter")]
    Charter,
}

impl Board {
    /// A board of this community with nothing on it.
    pub fn new(community: CommunityId) -> Self {
        Self {
            community,
            objects: BTreeMap::new(),
            members: Arc::default(),
            owned: BTreeMap::new(),
            branches: BTreeMap::new(),
            revision: 0,
        }
    }

    /// A community that has just been founded.
    ///
    /// # Errors
    ///
    /// Never, with names as they are.
    pub fn found(key: &NodeKey, name: Name, node: Name, salt: [u8; 16]) -> Result<Self, NoObject> {
        let (community, charter) = Charter::new(key, name, node, salt);
        let object = Object::sign(key, &community, 0, u64::MAX, Content::Charter(charter))?;
        let mut board = Self::new(community);
        board.keep(object);
        Ok(board)
    }

    /// Grows with each change: the same number is the same board, as long as it is in memory.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Which community.
    pub fn community(&self) -> CommunityId {
        self.community
    }

    /// What it is called; nothing while nobody has told.
    pub fn charter(&self) -> Option<(&NodeId, &Charter)> {
        self.objects.values().find_map(|it| match &it.content {
            Content::Charter(charter) => Some((&it.author, charter)),
            _ => None,
        })
    }

    /// Its members.
    pub fn members(&self) -> &Arc<Members> {
        &self.members
    }

    /// Everything on it.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// What is in a slot.
    pub fn get(&self, slot: Slot) -> Option<&Object> {
        self.objects.get(&slot)
    }

    /// How a member is reached.
    pub fn contact(&self, member: &NodeId) -> Option<&Contact> {
        match &self.objects.get(&object::slot(3, member, &[0; 16]))?.content {
            Content::Contact(contact) => Some(contact),
            _ => None,
        }
    }

    /// All services, with who offers them and until when they count, in seconds of Unix time.
    pub fn records(&self) -> impl Iterator<Item = (&Member, &Record, u64)> {
        self.objects.values().filter_map(|it| match &it.content {
            Content::Record(record) => Some((self.members.get(&it.author)?, record, it.expires_s)),
            _ => None,
        })
    }

    /// Takes what somebody hands on. A signature is verified only where the object would be new.
    ///
    /// # Errors
    ///
    /// Says why it is not kept.
    pub fn offer(&mut self, now_s: u64, bytes: &[u8]) -> Result<Offered, Refusal> {
        let unverified = Unverified::read(&self.community, bytes)?;
        let label = unverified.label();
        if let Some(known) = self.objects.get(&label.slot) {
            if known.label == label {
                return Ok(Offered::Known);
            }
            if !label.replaces(&known.label) {
                return Ok(Offered::Old);
            }
        }
        self.admit(now_s, unverified.claimed())?;
        let object = unverified.verify(&self.community)?;
        let slot = object.label.slot;
        self.keep(object);
        // What it crowded out may be it.
        if self.objects.contains_key(&slot) { Ok(Offered::New(label)) } else { Err(Refusal::TooMany) }
    }

    /// Says something in the name of the node: in a slot that has something already, it is the next version. Where no
    /// version is given it is the time.
    ///
    /// # Errors
    ///
    /// As for what others say.
    pub fn state(
        &mut self,
        key: &NodeKey,
        now_ms: u64,
        version: Option<u64>,
        expires_s: u64,
        content: Content,
    ) -> Result<Object, Refusal> {
        let slot = object::slot(content.kind(), &key.id(), &content.subject(&self.community));
        let next = self.objects.get(&slot).map_or(0, |it| it.version.saturating_add(1));
        let version = version.unwrap_or_else(|| next.max(now_ms));
        let object = Object::sign(key, &self.community, version, expires_s, content)?;
        self.admit(now_ms / 1000, &object)?;
        self.keep(object.clone());
        if self.objects.contains_key(&slot) { Ok(object) } else { Err(Refusal::TooMany) }
    }

    /// Forgets what has expired, and says what that was.
    pub fn expire(&mut self, now_s: u64) -> Vec<Object> {
        if now_s < CLOCK_EPOCH_S {
            return Vec::new();
        }
        let over: Vec<Slot> =
            self.objects.values().filter(|it| it.expires_s < now_s).map(|it| it.label.slot).collect();
        let gone: Vec<Object> = over.into_iter().filter_map(|slot| self.forget(slot)).collect();
        if gone.iter().any(|it| sort(&it.content) == Sort::Membership) {
            self.count_members();
        }
        gone
    }

    /// All of it, to be kept or handed to somebody who has nothing yet.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut objects: Vec<&Object> = self.objects.values().collect();
        // Whoever lets in comes before those let in, and members before what they offer.
        objects.sort_by_key(|it| (it.content.kind(), self.members.depth(&it.author), it.version));
        let mut bytes = Vec::new();
        let mut e = Encoder::new(&mut bytes);
        // Writing to memory does not fail.
        e.array(objects.len() as u64).ok();
        for object in objects {
            e.bytes(&object.bytes).ok();
        }
        bytes
    }

    /// Takes all of a board's bytes, each object as if it were offered alone; says how many were new.
    ///
    /// # Errors
    ///
    /// Where the bytes are no list. Objects that are refused are left out.
    pub fn take(&mut self, now_s: u64, bytes: &[u8]) -> Result<usize, NoObject> {
        let form = |error: minicbor::decode::Error| NoObject::Form(error.to_string());
        let mut d = Decoder::new(bytes);
        let mut objects = Vec::new();
        for _ in 0..d.array().map_err(form)?.unwrap_or_default() {
            objects.push(d.bytes().map_err(form)?);
        }
        let mut new = 0;
        // By what comes later somebody may become a member, or cease to be one for as long as not all of it is here. So
        // each round looks again at what the one before could not judge.
        for _ in 0..=DEPTH_LIMIT {
            let before = new;
            objects.retain(|object| {
                let offered = self.offer(now_s, object);
                new += usize::from(matches!(offered, Ok(Offered::New(_))));
                matches!(offered, Ok(Offered::New(_)) | Err(Refusal::Stranger))
            });
            if new == before {
                break;
            }
        }
        Ok(new)
    }

    /// Whether an object may be here at all.
    fn admit(&self, now_s: u64, it: &Object) -> Result<(), Refusal> {
        if let Content::Charter(charter) = &it.content {
            let founds = CommunityId::new(&it.author, &charter.salt) == self.community;
            let for_ever = it.version == 0 && it.expires_s == u64::MAX;
            return if founds && for_ever { Ok(()) } else { Err(Refusal::Charter) };
        }
        if !self.members.is_known(&it.author) {
            return Err(Refusal::Stranger);
        }
        let of_membership = sort(&it.content) == Sort::Membership;
        if !of_membership && self.members.get(&it.author).is_none() {
            return Err(Refusal::Stranger);
        }
        // A clock that is known to be wrong says nothing.
        if now_s >= CLOCK_EPOCH_S {
            if it.expires_s < now_s {
                return Err(Refusal::Expired);
            }
            if !of_membership && it.expires_s > now_s + LIFETIME_LIMIT_S {
                return Err(Refusal::Eternal);
            }
        }
        Ok(())
    }

    fn keep(&mut self, object: Object) {
        let (slot, author, kind) = (object.label.slot, object.author, sort(&object.content));
        let changes_members = kind == Sort::Membership;
        self.owned.entry((author, kind)).or_default().insert(slot);
        if let Some(branch) = self.members.branch(&author).filter(|_| kind == Sort::Other) {
            self.branches.entry(branch).or_default().insert(slot);
        }
        self.objects.insert(slot, object);
        self.revision += 1;
        if changes_members {
            self.count_members();
        }
        if self.crowd_out(author, kind) && changes_members {
            self.count_members();
        }
    }

    /// Drops what is over an author's and its branch's limit, and says whether that was anything.
    fn crowd_out(&mut self, author: NodeId, kind: Sort) -> bool {
        let before = self.objects.len();
        let steward = self.members.get(&author).is_some_and(|it| it.role == object::Role::Steward);
        let limit = if steward && kind == Sort::Membership { STEWARD_LIMIT } else { OWNER_LIMIT };
        while let Some(owned) = self.owned.get(&(author, kind)).filter(|it| it.len() > limit) {
            let Some(last) = owned.last().copied() else { break };
            self.forget(last);
        }
        let branch = self.members.branch(&author);
        let full = |it: &Self| {
            Some(it.branches.get(&branch?)?).filter(|it| it.len() > BRANCH_LIMIT)?.last().copied()
        };
        while let Some(last) = full(self) {
            self.forget(last);
        }
        self.objects.len() != before
    }

    fn forget(&mut self, slot: Slot) -> Option<Object> {
        let object = self.objects.remove(&slot)?;
        self.revision += 1;
        if let Some(owned) = self.owned.get_mut(&(object.author, sort(&object.content))) {
            owned.remove(&slot);
        }
        for branch in self.branches.values_mut() {
            branch.remove(&slot);
        }
        Some(object)
    }

    /// Finds out who is a member, and drops what others said.
    fn count_members(&mut self) {
        let Some((founder, charter)) = self.charter() else { return };
        let certified = self.objects.values().filter_map(|it| match &it.content {
            Content::Certificate(certificate) => Some(Certified {
                author: it.author,
                member: NodeId(*certificate.member),
                version: it.version,
                name: &certificate.name,
                role: certificate.role,
            }),
            _ => None,
        });
        let revoked = self.objects.values().filter_map(|it| match &it.content {
            Content::Revocation(revocation) => {
                Some(Revoked { member: NodeId(*revocation.member), author: it.author, up_to: it.version })
            }
            _ => None,
        });
        let members = Arc::new(Members::new(*founder, &charter.founder, certified, revoked));
        if members == self.members {
            return;
        }
        self.members = members;
        let strange = |it: &&Object| !self.members.is_known(&it.author) || self.speaks_after_leaving(it);
        let gone: Vec<Slot> = self.objects.values().filter(strange).map(|it| it.label.slot).collect();
        for slot in gone {
            self.forget(slot);
        }
        self.count_branches();
    }

    /// Of those who left, what they said of others counts, and no offer.
    fn speaks_after_leaving(&self, it: &Object) -> bool {
        sort(&it.content) != Sort::Membership && self.members.get(&it.author).is_none()
    }

    fn count_branches(&mut self) {
        self.branches.clear();
        for object in self.objects.values().filter(|it| sort(&it.content) == Sort::Other) {
            if let Some(branch) = self.members.branch(&object.author) {
                self.branches.entry(branch).or_default().insert(object.label.slot);
            }
        }
    }
}

fn sort(content: &Content) -> Sort {
    match content {
        Content::Charter(_) | Content::Certificate(_) | Content::Revocation(_) => Sort::Membership,
        Content::Contact(_) => Sort::Contact,
        _ => Sort::Other,
    }
}

#[cfg(test)]
mod tests;
