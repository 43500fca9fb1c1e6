//! What the heart and the gossip door say to each other.

use std::sync::Arc;

use nuvol_community::identity::NodeId;
use nuvol_community::invitation;
use nuvol_community::join::Answer;
use nuvol_community::object::{Contact, Record, Role};
use nuvol_community::text::Name;

use super::{Joining, Latencies, View};
use crate::node::command::Refusal;

/// What the gossip door is to do. Those with a ticket are answered by [`Told::Done`] or [`Told::Answer`].
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Found a community.
    Found {
        /// By which the answer finds back.
        ticket: u64,
        /// What it is called.
        name: Name,
        /// What this node is called.
        node: Name,
    },
    /// Take up an invitation, as long as it takes.
    Join {
        /// The invitation.
        invitation: Box<invitation::Invitation>,
        /// What this node is called.
        node: Name,
        /// How it is reached: the one who invites lets its mesh know.
        contact: Contact,
    },
    /// No more of that.
    StopJoining,
    /// Certify a member, and answer its request to join with all that it needs.
    Admit {
        /// By which the answer finds back.
        ticket: u64,
        /// The request.
        request: Vec<u8>,
        /// Who joins.
        member: NodeId,
        /// What it is called.
        name: Name,
        /// What it may do.
        role: Role,
        /// How it is reached, signed by it.
        contact: Option<Vec<u8>>,
    },
    /// Answer a request to join.
    Say {
        /// By which the answer finds back.
        ticket: u64,
        /// The request.
        request: Vec<u8>,
        /// The answer.
        answer: Answer,
    },
    /// Expel a member.
    Expel {
        /// By which the answer finds back.
        ticket: u64,
        /// Whom.
        member: NodeId,
        /// Whether those whom it let in stay.
        spare: bool,
    },
    /// Leave the community, and forget it.
    Leave {
        /// By which the answer finds back.
        ticket: u64,
    },
    /// How this node is reached.
    Contact(Contact),
    /// All that this node offers.
    Offer(Vec<Record>),
}

/// What the gossip door tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// The community as it is now; nothing where the node is in none.
    View(Option<Arc<View>>),
    /// How long members take to answer.
    Latencies(Latencies),
    /// How it goes with joining.
    Joining(Joining),
    /// The node is a member now.
    Joined,
    /// What was ordered is done, or why not.
    Done(u64, Result<(), Refusal>),
    /// The answer to a request to join, signed.
    Answer(u64, Vec<u8>),
}
