//! People: who comes, who goes, and which ways in end with what.

use proptest::prelude::*;

use super::world::{OWNER, World, hash, name, new_session, person, secret, text};
use crate::node::command::{Command, Guess, Proof, Refusal, Reply};
use crate::node::people::access::{Purpose, Scope};
use crate::node::people::{
    INVITATIONS_LIMIT, PEOPLE_LIMIT, PersonId, Role, SESSIONS_LIMIT, TOKENS_LIMIT, Unfit,
};
use crate::node::rights::Actor;
use crate::node::{Action, Document, Restored};

const JOIN: Purpose = Purpose::Join { role: Role::Member };
const DAY_S: u64 = 24 * 60 * 60;

fn token(id: &str, days: Option<u32>) -> Command {
    let (id, secret) = (id.to_owned(), secret(id));
    Command::MakeToken { id, secret, title: text("t"), scopes: [Scope::Read].into(), days }
}

#[test]
fn an_invitation_lets_one_person_in_once() {
    let mut world = World::claimed();
    let invitation = world.invite(JOIN).unwrap();
    assert_eq!(world.accept(&invitation, "ANA", "x"), Err(Refusal::Unfit(Unfit::NameTaken)));
    let Reply::Person(ben) = world.accept(&invitation, "Ben", "x").unwrap() else { panic!("nobody") };
    assert_eq!(world.people().person(ben).unwrap().role, Role::Member);
    assert_eq!(world.accept(&invitation, "Eve", "x"), Err(Refusal::NoSuch));
    // A week, and not longer.
    let late = world.invite(JOIN).unwrap();
    world.uptime_s += 7 * DAY_S;
    assert_eq!(world.accept(&late, "Eve", "x"), Err(Refusal::NoSuch));
    world.assert_nothing_unsaved();
}

#[test]
fn an_invitation_that_was_taken_back_opens_nothing() {
    let mut world = World::claimed();
    let invitation = world.invite(JOIN).unwrap();
    let id = world.people().invitations[0].id.clone();
    world.owner(Command::Uninvite(id.clone())).unwrap();
    assert_eq!(world.owner(Command::Uninvite(id)), Err(Refusal::NoSuch));
    assert_eq!(world.accept(&invitation, "Eve", "x"), Err(Refusal::NoSuch));
}

#[test]
fn there_is_always_an_owner() {
    let mut world = World::claimed();
    let ben = world.admit("Ben", Role::Member);
    let last = Err(Refusal::Unfit(Unfit::LastOwner));
    assert_eq!(world.owner(Command::Remove(OWNER)), last);
    assert_eq!(world.owner(Command::SetRole(OWNER, Role::Member)), last);
    world.owner(Command::SetRole(OWNER, Role::Owner)).unwrap();
    world.owner(Command::SetRole(ben, Role::Owner)).unwrap();
    world.owner(Command::SetRole(OWNER, Role::Member)).unwrap();
    world.sign_in(ben, "ben").unwrap();
    assert_eq!(world.ask(&person(ben, "ben"), Command::Remove(ben)), last);
    assert_eq!(world.ask(&person(ben, "ben"), Command::Remove(PersonId(77))), Err(Refusal::NoSuch));
}

#[test]
fn a_new_password_ends_the_other_sessions_and_the_links_for_new_passwords() {
    let mut world = World::claimed();
    world.sign_in(OWNER, "phone").unwrap();
    let link = world.invite(Purpose::Password { person: OWNER }).unwrap();
    world.owner(Command::SetPassword(hash("second"))).unwrap();
    let sessions: Vec<_> = world.people().sessions.iter().map(|it| it.id.clone()).collect();
    assert_eq!(sessions, ["ana"]);
    assert_eq!(world.accept(&link, "x", "third"), Err(Refusal::NoSuch));
    // By a link: all sessions end, and a second link with them.
    let links = [0, 1].map(|_| world.invite(Purpose::Password { person: OWNER }).unwrap());
    world.accept(&links[0], "whatever", "third").unwrap();
    assert_eq!(world.people().sessions, []);
    assert_eq!(world.people().person(OWNER).unwrap().password, hash("third"));
    assert_eq!(&*world.people().person(OWNER).unwrap().name, "Ana");
    assert_eq!(world.accept(&links[1], "x", "fourth"), Err(Refusal::NoSuch));
}

