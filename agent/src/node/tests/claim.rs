//! From the code on the screen to the first owner.

use proptest::prelude::*;

use super::world::{World, hash, name, secret};
use crate::node::claim::Code;
use crate::node::command::{Command, Guess, Refusal, Reply};
use crate::node::people::{People, Role};
use crate::node::rights::Actor;
use crate::node::snapshot::Ownership;
use crate::node::{Action, Effect, Event, Problem, Restored};

const HOME: &str = "192.0.2.1";

fn wrong(world: &mut World, from: &str) -> Result<Code, Refusal> {
    let code = world.code(from)?;
    world.ask_from(from, &Actor::Visitor, Command::Wrong(Guess::Claim)).unwrap();
    Ok(code)
}

fn claim(world: &mut World, ticket: &str, who: &str) -> Result<Reply, Refusal> {
    let (ticket, name, password) = (secret(ticket), name(who), hash("first"));
    world.ask(&Actor::Visitor, Command::Claim { ticket, name, password })
}

#[test]
fn the_right_code_makes_an_owner_and_is_gone() {
    let mut world = World::free();
    assert_eq!(world.node.snapshot().ownership, Ownership::Free);
    let Reply::Person(id) = world.claim("Ana").unwrap() else { panic!("nobody") };
    let people = world.people();
    assert_eq!((people.people.len(), people.person(id).unwrap().role), (1, Role::Owner));
    assert_eq!(world.node.snapshot().ownership, Ownership::Claimed);
    let kinds: Vec<_> = world.last.iter().map(std::mem::discriminant).collect();
    let saved = world.last.iter().position(|it| matches!(it, Action::Save(_)));
    let forgot = world.last.iter().position(|it| *it == Action::ForgetClaimCode);
    assert!(saved < forgot && forgot < Some(kinds.len() - 1), "saved, then forgotten, then answered");
    world.assert_nothing_unsaved();

    // Once.
    assert_eq!(world.claim("Eve"), Err(Refusal::Claimed));
    assert_eq!(claim(&mut world, "ticket", "Eve"), Err(Refusal::Claimed));
    let open = Command::OpenSetup(secret("another"));
    assert_eq!(world.ask(&Actor::Visitor, open), Err(Refusal::Claimed));
    let check = Command::CheckSetup(secret("ticket"));
    assert_eq!(world.ask(&Actor::Visitor, check), Err(Refusal::Claimed));
}

#[test]
fn without_a_ticket_nobody_becomes_the_owner() {
    let mut world = World::free();
    assert_eq!(claim(&mut world, "ticket", "Eve"), Err(Refusal::NoTicket));
    let open = |it: &str| Command::OpenSetup(secret(it));
    world.ask(&Actor::Visitor, open("ticket")).unwrap();
    assert_eq!(claim(&mut world, "tickets", "Eve"), Err(Refusal::NoTicket));
    // A ticket is good for half an hour.
    world.wait(30 * 60 - 1);
    world.ask(&Actor::Visitor, Command::CheckSetup(secret("ticket"))).unwrap();
    world.wait(1);
    let check = Command::CheckSetup(secret("ticket"));
    assert_eq!(world.ask(&Actor::Visitor, check), Err(Refusal::NoTicket));
    assert_eq!(claim(&mut world, "ticket", "Eve"), Err(Refusal::NoTicket));
    // Eight at one time; the ninth takes the place of the first.
    (0..9).for_each(|n| drop(world.ask(&Actor::Visitor, open(&n.to_string())).unwrap()));
    assert_eq!(claim(&mut world, "0", "Eve"), Err(Refusal::NoTicket));
    claim(&mut world, "1", "Ana").unwrap();
}

#[test]
fn five_wrong_guesses_make_a_new_code_and_a_pause() {
    let mut world = World::free();
    let first = world.code(HOME).unwrap();
    for _ in 0..4 {
        assert_eq!(wrong(&mut world, HOME).unwrap(), first);
    }
    wrong(&mut world, HOME).unwrap();
    assert!(world.last.contains(&Action::DrawClaimCode));
    assert_eq!(world.code(HOME), Err(Refusal::Wait { seconds: 60 }));
    // Somebody else in the house may go on, with the new code.
    let second = world.code("192.0.2.2").unwrap();
    assert_ne!(second, first);
    world.wait(60);
    assert_eq!(world.code(HOME).unwrap(), second);
    // The right code forgets the wrong guesses.
    (0..4).for_each(|_| drop(wrong(&mut world, HOME).unwrap()));
    world.ask(&Actor::Visitor, Command::OpenSetup(secret("ticket"))).unwrap();
    (0..4).for_each(|_| drop(wrong(&mut world, HOME).unwrap()));
    assert_eq!(world.code(HOME).unwrap(), second);
}

