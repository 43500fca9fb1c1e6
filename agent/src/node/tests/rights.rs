//! Who may do what: every command by everybody, compared with one table.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::world::{OWNER, World, hash, person, program, secret, text};
use crate::node::command::{Command, Power, Refusal};
use crate::node::people::access::{Purpose, Scope};
use crate::node::people::{PersonId, Role};
use crate::node::rights::Actor;

/// Every command that needs a right.
fn commands() -> Vec<(&'static str, Command)> {
    let service = || "tinc".to_owned();
    let join = Purpose::Join { role: Role::Guest };
    let token = Command::MakeToken {
        id: "t".to_owned(),
        secret: secret("t"),
        title: text("t"),
        scopes: Scope::ALL.into(),
        days: None,
    };
    let invite = Command::Invite { id: "i".to_owned(), secret: secret("i"), purpose: join, note: text("") };
    vec![
        ("seen", Command::Seen),
        ("end-session", Command::EndSession("x".to_owned())),
        ("set-password", Command::SetPassword(hash("second"))),
        ("make-token", token),
        ("revoke-token", Command::RevokeToken("x".to_owned())),
        ("sign-out", Command::SignOut),
        ("invite", invite),
        ("uninvite", Command::Uninvite("x".to_owned())),
        ("set-role", Command::SetRole(PersonId(1), Role::Guest)),
        ("remove", Command::Remove(PersonId(2))),
        ("switch", Command::Switch { service: service(), on: true }),
        ("restart", Command::Restart { service: service() }),
        ("configure", Command::Configure { service: service(), settings: BTreeMap::new() }),
        ("logs", Command::Logs { service: service(), lines: 1 }),
        ("rename", Command::Rename { name: "other".to_owned() }),
        ("keep", Command::Keep),
        ("go-back", Command::GoBack),
        ("power", Command::Power(Power::Reboot)),
    ]
}

/// Ana, an owner; Ben, a member; Cleo, a guest; all signed in.
fn world() -> World {
    let mut world = World::claimed();
    assert_eq!(world.admit("Ben", Role::Member), PersonId(1));
    assert_eq!(world.admit("Cleo", Role::Guest), PersonId(2));
    world.sign_in(PersonId(1), "ben").unwrap();
    world.sign_in(PersonId(2), "cleo").unwrap();
    world
}

#[test]
fn the_whole_table() {
    let scopes = [Scope::Read, Scope::Services, Scope::People, Scope::Node];
    let mut actors = vec![
        ("visitor", Actor::Visitor),
        ("guest", person(PersonId(2), "cleo")),
        ("member", person(PersonId(1), "ben")),
        ("owner", person(OWNER, "ana")),
    ];
    actors.extend(scopes.map(|scope| (scope.as_str(), program(OWNER, &[scope]))));
    actors.push(("no-scope", program(OWNER, &[])));
    actors.push(("member's", program(PersonId(1), &Scope::ALL)));
    let mut table = format!("{:13}", "");
    actors.iter().for_each(|(name, _)| write!(table, "{name:>9}").unwrap());
    for (title, command) in commands() {
        write!(table, "\n{title:13}").unwrap();
        for (_, actor) in &actors {
            let word = match world().ask(actor, command.clone()) {
                Err(Refusal::SignInFirst) => "sign-in",
                Err(Refusal::NotAllowed) => "-",
                // Whatever else it says, it was let through.
                _ => "yes",
            };
            write!(table, "{word:>9}").unwrap();
        }
    }
    let expected = "\
               visitor    guest   member    owner     read services   people     node no-scope member's
seen           sign-in      yes      yes      yes        -        -        -        -        -        -
end-session    sign-in      yes      yes      yes        -        -        -        -        -        -
set-password   sign-in      yes      yes      yes        -        -        -        -        -        -
make-token     sign-in      yes      yes      yes        -        -        -        -        -        -
revoke-token   sign-in      yes      yes      yes        -        -        -        -        -        -
sign-out       sign-in      yes      yes      yes        -        -        -        -        -        -
invite         sign-in        -        -      yes        -        -      yes        -        -        -
uninvite       sign-in        -        -      yes        -        -      yes        -        -        -
set-role       sign-in        -        -      yes        -        -      yes        -        -        -
remove         sign-in        -        -      yes        -        -      yes        -        -        -
switch         sign-in        -        -      yes        -      yes        -        -        -        -
restart        sign-in        -        -      yes        -      yes        -        -        -        -
configure      sign-in        -        -      yes        -      yes        -        -        -        -
logs           sign-in        -        -      yes        -      yes        -        -        -        -
rename         sign-in        -        -      yes        -        -        -      yes        -        -
keep           sign-in        -        -      yes        -        -        -      yes        -        -
go-back        sign-in        -        -      yes        -        -        -      yes        -        -
power          sign-in        -        -      yes        -        -        -      yes        -        -";
    assert_eq!(table.trim_start(), expected, "\n{table}\n");
}

#[test]
fn a_session_is_asked_for_each_time() {
    let mut world = world();
    for actor in
        [person(OWNER, "ben"), person(OWNER, ""), person(PersonId(9), "ana"), program(PersonId(9), &[])]
    {
        let answer = world.ask(&actor, Command::Power(Power::Off));
        // Ben's session is a session, but not one of Ana's.
        assert_eq!(answer, Err(Refusal::SignInFirst), "{actor:?}");
    }
    world.owner(Command::SignOut).unwrap();
    assert_eq!(world.owner(Command::Keep), Err(Refusal::SignInFirst));
    // Thirty days unused.
    world.sign_in(OWNER, "ana").unwrap();
    world.uptime_s += 30 * 24 * 60 * 60;
    assert_eq!(world.owner(Command::Keep), Err(Refusal::SignInFirst));
}

#[test]
fn a_role_counts_from_now_on() {
    let mut world = world();
    world.owner(Command::SetRole(PersonId(1), Role::Owner)).unwrap();
    let ben = person(PersonId(1), "ben");
    world.ask(&ben, Command::SetRole(OWNER, Role::Guest)).unwrap();
    assert_eq!(world.owner(Command::Remove(PersonId(1))), Err(Refusal::NotAllowed));
    world.ask(&ben, Command::Remove(OWNER)).unwrap();
    assert_eq!(world.owner(Command::Seen), Err(Refusal::SignInFirst));
}
