//! Claim codes: whoever has a node's code may make the node theirs. Only hashes of them are stored before boot.

use anyhow::Context as _;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params};

/// No two of these look alike, on paper or on a screen: without 0 O, 1 I L, 2 Z, 5 S, 8 B, G (6) and U (V).
const LETTERS: &[u8; 23] = b"34679ACDEFHJKMNPQRTVWXY";
const LENGTH: usize = 8;
const LONGEST_HASH: usize = 512;
/// The node compares a code within its own little memory, and while people wait.
const MOST_KIB: u32 = 32 << 10;
const MOST_ROUNDS: u32 = 10;

/// A new code: `K7QF-93MX`.
pub fn draw() -> anyhow::Result<String> {
    let mut code = String::new();
    while code.len() < LENGTH + 1 {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(anyhow::Error::from).context("drawing a claim code")?;
        if code.len() == LENGTH / 2 {
            code.push('-');
        }
        // Five bits have 32 values: those beyond the last letter are thrown away, so that all are as likely.
        if let Some(letter) = LETTERS.get(usize::from(byte[0] & 31)) {
            code.push(char::from(*letter));
        }
    }
    Ok(code)
}

/// Whether `text` is written as [`draw`] writes codes.
pub fn is_code(text: &str) -> bool {
    let (left, right) = text.split_once('-').unwrap_or_default();
    [left, right]
        .iter()
        .all(|half| half.len() == LENGTH / 2 && half.bytes().all(|letter| LETTERS.contains(&letter)))
}

/// The argon2id hash of a code, in the PHC format.
pub fn hash(code: &str) -> anyhow::Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(anyhow::Error::from).context("drawing a salt")?;
    let hash = Argon2::default().hash_password_with_salt(code.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| anyhow::anyhow!("argon2: {error}"))
}

/// Whether `text` is a hash that a node can compare a code with; if not, the cause and the way out.
pub fn check_hash(text: &str) -> Result<(), (String, String)> {
    let remedy = || "draw a code and its hash by `nuvol seed --claim-code`".to_owned();
    if is_code(text.trim()) {
        return Err((
            "this is a claim code, not the hash of one: whoever reads the disk would have it".to_owned(),
            remedy(),
        ));
    }
    let parsed = (text.len() < LONGEST_HASH).then(|| PasswordHash::new(text).ok()).flatten();
    let parsed =
        parsed.filter(|hash| text.starts_with("$argon2id$") && hash.salt.is_some() && hash.hash.is_some());
    let Some(params) = parsed.and_then(|hash| Params::try_from(&hash).ok()) else {
        return Err(("this is not the argon2id hash of a claim code".to_owned(), remedy()));
    };
    if params.m_cost() > MOST_KIB || params.t_cost() > MOST_ROUNDS {
        let cause = format!("a node cannot compute this hash: at most m={MOST_KIB} and t={MOST_ROUNDS}");
        return Err((cause, remedy()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{check_hash, draw, hash, is_code};

    #[test]
    fn a_code_is_easy_to_read_out() {
        let codes: BTreeSet<_> = (0..500).map(|_| draw().unwrap()).collect();
        assert_eq!(codes.len(), 500);
        assert!(codes.iter().all(|code| is_code(code) && code.len() == 9), "{codes:?}");
        let letters: BTreeSet<char> = codes.iter().flat_map(|code| code.chars()).collect();
        assert_eq!(letters.into_iter().collect::<String>(), "-34679ACDEFHJKMNPQRTVWXY");
        assert!(is_code("K7QF-93MX"));
        for bad in ["", "K7QF93MX", "K7QF-93M", "K7QF-93MXX", "k7qf-93mx", "K7QF-93M0", "K7Q\n-93MX"] {
            assert!(!is_code(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_hash_is_one_that_a_node_can_compute() {
        let good = hash("K7QF-93MX").unwrap();
        assert_eq!(check_hash(&good), Ok(()));
        let cause = |text: &str| check_hash(text).unwrap_err().0;
        assert!(cause("K7QF-93MX").contains("not the hash"));
        assert!(cause(&good.replace("argon2id", "argon2i")).contains("argon2id"));
        assert!(cause(&good[..40]).contains("argon2id"));
        assert!(cause(&format!("{good} ")).contains("argon2id"));
        assert!(cause(&good.replace("m=19456", "m=1048576")).contains("at most"));
    }
}
