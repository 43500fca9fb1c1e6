//! A node in virtual time, with the doors played by the test.

use std::collections::{BTreeMap, BTreeSet};

use super::at;
use crate::node::claim::Code;
use crate::node::command::{Asked, Command, Guess, NewSession, Proof, Refusal, Reply};
use crate::node::operation::{Operation, OperationId, Operations};
use crate::node::pending::Preferences;
use crate::node::people::access::{Purpose, Scope, Secret};
use crate::node::people::names::{PasswordHash, PersonName};
use crate::node::people::{People, PersonId, Role};
use crate::node::rights::Actor;
use crate::node::service::Text;
use crate::node::{Action, Catalogue, Document, Event, Job, Node, Restored, Ticket};

/// The node, what it has written down, and what it asked of the helper.
pub(super) struct World {
    pub node: Node,
    pub uptime_s: u64,
    pub saved: Vec<Document>,
    pub jobs: Vec<(Ticket, Job)>,
    /// Actions of the last event, but for the snapshot.
    pub last: Vec<Action>,
    drawn: u32,
    secrets: u32,
    answers: BTreeMap<u64, Result<Reply, Refusal>>,
    asked: u64,
}

pub(super) const OWNER: PersonId = PersonId(0);

pub(super) fn name(text: &str) -> PersonName {
    PersonName::new(text).unwrap()
}

pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash(text.to_owned())
}

pub(super) fn secret(text: &str) -> Secret {
    Secret(text.to_owned())
}

pub(super) fn text(text: &str) -> Text {
    Text::from(text.to_owned())
}

pub(super) fn new_session(id: &str) -> NewSession {
    let from = "192.0.2.1".to_owned();
    NewSession { id: id.to_owned(), secret: secret(&format!("secret of {id}")), from, browser: text("Lynx") }
}

impl World {
    /// A node that starts with this on its disk.
    pub fn with(restored: Restored) -> Self {
        let mut world = Self {
            node: Node::new("nuvol"),
            uptime_s: 100,
            saved: Vec::new(),
            jobs: Vec::new(),
            last: Vec::new(),
            drawn: 0,
            secrets: 0,
            answers: BTreeMap::new(),
            asked: 0,
        };
        let service = |(name, role): (&str, &str)| {
            let service = serde_json::json!({
                "name": name, "title": name, "summary": "", "role": role, "start": "always",
                "units": [format!("{name}.service")],
            });
            (name.to_owned(), serde_json::from_value(service).unwrap())
        };
        let services = [("syncthing", "storage"), ("tinc", "storage"), ("vpn", "mesh")].map(service).into();
        world.tell(Event::Catalogue(Catalogue { services, ..Catalogue::default() }));
        world.tell(Event::Restored(Box::new(restored)));
        world
    }

    /// A node that nobody has claimed.
    pub fn free() -> Self {
        Self::with(Restored { people: Some(People::default()), ..Restored::default() })
    }

    /// A node of Ana's, who is signed in.
    pub fn claimed() -> Self {
        let mut world = Self::free();
        world.claim("Ana").unwrap();
        world.sign_in(OWNER, "ana").unwrap();
        world
    }

    /// Something happens. What the heart asks of the doors is done at once.
    pub fn tell(&mut self, event: Event) {
        let actions = self.node.handle(at(self.uptime_s), event);
        self.last = actions.into_iter().filter(|it| !matches!(it, Action::Publish(_))).collect();
        for action in self.last.clone() {
            match action {
                Action::DrawClaimCode => {
                    self.drawn += 1;
                    let code = Code::Shown(format!("CODE-{}", self.drawn));
                    self.node.handle(at(self.uptime_s), Event::ClaimCode(code));
                }
                Action::Save(document) => self.saved.push(document),
                Action::Help(ticket, job) => self.jobs.push((ticket, job)),
                Action::Answer(ticket, answer) => {
                    assert!(self.answers.insert(ticket, answer).is_none(), "answered twice");
                }
                _ => {}
            }
        }
    }

    /// Somebody at this address asks.
    pub fn ask_from(&mut self, from: &str, actor: &Actor, command: Command) -> Result<Reply, Refusal> {
        self.asked += 1;
        let ticket = self.asked;
        let asked = Asked { ticket, actor: actor.clone(), from: from.to_owned(), command };
        let before = self.node.clone();
        self.tell(Event::Asked(asked));
        let answer = self.answers.remove(&ticket).unwrap_or(Ok(Reply::Later));
        // The wiring relies on it: what was refused has changed nothing but the counts of guesses.
        if answer.is_err() {
            assert_eq!(self.node.snapshot(), before.snapshot());
            assert!(!self.last.iter().any(|it| matches!(it, Action::Save(_) | Action::Help(..))));
        }
        answer
    }