#[test]
fn a_password_that_changed_while_it_was_compared_signs_nobody_in() {
    let mut world = World::claimed();
    let guess = Command::Try(Guess::Password(name("ana")));
    let Ok(Reply::Proof(Proof::Password(Some((person, password))))) = world.ask(&Actor::Visitor, guess)
    else {
        panic!("Ana is here")
    };
    world.owner(Command::SetPassword(hash("second"))).unwrap();
    let session = new_session("late");
    let answer = world.ask(&Actor::Visitor, Command::SignIn { person, password, session });
    assert_eq!(answer, Err(Refusal::NoSuch));
}

#[test]
fn whoever_leaves_or_is_no_owner_any_more_leaves_no_way_in_behind() {
    let mut world = World::claimed();
    let ben = world.admit("Ben", Role::Owner);
    world.sign_in(ben, "ben").unwrap();
    let actor = person(ben, "ben");
    let make = |world: &mut World, id: &str| {
        let join = Purpose::Join { role: Role::Owner };
        let secret = secret(id);
        let invite =
            Command::Invite { id: id.to_owned(), secret: secret.clone(), purpose: join, note: text("") };
        world.ask(&actor, invite).unwrap();
        secret
    };
    let before = make(&mut world, "one");
    world.owner(Command::SetRole(ben, Role::Guest)).unwrap();
    assert_eq!(world.accept(&before, "Ben's other me", "x"), Err(Refusal::NoSuch));
    world.owner(Command::SetRole(ben, Role::Owner)).unwrap();
    let before = make(&mut world, "two");
    world.ask(&actor, token("t", None)).unwrap();
    let reset = world.invite(Purpose::Password { person: ben }).unwrap();
    world.owner(Command::Remove(ben)).unwrap();
    for link in [before, reset] {
        assert_eq!(world.accept(&link, "Eve", "x"), Err(Refusal::NoSuch));
    }
    let people = world.people();
    assert!(people.tokens.is_empty() && people.sessions.iter().all(|it| it.person == OWNER));
    // Nobody gets his number: what names him in a log stays his.
    assert_ne!(world.admit("Ben", Role::Guest), ben);
}

#[test]
fn everything_has_a_limit() {
    let mut world = World::claimed();
    for id in 0..TOKENS_LIMIT {
        world.owner(token(&id.to_string(), Some(1))).unwrap();
    }
    assert_eq!(world.owner(token("more", None)), Err(Refusal::Full));
    for _ in 0..INVITATIONS_LIMIT {
        world.invite(JOIN).unwrap();
    }
    assert_eq!(world.invite(JOIN), Err(Refusal::Full));
    // What has run out takes no room.
    world.uptime_s += 7 * DAY_S;
    world.owner(token("more", None)).unwrap();
    world.invite(JOIN).unwrap();
    for id in 0..SESSIONS_LIMIT + 3 {
        world.uptime_s += 1;
        world.sign_in(OWNER, &format!("{id}")).unwrap();
    }
    let sessions = world.people().sessions.clone();
    assert_eq!((sessions.len(), &*sessions[0].id), (SESSIONS_LIMIT, "3"));
    // Ana's session made room.
    world.sign_in(OWNER, "ana").unwrap();
    for person in 1..PEOPLE_LIMIT {
        world.admit(&format!("person {person}"), Role::Guest);
    }
    let one_more = world.invite(JOIN).unwrap();
    assert_eq!(world.accept(&one_more, "Eve", "x"), Err(Refusal::Full));
}

