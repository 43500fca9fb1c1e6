//! Who is a member: the tree of who let whom in, without what was cut off.
//!
//! Everybody comes to the same answer from the same certificates and revocations, whatever the order in which they
//! came, because each question is asked of those nearer to the founder first:
//!
//! 1. The founder is a steward. Stewards are those whom stewards made stewards, unless one of their own line above them
//!    took that back. So two stewards of equal standing cannot expel each other.
//! 2. Members and guests are those whom stewards or members let in, unless a steward or one of their line took it back.
//!
//! Whoever leaves is no member any more, and those whom they let in stay. Whoever is expelled takes everybody along
//! whom they let in, except those whom somebody else certifies too: whoever expels does that for those who may stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::HostId;
use crate::identity::NodeId;
use crate::object::Role;
use crate::text::Name;

/// The longest line from the founder.
pub(crate) const DEPTH_LIMIT: u8 = 32;
/// The most members in one branch: a member whom a steward let in, and all below.
const BRANCH_LIMIT: usize = 256;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub id: NodeId,
    /// What its node is called, by its certificate.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// Who let it in; nobody where it is the founder.
    pub inviter: Option<NodeId>,
    /// How many stand between it and the founder, itself included.
    pub depth: u8,
    /// The version of its certificate: milliseconds of Unix time when it was let in.
    pub since_ms: u64,
    /// Whether it has left: it is no member any more, and those below it are.
    pub left: bool,
    /// The first of its line that is no steward.
    pub branch: Option<NodeId>,
}

/// A certificate, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Certified<'a> {
    /// Who certifies.
    pub author: NodeId,
    /// Whom.
    pub member: NodeId,
    /// The certificate's version.
    pub version: u64,
    /// The member's name.
    pub name: &'a Name,
    /// What it may do.
    pub role: Role,
}

/// A revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revoked {
    /// Whose certificates it undoes.
    pub member: NodeId,
    /// Who says so.
    pub author: NodeId,
    /// The last version that it undoes.
    pub up_to: u64,
}

/// Everybody who is or was let in and not expelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    known: BTreeMap<NodeId, Member>,
    hosts: BTreeMap<HostId, NodeId>,
}

struct Tree<'a> {
    members: Members,
    by_author: BTreeMap<NodeId, Vec<Certified<'a>>>,
    revoked: BTreeSet<Revoked>,
    branches: BTreeMap<NodeId, usize>,
}

impl Members {
    /// The members by these certificates and revocations.
    pub fn new<'a>(
        founder: NodeId,
        name: &Name,
        certified: impl IntoIterator<Item = Certified<'a>>,
        revoked: impl IntoIterator<Item = Revoked>,
    ) -> Self {
        let mut by_author: BTreeMap<NodeId, Vec<Certified<'a>>> = BTreeMap::new();
        for it in certified {
            by_author.entry(it.author).or_default().push(it);
        }
        for list in by_author.values_mut() {
            // Of two roles the higher one counts, of two certificates of one role the newer.
            list.sort_by_key(|it| (it.member, std::cmp::Reverse((it.role, it.version))));
        }
        let revoked = revoked.into_iter().collect();
        let mut tree = Tree { members: Self::default(), by_author, revoked, branches: BTreeMap::new() };
        tree.let_in(Member {
            id: founder,
            name: name.clone(),
            role: Role::Steward,
            inviter: None,
            depth: 0,
            since_ms: 0,
            left: tree.revoked.iter().any(|it| it.member == founder && it.author == founder),
            branch: None,
        });
        tree.grow(|it| it.role == Role::Steward);
        tree.grow(|it| it.role != Role::Steward);
        tree.members
    }

    /// A member; nothing where it left or never was one.
    pub fn get(&self, id: &NodeId) -> Option<&Member> {
        self.known.get(id).filter(|it| !it.left)
    }

    /// Whether somebody is a member or left as one: what they signed counts.
    pub fn is_known(&self, id: &NodeId) -> bool {
        self.known.contains_key(id)
    }

    /// The member with this address.
    pub fn at(&self, host: HostId) -> Option<&Member> {
        self.get(self.hosts.get(&host)?)
    }

    /// All members, by key.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.known.values().filter(|it| !it.left)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none, not even a founder.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The branch that somebody belongs to: the first of their line who is no steward.
    pub fn branch(&self, id: &NodeId) -> Option<NodeId> {
        self.known.get(id)?.branch
    }

    /// How many stand between somebody and the founder.
    pub fn depth(&self, id: &NodeId) -> Option<u8> {
        Some(self.known.get(id)?.depth)
    }

    /// Whether one may expel another.
    pub fn may_expel(&self, who: &NodeId, whom: &NodeId) -> bool {
        let (Some(one), Some(other)) = (self.get(who), self.get(whom)) else { return false };
        let above = self.line(other.inviter).any(|it| it == *who);
        who != whom && (above || (one.role == Role::Steward && other.role != Role::Steward))
    }

    /// Whom somebody let in, directly.
    pub fn invitees<'a>(&'a self, id: &'a NodeId) -> impl Iterator<Item = &'a Member> + 'a {
        self.iter().filter(move |it| it.inviter.as_ref() == Some(id))
    }

    /// Somebody and who let them in, up to the founder.
    fn line(&self, from: Option<NodeId>) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(from, |id| self.known.get(id)?.inviter)
    }
}