    pub fn ask(&mut self, actor: &Actor, command: Command) -> Result<Reply, Refusal> {
        self.ask_from("192.0.2.1", actor, command)
    }

    /// Ana asks.
    pub fn owner(&mut self, command: Command) -> Result<Reply, Refusal> {
        self.ask(&person(OWNER, "ana"), command)
    }

    /// So much time goes by.
    pub fn wait(&mut self, seconds: u64) {
        self.uptime_s += seconds;
        let name = self.node.snapshot().name;
        self.tell(Event::Tick { name, disks: Vec::new() });
    }

    pub fn code(&mut self, from: &str) -> Result<Code, Refusal> {
        match self.ask_from(from, &Actor::Visitor, Command::Try(Guess::Claim))? {
            Reply::Proof(Proof::Code(code)) => Ok(code),
            other => panic!("{other:?} is no code"),
        }
    }

    /// Claims the node by its code.
    pub fn claim(&mut self, who: &str) -> Result<Reply, Refusal> {
        self.code("192.0.2.1")?;
        let ticket = secret("ticket");
        self.ask(&Actor::Visitor, Command::OpenSetup(ticket.clone()))?;
        self.ask(&Actor::Visitor, Command::Claim { ticket, name: name(who), password: hash("first") })
    }

    pub fn sign_in(&mut self, person: PersonId, session: &str) -> Result<Reply, Refusal> {
        let password = self.people().person(person).unwrap().password.clone();
        self.ask(&Actor::Visitor, Command::SignIn { person, password, session: new_session(session) })
    }

    fn draw(&mut self) -> String {
        self.secrets += 1;
        format!("drawn {}", self.secrets)
    }

    /// Ana makes an invitation; what comes back is its secret.
    pub fn invite(&mut self, purpose: Purpose) -> Result<Secret, Refusal> {
        let id = self.draw();
        let secret = secret(&format!("secret of {id}"));
        self.owner(Command::Invite { id, secret: secret.clone(), purpose, note: text("for you") })?;
        Ok(secret)
    }

    pub fn accept(&mut self, invitation: &Secret, who: &str, password: &str) -> Result<Reply, Refusal> {
        let (name, password) = (name(who), hash(password));
        let accept = Command::Accept { invitation: invitation.clone(), name, password };
        self.ask(&Actor::Visitor, accept)
    }

    /// Somebody new, by an invitation.
    pub fn admit(&mut self, who: &str, role: Role) -> PersonId {
        let invitation = self.invite(Purpose::Join { role }).unwrap();
        match self.accept(&invitation, who, "pass") {
            Ok(Reply::Person(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn people(&self) -> std::sync::Arc<People> {
        self.node.snapshot().people
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.node.snapshot().operations.list.clone()
    }

    /// The last of each document that was written down.
    pub fn on_disk(&self) -> Restored {
        let mut restored = Restored { people: Some(People::default()), ..Restored::default() };
        for document in self.saved.clone() {
            match document {
                Document::People(people) => restored.people = Some(people),
                Document::Operations(operations) => restored.operations = operations,
                Document::Preferences(preferences) => restored.preferences = preferences,
                Document::Community(community) => restored.community = *community,
            }
        }
        restored
    }

    /// What the disk must have for a restart to lose nothing.
    pub fn assert_nothing_unsaved(&self) {
        let Restored { people, operations, preferences, community } = self.on_disk();
        let snapshot = self.node.snapshot();
        assert_eq!(people.as_ref(), Some(&*snapshot.people));
        let stripped = |operations: &Operations| operations.list.iter().map(|it| it.id).collect::<Vec<_>>();
        assert_eq!(stripped(&operations), stripped(&snapshot.operations));
        assert_eq!(community, *snapshot.belonging.own);
        assert_eq!(preferences, Preferences { trial: snapshot.trial.map(|trial| trial.change) });
    }
}

pub(super) fn person(person: PersonId, session: &str) -> Actor {
    Actor::Person { person, session: session.to_owned() }
}

pub(super) fn program(person: PersonId, scopes: &[Scope]) -> Actor {
    Actor::Program { person, scopes: scopes.iter().copied().collect::<BTreeSet<_>>() }
}

pub(super) fn started(reply: Result<Reply, Refusal>) -> OperationId {
    match reply {
        Ok(Reply::Started(id)) => id,
        other => panic!("{other:?}"),
    }
}
