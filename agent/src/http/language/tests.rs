//! Every language says the same things, with the same values, and nothing that nobody asks for.
#![allow(clippy::disallowed_methods, reason = "the test reads sources")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{FILES, Language};

/// Messages that only languages have in which the image does not speak.
const IMAGE: [&str; 4] = ["-title", "-summary", "-setting-", "-shown-"];

fn is_of_the_image(id: &str) -> bool {
    let services = [
        "avahi",
        "ssh",
        "tinc",
        "home-access",
        "tahoe-lafs",
        "syncthing",
        "transmission",
        "icecast",
        "mumble",
        "nginx",
    ];
    services.iter().any(|service| {
        let rest = id.strip_prefix(&format!("service-{service}"));
        rest.is_some_and(|rest| IMAGE.iter().any(|part| rest.starts_with(part)))
    })
}

/// Each message of a file with the names of its values.
fn messages(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        if line.starts_with(|first: char| first.is_ascii_lowercase()) {
            last = line.split(" =").next().unwrap().to_owned();
            assert!(messages.insert(last.clone(), BTreeSet::new()).is_none(), "`{last}` stands twice");
        }
        let values = line.split('$').skip(1).map(|rest| {
            rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect()
        });
        messages.get_mut(&last).unwrap().extend(values.collect::<Vec<String>>());
    }
    messages
}

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn all_languages_say_the_same() {
    let english = messages(FILES[0].1);
    for (code, text) in &FILES[1..] {
        let mut other = messages(text);
        other.retain(|id, _| !is_of_the_image(id));
        assert_eq!(other, english, "{code}");
    }
}

#[test]
fn the_images_texts_are_in_every_other_language() {
    let of_image = |text: &str| -> BTreeSet<String> {
        messages(text).into_keys().filter(|id| is_of_the_image(id)).collect()
    };
    assert_eq!(of_image(FILES[0].1), BTreeSet::new(), "English comes with the image");
    let spanish = of_image(FILES[1].1);
    assert!(spanish.contains("service-icecast-summary"));
    for (code, text) in &FILES[1..] {
        assert_eq!(of_image(text), spanish, "{code}");
    }
}

#[test]
fn every_message_is_asked_for_and_every_question_has_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    sources(&root.join("src/http"), &mut all);
    sources(&root.join("templates"), &mut all);
    let known = messages(FILES[0].1);
    for id in known.keys() {
        assert!(all.contains(&format!("\"{id}\"")), "nobody asks for `{id}`");
    }
    for part in [".say(\"", ".with(\"", ".both(\""] {
        for rest in all.split(part).skip(1) {
            let id = rest.split('"').next().unwrap();
            assert!(known.contains_key(id) || id.is_empty(), "there is no `{id}`");
        }
    }
}

#[test]
fn every_message_can_be_read() {
    for language in Language::all() {
        for (id, values) in messages(FILES[language.0].1) {
            let values: Vec<_> = values.iter().map(|name| (name.as_str(), 2_u64.into())).collect();
            let text = language.fill(&id, &values);
            assert!(!text.contains(super::MISSING), "{}: {text}", language.code());
            let marks = ['\u{2068}', '\u{2069}', '{', '}'];
            assert!(!text.contains(marks), "{}: {id}: {text:?}", language.code());
        }
    }
}

#[test]
fn a_language_is_chosen_before_it_is_guessed() {
    for (chosen, accepted, expected) in [
        (None, None, "en"),
        (Some("ca"), Some("es"), "ca"),
        (Some("xx"), Some("es"), "es"),
        (None, Some("fr-FR,fr;q=0.9,ca;q=0.8,es;q=0.7"), "ca"),
        (None, Some("en;q=0.1, es-MX;q=0.9"), "es"),
        (None, Some("es;q=0,ca;q=0.1"), "ca"),
        (None, Some("CA-ES"), "ca"),
        (None, Some("es;q=two,*"), "en"),
        (None, Some(";;,,q=1;="), "en"),
    ] {
        assert_eq!(Language::choose(chosen, accepted).code(), expected, "{chosen:?} {accepted:?}");
    }
}

#[test]
fn numbers_have_their_words() {
    for (code, one, many) in [
        ("en", "One thing needs attention", "3 things need attention"),
        ("es", "Hay una cosa que atender", "Hay 3 cosas que atender"),
        ("ca", "Hi ha una cosa per atendre", "Hi ha 3 coses per atendre"),
    ] {
        let language = Language::of(code).unwrap();
        assert_eq!(language.with("headline-trouble", "things", 1_usize), one);
        assert_eq!(language.with("headline-trouble", "things", 3_usize), many);
    }
}
