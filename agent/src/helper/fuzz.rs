//! What ci/fuzz reaches of the helper.

use std::collections::BTreeMap;

use super::protocol::{LINES_LIMIT, Request};
use super::{check, journal, ports, settings};
use crate::mesh;
use crate::node::Catalogue;
use crate::node::service::{Service, Text};

/// Has a setting of each kind.
const RADIO: &str = r#"{"name": "radio", "title": "R", "summary": "S", "role": "streaming",
    "units": ["radio.service"], "start": "on-demand", "settings": [
        {"name": "title", "title": "T", "kind": "text", "default": "", "max-length": 12},
        {"name": "guests", "title": "G", "kind": "number", "default": 5, "min": 1, "max": 900},
        {"name": "open", "title": "O", "kind": "switch", "default": true},
        {"name": "quality", "title": "Q", "kind": "choice", "default": "low",
            "choices": [{"name": "low", "title": "L"}, {"name": "high", "title": "H"}]}]}"#;

/// What somebody sends to the socket, and what programs of the system write for the helper to read.
pub fn bytes(bytes: &[u8]) {
    if let Ok(request) = Request::read(bytes) {
        asked(&request);
    }
    let text = String::from_utf8_lossy(bytes);
    for listener in ports::parse(&text) {
        assert!(["tcp", "udp"].contains(&listener.protocol.as_str()));
        assert!(!listener.unit.contains('/'), "{}", listener.unit);
    }
    for line in journal::parse(&text) {
        assert!(line.level <= 7 && line.text.chars().all(Text::shows), "{line:?}");
    }
    let nodes = mesh::dump::parse(&text);
    let members = nodes.iter().filter_map(|node| node.name.parse().ok()).collect();
    let troubles = mesh::troubles(text.lines().map(|line| (0, line)));
    let status = mesh::dump::status(nodes, &members, troubles);
    assert!(status.peers.len() == members.len() && status.strangers.len() <= 16);
    assert!(
        status
            .strangers
            .iter()
            .all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
    );
    for (name, value) in settings::parse(&radio(), &text) {
        check::settings(&radio(), &[(name, value.to_string())].into())
            .expect("a value that was read is legal");
    }
}

/// A request that can be read means one thing, and whatever passes the check is harmless.
fn asked(request: &Request) {
    let mut again = serde_json::to_vec(request).expect("a request can be written");
    again.push(b'\n');
    assert_eq!(Request::read(&again).as_ref(), Ok(request));
    let services = [("radio".to_owned(), radio()), (super::mesh::SERVICE.to_owned(), radio())].into();
    let catalogue = Catalogue { services, ..Catalogue::default() };
    if check::request(&catalogue, request).is_err() {
        return;
    }
    assert!(request.words().is_ascii() && !request.words().contains(|c: char| c.is_control()), "{request:?}");
    match request {
        Request::Configure { settings: given, .. } => {
            written(given);
        }
        Request::MeshApply { own, peers } => {
            let files = mesh::Files::of_member(own, peers, std::path::Path::new("/key"));
            assert_eq!(files.iter().count(), peers.len() + 4);
            for (path, file) in files.iter() {
                let harmless = |c: char| c.is_ascii() && (c == '\n' || !c.is_control());
                assert!(
                    path.len() < 64 && !path.contains("..") && file.text.chars().all(harmless),
                    "{file:?}"
                );
            }
        }
        Request::Logs { lines, .. } => assert!((1..=LINES_LIMIT).contains(lines)),
        Request::Rename { name } => assert!((1..=63).contains(&name.len()) && !name.starts_with('-')),
        _ => {}
    }
}

/// Settings lie in a file that systemd reads: each keeps to its line, and comes back as it was.
fn written(given: &BTreeMap<String, String>) {
    let values = check::settings(&radio(), given).expect("it was checked");
    let text = settings::render(&radio(), &values);
    assert_eq!(text.lines().count(), values.len(), "{text}");
    assert_eq!(settings::parse(&radio(), &text), values, "{text}");
}

fn radio() -> Service {
    serde_json::from_str(RADIO).expect("the entry is legal")
}
