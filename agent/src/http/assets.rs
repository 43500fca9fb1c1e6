//! The style sheet and the mark, embedded and sent again only when they have changed.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("../../assets/nuvol.css");
const MARK: &str = include_str!("../../assets/nuvol.svg");

/// The style sheet of every page.
pub(super) async fn style(headers: HeaderMap) -> Response {
    answer(&headers, "text/css; charset=utf-8", STYLE)
}

/// The mark in the browser's tab.
pub(super) async fn mark(headers: HeaderMap) -> Response {
    answer(&headers, "image/svg+xml", MARK)
}

fn answer(headers: &HeaderMap, kind: &'static str, text: &'static str) -> Response {
    let tag = tag(text);
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // Kept by the browser, and asked about each time: after an update no page has last year's clothes on.
    let marks = [(ETAG, tag.as_str()), (CACHE_CONTROL, "no-cache")];
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, marks).into_response();
    }
    (marks, [(CONTENT_TYPE, kind)], text).into_response()
}

/// A mark of the text's content (FNV-1a). It tells versions apart; nothing secret hangs on it.
fn tag(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("\"{hash:016x}\"")
}
