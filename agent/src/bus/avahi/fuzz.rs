//! What ci/fuzz reaches of the door to Avahi.

/// A TXT as on the wire, and the same bytes as a title and the name of a node.
pub fn txt(bytes: &[u8]) {
    super::text::fuzz(bytes);
}
