//! The people of this node: who they are, where they are signed in, whom they have invited.

use serde::{Deserialize, Serialize};

use super::Moment;

pub mod access;
pub mod names;

use access::{Invitation, Purpose, Secret, Session, Token};
use names::{PasswordHash, PersonName};

/// More people than any home has.
pub const PEOPLE_LIMIT: usize = 64;
/// Places where one person is signed in; the one not used for longest makes room.
pub const SESSIONS_LIMIT: usize = 16;
/// Open invitations.
pub const INVITATIONS_LIMIT: usize = 32;
/// API tokens of one person.
pub const TOKENS_LIMIT: usize = 16;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees which services run and opens them.
    Guest,
    /// Sees everything about the node, changes nothing but what is theirs.
    Member,
    /// Runs the node.
    Owner,
}

/// Number of a person; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub u32);

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Never changes.
    pub id: PersonId,
    /// What they are called and sign in with.
    pub name: PersonName,
    /// What they may do.
    pub role: Role,
    /// Proof of their password.
    pub password: PasswordHash,
    /// Unix time at which the account was made.
    pub since_s: u64,
}

/// Everybody, and every way in. The first person is the one who claimed the node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// Accounts.
    pub people: Vec<Person>,
    /// Where people are signed in.
    pub sessions: Vec<Session>,
    /// Invitations that nobody has taken up yet.
    pub invitations: Vec<Invitation>,
    /// API tokens.
    pub tokens: Vec<Token>,
    /// The number that the next person gets.
    pub next: u32,
}

/// Why the list of people stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Somebody here has this name.
    NameTaken,
    /// There are as many as there may be.
    Full,
    /// There is no such one.
    Gone,
    /// The node must have an owner.
    LastOwner,
}

impl People {
    /// Whether the node belongs to somebody.
    pub fn is_claimed(&self) -> bool {
        self.people.iter().any(|person| person.role == Role::Owner)
    }

    /// The person of this number.
    pub fn person(&self, id: PersonId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// The person of this name, however it is capitalised.
    pub fn named(&self, name: &PersonName) -> Option<&Person> {
        self.people.iter().find(|person| person.name.is_same(name))
    }

    /// The session that this secret opens, with its person.
    pub fn session(&self, secret: &Secret, unix_s: u64) -> Option<(&Session, &Person)> {
        let session = self.sessions.iter().find(|it| it.secret == *secret && it.is_open(unix_s))?;
        Some((session, self.person(session.person)?))
    }

    /// The API token of this secret, with its person.
    pub fn token(&self, secret: &Secret, unix_s: u64) -> Option<(&Token, &Person)> {
        let token = self.tokens.iter().find(|it| it.secret == *secret && it.is_open(unix_s))?;
        Some((token, self.person(token.person)?))
    }

    /// The invitation of this secret.
    pub fn invitation(&self, secret: &Secret, unix_s: u64) -> Option<&Invitation> {
        self.invitations.iter().find(|it| it.secret == *secret && it.is_open(unix_s))
    }

    /// Lets somebody in.
    pub fn admit(
        &mut self,
        name: PersonName,
        role: Role,
        password: PasswordHash,
        now: Moment,
    ) -> Result<PersonId, Unfit> {
        if self.named(&name).is_some() {
            return Err(Unfit::NameTaken);
        }
        if self.people.len() >= PEOPLE_LIMIT {
            return Err(Unfit::Full);
        }
        let id = PersonId(self.next);
        self.next += 1;
        self.people.push(Person { id, name, role, password, since_s: now.unix_s });
        Ok(id)
    }

    /// Takes up an invitation, which is gone afterwards: a new person, or a new password for one who is here.
    pub fn accept(
        &mut self,
        secret: &Secret,
        name: PersonName,
        password: PasswordHash,
        now: Moment,
    ) -> Result<PersonId, Unfit> {
        let found = self.invitation(secret, now.unix_s).ok_or(Unfit::Gone)?.clone();
        let person = match found.purpose {
            Purpose::Join { role } => self.admit(name, role, password, now)?,
            Purpose::Password { person } => {
                self.set_password(person, password, None)?;
                person
            }
        };
        self.invitations.retain(|it| it.id != found.id);
        Ok(person)
    }

    /// A new password ends every way in that was opened by an old one: all sessions but the one it was set from, all
    /// tokens, and every link that was made for another password. Whoever sets one may do so because somebody else
    /// knew the old one, and could have made a token with it.
    pub fn set_password(
        &mut self,
        id: PersonId,
        password: PasswordHash,
        stay: Option<&str>,
    ) -> Result<(), Unfit> {
        let person = self.people.iter_mut().find(|person| person.id == id).ok_or(Unfit::Gone)?;
        person.password = password;
        self.sessions.retain(|session| session.person != id || Some(session.id.as_str()) == stay);
        self.tokens.retain(|token| token.person != id);
        self.invitations.retain(|it| it.purpose != Purpose::Password { person: id });
        Ok(())
    }

    /// Gives somebody another role. Whoever is no owner any more invites nobody, with a link made before either: it
    /// could make them owner again.
    pub fn set_role(&mut self, id: PersonId, role: Role) -> Result<(), Unfit> {
        if role != Role::Owner {
            self.spare(id)?;
        }
        let person = self.people.iter_mut().find(|person| person.id == id).ok_or(Unfit::Gone)?;
        person.role = role;
        if role != Role::Owner {
            self.invitations.retain(|it| it.by != id);
        }
        Ok(())
    }

    /// Removes somebody with all their ways in, and with the invitations that they made.
    pub fn remove(&mut self, id: PersonId) -> Result<(), Unfit> {
        self.spare(id)?;
        self.person(id).ok_or(Unfit::Gone)?;
        self.people.retain(|person| person.id != id);
        self.sessions.retain(|session| session.person != id);
        self.tokens.retain(|token| token.person != id);
        self.invitations.retain(|it| it.by != id && it.purpose != Purpose::Password { person: id });
        Ok(())
    }

    /// Whether the node can do without this owner.
    fn spare(&self, id: PersonId) -> Result<(), Unfit> {
        let other = self.people.iter().any(|person| person.role == Role::Owner && person.id != id);
        if other { Ok(()) } else { Err(Unfit::LastOwner) }
    }

    /// Adds a session; where a person has too many, the one not used for longest goes.
    pub fn begin(&mut self, session: Session) {
        let of_person = |it: &&Session| it.person == session.person;
        if self.sessions.iter().filter(of_person).count() >= SESSIONS_LIMIT {
            let oldest =
                self.sessions.iter().filter(of_person).min_by_key(|it| it.seen_s).map(|it| it.id.clone());
            self.sessions.retain(|it| Some(&it.id) != oldest.as_ref());
        }
        self.sessions.push(session);
    }

    /// Forgets what has run out. Says whether there was any.
    pub fn tidy(&mut self, unix_s: u64) -> bool {
        let before = (self.sessions.len(), self.invitations.len(), self.tokens.len());
        self.sessions.retain(|it| it.is_open(unix_s));
        self.invitations.retain(|it| it.is_open(unix_s));
        self.tokens.retain(|it| it.is_open(unix_s));
        before != (self.sessions.len(), self.invitations.len(), self.tokens.len())
    }
}

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod tests;
