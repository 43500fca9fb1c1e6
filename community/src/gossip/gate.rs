//! What foca gets to read: only of members, and nothing that one member could do to another by its word alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BufMut};
use foca::{Codec, Header, Identity, Member, PostcardCodec, State};
use serde::{Deserialize, Serialize};

use crate::address::HostId;

/// The most claims of one datagram that are looked into.
const CLAIMS_LIMIT: usize = 256;

/// A run of a member's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Id {
    pub(super) host: u64,
    pub(super) bump: u32,
}

impl Identity for Id {
    type Addr = u64;

    fn renew(&self) -> Option<Self> {
        Some(Self { bump: self.bump.wrapping_add(1), ..*self })
    }

    fn addr(&self) -> u64 {
        self.host
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.bump > adversary.bump
    }
}

/// Stands between foca and what comes. What it does not let through reads as if it were of oneself, which changes
/// nothing.
pub(super) struct Gate(Arc<Mutex<Inside>>);

/// What the sender of a datagram says of somebody else, and is not simply believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// Of whom, and in which run.
    pub(super) id: Id,
    /// Whether it is dead, or in a later run; otherwise it may be.
    pub(super) dead: bool,
}

/// What the gate goes by, and what it keeps for others to look into.
pub(super) struct Inside {
    /// This member, in its present run.
    pub(super) me: Id,
    /// Those who hold a certificate.
    pub(super) members: BTreeSet<HostId>,
    /// The runs of those who answer.
    pub(super) up: BTreeMap<HostId, u32>,
    /// Of whom that is said, by whoever sent this.
    pub(super) claims: Vec<Claim>,
    /// Whether this datagram told something of oneself already.
    pub(super) told_of_me: bool,
    /// Whether one does not want to hear that one is dead: one has just taken steps.
    pub(super) deaf: bool,
}

impl Gate {
    pub(super) fn new(me: Id) -> (Self, Arc<Mutex<Inside>>) {
        let inside = Inside {
            me,
            members: BTreeSet::new(),
            up: BTreeMap::new(),
            claims: Vec::new(),
            told_of_me: false,
            deaf: false,
        };
        let inside = Arc::new(Mutex::new(inside));
        (Self(inside.clone()), inside)
    }
}

/// Nobody dies while holding it, and nobody else has it: each member's part has one of its own.
pub(super) fn open(inside: &Arc<Mutex<Inside>>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inside {
    fn lets_through(&mut self, it: &Member<Id>) -> bool {
        let id = *it.id();
        if id.host == self.me.host {
            // Each of these makes foca send several datagrams: one is enough. Another run of oneself is over, or a lie.
            let heard = id == self.me && !(self.deaf && it.state() == State::Down);
            return heard && !std::mem::replace(&mut self.told_of_me, true);
        }
        if !self.members.contains(&HostId(id.host)) {
            return false;
        }
        let later = self.up.get(&HostId(id.host)).is_some_and(|bump| id.bump > *bump);
        let dead = later || it.state() == State::Down;
        if (dead || it.state() == State::Suspect) && self.claims.len() < CLAIMS_LIMIT {
            self.claims.push(Claim { id, dead });
        }
        // That somebody may be dead foca tells on: the one it is said of hears of it so, and says that it is there.
        !dead
    }
}

impl Codec<Id> for Gate {
    type Error = <PostcardCodec as Codec<Id>>::Error;

    fn encode_header(&mut self, header: &Header<Id>, buf: impl BufMut) -> Result<(), Self::Error> {
        PostcardCodec.encode_header(header, buf)
    }

    fn decode_header(&mut self, buf: impl Buf) -> Result<Header<Id>, Self::Error> {
        PostcardCodec.decode_header(buf)
    }

    fn encode_member(&mut self, member: &Member<Id>, buf: impl BufMut) -> Result<(), Self::Error> {
        PostcardCodec.encode_member(member, buf)
    }

    fn decode_member(&mut self, buf: impl Buf) -> Result<Member<Id>, Self::Error> {
        let member: Member<Id> = PostcardCodec.decode_member(buf)?;
        let mut inside = open(&self.0);
        Ok(if inside.lets_through(&member) { member } else { Member::alive(inside.me) })
    }
}
