//! Who looks at what, and in which language: all that a page is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::node::command::{Field, Refusal};
use crate::node::community::Misfit;
use crate::node::people::names::Unfitting;
use crate::node::people::{Person, Role};
use crate::node::rights::{Actor, Right, rights};
use crate::node::snapshot::Snapshot;

use super::language::Language;

/// Somebody who looks.
#[derive(Debug, Clone)]
pub struct Who {
    /// By what they are known.
    pub actor: Actor,
    /// Who they are, where they are signed in.
    pub person: Option<Person>,
    /// What they may do.
    pub rights: BTreeSet<Right>,
}

impl Who {
    /// Somebody unknown.
    pub fn visitor() -> Self {
        Self { actor: Actor::Visitor, person: None, rights: BTreeSet::new() }
    }

    /// Somebody who is known.
    pub fn new(actor: Actor, person: Person) -> Self {
        let rights = rights(person.role, &actor);
        Self { actor, person: Some(person), rights }
    }

    /// Whether they may do this.
    pub fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }

    /// Whether they run the node.
    pub fn is_owner(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.role == Role::Owner)
    }
}

/// All that a page is made from.
#[derive(Debug, Clone)]
pub struct Context {
    /// How the node is.
    pub snapshot: Arc<Snapshot>,
    /// Who looks.
    pub who: Who,
    /// In which language.
    pub language: Language,
    /// The host by which they reached the node, without its port.
    pub host: String,
    /// The port by which they did, where it is not the usual one.
    pub port: Option<u16>,
    /// The page's own path and query.
    pub path: String,
    /// Whether it is encrypted.
    pub secure: bool,
    /// Time since boot.
    pub uptime: Duration,
    /// Unix time in seconds.
    pub unix_s: u64,
    /// Tells this run of the agent from those before.
    pub run: Arc<str>,
    /// SHA-256 of the node's certificate as browsers show it (`AB:CD:…`).
    pub fingerprint: Arc<str>,
    /// The node's public key in hexadecimal digits; empty where it has none.
    pub key: Arc<str>,
}

impl Context {
    /// The node as it is now. Whoever looks may be called otherwise, or may do something else than before.
    pub(super) fn look(&mut self, snapshot: Arc<Snapshot>) {
        let person = self.who.person.as_ref().and_then(|person| snapshot.people.person(person.id));
        if let Some(person) = person {
            self.who = Who::new(self.who.actor.clone(), person.clone());
        }
        self.snapshot = snapshot;
    }

    /// The whole address of one of our pages, as it has just worked for whoever looks.
    pub fn address(&self, path: &str) -> String {
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        format!("https://{}{port}{path}", self.host)
    }

    /// Names the state of the node that the page is made from, among all states of all runs of the agent.
    pub fn state(&self) -> String {
        state(&self.run, &self.snapshot)
    }
}

/// Names a state of the node among all states of all runs of the agent.
pub(super) fn state(run: &str, snapshot: &Snapshot) -> String {
    format!("{run}-{}", snapshot.number)
}

/// What somebody typed, and what is wrong with it: shown again, next to the fields. Holds no passwords.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// What was typed, by name of the field.
    pub values: BTreeMap<String, String>,
    /// What is wrong, by name of the field.
    pub wrong: BTreeMap<String, Wrong>,
    /// What is wrong with all of it.
    pub refusal: Option<Refusal>,
    /// A secret that is shown this one time: an invitation's link, a token.
    pub fresh: Option<String>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// A name or a password that will not do.
    Unfitting(Unfitting),
    /// Somebody else has this name.
    NameTaken,
    /// The claim code is another one.
    Code,
    /// The name or the password is another one.
    Password,
    /// A value that the node refuses.
    Field(Field),
    /// None was chosen.
    NothingChosen,
    /// One's own password is another one.
    OldPassword,
    /// It would leave the node without an owner.
    LastOwner,
    /// The node refuses it for what was typed.
    Refused(Box<Refusal>),
    /// This is no place that can be called.
    Place(String),
    /// This part of a service could not be told to the community.
    Misfit(Misfit),
    /// This is offered already.
    Offered,
    /// Records of Cloudy that cannot be read, or of which no service can be made: each with its number, field, and why.
    Records(Vec<WrongRecord>),
    /// It is not read at all.
    File(WrongFile),
    /// There are too many.
    TooMany {
        /// So many may be there.
        limit: usize,
    },
}

/// What is wrong with a file, or what is pasted in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongFile {
    /// There is none.
    Missing,
    /// There is a file and a text.
    Both,
    /// It is not UTF-8.
    NoText,
    /// It is too large.
    TooLarge {
        /// The most bytes that it may have.
        limit: u64,
    },
}

/// What is wrong with records of Cloudy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongRecord {
    /// They cannot be read from there on.
    NoArray {
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
    },
    /// A field of one of them does not fit.
    Field {
        /// Counted from one.
        record: usize,
        /// Its letter.
        field: &'static str,
        /// Why.
        why: Box<Wrong>,
    },
}

impl Form {
    /// What was typed into a field.
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether there is nothing to mend.
    pub fn is_fine(&self) -> bool {
        self.wrong.is_empty() && self.refusal.is_none()
    }

    /// Notes what is wrong with a field.
    pub fn mark(&mut self, name: &str, wrong: Wrong) {
        self.wrong.insert(name.to_owned(), wrong);
    }
}
