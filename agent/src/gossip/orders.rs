//! What the heart orders: founding, joining, letting in, expelling, leaving, offering.

use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::board::{Board, LIFETIME_S, Offered, Refusal, WITHDRAWN_S};
use nuvol_community::gossip::Output;
use nuvol_community::identity::NodeId;
use nuvol_community::invitation::Invitation;
use nuvol_community::join::{Answer, Request, Why};
use nuvol_community::object::{Certificate, Contact, Content, Object, Record, Revocation, Role, Slot, slot};
use nuvol_community::text::Name;

use super::desk::Desk;
use super::{join, shelf};
use crate::journal;
use crate::node::Level;
use crate::node::command::Refusal as NotDone;
use crate::node::community::{Joining, Order, Told};
use crate::node::operation::Trouble;

/// Whoever leaves stays so long, that the others hear of it.
const FAREWELL: Duration = Duration::from_millis(1500);
/// So far a clock may have been ahead without anybody minding.
const CLOCK_SLACK_S: u64 = 24 * 3600;

/// What comes from the system is of the disk: nothing else is asked of it here.
fn not_done(error: &anyhow::Error) -> NotDone {
    let detail = format!("{error:#}");
    match error.chain().any(|it| it.is::<std::io::Error>()) {
        true => NotDone::NotSaved(detail),
        false => NotDone::Trouble(Trouble::Other { detail: detail.into() }),
    }
}

impl Desk {
    /// Does what is ordered.
    pub(super) async fn follow(&mut self, order: Order) {
        match order {
            Order::Found { ticket, name, node } => {
                let founded = self.found(name, node);
                self.done(ticket, founded).await;
            }
            Order::Join { invitation, node, contact } => self.join(*invitation, node, contact),
            Order::StopJoining => self.joining.abort_all(),
            Order::Admit { ticket, request, member, name, role, contact } => {
                let answer = self.admit(member, name, role, contact.as_deref());
                self.answer(ticket, &request, answer).await;
            }
            Order::Say { ticket, request, answer } => self.answer(ticket, &request, Ok(answer)).await,
            Order::Expel { ticket, member, spare } => {
                let expelled = self.expel(member, spare);
                self.done(ticket, expelled).await;
            }
            Order::Leave { ticket } => {
                let left = self.leave().await;
                self.done(ticket, left).await;
            }
            Order::Contact(contact) => {
                self.contact = Some(contact);
                self.renew();
            }
            Order::Offer(records) => {
                self.offered = Some(records);
                self.renew();
            }
        }
    }

    async fn done(&mut self, ticket: u64, result: anyhow::Result<()>) {
        // Whoever hears that it is done sees what came of it.
        self.tell().await;
        self.send(Told::Done(ticket, result.map_err(|error| not_done(&error)))).await;
    }

    async fn answer(&mut self, ticket: u64, request: &[u8], answer: anyhow::Result<Answer>) {
        let Some(club) = &self.club else {
            return self.done(ticket, Err(anyhow::anyhow!("this node is in no community"))).await;
        };
        match answer {
            Ok(answer) => {
                let bytes = answer.sign(&self.options.key, &club.board.community(), request);
                self.send(Told::Answer(ticket, bytes)).await;
            }
            Err(error) => self.done(ticket, Err(error)).await,
        }
    }

