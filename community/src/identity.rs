//! Who a node is: one Ed25519 key for life.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// A node's public key; what everybody knows it by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 32]);

/// A node's secret key. It is never shown, and wiped from memory when dropped.
pub struct NodeKey(SigningKey);

impl NodeKey {
    /// The key with these 32 secret bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// A new key of the system's random numbers.
    ///
    /// # Errors
    ///
    /// When the system has none.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self::from_bytes(&secret))
    }

    /// The secret bytes, to be kept.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public key.
    pub fn id(&self) -> NodeId {
        NodeId(self.0.verifying_key().to_bytes())
    }

    /// Signs what the parts come to, one after the other.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 64] {
        self.0.sign(&parts.concat()).to_bytes()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey of {}", self.id())
    }
}

impl NodeId {
    /// Whether this node signed what the parts come to. Strict: a weak key or a second form of a signature is no
    /// signature.
    pub fn verifies(&self, parts: &[&[u8]], signature: &[u8; 64]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else { return false };
        key.verify_strict(&parts.concat(), &Signature::from_bytes(signature)).is_ok()
    }

    /// What people compare by eye: six groups of four letters and digits (120 bits of the key's hash).
    pub fn fingerprint(&self) -> String {
        let digest = hash("nuvol-fingerprint-1", &[&self.0]);
        let text = BASE32_NOPAD.encode(&digest[..15]).to_lowercase();
        let groups: Vec<&str> = (0..6).filter_map(|group| text.get(group * 4..group * 4 + 4)).collect();
        groups.join("-")
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

/// SHA-256 of the parts, for one purpose: the same parts have another hash for another `purpose`.
pub fn hash(purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update([u8::try_from(purpose.len()).unwrap_or(u8::MAX)]);
    hasher.update(purpose.as_bytes());
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The first bytes of a hash.
pub(crate) fn first<const N: usize>(digest: [u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{NodeId, NodeKey};

    #[test]
    fn a_signature_is_of_one_text_by_one_key() {
        let key = NodeKey::from_bytes(&[7; 32]);
        let signature = key.sign(&[b"one ", b"text"]);
        assert!(key.id().verifies(&[b"one text"], &signature));
        assert!(!key.id().verifies(&[b"another text"], &signature));
        assert!(!NodeKey::from_bytes(&[8; 32]).id().verifies(&[b"one text"], &signature));
        // The key of all zeros is of small order: anything would be a signature.
        assert!(!NodeId([0; 32]).verifies(&[b"one text"], &[0; 64]));
    }

    #[test]
    fn the_fingerprint_can_be_read_aloud() {
        let fingerprint = NodeKey::from_bytes(&[7; 32]).id().fingerprint();
        assert_eq!(fingerprint.split('-').map(str::len).collect::<Vec<_>>(), [4; 6]);
        assert!(
            fingerprint.chars().all(|it| it == '-' || it.is_ascii_lowercase() || ('2'..='7').contains(&it))
        );
    }
}
