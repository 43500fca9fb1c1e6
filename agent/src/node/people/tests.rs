//! Names and passwords, as people type them.

use proptest::prelude::*;

use super::access::Session;
use super::names::{NAME_LIMIT, PASSWORD_LIMIT_BYTES, PasswordHash, PersonName, Unfitting, check_password};
use super::{People, PersonId, Role};
use crate::node::Moment;
use crate::node::people::access::Secret;
use crate::node::service::Text;

#[test]
fn a_name_is_what_others_can_read() {
    for (typed, name) in [
        ("Ana", "Ana"),
        ("  Ana Maria ", "Ana Maria"),
        ("Ángel Núñez", "Ángel Núñez"),
        ("محمد", "محمد"),
        ("村上春樹", "村上春樹"),
        ("O'Brien-Smith", "O'Brien-Smith"),
        ("<b>Eve</b>", "<b>Eve</b>"),
        ("4", "4"),
    ] {
        assert_eq!(&*PersonName::new(typed).unwrap(), name);
    }
    let long = "a".repeat(NAME_LIMIT + 1);
    for (typed, wrong) in [
        ("", Unfitting::Empty),
        (" \u{a0}\t", Unfitting::Empty),
        (&*long, Unfitting::TooLong { limit: NAME_LIMIT }),
        ("...", Unfitting::Hidden),
        ("Ana\nEve", Unfitting::Hidden),
        ("Ana\0", Unfitting::Hidden),
        ("A\u{200b}na", Unfitting::Hidden),
        ("Ana\u{feff}", Unfitting::Hidden),
        ("A\u{ad}na", Unfitting::Hidden),
        ("\u{202e}anA", Unfitting::Hidden),
        ("Ana\u{2028}Eve", Unfitting::Hidden),
        ("Ana\u{e0041}", Unfitting::Hidden),
        ("\u{3164}", Unfitting::Hidden),
    ] {
        assert_eq!(PersonName::new(typed), Err(wrong), "{typed:?}");
    }
}

#[test]
fn names_that_look_the_same_are_the_same() {
    let same =
        |one: &str, other: &str| PersonName::new(one).unwrap().is_same(&PersonName::new(other).unwrap());
    for (one, other) in [
        ("Ana", "aNA"),
        ("ÁNGEL", "ángel"),
        ("Ana Maria", "Ana  Maria"),
        ("Ana Maria", "Ana\u{a0}Maria"),
        ("Ana", "A\u{200d}na"),
    ] {
        assert!(same(one, other), "{one:?} {other:?}");
    }
    assert!(!same("Ana", "Anna"));
    assert!(!same("Ana Maria", "AnaMaria"));
}

#[test]
fn a_password_is_long_and_not_what_everybody_tries_first() {
    for good in ["correct horse", "ñandú ñandú", "0123456789", "          x"] {
        assert_eq!(check_password(good, "Ana", "nuvol"), Ok(()), "{good:?}");
    }
    let long = "ab".repeat(PASSWORD_LIMIT_BYTES / 2 + 1);
    for (bad, wrong) in [
        ("", Unfitting::Empty),
        ("123456789", Unfitting::TooShort { least: 10 }),
        ("ñandúñand", Unfitting::TooShort { least: 10 }),
        (&*long, Unfitting::TooLong { limit: PASSWORD_LIMIT_BYTES }),
        ("aaaaaaaaaaaa", Unfitting::Guessable),
        ("AAAAAaaaaaaa", Unfitting::Guessable),
        ("ana maria gomez", Unfitting::Guessable),
        ("Nuvol-1a2b3c", Unfitting::Guessable),
    ] {
        assert_eq!(check_password(bad, "Ana Maria Gomez", "nuvol-1a2b3c"), Err(wrong), "{bad:?}");
    }
}

#[test]
fn nothing_secret_is_in_what_is_printed() {
    let mut people = People::default();
    let name = PersonName::new("Ana").unwrap();
    people.admit(name, Role::Owner, PasswordHash("$argon2id$hush".to_owned()), Moment::default()).unwrap();
    people.begin(Session {
        id: "visible".to_owned(),
        secret: Secret("hush".to_owned()),
        person: PersonId(0),
        since_s: 0,
        seen_s: 0,
        from: "192.0.2.1".to_owned(),
        browser: Text::from("Lynx".to_owned()),
    });
    let printed = format!("{people:?}");
    assert!(printed.contains("visible") && !printed.contains("hush"), "{printed}");
}

proptest! {
    /// Whatever is typed: what becomes a name has no letter that hides, stays what it is when it is written down and
    /// read again, and is the same as itself.
    #[test]
    fn every_name_that_there_is_is_legal(typed in any::<String>()) {
        let Ok(name) = PersonName::new(&typed) else { return Ok(()) };
        prop_assert!(!name.chars().any(char::is_control));
        prop_assert!(name.chars().count() <= NAME_LIMIT && !name.is_empty());
        prop_assert_eq!(name.trim(), &*name);
        prop_assert!(!name.key().is_empty());
        let written = serde_json::to_string(&name).unwrap();
        prop_assert_eq!(&serde_json::from_str::<PersonName>(&written).unwrap(), &name);
        prop_assert!(name.is_same(&name));
    }

    #[test]
    fn no_password_makes_the_check_fall_over(password in any::<String>(), person in any::<String>()) {
        if check_password(&password, &person, "nuvol").is_ok() {
            prop_assert!(password.chars().count() >= 10 && password.len() <= PASSWORD_LIMIT_BYTES);
        }
    }
}
