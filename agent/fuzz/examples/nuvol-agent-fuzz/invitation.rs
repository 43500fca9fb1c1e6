//! Invitations, and whatever else is pasted in their place.

use nuvol_agent::community::identity::hash;
use nuvol_agent::community::invitation::{ENDPOINTS_LIMIT, Invitation, LIMIT, SCHEME, Secret};
use nuvol_agent::community::object::Endpoint;
use nuvol_agent::community::text::{Line, Name};

use crate::kit::{NOW_S, callable, community, id, plain};

/// A text; and the same bytes as what is in an invitation, with a checksum that is right.
pub fn invitation(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(it) = Invitation::parse(&text) {
        sound(&it);
    }
    let check = hash("nuvol-invitation-check-1", &[bytes]);
    if let Ok(it) = Invitation::parse(&format!("{SCHEME}{}", base64(&[bytes, &check[..4]].concat()))) {
        sound(&it);
    }
    lines(&text);
    made(&text);
}

fn sound(it: &Invitation) {
    plain(&[it.name.as_str()], 63);
    assert!(it.endpoints.len() <= ENDPOINTS_LIMIT);
    it.endpoints.iter().for_each(callable);
    let text = it.to_text();
    assert!(text.len() <= LIMIT && text.starts_with(SCHEME));
    assert_eq!(Invitation::parse(&text).as_ref(), Ok(it));
    // As a mail breaks it.
    let (one, other) = text.split_at(text.len() / 2);
    assert_eq!(Invitation::parse(&format!(" {one}\r\n\t{other}\n")).as_ref(), Ok(it));
    // One letter that is another is noticed; the last of all may have bits that say nothing.
    let mut wrong = text.into_bytes();
    let at = SCHEME.len() + usize::from(wrong[wrong.len() - 2]) % (wrong.len() - SCHEME.len() - 1);
    wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
    assert!(Invitation::parse(&String::from_utf8_lossy(&wrong)).is_err());
}

/// An invitation of what is typed: a name, and a place a line.
fn made(text: &str) {
    let mut lines = text.lines();
    let Some(name) = lines.next().and_then(Name::nearest) else { return };
    let endpoints: Vec<Endpoint> = lines.filter_map(Endpoint::parse).collect();
    let it = Invitation::new(community(), id(1), Secret([3; 16]), NOW_S, name, endpoints);
    // With eight names of the greatest length it would be too long to be read.
    if it.to_text().len() <= LIMIT {
        sound(&it);
    }
}

/// The nearest line to a text is a line, and to a line it is the same.
fn lines(text: &str) {
    if let Some(near) = Line::<63>::nearest(text) {
        plain(&[near.as_str()], 63);
        assert_eq!(Line::nearest(near.as_str()), Some(near));
    }
    match Line::<63>::new(text) {
        Ok(it) => {
            plain(&[text], 63);
            assert_eq!(Line::nearest(text), Some(it));
        }
        Err(why) => plain(&[&why.to_string()], 80),
    }
    for line in text.lines() {
        if let Some(it) = Endpoint::parse(line) {
            callable(&it);
        }
    }
}

/// Of RFC 4648, section 5, without the signs that fill it up.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for letter in 0..=three.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * letter) & 63) as usize]));
        }
    }
    text
}
