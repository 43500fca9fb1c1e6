//! The heart with the ways out of it: events go in, its actions are carried out here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot, watch};

use crate::http::ask::Question;
use crate::node::claim::Code;
use crate::node::command::{Asked, Refusal, Reply};
use crate::node::community::{Announcement, Order};
use crate::node::people::names::PasswordHash;
use crate::node::snapshot::Snapshot;
use crate::node::{Action, Document, Effect, Event, Level, Moment, Node, Problem, Restored};
use crate::state::document::{self, Found};
use crate::{helper, journal, machine, state};

/// The node with the ways out of it.
pub(crate) struct Wiring {
    node: Node,
    /// How the node is, for pages.
    pub snapshot: watch::Sender<Arc<Snapshot>>,
    /// The units whose state is told.
    pub watched: watch::Sender<BTreeSet<String>>,
    places: Places,
    waiting: BTreeMap<u64, oneshot::Sender<Result<Reply, Refusal>>>,
    tickets: u64,
    events: mpsc::Sender<Event>,
    orders: mpsc::Sender<Order>,
    /// What the home network hears of.
    pub announced: watch::Sender<BTreeSet<Announcement>>,
}

/// Where things lie.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// What survives a reboot.
    pub state: PathBuf,
    /// What does not.
    pub runtime: PathBuf,
    /// The helper's socket.
    pub helper: PathBuf,
    /// The hash of a claim code that was set before boot.
    pub preset: PathBuf,
    /// An invitation that was set before boot.
    pub invitation: PathBuf,
}

fn now() -> Moment {
    Moment { uptime: machine::uptime(), unix_s: machine::unix_s() }
}