#[test]
fn guesses_at_one_account_are_counted_from_everywhere_and_however_its_name_is_written() {
    let mut world = World::claimed();
    for guess in 0..20 {
        let name = name(["Ana", "ANA", "ana", " aNa "][guess % 4]);
        let from = format!("198.51.100.{guess}");
        let tried = world.ask_from(&from, &Actor::Visitor, Command::Try(Guess::Password(name.clone())));
        assert!(matches!(tried, Ok(Reply::Proof(Proof::Password(Some(_))))), "{guess}: {tried:?}");
        world.ask_from(&from, &Actor::Visitor, Command::Wrong(Guess::Password(name))).unwrap();
    }
    let again = Command::Try(Guess::Password(name("Ana")));
    assert_eq!(
        world.ask_from("203.0.113.1", &Actor::Visitor, again.clone()),
        Err(Refusal::Wait { seconds: 60 })
    );
    // A name that nobody has is treated alike.
    for guess in 0..20 {
        let wrong = Command::Wrong(Guess::Password(name("nobody")));
        world.ask_from(&format!("198.51.100.{}", 100 + guess), &Actor::Visitor, wrong).unwrap();
    }
    let nobody = Command::Try(Guess::Password(name("nobody")));
    assert_eq!(world.ask_from("203.0.113.1", &Actor::Visitor, nobody), Err(Refusal::Wait { seconds: 60 }));
    // It does not grow: a stranger keeps nobody out for long.
    world.wait(60);
    assert!(world.ask_from("203.0.113.1", &Actor::Visitor, again).is_ok());
}

#[test]
fn looking_at_pages_is_written_down_once_an_hour() {
    let mut world = World::claimed();
    let writes = |world: &World| world.saved.iter().filter(|it| matches!(it, Document::People(_))).count();
    let before = writes(&world);
    for _ in 0..59 {
        world.uptime_s += 60;
        world.owner(Command::Seen).unwrap();
    }
    assert_eq!(writes(&world), before);
    world.uptime_s += 60;
    world.owner(Command::Seen).unwrap();
    assert_eq!(writes(&world), before + 1);
    assert_eq!(world.people().sessions[0].seen_s, super::at(world.uptime_s).unix_s);
}

#[derive(Debug, Clone)]
enum Act {
    Admit(String, Role),
    Role(u32, Role),
    Remove(u32),
    Reset(u32),
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let role = || prop_oneof![Just(Role::Guest), Just(Role::Member), Just(Role::Owner)];
    let act = prop_oneof![
        ("[A-Ca-c]{1,2}", role()).prop_map(|(name, role)| Act::Admit(name, role)),
        (0u32..6, role()).prop_map(|(id, role)| Act::Role(id, role)),
        (0u32..6).prop_map(Act::Remove),
        (0u32..6).prop_map(Act::Reset),
        (0u64..9 * DAY_S).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    /// Whatever owners do: there is an owner, no two people share a name, no way in belongs to nobody, and what is in
    /// memory is on the disk and survives a restart.
    #[test]
    fn the_list_of_people_holds_together(acts in acts()) {
        let mut world = World::claimed();
        for act in acts {
            // Some owner acts, signed in for this purpose.
            let people = world.people();
            let owner = people.people.iter().find(|it| it.role == Role::Owner).unwrap().id;
            world.sign_in(owner, "now").unwrap();
            let actor = person(owner, "now");
            match act {
                Act::Admit(who, role) => {
                    let (id, key) = (format!("i{}", world.saved.len()), secret(&format!("s{}", world.saved.len())));
                    let purpose = Purpose::Join { role };
                    let invite = Command::Invite { id, secret: key.clone(), purpose, note: text("") };
                    if world.ask(&actor, invite).is_ok() {
                        world.accept(&key, &who, "x").ok();
                    }
                }
                Act::Role(id, role) => drop(world.ask(&actor, Command::SetRole(PersonId(id), role))),
                Act::Remove(id) => drop(world.ask(&actor, Command::Remove(PersonId(id)))),
                Act::Reset(id) => {
                    let purpose = Purpose::Password { person: PersonId(id) };
                    let (id, key) = (format!("r{}", world.saved.len()), secret("r"));
                    drop(world.ask(&actor, Command::Invite { id, secret: key, purpose, note: text("") }));
                }
                Act::Wait(seconds) => world.wait(seconds),
            }
            let people = world.people();
            prop_assert!(people.is_claimed());
            let mut names: Vec<_> = people.people.iter().map(|it| it.name.key()).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), people.people.len());
            let known = |id: PersonId| people.person(id).is_some();
            prop_assert!(people.sessions.iter().all(|it| known(it.person)));
            prop_assert!(people.invitations.iter().all(|it| known(it.by)));
            world.assert_nothing_unsaved();
        }
        let restarted = World::with(Restored { people: world.on_disk().people, ..Restored::default() });
        prop_assert_eq!(restarted.people(), world.people());
        prop_assert!(restarted.last.contains(&Action::ForgetClaimCode));
    }
}
