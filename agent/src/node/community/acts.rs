//! What people ask of the node as a member.

use std::sync::Arc;

use nuvol_community::identity::NodeId;
use nuvol_community::invitation::{self, NoInvitation, Secret};
use nuvol_community::object::{Endpoint, Role};
use nuvol_community::text::Name;

use super::mesh::AGENT_PORT;
use super::{
    Audience, Community, DAYS_LIMIT, Foreign, INVITATIONS_LIMIT, Invitation, Joining, Order, USES_LIMIT, View,
};
use crate::node::asked::Outcome;
use crate::node::command::{Refusal, Reply};
use crate::node::service::Text;
use crate::node::{Action, Document, Effect, Moment, Node, Problem};

/// What is asked of the node as a member of a community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommunityAct {
    /// Found one.
    Found {
        /// What it is called.
        name: Name,
    },
    /// Take up an invitation.
    Join {
        /// As it was pasted.
        invitation: String,
    },
    /// No more of that.
    StopJoining,
    /// Leave it.
    Leave,
    /// Invite a node.
    Invite {
        /// Drawn outside.
        secret: [u8; 16],
        /// What those whom it lets in may do.
        role: Role,
        /// How many it lets in.
        uses: u32,
        /// For how many days.
        days: u32,
        /// Whether somebody has to say yes to each.
        approve: bool,
        /// For whom, in words.
        note: Text,
        /// Where this node can be called, the likeliest first.
        endpoints: Vec<Endpoint>,
    },
    /// An invitation is not good any more: the hexadecimal digits of its name.
    Uninvite(String),
    /// Let a node in that waits, or not.
    Decide {
        /// Its key.
        node: NodeId,
        /// Whether it gets in.
        admit: bool,
    },
    /// Expel a member.
    Expel {
        /// Its key.
        node: NodeId,
        /// Whether those whom it let in stay.
        spare: bool,
    },
    /// Who sees a service.
    Publish {
        /// Its name.
        service: String,
        /// Nobody but who is signed in here, where there is none.
        audience: Option<Audience>,
    },
    /// Where others can call this node from outside its own network.
    SetPublic(Vec<Endpoint>),
    /// The services of other machines that this node offers, all of them.
    SetForeign(Vec<Foreign>),
    /// One more of them.
    OfferForeign(Foreign),
    /// One of them no longer.
    WithdrawForeign {
        /// Its type.
        kind: String,
        /// Where it is.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl Node {
    /// Somebody with the right to asks.
    pub(in crate::node) fn act_in_community(
        &mut self,
        now: Moment,
        ticket: u64,
        act: CommunityAct,
    ) -> Outcome {
        match act {
            CommunityAct::Found { name } => self.found(ticket, name),
            CommunityAct::Join { invitation } => self.join(now, &invitation),
            CommunityAct::StopJoining => self.stop_joining(),
            // Whoever was expelled leaves too: it may join another.
            CommunityAct::Leave if self.belonging.view.is_none() => Err(Refusal::NoCommunity),
            CommunityAct::Leave => Ok((Reply::Later, vec![Action::Gossip(Order::Leave { ticket })])),
            CommunityAct::Invite { .. } => self.invite_node(now, act),
            CommunityAct::Uninvite(id) => self.change_community(|it| {
                let before = it.invitations.len();
                it.invitations.retain(|it| hex(&it.id.0) != id);
                if it.invitations.len() == before { Err(Refusal::NoSuch) } else { Ok(Reply::Done) }
            }),
            CommunityAct::Decide { node, admit } => self.decide(node, admit),
            CommunityAct::Expel { node, spare } => {
                let member = self.view()?.member(&node).cloned().ok_or(Refusal::NoSuch)?;
                if !member.may_expel {
                    return Err(Refusal::NotAllowed);
                }
                Ok((Reply::Later, vec![Action::Gossip(Order::Expel { ticket, member: node, spare })]))
            }
            CommunityAct::Publish { service, audience } => self.publish(&service, audience),
            CommunityAct::SetForeign(foreign) => {
                self.view()?;
                self.change_community(|it| {
                    it.foreign = foreign;
                    Ok(Reply::Done)
                })
            }
            CommunityAct::OfferForeign(foreign) => {
                self.view()?;
                self.change_community(|it| it.offer(foreign))
            }
            CommunityAct::WithdrawForeign { kind, host, port } => {
                self.view()?;
                self.change_community(|it| it.withdraw(&kind, &host, port))
            }
            CommunityAct::SetPublic(public) => {
                let (reply, mut actions) = self.change_community(|it| {
                    it.public = public;
                    Ok(Reply::Done)
                })?;
                actions.extend(self.tell_contact());
                Ok((reply, actions))
            }
        }
    }

    /// The community, where the node is in one and may act in it.
    pub(in crate::node) fn view(&self) -> Result<Arc<View>, Refusal> {
        self.belonging.view.clone().filter(|it| it.role.is_some()).ok_or(Refusal::NoCommunity)
    }

    fn found(&mut self, ticket: u64, name: Name) -> Outcome {
        if self.belonging.own.member || self.belonging.own.joining.is_some() {
            return Err(Refusal::Already);
        }
        let node = self.own_name();
        let (_, mut actions) = self.change_community(|it| {
            (it.member, it.wants_mesh) = (true, true);
            Ok(Reply::Later)
        })?;
        actions.push(Action::Gossip(Order::Found { ticket, name, node }));
        Ok((Reply::Later, actions))
    }

    fn join(&mut self, now: Moment, text: &str) -> Outcome {
        if self.belonging.own.member {
            return Err(Refusal::Already);
        }
        let invitation = invitation::Invitation::parse(text).map_err(Refusal::Invitation)?;
        if invitation.expires_s < now.unix_s {
            return Err(Refusal::Expired);
        }
        let text = invitation.to_text();
        let (reply, mut actions) = self.change_community(|it| {
            it.joining = Some(text);
            Ok(Reply::Done)
        })?;
        self.belonging.joining = Some(Joining::Calling);
        actions.extend(self.call_inviter());
        Ok((reply, actions))
    }

    /// Takes up the invitation that was set before boot, once the node has an owner.
    pub(in crate::node) fn take_up(&mut self, now: Moment) -> Vec<Action> {
        let own = &self.belonging.own;
        if !self.is_claimed() || own.member || own.joining.is_some() {
            return Vec::new();
        }
        let Some(text) = self.invitation.take() else { return Vec::new() };
        let id = invitation::Invitation::parse(&text).ok().map(|it| it.secret().id());
        if id.is_some() && id == own.taken {
            return Vec::new();
        }
        match self.join(now, &text) {
            Ok((_, mut actions)) => {
                // Written together with the joining: the later of two documents counts.
                let taken = self.change_community(|it| {
                    it.taken = id;
                    Ok(Reply::Done)
                });
                actions.extend(taken.into_iter().flat_map(|(_, actions)| actions));
                actions
            }
            Err(refusal) => {
                let cause = format!("`invite` of nuvol.toml: {refusal:?}");
                self.take_problem(Problem { effect: Effect::InvitationUnfit, cause })
            }
        }
    }

    /// Has the one who invited called, once this node has an end of the mesh to tell of.
    pub(super) fn call_inviter(&mut self) -> Vec<Action> {
        let text = self.belonging.own.joining.as_deref();
        let Some(Ok(invitation)) = text.map(invitation::Invitation::parse) else { return Vec::new() };
        let Some(contact) = self.contact() else { return self.ask_mesh_key() };
        let node = self.own_name();
        vec![Action::Gossip(Order::Join { invitation: Box::new(invitation), node, contact })]
    }

    /// The agent starts: what was begun goes on.
    pub(in crate::node) fn go_on_joining(&mut self) -> Vec<Action> {
        if self.belonging.own.joining.is_none() {
            return Vec::new();
        }
        self.belonging.joining = Some(Joining::Calling);
        self.call_inviter()
    }

    fn stop_joining(&mut self) -> Outcome {
        let (reply, mut actions) =
            self.change_community(|it| it.joining.take().map(|_| Reply::Done).ok_or(Refusal::NoSuch))?;
        self.belonging.joining = None;
        actions.push(Action::Gossip(Order::StopJoining));
        Ok((reply, actions))
    }

    fn invite_node(&mut self, now: Moment, act: CommunityAct) -> Outcome {
        let CommunityAct::Invite { secret, role, uses, days, approve, note, mut endpoints } = act else {
            return Err(Refusal::NoSuch);
        };
        let view = self.view()?;
        let may = match view.role {
            Some(Role::Steward) => true,
            Some(Role::Member) => role != Role::Steward,
            Some(Role::Guest) | None => false,
        };
        if !may {
            return Err(Refusal::NotAllowed);
        }
        let secret = Secret(secret);
        let until_s = now.unix_s + u64::from(days.clamp(1, DAYS_LIMIT)) * 24 * 3600;
        let kept = Invitation {
            id: secret.id(),
            verifier: secret.verifier(),
            role,
            uses: uses.clamp(1, USES_LIMIT),
            used: Vec::new(),
            approve,
            note,
            since_s: now.unix_s,
            until_s,
        };
        let (_, actions) = self.change_community(|it| {
            it.invitations.retain(|it| it.is_open(now.unix_s) || !it.used.is_empty());
            if it.invitations.iter().filter(|it| it.is_open(now.unix_s)).count() >= INVITATIONS_LIMIT {
                return Err(Refusal::Full);
            }
            // Those that are used up are kept as long as there is room: a node asks again where an answer was lost.
            if it.invitations.len() >= 2 * INVITATIONS_LIMIT {
                it.invitations.remove(0);
            }
            it.invitations.push(kept);
            Ok(Reply::Done)
        })?;
        // Where a router passes calls on, from everywhere; the others work near.
        endpoints.extend(self.own_places());
        let public =
            self.belonging.own.public.iter().filter_map(|it| Endpoint::new(it.host.as_str(), AGENT_PORT));
        endpoints.extend(public);
        // The home network finds it by its name still when its address has become another one.
        endpoints.extend(Endpoint::new(&format!("{}.local", self.name.to_lowercase()), AGENT_PORT));
        let mut seen = std::collections::BTreeSet::new();
        endpoints.retain(|it| seen.insert(it.clone()));
        let invitation =
            invitation::Invitation::new(view.id, view.me, secret, until_s, view.name.clone(), endpoints);
        Ok((Reply::Invitation(invitation.to_text()), actions))
    }

    /// Somebody said yes or no; the node that waits hears it when it asks again.
    fn decide(&mut self, node: NodeId, admit: bool) -> Outcome {
        let view = self.view()?;
        self.change_community(|it| {
            let at =
                it.waiting.iter().position(|it| it.node == node.0 && !it.declined).ok_or(Refusal::NoSuch)?;
            if !admit {
                it.waiting[at].declined = true;
                return Ok(Reply::Done);
            }
            let invitation = it.waiting[at].invitation;
            let invitation =
                it.invitations.iter_mut().find(|it| it.id == invitation).ok_or(Refusal::NoSuch)?;
            if view.role == Some(Role::Guest) {
                return Err(Refusal::NotAllowed);
            }
            // From here on it is one of those whom the invitation let in.
            invitation.used.push(node.0);
            invitation.uses = invitation.uses.saturating_sub(1);
            it.waiting.remove(at);
            Ok(Reply::Done)
        })
    }

    /// Changes what the node remembers; where that cannot be written down, it was not so.
    pub(in crate::node) fn change_community(
        &mut self,
        change: impl FnOnce(&mut Community) -> Result<Reply, Refusal>,
    ) -> Outcome {
        let mut community = (*self.belonging.own).clone();
        let reply = change(&mut community)?;
        let mut actions = Vec::new();
        if community != *self.belonging.own {
            self.belonging.own = Arc::new(community.clone());
            actions.push(Action::Save(Document::Community(Box::new(community))));
        }
        Ok((reply, actions))
    }

    /// What the node is called, as others see it.
    pub(in crate::node) fn own_name(&self) -> Name {
        let nameless = || Name::nearest("nuvol").unwrap_or_default();
        Name::nearest(&self.name).unwrap_or_else(nameless)
    }
}

impl From<NoInvitation> for Refusal {
    fn from(no: NoInvitation) -> Self {
        Self::Invitation(no)
    }
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
