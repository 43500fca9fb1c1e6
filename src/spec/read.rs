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
    let skip = RefCell::new(BTreeSet::new());
    loop {
        let reader = Reader::new(source, &skip);
        let result = reader.read::<T>(&root);
        problems.extend(reader.problems());
        match result {
            Ok(value) => {
                let damaged = damaged_keys(&root, &skip.borrow());
                return (Document { source: Arc::clone(source), value, damaged }, problems);
            }
            Err(wrong) => {
                let id = wrong.node;
                note(&root, source, wrong, &skip.borrow(), &mut problems);
                let id = id.unwrap_or(root.id);
                if id == root.id || !skip.borrow_mut().insert(id) {
                    return (broken(), problems);
                }
            }
        }
    }
}

/// Reports `wrong`, unless it says that something is missing that we ourselves left out.
fn note(root: &Node, source: &Arc<Source>, wrong: Wrong, skip: &BTreeSet<u32>, problems: &mut Problems) {
    let node = wrong.node.and_then(|id| find(root, id)).unwrap_or(root);
    if let (Some(field), Value::Map(entries)) = (wrong.missing, &node.value) {
        let left_out = |(key, value): &(Node, Node)| {
            (skip.contains(&key.id) || skip.contains(&value.id)) && key.text() == Some(field)
        };
        if entries.iter().any(left_out) {
            return;
        }
    }
    problems.push(wrong.problem(Place { source: Arc::clone(source), span: node.span }));
}

fn find(node: &Node, id: u32) -> Option<&Node> {
    if node.id == id {
        return Some(node);
    }
    match &node.value {
        Value::List(list) => list.iter().find_map(|entry| find(entry, id)),
        Value::Map(map) => map.iter().find_map(|(key, value)| find(key, id).or_else(|| find(value, id))),
        _ => None,
    }
}

fn damaged_keys(root: &Node, skip: &BTreeSet<u32>) -> Damaged {
    fn walk(node: &Node, path: &str, skip: &BTreeSet<u32>, found: &mut BTreeSet<String>) {
        match &node.value {
            Value::Map(map) => {
                for (key, value) in map {
                    let name = key.text().unwrap_or_default();
                    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    if skip.contains(&key.id) || skip.contains(&value.id) {
                        found.insert(path);
                    } else {
                        walk(value, &path, skip, found);
                    }
                }
            }
            // A list that lost an entry is not what was meant.
            Value::List(list) if list.iter().any(|entry| skip.contains(&entry.id)) => {
                found.insert(path.to_owned());
            }
            Value::List(list) => list.iter().for_each(|entry| walk(entry, path, skip, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(root, "", skip, &mut found);
    Damaged(found)
}