impl Wiring {
    /// A node of this name; what the helper and others tell comes back as `events`.
    pub fn new(name: &str, places: Places, events: mpsc::Sender<Event>, orders: mpsc::Sender<Order>) -> Self {
        let node = Node::new(name);
        let snapshot = watch::Sender::new(Arc::new(node.snapshot()));
        let watched = watch::Sender::new(BTreeSet::new());
        Self {
            node,
            snapshot,
            watched,
            places,
            waiting: BTreeMap::new(),
            tickets: 0,
            events,
            orders,
            announced: watch::Sender::new(BTreeSet::new()),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, event: Event) {
        let actions = self.node.handle(now(), event);
        self.carry_out(actions, None);
    }

    /// Takes in what somebody asks.
    pub fn ask(&mut self, question: Question) {
        let Question { actor, from, command, answer } = question;
        let ticket = self.tickets;
        self.tickets += 1;
        self.waiting.insert(ticket, answer);
        // Those who have gone away wait for nothing.
        self.waiting.retain(|_, answer| !answer.is_closed());
        let before = self.node.clone();
        let actions = self.node.handle(now(), Event::Asked(Asked { ticket, actor, from, command }));
        self.carry_out(actions, Some((ticket, before)));
    }

    /// Does what the heart wants. Where somebody's wish cannot be written down, it did not happen: the node goes back
    /// to what it was `before`, and they are told.
    fn carry_out(&mut self, actions: Vec<Action>, asked: Option<(u64, Node)>) {
        for action in actions {
            match action {
                Action::Watch(units) => {
                    self.watched.send_replace(units);
                }
                Action::Publish(snapshot) => {
                    // Drawing a claim code may have published a newer one in between.
                    if snapshot.number > self.snapshot.borrow().number {
                        self.snapshot.send_replace(Arc::new(*snapshot));
                    }
                }
                Action::Log(level, line) => journal::write(level, &line),
                Action::Answer(ticket, answer) => self.answer(ticket, answer),
                Action::DrawClaimCode => self.draw_claim_code(),
                Action::ForgetClaimCode => {
                    if let Err(error) = state::forget_claim_code(&self.places.runtime) {
                        journal::write(Level::Warning, &format!("{error:#}"));
                    }
                }
                Action::Help(ticket, job) => {
                    let (socket, events) = (self.places.helper.clone(), self.events.clone());
                    tokio::spawn(helper::door::help(socket, ticket, job, events));
                }
                Action::Gossip(order) => self.order(order),
                Action::Announce(announcements) => {
                    self.announced.send_replace(announcements);
                }
                Action::Save(document) => {
                    let Err(error) = self.save(&document) else { continue };
                    let why = format!("{error:#}");
                    journal::write(Level::Error, &why);
                    if let Some((ticket, before)) = asked {
                        self.node = before;
                        return self.answer(ticket, Err(Refusal::NotSaved(why)));
                    }
                }
            }
        }
    }

    /// The gossip door is never far behind: what it cannot take at once is lost with a word in the journal.
    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            journal::write(
                Level::Error,
                "the gossip door does not keep up, or could not begin without a key",
            );
        }
    }

    fn answer(&mut self, ticket: u64, answer: Result<Reply, Refusal>) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            // Whoever asked may have gone away.
            waiting.send(answer).ok();
        }
    }

    fn save(&self, document: &Document) -> anyhow::Result<()> {
        let dir = &self.places.state;
        match document {
            Document::People(people) => document::write(dir, "people", people),
            Document::Operations(operations) => document::write(dir, "operations", operations),
            Document::Preferences(preferences) => document::write(dir, "preferences", preferences),
            Document::Community(community) => document::write(dir, "community", community),
        }
    }

    /// Something that only the owner can mend.
    pub fn trouble(&mut self, effect: Effect, error: &anyhow::Error) {
        self.handle(Event::Problem(Problem { effect, cause: format!("{error:#}") }));
    }

    /// What was saved before; what was damaged is told.
    pub fn restore(&mut self) {
        let people = self.read("people", Effect::PeopleLost);
        let operations = self.read("operations", Effect::OperationsLost);
        let preferences = self.read("preferences", Effect::PreferencesLost);
        let community = self.read("community", Effect::CommunityLost);
        let restored = Restored {
            people,
            operations: operations.unwrap_or_default(),
            preferences: preferences.unwrap_or_default(),
            community: community.unwrap_or_default(),
        };
        self.handle(Event::Restored(Box::new(restored)));
        match state::preset_invitation(&self.places.invitation) {
            Ok(None) => {}
            Ok(Some(text)) => self.handle(Event::Invitation(text)),
            Err(error) => self.trouble(Effect::InvitationUnfit, &error),
        }
    }

    /// A document; the empty one where there is none yet, and nothing where it cannot be read.
    fn read<T: DeserializeOwned + Default>(&mut self, name: &str, effect: Effect) -> Option<T> {
        let why = match document::read(&self.places.state, name) {
            Ok(Found::Whole(content)) => return Some(content),
            Ok(Found::None) => return Some(T::default()),
            Ok(Found::Damaged { why }) => anyhow::anyhow!("`{name}.json`: {why}"),
            Err(error) => error,
        };
        self.trouble(effect, &why);
        None
    }

    /// The code of this boot; where one was set before boot, that one counts. A new one where the one of this boot was
    /// guessed at too often.
    fn draw_claim_code(&mut self) {
        let guessed_at = self.snapshot.borrow().ownership != crate::node::snapshot::Ownership::Asking;
        let code = match state::preset_claim_code(&self.places.preset) {
            Ok(Some(hash)) => Ok(Code::Preset(PasswordHash(hash))),
            Ok(None) => self.shown_code(guessed_at).map(Code::Shown),
            Err(error) => {
                // It stays claimable, by the code on the screen.
                journal::write(Level::Error, &format!("{error:#}"));
                self.shown_code(guessed_at).map(Code::Shown)
            }
        };
        match code {
            Ok(code) => self.handle(Event::ClaimCode(code)),
            Err(error) => self.trouble(Effect::NoClaim, &error),
        }
    }

    fn shown_code(&self, anew: bool) -> anyhow::Result<String> {
        match state::claim_code(&self.places.runtime)? {
            Some(code) if !anew => Ok(code),
            _ => state::new_claim_code(&self.places.runtime),
        }
    }
}
