//! Secrets for sessions, invitations and tokens: drawn here, given away once; the node keeps digests.

use sha2::{Digest, Sha256};

use crate::node::people::access;

/// Draws 256 random bits, as hexadecimal digits.
pub fn draw() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Draws a short name for something in a list. It opens nothing.
pub fn draw_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The digest of a secret, by which the node knows it again.
pub fn digest(secret: &str) -> access::Secret {
    access::Secret(hex(&Sha256::digest(secret.as_bytes())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
