//! What people and programs ask of the node, and what they get.

use std::collections::{BTreeMap, BTreeSet};

use nuvol_community::invitation::NoInvitation;

use super::claim::Code;
use super::community::CommunityAct;
use super::operation::{OperationId, Trouble};
use super::people::access::{Scope, Secret, Session};
use super::people::names::{PasswordHash, PersonName};
use super::people::{PersonId, Role, Unfit};
use super::rights::Actor;
use super::service::Text;

/// Something asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// By which the answer finds back.
    pub ticket: u64,
    /// Who asks.
    pub actor: Actor,
    /// Where they are: an address, shortened where one home has many.
    pub from: String,
    /// What they want.
    pub command: Command,
}

/// What can be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// The claim code.
    Claim,
    /// Somebody's password.
    Password(PersonName),
    /// The secret of an invitation.
    Invitation,
}

/// What a guess is held against. The comparison takes time, so it happens outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The claim code.
    Code(Code),
    /// Somebody's password; none where nobody has this name.
    Password(Option<(PersonId, PasswordHash)>),
    /// Nothing: an invitation is found or not.
    Nothing,
}

/// A new session, drawn outside; the person is filled in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Names it in lists.
    pub id: String,
    /// Digest of its secret.
    pub secret: Secret,
    /// Address of the browser.
    pub from: String,
    /// What the browser calls itself.
    pub browser: Text,
}

impl NewSession {
    pub(super) fn of(self, person: PersonId, unix_s: u64) -> Session {
        let Self { id, secret, from, browser } = self;
        Session { id, secret, person, since_s: unix_s, seen_s: unix_s, from, browser }
    }
}

/// How the node ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// And begins again.
    Reboot,
    /// And stays off.
    Off,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// May I guess?
    Try(Guess),
    /// The guess was wrong.
    Wrong(Guess),
    /// The claim code was right: this ticket opens the setup.
    OpenSetup(Secret),
    /// Does this ticket open the setup still?
    CheckSetup(Secret),
    /// Make me the owner.
    Claim {
        /// From the claim code.
        ticket: Secret,
        /// My name.
        name: PersonName,
        /// My password.
        password: PasswordHash,
    },
    /// The password was right: sign me in.
    SignIn {
        /// Who.
        person: PersonId,
        /// The hash that it was held against; another one by now means that the password has changed.
        password: PasswordHash,
        /// The new session.
        session: NewSession,
    },
    /// Take up an invitation.
    Accept {
        /// Digest of its secret.
        invitation: Secret,
        /// My name; of no account where the invitation is for somebody who is here.
        name: PersonName,
        /// My password.
        password: PasswordHash,
    },
    /// The session was used.
    Seen,
    /// End the session that I use.
    SignOut,
    /// End one of my sessions.
    EndSession(String),
    /// The old password was right: this is the new one.
    SetPassword(PasswordHash),
    /// Make a token for a program.
    MakeToken {
        /// Names it in lists.
        id: String,
        /// Digest of its secret.
        secret: Secret,
        /// What it is for.
        title: Text,
        /// What it may do.
        scopes: BTreeSet<Scope>,
        /// For how many days.
        days: Option<u32>,
    },
    /// A token is not good any more.
    RevokeToken(String),
    /// Invite somebody.
    Invite {
        /// Names it in lists.
        id: String,
        /// Digest of its secret.
        secret: Secret,
        /// Somebody new with this role, or a new password for somebody who is here.
        purpose: super::people::access::Purpose,
        /// For whom, in words.
        note: Text,
    },
    /// An invitation is not good any more.
    Uninvite(String),
    /// Somebody gets another role.
    SetRole(PersonId, Role),
    /// Somebody leaves.
    Remove(PersonId),
    /// A service on or off.
    Switch {
        /// Its name.
        service: String,
        /// On or off.
        on: bool,
    },
    /// Stop and start a service.
    Restart {
        /// Its name.
        service: String,
    },
    /// Other settings for a service.
    Configure {
        /// Its name.
        service: String,
        /// Each setting's value as typed.
        settings: BTreeMap<String, String>,
    },
    /// The last lines that a service wrote.
    Logs {
        /// Its name.
        service: String,
        /// So many.
        lines: u16,
    },
    /// Give the node another name, for two minutes at first.
    Rename {
        /// The new name.
        name: String,
    },
    /// It works: keep what was changed.
    Keep,
    /// It does not: go back at once.
    GoBack,
    /// Restart or switch off the node.
    Power(Power),
    /// Something of the community.
    Community(CommunityAct),
    /// Another node wants to join the community by an invitation of this one: its request, as it came.
    Knock(Vec<u8>),
}

/// What the one who asked gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is so.
    Done,
    /// The answer follows.
    Later,
    /// Try it against this.
    Proof(Proof),
    /// You are this person.
    Person(PersonId),
    /// It has begun.
    Started(OperationId),
    /// What a service wrote.
    Lines(Vec<Line>),
    /// An invitation for another node: shown this one time.
    Invitation(String),
    /// Bytes for another node.
    Bytes(Vec<u8>),
}

/// A line of a service's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Unix time.
    pub time_s: u64,
    /// Who wrote it.
    pub unit: String,
    /// syslog(3)'s level, 0 the worst, 6 usual.
    pub level: u8,
    /// What it says.
    pub text: Text,
}

/// Why the one who asked gets nothing, and nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Sign in first.
    SignInFirst,
    /// Not with your role, or not with this token.
    NotAllowed,
    /// Too many wrong guesses.
    Wait {
        /// Seconds until the next.
        seconds: u64,
    },
    /// The node has an owner already.
    Claimed,
    /// The setup was not opened, or too long ago.
    NoTicket,
    /// There is no such thing.
    NoSuch,
    /// The list of people does not allow it.
    Unfit(Unfit),
    /// Some of what was typed does not fit: by name of the field.
    Fields(BTreeMap<String, Field>),
    /// It is being worked on already.
    Busy(OperationId),
    /// There are as many as there may be.
    Full,
    /// It is so already.
    Already,
    /// It could not be written down, so it is not so.
    NotSaved(String),
    /// The node is in no community, or was expelled from it.
    NoCommunity,
    /// This is no invitation.
    Invitation(NoInvitation),
    /// The time of the invitation is over.
    Expired,
    /// The service is nothing that others could be offered.
    NotOffered,
    /// It did not work.
    Trouble(Trouble),
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// There is no such setting.
    Unknown,
    /// The value does not fit the setting.
    Setting(super::setting::Wrong),
    /// This cannot be a node's name.
    NodeName,
}
