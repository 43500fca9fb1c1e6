//! What a person types about themselves. A value that exists is legal.

use std::fmt;
use std::ops::Deref;

use nuvol_community::text::Unfit;
use serde::{Deserialize, Serialize};

use crate::node::service::Text;

/// Letters of a name.
pub const NAME_LIMIT: usize = 40;
/// A password has so many letters at least.
pub const PASSWORD_LEAST: usize = 10;
/// And so many bytes at most: more protects nothing and costs time.
pub const PASSWORD_LIMIT_BYTES: usize = 256;

/// Why a name or a password will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfitting {
    /// There is nothing.
    Empty,
    /// It has more letters than the limit.
    TooLong {
        /// Letters at most.
        limit: usize,
    },
    /// It has fewer letters than needed.
    TooShort {
        /// Letters at least.
        least: usize,
    },
    /// It has letters that hide or reorder others, or none that can be seen.
    Hidden,
    /// It is what everybody would try first: the person's or the node's own name, one letter again and again.
    Guessable,
    /// The two do not match.
    Different,
}

impl From<Unfit> for Unfitting {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Empty => Self::Empty,
            Unfit::Long(limit) => Self::TooLong { limit },
            Unfit::Hidden(_) | Unfit::Blank => Self::Hidden,
        }
    }
}

/// What a person is called here, and signs in with: any letters of any script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// A name as typed, without the blanks around it.
    pub fn new(typed: &str) -> Result<Self, Unfitting> {
        let name = typed.trim();
        if name.is_empty() {
            return Err(Unfitting::Empty);
        }
        if name.chars().count() > NAME_LIMIT {
            return Err(Unfitting::TooLong { limit: NAME_LIMIT });
        }
        let harmless = Text::from(name.to_owned());
        if *harmless != *name || name.chars().any(is_unseen) || !name.chars().any(char::is_alphanumeric) {
            return Err(Unfitting::Hidden);
        }
        Ok(Self(name.to_owned()))
    }

    /// Whether two people could mistake one for the other.
    pub fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// What is the same for two names that look the same but for capitals, blanks and joined letters.
    pub fn key(&self) -> String {
        let words: Vec<&str> = self.0.split_whitespace().collect();
        // Joiners belong to the writing of some languages, and show nowhere else.
        words.join(" ").to_lowercase().replace(['\u{200c}', '\u{200d}'], "")
    }
}

/// Whether the character takes no room, or looks like a blank and is none: two people could have names that nobody
/// can tell apart.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

impl Deref for PersonName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text).map_err(|wrong| format!("`{text}` is not the name of a person: {wrong:?}"))
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

/// Looks at a password that somebody wants to use: long is what counts.
pub fn check_password(password: &str, person: &str, node: &str) -> Result<(), Unfitting> {
    if password.is_empty() {
        return Err(Unfitting::Empty);
    }
    if password.chars().count() < PASSWORD_LEAST {
        return Err(Unfitting::TooShort { least: PASSWORD_LEAST });
    }
    if password.len() > PASSWORD_LIMIT_BYTES {
        return Err(Unfitting::TooLong { limit: PASSWORD_LIMIT_BYTES });
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    let known = [person, node].iter().any(|name| !name.is_empty() && lower == name.to_lowercase());
    if known || lower.chars().all(|letter| Some(letter) == first) {
        return Err(Unfitting::Guessable);
    }
    Ok(())
}

/// An argon2id hash in the PHC string format; nothing of it is ever shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}