#[test]
fn a_code_that_was_set_before_boot_stays() {
    let mut world = World::free();
    world.tell(Event::ClaimCode(Code::Preset(hash("$argon2id$"))));
    for guess in 0..5 {
        assert_eq!(wrong(&mut world, HOME).unwrap(), Code::Preset(hash("$argon2id$")), "{guess}");
    }
    assert!(!world.last.contains(&Action::DrawClaimCode));
    assert_eq!(world.code(HOME), Err(Refusal::Wait { seconds: 60 }));
}

#[test]
fn a_node_whose_people_are_lost_is_claimed_by_the_code_only() {
    let mut world = World::with(Restored::default());
    let problem = Problem { effect: Effect::PeopleLost, cause: "bits fell out".to_owned() };
    world.tell(Event::Problem(problem));
    assert_eq!(world.node.snapshot().ownership, Ownership::Lost);
    let owner = super::world::person(super::world::OWNER, "ana");
    assert_eq!(world.ask(&owner, Command::Keep), Err(Refusal::SignInFirst));
    assert_eq!(claim(&mut world, "ticket", "Eve"), Err(Refusal::NoTicket));
    assert_eq!(world.node.snapshot().ownership, Ownership::Lost);
    world.claim("Ana").unwrap();
    assert_eq!(world.node.snapshot().ownership, Ownership::Claimed);
    assert_eq!(world.node.snapshot().problems, []);
    assert_eq!(world.people().people.len(), 1);
}

#[test]
fn nothing_is_open_before_the_disk_was_read() {
    let mut node = crate::node::Node::new("nuvol");
    let mut ask = |command| {
        let asked =
            crate::node::command::Asked { ticket: 1, actor: Actor::Visitor, from: HOME.to_owned(), command };
        let actions = node.handle(super::NOW, Event::Asked(asked));
        assert!(matches!(actions.last(), Some(Action::Answer(1, Err(_)))), "{actions:?}");
    };
    ask(Command::Try(Guess::Claim));
    ask(Command::OpenSetup(secret("ticket")));
    ask(Command::Claim { ticket: secret("ticket"), name: name("Eve"), password: hash("x") });
    let mut claimed = People::default();
    claimed.admit(name("Ana"), Role::Owner, hash("first"), super::NOW).unwrap();
    let mut world = World::with(Restored { people: Some(claimed), ..Restored::default() });
    assert!(world.last.contains(&Action::ForgetClaimCode));
    assert_eq!(world.code(HOME), Err(Refusal::Claimed));
}

#[derive(Debug, Clone)]
enum Move {
    Wait(u64),
    Guess(u8),
}

proptest! {
    /// However somebody spreads their guesses: from one address no minute has more than five, and no hour many more
    /// than what the growing pauses leave.
    #[test]
    fn guesses_are_bounded_in_any_rhythm(
        moves in prop::collection::vec(
            prop_oneof![(0u64..90).prop_map(Move::Wait), (0u8..2).prop_map(Move::Guess)], 1..300),
    ) {
        let mut world = World::free();
        let mut guesses: [Vec<u64>; 2] = Default::default();
        for it in moves {
            match it {
                Move::Wait(seconds) => world.uptime_s += seconds,
                Move::Guess(house) => match wrong(&mut world, &format!("192.0.2.{house}")) {
                    Ok(_) => guesses[usize::from(house)].push(world.uptime_s),
                    Err(Refusal::Wait { seconds }) => prop_assert!((1..=3600).contains(&seconds)),
                    Err(other) => prop_assert!(false, "{other:?}"),
                },
            }
        }
        for house in guesses {
            for window in house.windows(10) {
                prop_assert!(window[9] - window[0] >= 60, "ten in {window:?}");
            }
        }
    }
}
