//! What ci/fuzz reaches of the doors to people.

use axum::http::header::{COOKIE, HOST};
use axum::http::{HeaderMap, HeaderValue, Uri};

/// A host, a path and a cookie, a line each.
pub fn head(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    let mut next = || lines.next().unwrap_or_default();
    let (host, path, cookies) = (next(), next(), next());
    if let Ok(value) = HeaderValue::from_bytes(host) {
        headers.insert(HOST, value);
    }
    if let Ok(value) = HeaderValue::from_bytes(cookies) {
        headers.insert(COOKIE, value);
    }
    let uri = Uri::try_from(path).unwrap_or_default();
    if let Some(host) =
        super::guard::host_of(&headers, &uri).filter(|host| super::guard::is_own(&host.name, "nuvol"))
    {
        let host = host.name;
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
        assert!(address || ["nuvol", "nuvol.local", "localhost"].contains(&host.as_str()), "{host}");
    }
    if let Some(value) = super::session::cookie(&headers, "__Host-nuvol") {
        assert!(!value.contains(';'));
    }
}

/// A body of every request that has one, and what a form takes in a file.
pub fn bodies(bytes: &[u8]) {
    super::api::fuzz(bytes);
    drop(crate::cloudy::import(&String::from_utf8_lossy(bytes)));
}

/// A claim code as somebody types it.
pub fn code(bytes: &[u8]) {
    let tidy = super::acts::entry::tidy_code(&String::from_utf8_lossy(bytes));
    assert_eq!(super::acts::entry::tidy_code(&tidy), tidy);
}
