//! Nodes to typed values, finding every problem of a file in one go.
//!
//! serde stops at the first error. So: read; note what is wrong and where; leave that part out;
//! read again, until nothing more is wrong. What was left out is remembered as damaged, so that
//! nobody reports a second time that it is missing.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::spec::deserializer::{Reader, Wrong};
use crate::spec::yaml::{self, Node, Value};
use crate::spec::{Place, Problems, Source, Span};

/// What a file says.
#[derive(Debug)]
pub struct Document<T> {
    /// The file.
    pub source: Arc<Source>,
    /// Its meaning.
    pub value: T,
    /// What could not be read and was left out.
    pub damaged: Damaged,
}

impl<T> Document<T> {
    /// A stretch of this file.
    pub fn place(&self, span: Span) -> Place {
        Place { source: Arc::clone(&self.source), span }
    }
}

/// Keys (`services.syncthing`) whose values could not be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Damaged(BTreeSet<String>);

impl Damaged {
    /// Everything: the file could not be read at all.
    pub fn wholly() -> Self {
        Self(BTreeSet::from([String::new()]))
    }

    /// The names right below `key` that could not be read.
    pub(super) fn below(&self, key: &str) -> impl Iterator<Item = &str> {
        let names = self.0.iter().filter_map(move |damaged| damaged.strip_prefix(key)?.strip_prefix('.'));
        names.filter(|name| !name.contains('.'))
    }

    /// Whether `key`, or what holds it, could not be read.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|damaged| {
            damaged.is_empty()
                || key.strip_prefix(damaged).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// Reads a file. A file with nothing in it is an empty map.
pub fn read<T: DeserializeOwned + Default>(source: &Arc<Source>) -> (Document<T>, Problems) {
    let mut problems = Problems::default();
    let broken = || Document { source: Arc::clone(source), value: T::default(), damaged: Damaged::wholly() };
    let mut root = match yaml::parse(source) {
        Ok(root) => root,
        Err(problem) => return (broken(), Problems::from(*problem)),
    };
    if matches!(root.value, Value::Null) {
        root.value = Value::Map(Vec::new());
    }
    let left_out = RefCell::new(LeftOut::default());
    loop {
        let reader = Reader::new(source, &left_out);
        let result = reader.read::<T>(&root);
        problems.extend(reader.problems());
        match result {
            Ok(value) if left_out.borrow_mut().drop_made_up() => drop(value),
            Ok(value) => {
                let damaged = damaged_keys(&root, &left_out.borrow());
                return (Document { source: Arc::clone(source), value, damaged }, problems);
            }
            Err(wrong) => {
                let node = wrong.node.unwrap_or(root.id);
                let missing = wrong.missing;
                note(&root, source, wrong, &left_out.borrow(), &mut problems);
                let mut left_out = left_out.borrow_mut();
                let is_new = match missing {
                    Some(field) => left_out.made_up.insert((node, field)),
                    None => left_out.skip(node),
                };
                if !is_new && (node == root.id || !left_out.skip(node)) {
                    return (broken(), problems);
                }
            }
        }
    }
}

/// What a reading passes over, by the ids of nodes.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    skipped: BTreeSet<u32>,
    /// Keys that a map lacks. They get a made-up value, so that the next one that it lacks is found;
    /// in the end the whole map is left out.
    made_up: BTreeSet<(u32, &'static str)>,
}

impl LeftOut {
    /// Whether an entry is passed over.
    pub(super) fn has(&self, node: &Node) -> bool {
        self.skipped.contains(&node.id)
    }

    /// The keys of a map that are made up.
    pub(super) fn made_up(&self, map: &Node) -> Vec<&'static str> {
        self.made_up.iter().filter(|(id, _)| *id == map.id).map(|(_, field)| *field).collect()
    }

    fn skip(&mut self, id: u32) -> bool {
        self.made_up.retain(|(map, _)| *map != id);
        self.skipped.insert(id)
    }

    /// Leaves out every map that has something made up; whether there was one.
    fn drop_made_up(&mut self) -> bool {
        let maps: Vec<u32> = std::mem::take(&mut self.made_up).into_iter().map(|(map, _)| map).collect();
        self.skipped.extend(&maps);
        !maps.is_empty()
    }
}

/// Reports `wrong`, unless it says that something is missing that we ourselves left out.
fn note(root: &Node, source: &Arc<Source>, wrong: Wrong, left_out: &LeftOut, problems: &mut Problems) {
    if wrong.made_up {
        return;
    }
    let (key, node) = wrong.node.and_then(|id| find(None, root, id)).unwrap_or((None, root));
    let mut span = node.span;
    if let (Some(field), Value::Map(entries)) = (wrong.missing, &node.value) {
        let was_there = |(key, value): &(Node, Node)| {
            (left_out.has(key) || left_out.has(value)) && key.text() == Some(field)
        };
        if entries.iter().any(was_there) {
            return;
        }
        span = key.map_or(span, |key| key.span);
    }
    problems.push(wrong.problem(Place { source: Arc::clone(source), span }));
}

/// A node by its id, with the key that it stands under.
fn find<'n>(key: Option<&'n Node>, node: &'n Node, id: u32) -> Option<(Option<&'n Node>, &'n Node)> {
    if node.id == id {
        return Some((key, node));
    }
    match &node.value {
        Value::List(list) => list.iter().find_map(|entry| find(None, entry, id)),
        Value::Map(map) => {
            map.iter().find_map(|(key, value)| find(None, key, id).or_else(|| find(Some(key), value, id)))
        }
        _ => None,
    }
}

fn damaged_keys(root: &Node, left_out: &LeftOut) -> Damaged {
    fn walk(node: &Node, path: &str, left_out: &LeftOut, found: &mut BTreeSet<String>) {
        match &node.value {
            Value::Map(map) => {
                for (key, value) in map {
                    let name = key.text().unwrap_or_default();
                    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    if left_out.has(key) || left_out.has(value) {
                        found.insert(path);
                    } else {
                        walk(value, &path, left_out, found);
                    }
                }
            }
            // A list that lost an entry is not what was meant.
            Value::List(list) if list.iter().any(|entry| left_out.has(entry)) => {
                found.insert(path.to_owned());
            }
            Value::List(list) => list.iter().for_each(|entry| walk(entry, path, left_out, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(root, "", left_out, &mut found);
    Damaged(found)
}
