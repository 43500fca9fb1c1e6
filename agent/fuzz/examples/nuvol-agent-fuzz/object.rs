//! What members sign: as it comes, and around any payload with a signature that is right.

use nuvol_agent::community::identity::NodeId;
use nuvol_agent::community::object::{NoObject, Object, Unverified, subject_of};

use crate::kit::{NOW_S, community, key, refused, signed, sound};

pub fn object(bytes: &[u8]) {
    match Object::read(&community(), bytes) {
        Ok(it) => {
            assert_eq!(it.bytes, bytes);
            sound(&it, key(0));
        }
        Err(why) => refused(&why),
    }
    // What it pretends to be is within bounds before anybody looks at its signature.
    if let Ok(it) = Unverified::read(&community(), bytes) {
        let mut claimed = it.claimed().clone();
        claimed.bytes = bytes.to_vec();
        sound(&claimed, key(1));
    }
    if let Some((kind, payload)) = bytes.split_first() {
        made(*kind, payload);
    }
}

/// Kind and payload of an object whose rest is right.
fn made(kind: u8, payload: &[u8]) {
    let whole = signed(key(0), kind, &subject(kind, payload), NOW_S + 60, payload);
    match Object::read(&community(), &whole) {
        Ok(it) => {
            assert_eq!(it.content.kind(), kind);
            sound(&it, key(0));
            for other in other_forms(&whole) {
                let read = Object::read(&community(), &other);
                assert!(read.is_err(), "one object in two forms: everybody can make others of it");
            }
        }
        Err(NoObject::Signature) => panic!("this was signed"),
        Err(why) => refused(&why),
    }
}

/// What the payload is about, where it says so.
pub fn subject(kind: u8, payload: &[u8]) -> [u8; 16] {
    match kind {
        0 => community().0,
        1 | 2 => after(payload, &[0x58, 32]).map(|it| subject_of(&NodeId(it))).unwrap_or_default(),
        4 => after(payload, &[0x50]).unwrap_or([9; 16]),
        _ => [0; 16],
    }
}

/// The bytes behind the first place where it says that there are so many.
fn after<const N: usize>(payload: &[u8], head: &[u8]) -> Option<[u8; N]> {
    let at = payload.windows(head.len()).position(|it| it == head)?;
    payload.get(at + head.len()..)?.first_chunk().copied()
}

/// The same with numbers that are longer than they need be, outside of what is signed; and with something behind it.
fn other_forms(bytes: &[u8]) -> [Vec<u8>; 4] {
    let longer = [&[0x98, 2], &bytes[1..]].concat();
    let end = bytes.len() - 66;
    let signature = [&bytes[..end], &[0x59, 0, 64], &bytes[end + 2..]].concat();
    let body = match bytes[1] {
        0x58 => [&[0x82, 0x59, 0], &bytes[2..]].concat(),
        _ => [&[0x82, 0x5a, 0, 0], &bytes[2..]].concat(),
    };
    [longer, signature, body, [bytes, &[0]].concat()]
}
