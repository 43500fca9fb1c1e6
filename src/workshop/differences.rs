//! What differs between two recipes, in words that people understand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In words: `package tinc 1.0.36-2 -> 1.0.37-1`.
    pub words: String,
    /// What the newer recipe has there, if it is a text.
    pub now: Option<String>,
    /// How many things differ: several may be told in one line.
    pub weight: usize,
}

/// Where in a recipe something lies.
type Place<'a> = Vec<&'a str>;

/// What `new` has otherwise than `old`; both are recipes: stage, version, inputs.
pub fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    if old[1] != new[1] {
        found.push(plain("nuvol makes this stage in another way now".to_owned()));
    }
    compare(&mut Vec::new(), &old[2], &new[2], &mut found);
    found
}

fn compare<'a>(place: &mut Place<'a>, old: &'a Value, new: &'a Value, found: &mut Vec<Difference>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) if is_thing(place) => found.push(thing(place, old, new)),
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                place.push(key);
                match (old.get(key), new.get(key)) {
                    (Some(old), Some(new)) => compare(place, old, new, found),
                    (None, Some(new)) => found.push(comes(place, "added", new)),
                    (_, None) => found.push(plain(format!("{} gone", name(place)))),
                }
                place.pop();
            }
        }
        (Value::Array(old), Value::Array(new)) => lists(place, old, new, found),
        _ => found.push(change(place, old, new)),
    }
}

/// Lists of named things are compared by name, other lists as sets.
fn lists<'a>(place: &mut Place<'a>, old: &'a [Value], new: &'a [Value], found: &mut Vec<Difference>) {
    if let (Some(old), Some(new)) = (by_name(old), by_name(new)) {
        let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        for one in names {
            place.push(one);
            match (old.get(one), new.get(one)) {
                (Some(old), Some(new)) => compare(place, old, new, found),
                (None, Some(new)) => found.push(comes(place, "added", new)),
                (_, None) => found.push(plain(format!("{} gone", name(place)))),
            }
            place.pop();
        }
        return;
    }
    let before = found.len();
    let (come, go): (Vec<_>, Vec<_>) = (
        new.iter().filter(|it| !old.contains(it)).collect(),
        old.iter().filter(|it| !new.contains(it)).collect(),
    );
    let name = name(place);
    if come.iter().chain(&go).all(|it| it.as_str().is_some_and(is_digest)) && come.len() + go.len() > 2 {
        let weight = come.len() + go.len();
        let words = format!("{name}: {} added, {} gone", come.len(), go.len());
        found.push(Difference { weight, ..plain(words) });
        return;
    }
    let line = |it: &Value, word: &str| Difference {
        words: match short(it) {
            Some(text) => format!("{name} {text} {word}"),
            None => format!("{name} {word}"),
        },
        now: (word == "added").then(|| it.as_str().map(str::to_owned)).flatten(),
        weight: 1,
    };
    found.extend(come.into_iter().map(|it| line(it, "added")));
    found.extend(go.into_iter().map(|it| line(it, "gone")));
    if found.len() == before {
        found.push(plain(format!("{name}: another order")));
    }
}

/// Objects with a `name`, and pairs that begin with one, by that name.
fn by_name(list: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let named = list.iter().map(|it| match it {
        Value::Object(fields) => Some((fields.get("name")?.as_str()?, it)),
        Value::Array(pair) if pair.len() == 2 => Some((pair[0].as_str()?, &pair[1])),
        _ => None,
    });
    named.collect::<Option<_>>()
}

/// Files and packages are told as a whole, whatever differs in them.
fn is_thing(place: &Place<'_>) -> bool {
    matches!(place.as_slice(), ["packages" | "layer", _] | ["layering", "files", _])
}

fn thing(place: &Place<'_>, old: &Map<String, Value>, new: &Map<String, Value>) -> Difference {
    let text = |of: &Map<String, Value>| of.get("version").and_then(Value::as_str).map(str::to_owned);
    plain(match (text(old), text(new)) {
        (Some(old), Some(new)) if old != new => format!("{} {old} -> {new}", name(place)),
        (Some(version), _) => format!("{} {version} with other bytes", name(place)),
        _ => format!("{} changed", name(place)),
    })
}