    fn found(&mut self, name: Name, node: Name) -> anyhow::Result<()> {
        if let Some(club) = &self.club
            && club.board.members().get(&self.me).is_some()
        {
            anyhow::bail!("this node is in a community already");
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        let board = Board::found(&self.options.key, name, node, salt)?;
        shelf::write(&self.options.state, &board)?;
        self.enter(board);
        Ok(())
    }

    fn join(&mut self, invitation: Invitation, node: Name, contact: Contact) {
        self.joining.abort_all();
        let mut nonce = [0; 16];
        if let Err(error) = getrandom::fill(&mut nonce) {
            return journal::write(Level::Error, &format!("joining: {error}"));
        }
        let (community, expires_s) = (invitation.community(), self.unix_s() + LIFETIME_S);
        let content = Content::Contact(contact);
        let contact = Object::sign(&self.options.key, &community, self.unix_ms(), expires_s, content);
        let contact = contact.as_ref().ok().map(|it| &*it.bytes);
        let request = Request::sign(&invitation, &self.options.key, node, nonce, contact);
        self.joining.spawn(join::join(invitation, request, self.inbox.clone()));
    }

    /// The board that came with the welcome: nothing on it counts that is not signed.
    pub(super) async fn welcome(&mut self, invitation: &Invitation, bytes: &[u8]) {
        let mut board = Board::new(invitation.community());
        let taken = board.take(self.unix_s(), bytes);
        if taken.is_err() || board.charter().is_none() || board.members().get(&self.me).is_none() {
            journal::write(Level::Warning, "joining: the answer lets this node in and proves nothing");
            return self.send(Told::Joining(Joining::Unreachable)).await;
        }
        if let Err(error) = shelf::write(&self.options.state, &board) {
            journal::write(Level::Error, &format!("joining: {error:#}"));
            return self.send(Told::Joining(Joining::Unreachable)).await;
        }
        self.enter(board);
        self.send(Told::Joined).await;
        self.tell().await;
    }

    /// Certifies a member. One that is there already is welcome again.
    fn admit(
        &mut self,
        member: NodeId,
        name: Name,
        role: Role,
        contact: Option<&[u8]>,
    ) -> anyhow::Result<Answer> {
        // Whoever comes in calls this node over the mesh, and must know its end of it first.
        let me = self.me;
        if self.club.as_ref().is_some_and(|it| it.board.contact(&me).is_none()) {
            return Ok(Answer::Wait);
        }
        let certificate = Content::Certificate(Certificate::new(member, name, role));
        if self.club.as_ref().is_some_and(|it| it.board.members().get(&member).is_none()) {
            self.state(vec![(None, u64::MAX, certificate)])?;
        }
        if let Some(contact) = contact {
            self.take_contact(contact);
        }
        let board = self.club.as_ref().map(|it| &it.board);
        let board = board.filter(|it| it.members().get(&member).is_some());
        let guest = self
            .club
            .as_ref()
            .and_then(|it| it.board.members().get(&me))
            .is_some_and(|it| it.role == Role::Guest);
        Ok(match board {
            Some(board) => Answer::Welcome(board.to_bytes().into()),
            None if guest => Answer::No(Why::Powerless),
            // For good: no certificate brings it back.
            None => Answer::No(Why::Expelled),
        })
    }

    /// How somebody is reached who is just coming in: the mesh must know it first, and so must the others.
    fn take_contact(&mut self, bytes: &[u8]) {
        let (now, unix_s) = (self.now(), self.unix_s());
        let Some(club) = &mut self.club else { return };
        let before = club.board.members().clone();
        if let Ok(Offered::New(label)) = club.board.offer(unix_s, bytes) {
            let outputs = club.gossip.publish(now, &club.board, [label.slot]);
            // It may be anything that a member may sign.
            self.after(&before, outputs);
            // Others can tell it again, so that it may be lost here.
            self.save().ok();
        }
    }

    fn expel(&mut self, member: NodeId, spare: bool) -> anyhow::Result<()> {
        let Some(club) = &self.club else { anyhow::bail!("this node is in no community") };
        let members = club.board.members().clone();
        let mut contents = Vec::new();
        if spare {
            let stay = members.invitees(&member);
            contents.extend(stay.map(|it| {
                let certificate = Certificate::new(it.id, it.name.clone(), it.role);
                (None, u64::MAX, Content::Certificate(certificate))
            }));
        }
        // Whom the expelled had expelled stays out: its word counts no more, so this node's does.
        for object in club.board.objects().filter(|it| it.author == member) {
            if let Content::Revocation(revocation) = &object.content
                && *revocation.member != member.0
            {
                contents.push((Some(object.version), u64::MAX, Content::Revocation(revocation.clone())));
            }
        }
        contents.push((Some(u64::MAX), u64::MAX, Content::Revocation(Revocation::new(member))));
        let objects = self.state(contents)?;
        // It talks with nobody any more, so nobody else will tell it.
        if let Some(object) = objects.last() {
            let bytes = nuvol_community::gossip::rumour(&[&object.bytes]);
            self.carry_out(vec![Output::Send { to: HostId::from(&member), bytes }]);
        }
        Ok(())
    }

    async fn leave(&mut self) -> anyhow::Result<()> {
        let me = self.me;
        if self.club.as_ref().is_some_and(|it| it.board.members().get(&me).is_some()) {
            let now_ms = self.unix_ms();
            let since = self.club.as_ref().and_then(|it| Some(it.board.members().get(&me)?.since_ms));
            let version = now_ms.max(since.unwrap_or_default());
            self.state(vec![(Some(version), u64::MAX, Content::Revocation(Revocation::new(me)))])?;
            tokio::time::sleep(FAREWELL).await;
        }
        shelf::remove(&self.options.state)?;
        (self.club, self.offered, self.contact) = (None, None, None);
        Ok(())
    }

    /// Signs, writes down, and tells the others, in this order. Nothing is said where it cannot be written down.
    fn state(&mut self, contents: Vec<(Option<u64>, u64, Content)>) -> anyhow::Result<Vec<Object>> {
        let (now, now_ms) = (self.now(), self.unix_ms());
        let Some(club) = &mut self.club else { anyhow::bail!("this node is in no community") };
        let before = club.board.clone();
        let hosts = before.members().clone();
        let mut objects = Vec::new();
        for (version, expires_s, content) in contents {
            match club.board.state(&self.options.key, now_ms, version, expires_s, content) {
                Ok(object) => objects.push(object),
                // As a steward's certificate by one who is none.
                Err(Refusal::TooMany | Refusal::Stranger) => {}
                Err(error) => {
                    club.board = before;
                    return Err(error.into());
                }
            }
        }
        if let Err(error) = self.save() {
            if let Some(club) = &mut self.club {
                club.board = before;
            }
            return Err(error);
        }
        if let Some(club) = &mut self.club {
            let slots: Vec<Slot> = objects.iter().map(|it| it.label.slot).collect();
            let outputs = club.gossip.publish(now, &club.board, slots);
            self.carry_out(outputs);
        }
        if self.club.as_ref().is_some_and(|it| *it.board.members() != hosts) {
            self.see_members();
        }
        Ok(objects)
    }

    /// Says again what is about to run out, and what has changed; takes back what is not offered any more.
    pub(super) fn renew(&mut self) {
        let unix_s = self.unix_s();
        let me = self.me;
        let Some(club) = &self.club else { return };
        if club.board.members().get(&me).is_none() {
            return;
        }
        // What was signed by a clock that was ahead lasts longer than others believe, and never came to them.
        let good = unix_s + LIFETIME_S / 2 + 1..=unix_s + LIFETIME_S + CLOCK_SLACK_S;
        let fresh = |slot: Slot, content: &Content| {
            let known = club.board.get(slot);
            known.is_some_and(|it| it.content == *content && good.contains(&it.expires_s))
        };
        let mut contents = Vec::new();
        if let Some(contact) = &self.contact {
            let content = Content::Contact(contact.clone());
            if !fresh(slot(content.kind(), &me, &[0; 16]), &content) {
                contents.push((None, unix_s + LIFETIME_S, content));
            }
        }
        for record in self.offered.iter().flatten() {
            let content = Content::Record(record.clone());
            if !fresh(slot(content.kind(), &me, &record.id), &content) {
                contents.push((None, unix_s + LIFETIME_S, content));
            }
        }
        if let Some(offered) = &self.offered {
            let is_offered = |id: &[u8; 16]| offered.iter().any(|it: &Record| *it.id == *id);
            for object in club.board.objects().filter(|it| it.author == me) {
                if let Content::Record(record) = &object.content
                    && !is_offered(&record.id)
                {
                    contents.push((None, unix_s + WITHDRAWN_S, Content::Withdrawn(*record.id)));
                }
            }
        }
        if !contents.is_empty()
            && let Err(error) = self.state(contents)
        {
            journal::write(Level::Warning, &format!("what this node offers could not be told: {error:#}"));
            self.renew_again();
        }
    }
}
