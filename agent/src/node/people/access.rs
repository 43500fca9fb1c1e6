//! Ways in: sessions of browsers, invitations for people, tokens for programs. Of each only the digest of its
//! secret is kept, so that whoever reads the file can use none of them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PersonId, Role};
use crate::node::service::Text;

const DAY_S: u64 = 24 * 60 * 60;
/// A session that nobody uses for so long ends.
const IDLE_LIMIT_S: u64 = 30 * DAY_S;
/// A session ends after so long in any case.
const AGE_LIMIT_S: u64 = 180 * DAY_S;
/// An invitation is good for so long.
pub const INVITATION_S: u64 = 7 * DAY_S;

/// SHA-256 of a secret of 256 random bits, in hexadecimal digits. Secrets of this size need no slow hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A browser in which somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names it in lists; opens nothing.
    pub id: String,
    /// What the browser's cookie has to match.
    pub secret: Secret,
    /// Whose it is.
    pub person: PersonId,
    /// Unix time of signing in.
    pub since_s: u64,
    /// Unix time of last use, to the hour.
    pub seen_s: u64,
    /// Address that it was last used from.
    pub from: String,
    /// What the browser calls itself.
    pub browser: Text,
}

impl Session {
    /// Whether it can be used. A clock that stands before its beginning is wrong: it opens nothing new then, and
    /// keeps what is there.
    pub fn is_open(&self, unix_s: u64) -> bool {
        unix_s < self.since_s.saturating_add(AGE_LIMIT_S) && unix_s < self.seen_s.saturating_add(IDLE_LIMIT_S)
    }
}

/// What an invitation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Purpose {
    /// A new person with this role.
    Join {
        /// The role they get.
        role: Role,
    },
    /// A new password for one who has forgotten theirs.
    Password {
        /// Whose.
        person: PersonId,
    },
}

/// A link that somebody may use once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Names it in lists; opens nothing.
    pub id: String,
    /// What the link has to match.
    pub secret: Secret,
    /// What it is for.
    pub purpose: Purpose,
    /// Who made it.
    pub by: PersonId,
    /// For whom, in the words of the one who made it.
    pub note: Text,
    /// Unix time at which it was made.
    pub since_s: u64,
    /// Unix time at which it runs out.
    pub until_s: u64,
}

impl Invitation {
    /// Whether it can be used.
    pub fn is_open(&self, unix_s: u64) -> bool {
        unix_s < self.until_s
    }
}

/// What a program may do with a token, at most: its person's role limits it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Look at everything that its person may see.
    Read,
    /// Switch services and set them up.
    Services,
    /// Invite and remove people.
    People,
    /// Rename, restart and switch off the node.
    Node,
}

impl Scope {
    /// All of them, as pages list them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Services, Self::People, Self::Node];

    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Services => "services",
            Self::People => "people",
            Self::Node => "node",
        }
    }
}

/// A key for a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Names it in lists; opens nothing.
    pub id: String,
    /// What the program's header has to match.
    pub secret: Secret,
    /// Who made it.
    pub person: PersonId,
    /// What it is for, in their words.
    pub title: Text,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Unix time at which it was made.
    pub since_s: u64,
    /// Unix time at which it runs out.
    pub until_s: Option<u64>,
}

impl Token {
    /// Whether it can be used.
    pub fn is_open(&self, unix_s: u64) -> bool {
        self.until_s.is_none_or(|until_s| unix_s < until_s)
    }
}
