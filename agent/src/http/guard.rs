//! What every request passes first and every answer last, whatever its path.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY};
use axum::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Handle;
use super::peer::Peer;
use crate::node::snapshot::{Ownership, Snapshot};

/// Everything comes from the node itself: no inline script or style, no frame around it, no form to elsewhere.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Port of HTTPS, which addresses leave out.
const HTTPS_PORT: u16 = 443;

/// The host by which the visitor reached the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// In lower case, without its port.
    pub(super) name: String,
    /// The port that it names, where that is not HTTPS's own: one of another machine that leads here.
    pub(super) port: Option<u16>,
}

/// Refuses what is not for this node or does not belong on this connection, and marks every answer.
pub(super) async fn check(State(handle): State<Handle>, mut request: Request, next: Next) -> Response {
    let mut response = match admit(&handle.now(), &request) {
        Ok(host) => {
            request.extensions_mut().insert(host);
            next.run(request).await
        }
        Err(refusal) => refusal,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[expect(clippy::result_large_err, reason = "the refusal is the answer")]
fn admit(snapshot: &Snapshot, request: &Request) -> Result<Host, Response> {
    let name = &snapshot.name;
    // The name comes first, even before the path: a stranger learns nothing about what is here.
    let Some(host) = host_of(request.headers(), request.uri()).filter(|host| is_own(&host.name, name)) else {
        // Not naming the node: the one who asks may be a page of somebody else.
        let text = "421: this is not a name of this node; open it by its own name or by its address\n";
        return Err((StatusCode::MISDIRECTED_REQUEST, text).into_response());
    };
    let Some(peer) = request.extensions().get::<Peer>() else {
        return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
    };
    if !peer.secure && !is_plain(request.uri().path()) {
        let free = matches!(snapshot.ownership, Ownership::Free | Ownership::Lost);
        if free && request.uri().path() == "/" {
            return Err(Redirect::temporary("/claim").into_response());
        }
        return Err(to_https(&host.name, request));
    }
    if is_setup(request.uri().path()) && !peer.is_near() {
        let text = "403: a node gets its owner from its own network only, so that no stranger is faster.\n\n\
            Open this page from a device in the same home. For a machine in a data centre, let ssh carry it:\n\
            ssh -L 8443:localhost:443 root@ADDRESS, and then open https://localhost:8443\n";
        return Err((StatusCode::FORBIDDEN, text).into_response());
    }
    Ok(host)
}

/// What is served without encryption: the setup, so that a new node's first page comes without a browser's warning,
/// what that page is made of, and the health of the node.
fn is_plain(path: &str) -> bool {
    path == "/api/v1/health" || path == "/language" || is_setup(path) || path.starts_with("/assets/")
}

fn is_setup(path: &str) -> bool {
    path == "/claim" || path.starts_with("/claim/") || path == "/api/v1/claim"
}

/// Browsers go on to the same page. What was sent without encryption has been read by others already: it is refused.
fn to_https(host: &str, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let text = "403: this works by https only\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    Redirect::temporary(&format!("https://{host}{path}")).into_response()
}

/// The one host that the request names (RFC 9112 3.2).
pub(super) fn host_of(headers: &HeaderMap, uri: &Uri) -> Option<Host> {
    let mut given = headers.get_all(HOST).iter();
    let header = given.next()?.to_str().ok()?;
    if given.next().is_some() {
        return None;
    }
    let authority = uri.authority().map_or(header, |authority| authority.as_str());
    let (host, port) = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => (&authority[..colon], &authority[colon + 1..]),
        _ => (authority, ""),
    };
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    // A sign would be read as part of the number.
    let plain = port.bytes().all(|digit| digit.is_ascii_digit());
    let port = if port.is_empty() { None } else { Some(port.parse().ok().filter(|_| plain)?) };
    Some(Host { name, port: port.filter(|port| *port != HTTPS_PORT) })
}

/// Whether a page under this name can only be ours. A page of a stranger that has its own name point to this
/// node (DNS rebinding) sends that name; it can never send a bare address, nor a name that only this network knows.
pub(super) fn is_own(host: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let bare = host.strip_suffix(".local").unwrap_or(host);
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    (bare == name && !name.is_empty())
        || host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok()
        || bracketed.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use axum::http::header::HOST;
    use axum::http::{HeaderMap, HeaderValue, Uri};

    use super::{host_of, is_own};

    fn check(hosts: &[&str], uri: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        hosts.iter().for_each(|host| {
            headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
        });
        let host = host_of(&headers, &uri.parse::<Uri>().unwrap())?;
        let port = host.port.map_or_else(String::new, |port| format!(":{port}"));
        is_own(&host.name, "Nuvol-1a2b3c4d").then(|| host.name + &port)
    }

    #[test]
    fn the_node_answers_to_its_names_and_to_addresses() {
        for (host, expected) in [
            ("nuvol-1a2b3c4d", "nuvol-1a2b3c4d"),
            ("NUVOL-1A2B3C4D.local:8080", "nuvol-1a2b3c4d.local:8080"),
            ("nuvol-1a2b3c4d.local.", "nuvol-1a2b3c4d.local"),
            ("localhost:8080", "localhost:8080"),
            ("localhost:", "localhost"),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:80", "192.0.2.7:80"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("[fe80::1]", "[fe80::1]"),
        ] {
            assert_eq!(check(&[host], "/").as_deref(), Some(expected), "{host}");
        }
        assert_eq!(check(&["192.0.2.7"], "http://localhost/x").as_deref(), Some("localhost"));
    }

    #[test]
    fn the_node_answers_to_no_other_name() {
        for host in [
            "",
            ".",
            ".local",
            "evil.example",
            "nuvol-1a2b3c4d.evil.example",
            "nuvol-1a2b3c4d.local.evil.example",
            "localhost.evil.example",
            "192.0.2.7.evil.example",
            "1.2.3",
            "0x7f.1",
            "nuvol-1a2b3c4d:80:80",
            "nuvol-1a2b3c4d@evil.example",
            "nuvol-1a2b3c4d:port",
            "nuvol-1a2b3c4d:+80",
            "nuvol-1a2b3c4d:65536",
            "[::1",
            "::1",
            "[evil]",
            "nuvol-1a2b3c4d/",
            "nuvol-1a2b3c4d .local",
        ] {
            assert_eq!(check(&[host], "/"), None, "{host}");
        }
        assert_eq!(check(&[], "/"), None);
        assert_eq!(check(&["localhost", "localhost"], "/"), None);
        assert_eq!(check(&["localhost"], "http://evil.example/"), None);
        assert!(!is_own("", ""));
        assert!(!is_own(".local", ""));
    }
}
