//! Style, scripts and the mark: embedded, compressed once, kept by browsers for as long as their name stands.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use axum::http::header::{IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

const STYLE: &str = "nuvol.css";
const SCRIPT: &str = "nuvol.js";
const MARK: &str = "nuvol.svg";
const HTMX: &str = "htmx.js";
const SSE: &str = "sse.js";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const FILES: [(&str, &str, &str); 5] = [
    (STYLE, "text/css; charset=utf-8", include_str!("../../assets/nuvol.css")),
    (SCRIPT, JAVASCRIPT, include_str!("../../assets/nuvol.js")),
    (MARK, "image/svg+xml", include_str!("../../assets/nuvol.svg")),
    (HTMX, JAVASCRIPT, include_str!("../../assets/vendor/htmx.min.js")),
    (SSE, JAVASCRIPT, include_str!("../../assets/vendor/sse.min.js")),
];

static ASSETS: LazyLock<Vec<Asset>> =
    LazyLock::new(|| FILES.iter().map(|(name, kind, text)| Asset::new(name, kind, text)).collect());

/// A file that pages need.
struct Asset {
    name: &'static str,
    /// Its name with a mark of its content in it.
    hashed: String,
    kind: &'static str,
    tag: String,
    text: &'static str,
    packed: Vec<u8>,
}

/// Where the pages find their assets.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) mark: String,
    pub(super) htmx: String,
    pub(super) sse: String,
}

impl Names {
    pub(super) fn get() -> Self {
        let path = |name: &str| {
            let asset = ASSETS.iter().find(|asset| asset.name == name);
            format!("/assets/{}", asset.map_or(name, |asset| asset.hashed.as_str()))
        };
        Self { style: path(STYLE), script: path(SCRIPT), mark: path(MARK), htmx: path(HTMX), sse: path(SSE) }
    }
}

impl Asset {
    fn new(name: &'static str, kind: &'static str, text: &'static str) -> Self {
        let mark = fingerprint(text);
        let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
        Self {
            name,
            hashed: format!("{stem}.{mark}.{end}"),
            kind,
            tag: format!("\"{mark}\""),
            text,
            packed: pack(text),
        }
    }
}

/// Serves `/assets/{name}`: under its hashed name for good, under its plain name until it changes.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name || asset.hashed == name) else {
        return (StatusCode::NOT_FOUND, "404: there is no such asset\n").into_response();
    };
    let keep = if asset.hashed == name { "public, max-age=31536000, immutable" } else { "no-cache" };
    let marks = [(ETAG, asset.tag.as_str()), (CACHE_CONTROL, keep), (VARY, "accept-encoding")];
    let text_of = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let same = |known: &str| known.split(',').any(|one| one.trim().trim_start_matches("W/") == asset.tag);
    if text_of(IF_NONE_MATCH).is_some_and(same) {
        return (StatusCode::NOT_MODIFIED, marks).into_response();
    }
    let kind = [(CONTENT_TYPE, asset.kind)];
    let gzip = |one: &str| {
        let mut parts = one.trim().split(';').map(str::trim);
        parts.next() == Some("gzip")
            && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    };
    if !asset.packed.is_empty() && text_of(ACCEPT_ENCODING).is_some_and(|all| all.split(',').any(gzip)) {
        return (marks, kind, [(CONTENT_ENCODING, "gzip")], asset.packed.clone()).into_response();
    }
    (marks, kind, asset.text).into_response()
}

/// The text compressed; nothing where that failed, for then it is sent as it is.
fn pack(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A mark of the text's content (FNV-1a). It tells versions apart; nothing secret hangs on it.
fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
