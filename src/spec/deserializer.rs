//! The bridge from nodes to serde: our own messages, every unknown and doubled key noted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess,
    SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::spec::made_up::MadeUp;
use crate::spec::read::LeftOut;
use crate::spec::wrong::Wrong;
use crate::spec::yaml::{Node, Value};
use crate::spec::{At, Place, Problem, Problems, Source, Span};

/// Under this name an `At` asks for its place.
pub(super) const AT: &str = "nuvol::At";

impl Node {
    /// The text of a scalar, as it was written.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Fraction(text) | Value::Number(_, text) | Value::Flag(_, text) => {
                Some(text)
            }
            _ => None,
        }
    }

    fn words(&self) -> &'static str {
        match &self.value {
            Value::Null => "empty",
            Value::Flag(..) => "a flag",
            Value::Number(..) => "a number",
            Value::Fraction(_) => "a fraction",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    fn must_be(&self, expected: &str, hint: Option<String>) -> Wrong {
        Wrong::of_type(self.words(), expected, hint).at(self)
    }
}

/// One reading of a document.
pub(super) struct Reader<'a> {
    source: &'a Arc<Source>,
    left_out: &'a RefCell<LeftOut>,
    problems: RefCell<Problems>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Arc<Source>, left_out: &'a RefCell<LeftOut>) -> Self {
        Self { source, left_out, problems: RefCell::default() }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, root: &Node) -> Result<T, Wrong> {
        T::deserialize(Spot { reader: self, node: root }).map_err(|wrong| wrong.at(root))
    }

    pub(super) fn problems(self) -> Problems {
        self.problems.into_inner()
    }

    fn report(&self, span: Span, make: impl FnOnce(Place) -> Problem) {
        let place = Place { source: Arc::clone(self.source), span };
        self.problems.borrow_mut().push(make(place));
    }

    /// The entries that count: known keys, each once, without what was left out.
    fn entries<'n>(
        &self,
        map: &'n [(Node, Node)],
        known: Option<&'static [&'static str]>,
    ) -> Vec<&'n (Node, Node)> {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let mut entries = Vec::new();
        for entry in map {
            let (key, value) = entry;
            if let Some(text) = key.text() {
                if let Some(first) = seen.get(text) {
                    self.report(key.span, |place| {
                        let first = Place { span: *first, ..place.clone() };
                        Problem::at(place, format!("`{text}` stands twice"))
                            .remedy("keep one of the two")
                            .related(first, "first here")
                    });
                    continue;
                }
                seen.insert(text, key.span);
                if known.is_some_and(|known| !known.contains(&text)) {
                    let known = known.unwrap_or_default().to_vec();
                    self.report(key.span, |place| {
                        Problem::at(place, format!("unknown key `{text}`")).nearest(text, known)
                    });
                    continue;
                }
            }
            let left_out = self.left_out.borrow();
            if !left_out.has(key) && !left_out.has(value) {
                entries.push(entry);
            }
        }
        entries
    }
}

/// A node about to be read.
#[derive(Clone, Copy)]
struct Spot<'a, 'n> {
    reader: &'a Reader<'a>,
    node: &'n Node,
}

impl<'a, 'n> Spot<'a, 'n> {
    fn of(self, node: &'n Node) -> Self {
        Self { node, ..self }
    }

    fn map<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        known: Option<&'static [&'static str]>,
    ) -> Result<V::Value, Wrong> {
        let Value::Map(map) = &self.node.value else {
            return Err(self.node.must_be("a map", None));
        };
        let entries = self.reader.entries(map, known).into_iter();
        let made_up = self.reader.left_out.borrow().made_up(self.node).into_iter();
        visitor
            .visit_map(Entries { at: self, entries, value: None, made_up })
            .map_err(|wrong| wrong.at(self.node))
    }
}

