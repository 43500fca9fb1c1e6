//! Passwords and codes: hashed with argon2id, off the thread that serves pages, one at a time.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::node::people::names::PasswordHash;

/// Hashes and compares passwords. Each takes 19 MiB of memory (argon2's own advice) and tens of milliseconds, so
/// there is one at a time: a crowd of guesses makes itself wait, and not the node's memory run out.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    computing: Arc<Mutex<()>>,
    guessing: Arc<Mutex<()>>,
}

impl Hasher {
    /// One guess at a time, from asking whether it may be made until it is counted: those that come side by side
    /// would all be allowed before the first of them is known to be wrong.
    pub async fn guess(&self) -> OwnedMutexGuard<()> {
        self.guessing.clone().lock_owned().await
    }

    /// The hash of a password, with a salt of its own.
    pub async fn hash(&self, password: String) -> anyhow::Result<PasswordHash> {
        let _turn = self.computing.lock().await;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        tokio::task::spawn_blocking(move || {
            let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| PasswordHash(hash.to_string()))
                .map_err(|error| anyhow::anyhow!("argon2: {error}"))
        })
        .await?
    }

    /// Whether this is the password of the hash. Without a hash it takes as long and is wrong, so that nobody can
    /// tell by the time which names there are.
    pub async fn is_right(&self, password: String, hash: Option<PasswordHash>) -> anyhow::Result<bool> {
        let Some(PasswordHash(hash)) = hash else {
            self.hash(password).await?;
            return Ok(false);
        };
        let _turn = self.computing.lock().await;
        let compare = move || {
            let Ok(hash) = Phc::new(&hash) else { return false };
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        };
        Ok(tokio::task::spawn_blocking(compare).await?)
    }
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
pub fn is_equal(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::{Hasher, is_equal};

    #[tokio::test]
    async fn a_hash_knows_its_password_and_no_other() {
        let hasher = Hasher::default();
        let hash = hasher.hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert_ne!(hash, hasher.hash("correct horse battery".to_owned()).await.unwrap());
        assert!(hasher.is_right("correct horse battery".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.is_right("correct horse batterx".to_owned(), Some(hash)).await.unwrap());
        assert!(!hasher.is_right("correct horse battery".to_owned(), None).await.unwrap());
    }

    #[test]
    fn texts_are_compared_whole() {
        assert!(is_equal("K7QF-93MX", "K7QF-93MX"));
        for other in ["", "K7QF-93M", "K7QF-93MY", "J7QF-93MX", "K7QF-93MXX"] {
            assert!(!is_equal("K7QF-93MX", other));
        }
    }
}
