//! A node knocks: it has an invitation of this one and wants to be let in.

use nuvol_community::invitation::SecretId;
use nuvol_community::join::{Answer, Request, Why};
use nuvol_community::text::Name;

use super::{Order, WAITING_LIMIT, Waiting};
use crate::node::asked::Outcome;
use crate::node::command::{Refusal, Reply};
use crate::node::{Action, Level, Moment, Node};

impl Node {
    /// Reads the request, and decides. Whoever has no invitation learns nothing, not even what community this is.
    pub(in crate::node) fn knocked(
        &mut self,
        now: Moment,
        ticket: u64,
        from: &str,
        bytes: Vec<u8>,
    ) -> Outcome {
        let view = self.view().map_err(|_| Refusal::NoSuch)?;
        if let Some(pause) = self.guesses.pause(from, now.uptime) {
            return Err(Refusal::Wait { seconds: pause.as_secs().max(1) });
        }
        let own = self.belonging.own.clone();
        let verifier = |id: SecretId| own.invitations.iter().find(|it| it.id == id).map(|it| it.verifier);
        let Ok(request) = Request::read(&bytes, &view.id, &view.me, verifier) else {
            self.guesses.wrong(from, now.uptime);
            return Err(Refusal::NoSuch);
        };
        match self.judge(now, &request) {
            Ok(Verdict::Admit(name)) => self.let_in(ticket, bytes, &request, name),
            Ok(Verdict::Wait(waiting)) => {
                let (_, mut actions) = self.change_community(|it| {
                    if let Some(waiting) = waiting {
                        it.waiting.push(waiting);
                    }
                    Ok(Reply::Later)
                })?;
                actions.push(Action::Gossip(Order::Say { ticket, request: bytes, answer: Answer::Wait }));
                Ok((Reply::Later, actions))
            }
            Err(why) => {
                let say = Order::Say { ticket, request: bytes, answer: Answer::No(why) };
                Ok((Reply::Later, vec![Action::Gossip(say)]))
            }
        }
    }

    /// What becomes of a request that proves its invitation.
    fn judge(&self, now: Moment, request: &Request) -> Result<Verdict, Why> {
        let own = &self.belonging.own;
        let node = request.joiner().0;
        let invitation =
            own.invitations.iter().find(|it| it.id == request.invitation()).ok_or(Why::Unknown)?;
        if invitation.used.contains(&node) {
            // Again: the answer was lost on the way, or somebody has said yes meanwhile.
            return Ok(Verdict::Admit(request.name.clone()));
        }
        if let Some(waiting) = own.waiting.iter().find(|it| it.node == node) {
            return if waiting.declined { Err(Why::Declined) } else { Ok(Verdict::Wait(None)) };
        }
        if now.unix_s > invitation.until_s {
            return Err(Why::Expired);
        }
        if invitation.uses == 0 {
            return Err(Why::Used);
        }
        if !invitation.approve {
            return Ok(Verdict::Admit(request.name.clone()));
        }
        if own.waiting.len() >= WAITING_LIMIT {
            return Err(Why::Used);
        }
        Ok(Verdict::Wait(Some(Waiting {
            node,
            name: request.name.to_string(),
            invitation: invitation.id,
            since_s: now.unix_s,
            declined: false,
        })))
    }

    /// The invitation is used before anybody hears that it was.
    fn let_in(&mut self, ticket: u64, bytes: Vec<u8>, request: &Request, name: Name) -> Outcome {
        let node = request.joiner();
        let mut role = None;
        let (_, mut actions) = self.change_community(|it| {
            let invitation =
                it.invitations.iter_mut().find(|it| it.id == request.invitation()).ok_or(Refusal::NoSuch)?;
            role = Some(invitation.role);
            if !invitation.used.contains(&node.0) {
                invitation.used.push(node.0);
                invitation.uses = invitation.uses.saturating_sub(1);
            }
            Ok(Reply::Later)
        })?;
        let role = role.ok_or(Refusal::NoSuch)?;
        actions
            .push(Action::Log(Level::Info, format!("`{name}` ({node}) joins by an invitation of this node")));
        actions.push(Action::Gossip(Order::Admit {
            ticket,
            request: bytes,
            member: node,
            name,
            role,
            contact: request.contact.as_ref().map(|it| it.to_vec()),
        }));
        Ok((Reply::Later, actions))
    }
}

enum Verdict {
    Admit(Name),
    /// Somebody new waits, or somebody still does.
    Wait(Option<Waiting>),
}