impl<'de> Deserializer<'de> for Spot<'_, '_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Flag(flag, _) => visitor.visit_bool(*flag),
            Value::Number(number, _) => visitor.visit_i64(*number),
            Value::Fraction(text) | Value::Text(text) => visitor.visit_str(text),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.map(visitor, None),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.value {
            Value::Flag(flag, _) => visitor.visit_bool(flag),
            _ => Err(self.node.must_be("`true` or `false`", None)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.value {
            Value::Number(number, _) => visitor.visit_i64(number),
            _ => Err(self.node.must_be("a whole number", None)),
        }
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.text() {
            Some(text) => visitor.visit_str(text),
            None => Err(self.node.must_be("text", None)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.value {
            Value::Null => {
                Err(self.node.must_be("given", Some("give it a value or leave the key out".into())))
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if name == AT {
            visitor.visit_seq(Pair { at: self, step: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Value::List(list) = &self.node.value else {
            let hint = self.node.text().map(|text| format!("write it in brackets: `[{text}]`"));
            let empty = || Some("write `[]`, or leave the key out".to_owned());
            return Err(self.node.must_be("a list", hint.or_else(empty)));
        };
        visitor.visit_seq(Items { at: self, items: list.iter() }).map_err(|wrong| wrong.at(self.node))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.map(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.map(visitor, Some(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let Some(text) = self.node.text() else {
            return Err(self.node.must_be("a word", None));
        };
        let word: StrDeserializer<'_, Wrong> = text.into_deserializer();
        visitor.visit_enum(word).map_err(|wrong| wrong.at(self.node))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u32 u64 u128 f32 f64 char bytes byte_buf
        unit unit_struct tuple tuple_struct ignored_any
    }
}

/// The entries of a map.
struct Entries<'a, 'n> {
    at: Spot<'a, 'n>,
    entries: std::vec::IntoIter<&'n (Node, Node)>,
    value: Option<&'n (Node, Node)>,
    made_up: std::vec::IntoIter<&'static str>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.value = self.entries.next();
        let Some((key, _)) = self.value else {
            let Some(field) = self.made_up.next() else { return Ok(None) };
            let field: StrDeserializer<'_, Wrong> = field.into_deserializer();
            return seed.deserialize(field).map(Some);
        };
        seed.deserialize(self.at.of(key)).map(Some).map_err(|wrong| wrong.at(key).of_key())
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some((key, value)) = self.value.take() else {
            return seed.deserialize(MadeUp).map_err(Wrong::made_up);
        };
        seed.deserialize(self.at.of(value)).map_err(|wrong| wrong.at(value).under(key))
    }
}

/// The entries of a list, without what was left out.
struct Items<'a, 'n> {
    at: Spot<'a, 'n>,
    items: std::slice::Iter<'n, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let left_out = self.at.reader.left_out.borrow();
        let Some(item) = self.items.find(|item| !left_out.has(item)) else { return Ok(None) };
        drop(left_out);
        seed.deserialize(self.at.of(item)).map(Some).map_err(|wrong| wrong.at(item).in_list())
    }
}

/// An `At`: first its place as three numbers, then its value.
struct Pair<'a, 'n> {
    at: Spot<'a, 'n>,
    step: u8,
}

impl<'de> SeqAccess<'de> for Pair<'_, '_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Span { line, column, length } = self.at.node.span;
        let step = self.step;
        self.step += 1;
        match step {
            0 => seed.deserialize(line.into_deserializer()).map(Some),
            1 => seed.deserialize(column.into_deserializer()).map(Some),
            2 => seed.deserialize(length.into_deserializer()).map(Some),
            _ => seed.deserialize(self.at).map(Some).map_err(|wrong| wrong.at(self.at.node)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
            type Value = At<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<At<T>, A::Error> {
                let mut number = || {
                    let next = access.next_element::<u32>()?;
                    next.ok_or_else(|| de::Error::custom("a place has three numbers"))
                };
                let span = Span { line: number()?, column: number()?, length: number()? };
                let value = access.next_element()?.ok_or_else(|| de::Error::custom("a place has a value"))?;
                Ok(At { value, span })
            }
        }

        deserializer.deserialize_newtype_struct(AT, AtVisitor(std::marker::PhantomData))
    }
}
