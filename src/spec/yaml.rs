//! YAML text to nodes that know where they stand, and values to YAML text.
//!
//! The only file that names the YAML crate. It keeps what was written: every key (also one that
//! stands twice), and of a number the very characters (`1.10` as a version stays `1.10`).

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{MessageFormatter as _, Spanned};

use crate::spec::{Place, Problem, Source, Span};

/// Deeper nesting than any of our files needs; the parser recurses.
const MAX_DEPTH: usize = 32;

/// More values than any of our files holds; aliases of aliases multiply.
const MAX_NODES: usize = 50_000;

/// A value as it was written.
#[derive(Debug)]
pub(super) struct Node {
    /// Unique within its document.
    pub(super) id: u32,
    pub(super) span: Span,
    pub(super) value: Value,
}

/// What a node is. Numbers and flags carry the text that was written.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Flag(bool, String),
    Number(i64, String),
    Fraction(String),
    Text(String),
    List(Vec<Node>),
    /// All entries, in order, doubles too.
    Map(Vec<(Node, Node)>),
}

/// Reads one document.
pub(super) fn parse(source: &Arc<Source>) -> Result<Node, Box<Problem>> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(&source.text, options) {
        Ok(raw) => Ok(Finisher::new(&source.text).node(raw)),
        Err(error) => {
            let words = serde_yaml::UserMessageFormatter.format_message(error.without_snippet()).into_owned();
            let span = error.location().map_or(Span::START, |location| Span {
                line: location.line() as u32,
                column: location.column() as u32,
                length: 1,
            });
            let place = Place { source: Arc::clone(source), span };
            Err(Box::new(Problem::at(place, format!("this cannot be read as YAML: {words}"))))
        }
    }
}

/// `value` as YAML text.
pub fn to_string(value: &impl Serialize) -> anyhow::Result<String> {
    let mut text = serde_yaml::to_string(value).context("writing YAML")?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// What the YAML crate gives us, before texts of numbers are taken from the source.
enum Raw {
    Null,
    Flag(bool),
    Number(i64),
    Fraction,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

/// Makes nodes of what was read.
struct Finisher<'a> {
    text: &'a str,
    /// Characters of each line.
    widths: Vec<u32>,
    next_id: u32,
}

impl<'a> Finisher<'a> {
    fn new(text: &'a str) -> Self {
        let widths = text.lines().map(|line| line.chars().count() as u32).collect();
        Self { text, widths, next_id: 0 }
    }

    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let id = self.next_id;
        self.next_id += 1;
        let location = raw.referenced;
        let (line, column) = (location.line() as u32, location.column() as u32);
        let width = self.widths.get(line.saturating_sub(1) as usize).copied().unwrap_or_default();
        let length = (location.span().len() as u32).min((width + 1).saturating_sub(column)).max(1);
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Flag(flag) => Value::Flag(flag, self.written(raw.defined)),
            Raw::Number(number) => Value::Number(number, self.written(raw.defined)),
            Raw::Fraction => Value::Fraction(self.written(raw.defined)),
            Raw::Text(text) => Value::Text(text),
            Raw::List(list) => Value::List(list.into_iter().map(|entry| self.node(entry)).collect()),
            Raw::Map(map) => {
                Value::Map(map.into_iter().map(|(key, value)| (self.node(key), self.node(value))).collect())
            }
        };
        Node { id, span: Span { line, column, length }, value }
    }

    /// The characters of a scalar, as they stand in the file.
    fn written(&self, location: serde_yaml::Location) -> String {
        let span = location.span();
        self.text.chars().skip(span.offset() as usize).take(span.len() as usize).collect()
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Raw, E> {
                Ok(Raw::Flag(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
                Ok(Raw::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
                Ok(i64::try_from(number).map_or(Raw::Fraction, Raw::Number))
            }

            fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
                Ok(Raw::Fraction)
            }

            fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
                Ok(Raw::Fraction)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
                Ok(Raw::Fraction)
            }

            fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Raw, E> {
                Ok(Raw::Text(String::from_utf8_lossy(bytes).into_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = access.next_element()? {
                    list.push(entry);
                }
                Ok(Raw::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    map.push(entry);
                }
                Ok(Raw::Map(map))
            }
        }

        deserializer.deserialize_any(RawVisitor)
    }
}
