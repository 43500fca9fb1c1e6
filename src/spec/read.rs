//! Nodes to typed values, finding every problem of a file in one go.
//!
//! serde stops at the first error. So: read; note what is wrong and where; leave that part out;
//! read again, until nothing more is wrong. What was left out is remembered as damaged, so that
//! nobody reports a second time that it is missing.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::spec::deserializer::Reader;
use crate::spec::wrong::Wrong;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::{Strategy, any, prop, proptest};

    use super::{Document, read};
    use crate::spec::report::{Colour, human};
    use crate::spec::{Catalog, Problems, Profile, Source};

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { name: "x.yaml".to_owned(), text: text.to_owned() })
    }

    fn profile(text: &str) -> (Document<Profile>, Problems) {
        read(&source(text))
    }

    #[test]
    fn a_value_knows_its_place() {
        let (document, problems) = profile("summary: ä\npackages: [vim-tiny, \"@firmware\"]\n");
        assert_eq!(problems.to_string(), "");
        let place = document.place(document.value.packages[1].span);
        assert_eq!(place.to_string(), "x.yaml:2:22");
        assert_eq!(place.span.length, 11);
    }

    #[test]
    fn a_number_stays_as_it_was_written() {
        let (document, problems) = profile("version: 1.10\nvariables: { a: 0755, b: 12, c: no, d: 1_0 }\n");
        assert_eq!(problems.to_string(), "");
        assert_eq!(document.value.version.unwrap().value.as_str(), "1.10");
        let variables: Vec<String> =
            document.value.variables.values().map(|it| format!("{:?}", it.value)).collect();
        assert_eq!(variables, ["Text(\"0755\")", "Number(12)", "Text(\"no\")", "Text(\"1_0\")"]);
    }

    #[test]
    fn an_alias_is_what_it_stands_for() {
        let (document, problems) = profile("summary: &a Same\nvariables: { a: *a }\n");
        assert_eq!(problems.to_string(), "");
        assert_eq!(document.value.variables.values().next().unwrap().value.to_string(), "Same");
    }

    #[test]
    fn every_problem_is_found_once_and_what_is_well_is_kept() {
        let (document, problems) =
            profile("sumary: a\nformats: [raw, rwa]\nunits: 3\nhostname: x_\nservices: [tinc]\n");
        assert_eq!(
            problems.to_string(),
            "x.yaml:1:1: unknown key `sumary`; did you mean `summary`?\n\
             x.yaml:2:16: an entry of `formats` cannot be `rwa`; did you mean `raw`?\n\
             x.yaml:3:8: `units` is a number and must be a list; write it in brackets: `[3]`\n\
             x.yaml:4:11: `x_` is not a host name (letters, digits, `-` and `{id}`, 63 at most)"
        );
        assert_eq!(document.value.formats.len(), 1);
        assert_eq!(document.value.services.len(), 1);
        assert!(document.damaged.has("formats") && document.damaged.has("hostname"));
        assert!(!document.damaged.has("services"));
    }

    #[test]
    fn every_missing_key_is_found_and_hidden_values_are_not_missing() {
        let (document, problems) =
            read::<Catalog>(&source("services:\n  web: { title: Web, role: wrong, ports: [{ port: 1 }] }\n"));
        assert_eq!(
            problems.to_string(),
            "x.yaml:2:3: `web` lacks the key `start`; add `start`\n\
             x.yaml:2:3: `web` lacks the key `summary`; add `summary`\n\
             x.yaml:2:3: `web` lacks the key `units`; add `units`\n\
             x.yaml:2:28: `role` cannot be `wrong`; known: `access`, `discovery`, `mesh`, `sharing`, `storage`, \
             `streaming`, `voice`, `web`\n\
             x.yaml:2:43: an entry of `ports` lacks the key `name`; add `name`\n\
             x.yaml:2:43: an entry of `ports` lacks the key `protocol`; add `protocol`\n\
             x.yaml:2:43: an entry of `ports` lacks the key `scope`; add `scope`"
        );
        assert!(document.value.services.is_empty());
        assert!(document.damaged.has("services.web"));
    }

    /// Texts that are nearly what we read.
    fn yaml() -> impl Strategy<Value = String> {
        const PIECES: [&str; 40] = [
            "summary",
            "packages",
            "services",
            "sets",
            "disk",
            "root",
            "size",
            "remove",
            "variables",
            "ports",
            "extends",
            "port",
            "title",
            "units",
            "web",
            "4G",
            "70000",
            "-1",
            "1.5",
            "true",
            "null",
            "~",
            ": ",
            ":",
            "- ",
            "\n",
            "\n  ",
            "\n    ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "\"",
            "'",
            "&a ",
            "*a",
            "<<: ",
            "#",
            "ä€",
        ];
        let piece = prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned);
        let odd = any::<char>().prop_map(String::from);
        prop::collection::vec(proptest::prop_oneof![20 => piece, 1 => odd], 0..60)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_can_break_the_reader(text in yaml()) {
            let (_, mut problems) = profile(&text);
            let (_, more) = read::<Catalog>(&source(&text));
            problems.extend(more);
            let drawn = human(&problems, Colour::No);
            assert_eq!(problems.is_empty(), drawn.is_empty());
            for problem in problems.iter() {
                let place = problem.place.as_ref().unwrap();
                assert!(place.span.line >= 1 && place.span.column >= 1, "{problem}");
            }
        }
    }
}
