//! Requests to join and their answers: as they come, and with the signatures that no mutation finds.

use std::sync::OnceLock;

use nuvol_agent::community::board::Board;
use nuvol_agent::community::identity::hash;
use nuvol_agent::community::invitation::{Invitation, Secret, SecretId};
use nuvol_agent::community::join::{Answer, NoTalk, REQUEST_LIMIT_BYTES, Request};
use nuvol_agent::community::text::Name;

use crate::kit::{self, NOW_S, community, id, key, name, plain, string};

const SECRET: Secret = Secret([3; 16]);

pub fn join(bytes: &[u8]) {
    asked(bytes);
    answered(bytes);
}

fn invitation() -> &'static Invitation {
    static INVITATION: OnceLock<Invitation> = OnceLock::new();
    let new = || Invitation::new(community(), id(0), SECRET, NOW_S + 60, name("Valley"), Vec::new());
    INVITATION.get_or_init(new)
}

fn read(bytes: &[u8]) -> Result<Request, NoTalk> {
    let verifier = |it: SecretId| (it == SECRET.id()).then(|| SECRET.verifier());
    Request::read(bytes, &community(), &id(0), verifier)
}

fn asked(bytes: &[u8]) {
    if let Ok(it) = read(bytes) {
        sound(&it);
    }
    // Whoever does not know the secret gets as far as the proof.
    let mut inside = vec![0x83];
    string(&mut inside, bytes);
    string(&mut inside, &[1; 32]);
    string(&mut inside, &[1; 64]);
    assert!(matches!(read(&inside), Err(NoTalk::Form | NoTalk::Proof)));
    // A name and a contact, of one who was invited.
    let split = bytes.iter().position(|it| *it == b'\n').unwrap_or(bytes.len());
    let (called, contact) = bytes.split_at(split);
    let Some(called) = Name::nearest(&String::from_utf8_lossy(called)) else { return };
    let contact = contact.split_first().map(|(_, rest)| rest);
    let request = Request::sign(invitation(), key(1), called.clone(), [5; 16], contact);
    match read(&request) {
        Ok(it) => {
            sound(&it);
            assert_eq!((it.joiner(), it.invitation(), &it.name), (id(1), SECRET.id(), &called));
            assert_eq!(it.contact.as_deref().map(Vec::as_slice), contact);
            // It is for one community and one who invites.
            assert!(Request::read(&request, &community(), &id(2), |_| Some(SECRET.verifier())).is_err());
        }
        Err(why) => assert!(why == NoTalk::Form && request.len() > REQUEST_LIMIT_BYTES),
    }
}

fn sound(it: &Request) {
    plain(&[it.name.as_str()], 63);
    if let Some(contact) = &it.contact {
        // Whatever comes along, only what is signed by a member is kept.
        let mut board = kit::founded();
        board.offer(NOW_S, contact).ok();
        kit::board(&board, NOW_S);
    }
}

fn answered(bytes: &[u8]) {
    const REQUEST: &[u8] = b"a request";
    if let Ok(it) = Answer::read(bytes, invitation(), REQUEST) {
        welcome(&it);
    }
    let digest = hash("nuvol-join-request-1", &[REQUEST]);
    let signature = key(0).sign(&[b"nuvol-join-answer-1", &community().0, &digest, bytes]);
    let mut whole = vec![0x82];
    string(&mut whole, bytes);
    string(&mut whole, &signature);
    match Answer::read(&whole, invitation(), REQUEST) {
        Ok(it) => {
            welcome(&it);
            let again = it.sign(key(0), &community(), REQUEST);
            assert_eq!(Answer::read(&again, invitation(), REQUEST), Ok(it));
            assert_eq!(Answer::read(&again, invitation(), b"another"), Err(NoTalk::Signature));
        }
        Err(why) => assert_eq!(why, NoTalk::Form),
    }
}

/// The one who invites may be hostile too: of its board only what counts is taken.
fn welcome(answer: &Answer) {
    let Answer::Welcome(bytes) = answer else { return };
    let mut board = Board::new(community());
    board.take(NOW_S, bytes).ok();
    kit::board(&board, NOW_S);
}
