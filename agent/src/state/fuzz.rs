//! What ci/fuzz reaches of the state.

use super::document;

/// The text of a document: as it lies on the disk, and with a digest that fits, which no mutation finds by itself.
pub fn document(bytes: &[u8]) {
    drop(document::parse::<serde_json::Value>(bytes));
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    let whole = document::frame(body);
    if let Ok(content) = document::parse::<serde_json::Value>(whole.as_bytes()) {
        assert_eq!(serde_json::from_str::<serde_json::Value>(body).ok(), Some(content));
    }
}

/// The file of the claim code.
pub fn code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if nuvol_seed::claim::is_code(text) {
        assert_eq!(text.len(), 9);
    }
}