fn comes(place: &Place<'_>, word: &str, new: &Value) -> Difference {
    let version = new.get("version").and_then(Value::as_str).map(|it| format!(" {it}"));
    plain(format!("{}{} {word}", name(place), version.unwrap_or_default()))
}

fn change(place: &Place<'_>, old: &Value, new: &Value) -> Difference {
    let name = name(place);
    let words = match (short(old), short(new)) {
        (Some(old), Some(new)) => format!("{name} {old} -> {new}"),
        _ => format!("{name} changed"),
    };
    Difference { words, now: new.as_str().map(str::to_owned), weight: 1 }
}

fn plain(words: String) -> Difference {
    Difference { words, now: None, weight: 1 }
}

fn name(place: &Place<'_>) -> String {
    match place.as_slice() {
        ["layer", path, ..] | ["layering", "files", path, ..] => format!("overlay file /{path}"),
        ["packages", package, ..] => format!("package {package}"),
        ["base", "packages"] => "asked-for package".to_owned(),
        ["digests"] => "packages".to_owned(),
        ["layering", rest @ ..] => rest.join("."),
        place => place.join("."),
    }
}

/// A value as people read it, unless it is a digest or longer than a line takes.
fn short(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return None,
    };
    (text.len() <= 40 && !text.contains('\n') && !is_digest(&text)).then_some(text)
}

/// Whether `text` is a sha256, or a key of the shelf, which ends with one.
fn is_digest(text: &str) -> bool {
    let end = text.rsplit('-').next().unwrap_or(text);
    end.len() == 64 && end.bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::differences;

    fn words(old: Value, new: Value) -> Vec<String> {
        let found = differences(&json!(["x", 1, old]), &json!(["x", 1, new]));
        found.into_iter().map(|it| it.words).collect()
    }

    #[test]
    fn packages_are_told_by_name_and_version() {
        let package = |name: &str, version: &str, sha256: &str| json!({ "name": name, "version": version, "sha256": sha256 });
        let old = json!({ "packages": [package("at", "1", "a"), package("tinc", "1.0.36-2", "b"), package("z", "1", "c")] });
        let new = json!({ "packages": [package("nano", "8", "d"), package("tinc", "1.0.37-1", "e"), package("z", "1", "f")] });
        assert_eq!(
            words(old, new),
            [
                "package at gone",
                "package nano 8 added",
                "package tinc 1.0.36-2 -> 1.0.37-1",
                "package z 1 with other bytes"
            ]
        );
    }

    #[test]
    fn overlay_files_are_told_by_path() {
        let file = |digest: &str| json!({ "content": { "File": digest }, "mode": 420 });
        let old = json!({ "layering": { "files": { "etc/issue": file("a"), "etc/motd": file("b") } } });
        let new = json!({ "layering": { "files": { "etc/issue": file("c"), "etc/hosts": file("d") } } });
        assert_eq!(
            words(old, new),
            [
                "overlay file /etc/hosts added",
                "overlay file /etc/issue changed",
                "overlay file /etc/motd gone"
            ]
        );
    }

    #[test]
    fn values_and_lists_are_told() {
        let old = json!({ "epoch": 7, "disk": { "kernel_arguments": ["quiet"] }, "root": "a".repeat(64) });
        let new = json!({ "epoch": 8, "disk": { "kernel_arguments": ["debug"] }, "root": "b".repeat(64) });
        assert_eq!(
            words(old.clone(), new),
            [
                "disk.kernel_arguments debug added",
                "disk.kernel_arguments quiet gone",
                "epoch 7 -> 8",
                "root changed"
            ]
        );
        assert!(words(old.clone(), old.clone()).is_empty());
        let found = differences(&json!(["x", 1, old]), &json!(["x", 2, old]));
        assert_eq!(found[0].words, "nuvol makes this stage in another way now");
    }
}