impl Tree<'_> {
    fn let_in(&mut self, member: Member) {
        if let Some(branch) = member.branch {
            *self.branches.entry(branch).or_default() += 1;
        }
        self.members.hosts.insert(HostId::from(&member.id), member.id);
        self.members.known.insert(member.id, member);
    }

    /// Lets in whom those let in who are in, nearest to the founder first, by the certificates that count now.
    fn grow(&mut self, counts: impl Fn(&Certified<'_>) -> bool) {
        let mut next: BTreeSet<(u8, NodeId)> =
            self.members.known.values().map(|it| (it.depth, it.id)).collect();
        while let Some((depth, author)) = next.pop_first() {
            let certified = self.by_author.get(&author).cloned().unwrap_or_default();
            for it in certified.iter().filter(|it| counts(it)) {
                if let Some(member) = self.candidate(it, depth) {
                    next.insert((member.depth, member.id));
                    self.let_in(member);
                }
            }
        }
    }

    /// The member that a certificate makes, if it makes one.
    fn candidate(&self, it: &Certified<'_>, depth: u8) -> Option<Member> {
        let author = self.members.known.get(&it.author)?;
        let may = match it.role {
            Role::Steward => author.role == Role::Steward,
            Role::Member | Role::Guest => author.role != Role::Guest,
        };
        // Nobody has two addresses, and no address two nodes: 64 bits that fall together are as good as an attack.
        if !may || depth >= DEPTH_LIMIT || self.members.hosts.contains_key(&HostId::from(&it.member)) {
            return None;
        }
        let mut left = false;
        let of_member = Revoked { member: it.member, author: NodeId([0; 32]), up_to: 0 };
        for revoked in self.revoked.range(of_member..).take_while(|revoked| revoked.member == it.member) {
            if revoked.up_to < it.version {
                continue;
            }
            if revoked.author == it.member {
                left = true;
            } else if self.may_revoke(&revoked.author, it) {
                return None;
            }
        }
        let branch = match it.role {
            Role::Steward => None,
            _ => Some(author.branch.unwrap_or(it.member)),
        };
        if branch.is_some_and(|it| self.branches.get(&it).is_some_and(|count| *count >= BRANCH_LIMIT)) {
            return None;
        }
        Some(Member {
            id: it.member,
            name: it.name.clone(),
            role: it.role,
            inviter: Some(it.author),
            depth: depth + 1,
            since_ms: it.version,
            left,
            branch,
        })
    }

    /// Whether somebody's word undoes this certificate.
    fn may_revoke(&self, who: &NodeId, certified: &Certified<'_>) -> bool {
        let above = self.members.line(Some(certified.author)).any(|it| it == *who);
        let steward = self.members.known.get(who).is_some_and(|it| it.role == Role::Steward);
        above || (steward && certified.role != Role::Steward)
    }
}

#[cfg(test)]
mod tests;
