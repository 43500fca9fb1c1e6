use super::access::{Invitation, Purpose, Secret, Session};
use super::names::{PASSWORD_LIMIT_BYTES, PasswordHash, PersonName, Unfitting, check_password};
use super::{PEOPLE_LIMIT, People, PersonId, Role, SESSIONS_LIMIT, Unfit};
use crate::node::Moment;
use crate::node::service::Text;

const NOW: Moment = Moment { uptime: std::time::Duration::from_secs(60), unix_s: 1_800_000_000 };

fn name(text: &str) -> PersonName {
    PersonName::new(text).unwrap()
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash(text.to_owned())
}

fn session(person: PersonId, id: &str, seen_s: u64) -> Session {
    let secret = Secret(format!("secret of {id}"));
    let (from, browser) = ("192.0.2.1".to_owned(), Text::from("Browser".to_owned()));
    Session { id: id.to_owned(), secret, person, since_s: NOW.unix_s, seen_s, from, browser }
}

/// An owner and a guest.
fn people() -> (People, PersonId, PersonId) {
    let mut people = People::default();
    let owner = people.admit(name("Marta"), Role::Owner, hash("m"), NOW).unwrap();
    let guest = people.admit(name("Pau"), Role::Guest, hash("p"), NOW).unwrap();
    (people, owner, guest)
}

#[test]
fn two_people_never_have_one_name() {
    let (mut people, ..) = people();
    for same in ["Marta", "MARTA", "  marta "] {
        assert_eq!(people.admit(name(same), Role::Guest, hash(""), NOW), Err(Unfit::NameTaken), "{same}");
    }
    for more in 2..PEOPLE_LIMIT {
        people.admit(name(&format!("Guest {more}")), Role::Guest, hash(""), NOW).unwrap();
    }
    assert_eq!(people.admit(name("Late"), Role::Guest, hash(""), NOW), Err(Unfit::Full));
}

#[test]
fn the_last_owner_stays_owner() {
    let (mut people, owner, guest) = people();
    assert_eq!(people.remove(owner), Err(Unfit::LastOwner));
    assert_eq!(people.set_role(owner, Role::Member), Err(Unfit::LastOwner));
    people.set_role(guest, Role::Owner).unwrap();
    people.remove(owner).unwrap();
    assert_eq!(people.remove(guest), Err(Unfit::LastOwner));
    assert_eq!(people.remove(owner), Err(Unfit::Gone));
    // The number of one who has gone is never given again.
    let next = people.admit(name("Marta"), Role::Guest, hash(""), NOW).unwrap();
    assert_ne!(next, owner);
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    let (mut people, owner, guest) = people();
    for (person, id) in [(owner, "a"), (owner, "b"), (guest, "c")] {
        people.begin(session(person, id, NOW.unix_s));
    }
    people.set_password(owner, hash("new"), Some("b")).unwrap();
    let left: Vec<_> = people.sessions.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(left, ["b", "c"]);
}

#[test]
fn the_session_used_least_makes_room() {
    let (mut people, owner, guest) = people();
    people.begin(session(guest, "other", 0));
    for number in 0..=SESSIONS_LIMIT as u64 {
        people.begin(session(owner, &number.to_string(), NOW.unix_s + number));
    }
    assert!(!people.sessions.iter().any(|it| it.id == "0"));
    assert_eq!(people.sessions.len(), SESSIONS_LIMIT + 1);
}

#[test]
fn sessions_end_by_idleness_and_by_age() {
    let (mut people, owner, _) = people();
    people.begin(session(owner, "a", NOW.unix_s));
    let day = 24 * 60 * 60;
    let opens = |people: &People, unix_s| people.session(&Secret("secret of a".to_owned()), unix_s).is_some();
    assert!(opens(&people, NOW.unix_s + 29 * day));
    assert!(!opens(&people, NOW.unix_s + 30 * day));
    // A board that believes it is 1970 lets its people in.
    assert!(opens(&people, 60));
    people.sessions[0].seen_s = NOW.unix_s + 179 * day;
    assert!(opens(&people, NOW.unix_s + 179 * day));
    assert!(!opens(&people, NOW.unix_s + 180 * day));
    assert!(people.tidy(NOW.unix_s + 180 * day));
    assert!(people.sessions.is_empty());
}

#[test]
fn an_invitation_is_good_once() {
    let (mut people, owner, guest) = people();
    let secret = Secret("s".to_owned());
    let invitation = |purpose| Invitation {
        id: "i".to_owned(),
        secret: Secret("s".to_owned()),
        purpose,
        by: owner,
        note: Text::from(String::new()),
        since_s: NOW.unix_s,
        until_s: NOW.unix_s + 10,
    };
    people.invitations.push(invitation(Purpose::Join { role: Role::Member }));
    assert_eq!(people.accept(&secret, name("Pau"), hash("x"), NOW), Err(Unfit::NameTaken));
    let late = Moment { unix_s: NOW.unix_s + 10, ..NOW };
    assert_eq!(people.accept(&secret, name("Nuria"), hash("x"), late), Err(Unfit::Gone));
    let nuria = people.accept(&secret, name("Nuria"), hash("x"), NOW).unwrap();
    assert_eq!(people.person(nuria).unwrap().role, Role::Member);
    assert_eq!(people.accept(&secret, name("Another"), hash("x"), NOW), Err(Unfit::Gone));

    people.invitations.push(invitation(Purpose::Password { person: guest }));
    assert_eq!(people.accept(&secret, name("whoever"), hash("new"), NOW), Ok(guest));
    assert_eq!(people.person(guest).unwrap().password, hash("new"));
    // Whoever leaves takes the invitations along.
    people.invitations.push(invitation(Purpose::Password { person: guest }));
    people.remove(guest).unwrap();
    assert!(people.invitations.is_empty());
}

#[test]
fn names_and_passwords_fit_or_say_why() {
    for (typed, wrong) in [
        ("", Unfitting::Empty),
        (" \t ", Unfitting::Empty),
        ("a\u{202e}b", Unfitting::Hidden),
        ("a\0b", Unfitting::Hidden),
        ("...", Unfitting::Hidden),
        (&"x".repeat(41), Unfitting::TooLong { limit: 40 }),
    ] {
        assert_eq!(PersonName::new(typed), Err(wrong), "{typed:?}");
    }
    for typed in ["Núria", "王小明", "o'Brien", "x", " Ann ", &"ñ".repeat(40)] {
        assert_eq!(&*PersonName::new(typed).unwrap(), typed.trim());
    }
    let check = |password: &str| check_password(password, "Marta Puig i Serra", "nuvol-1a2b3c4d");
    assert_eq!(check(""), Err(Unfitting::Empty));
    assert_eq!(check("short"), Err(Unfitting::TooShort { least: 10 }));
    assert_eq!(check("ninechars"), Err(Unfitting::TooShort { least: 10 }));
    assert_eq!(check("ççççççççç"), Err(Unfitting::TooShort { least: 10 }));
    assert_eq!(check(&"ab".repeat(200)), Err(Unfitting::TooLong { limit: PASSWORD_LIMIT_BYTES }));
    assert_eq!(check("aaaaaaaaaaaaaa"), Err(Unfitting::Guessable));
    assert_eq!(check("NUVOL-1a2b3c4d"), Err(Unfitting::Guessable));
    assert_eq!(check("marta puig i serra"), Err(Unfitting::Guessable));
    assert_eq!(check("correct horse"), Ok(()));
}
