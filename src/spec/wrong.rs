//! Why a value cannot be read, in our own words instead of serde's.

use std::fmt;

use serde::de::{self, Unexpected};

use crate::spec::yaml::Node;
use crate::spec::{Place, Problem};

/// Why a node is not what it must be.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The node; `None` until it is known.
    pub(super) node: Option<u32>,
    /// The key that is missing, if that is what is wrong.
    pub(super) missing: Option<&'static str>,
    /// Whether it is a value that we made up ourselves.
    pub(super) made_up: bool,
    /// The key under which the node stands, for the message.
    key: Option<String>,
    in_list: bool,
    is_key: bool,
    what: Box<What>,
}

#[derive(Debug)]
enum What {
    Type { found: String, expected: String, hint: Option<String> },
    Word { word: String, known: &'static [&'static str] },
    Missing(&'static str),
    Other(String),
}

impl Wrong {
    fn new(what: What) -> Self {
        Self {
            node: None,
            missing: None,
            made_up: false,
            key: None,
            in_list: false,
            is_key: false,
            what: Box::new(what),
        }
    }

    /// A node of the wrong type.
    pub(super) fn of_type(found: &str, expected: &str, hint: Option<String>) -> Self {
        Self::new(What::Type { found: found.to_owned(), expected: expected.to_owned(), hint })
    }

    /// The same at a node, unless a place within it is known already.
    pub(super) fn at(mut self, node: &Node) -> Self {
        self.node.get_or_insert(node.id);
        self
    }

    /// The same under a key.
    pub(super) fn under(mut self, key: &Node) -> Self {
        if self.key.is_none() {
            self.key = key.text().map(str::to_owned);
        }
        self
    }

    /// The same in an entry of a list.
    pub(super) fn in_list(mut self) -> Self {
        self.in_list |= self.key.is_none();
        self
    }

    /// The same about a key.
    pub(super) fn of_key(mut self) -> Self {
        self.is_key = true;
        self
    }

    /// The same about a value that we made up ourselves.
    pub(super) fn made_up(mut self) -> Self {
        self.made_up = true;
        self
    }

    /// The problem in words.
    pub(super) fn problem(self, place: Place) -> Problem {
        let subject = match (&self.key, self.in_list) {
            (Some(key), true) => format!("an entry of `{key}`"),
            (Some(key), false) => format!("`{key}`"),
            (None, _) if self.is_key => "a key".to_owned(),
            (None, _) => "the file".to_owned(),
        };
        match *self.what {
            What::Type { found, expected, hint } => {
                let problem = Problem::at(place, format!("{subject} is {found} and must be {expected}"));
                hint.into_iter().fold(problem, Problem::remedy)
            }
            What::Word { word, known } => {
                Problem::at(place, format!("{subject} cannot be `{word}`")).nearest(&word, known.to_vec())
            }
            What::Missing(field) => Problem::at(place, format!("{subject} lacks the key `{field}`"))
                .remedy(format!("add `{field}`")),
            What::Other(words) => Problem::at(place, words),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self::new(What::Other(words.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Signed(number) => format!("`{number}`"),
            Unexpected::Unsigned(number) => format!("`{number}`"),
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a map".to_owned(),
            Unexpected::Unit => "empty".to_owned(),
            other => other.to_string(),
        };
        let expected = match expected.to_string().as_str() {
            "u16" => "a whole number from 0 to 65535".to_owned(),
            "a nonzero u16" => "a whole number from 1 to 65535".to_owned(),
            other => other.to_owned(),
        };
        Self::new(What::Type { found, expected, hint: None })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::Word { word: word.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new(What::Missing(field)) }
    }
}
