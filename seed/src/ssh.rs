//! `[ssh]`: public keys of those who may log in.

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use toml::Spanned;
use toml::de::DeValue;

use crate::config::Ssh;
use crate::fields::{At, Fields, Finder};

/// What Debian 13's server accepts.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
];
const LONGEST_KEY: usize = 4096;
const MOST_KEYS: usize = 64;

pub(crate) const KEYS: [&str; 1] = ["keys"];

pub(crate) fn read(finder: &mut Finder<'_>, value: &Spanned<DeValue<'_>>) -> Option<Ssh> {
    let fields = Fields::of(finder, "ssh", value, &KEYS)?;
    let keys = fields.texts(finder, "keys");
    if fields.value("keys").is_none() {
        finder.wrong(&fields.range, "`keys` is missing").mend("add a line `keys = [\"ssh-ed25519 …\"]`");
    }
    if keys.len() > MOST_KEYS {
        finder.wrong(&fields.range, format!("there are {} keys, {MOST_KEYS} is the most", keys.len()));
    }
    let mut seen: Vec<&str> = Vec::new();
    for key in &keys {
        check(finder, key);
        if seen.contains(&key.value) {
            finder.wrong(&key.range, "this key stands here twice").mend("leave one of them out");
        }
        seen.push(key.value);
    }
    Some(Ssh { keys: keys.iter().map(|key| key.value.trim().to_owned()).collect() })
}

fn check(finder: &mut Finder<'_>, key: &At<&str>) {
    let text = key.value.trim();
    let copy = "copy the whole line of the `.pub` file";
    let (cause, remedy) = if text.contains("PRIVATE KEY") {
        ("this is a private key: it must never leave the machine it was made on", copy)
    } else if text.contains(|it: char| it.is_control()) || text.len() > LONGEST_KEY {
        ("a key is one line", copy)
    } else {
        let mut words = text.split_whitespace();
        match (words.next(), words.next()) {
            (Some("ssh-dss"), _) => {
                ("DSA keys are not accepted any more", "make one by `ssh-keygen -t ed25519`")
            }
            (Some(kind), _) if !KINDS.contains(&kind) => (
                "this is no public key of ssh",
                "copy the whole line of the `.pub` file, without options before it",
            ),
            (Some(kind), Some(body)) if is_whole(kind, body) => return,
            _ => ("this key is not whole", copy),
        }
    };
    finder.wrong(&key.range, cause).mend(remedy);
}

/// RFC 4253: a row of strings, each after its length in four bytes; the first one is the kind again.
fn is_whole(kind: &str, body: &str) -> bool {
    let Ok(bytes) = Base64::decode_vec(body).or_else(|_| Base64Unpadded::decode_vec(body)) else {
        return false;
    };
    let mut rest = bytes.as_slice();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let Some((head, tail)) = rest.split_first_chunk::<4>() else { return false };
        let length = u32::from_be_bytes(*head) as usize;
        let Some((part, tail)) = tail.split_at_checked(length) else { return false };
        parts.push(part);
        rest = tail;
    }
    // The kind, and what makes the key: one number or more.
    parts.len() >= 2
        && parts.first() == Some(&kind.as_bytes())
        && parts.iter().skip(1).all(|it| !it.is_empty())
}
