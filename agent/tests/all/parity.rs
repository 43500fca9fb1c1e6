//! All that the pages can do, the API can, and all that the API can, `nuvolctl` can.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test runs the program")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};

use crate::support::site::{Site, ask};

/// Each form of the pages, and what does the same in the API.
const FORMS: [(&str, &str); 36] = [
    ("/claim/code", "POST /claim"),
    ("/claim", "POST /claim"),
    ("/sign-in", "POST /session"),
    ("/sign-out", "DELETE /session"),
    ("/join/{secret}", "POST /join/{invitation}"),
    // A browser keeps its language in a cookie; a program names it with each request (Accept-Language).
    ("/language", ""),
    ("/services/{service}/switch", "PUT /services/{service}"),
    ("/services/{service}/restart", "POST /services/{service}/restart"),
    ("/services/{service}/settings", "PUT /services/{service}/settings"),
    ("/people/invite", "POST /invitations"),
    ("/people/invitations/{invitation}/revoke", "DELETE /invitations/{invitation}"),
    ("/people/{person}/role", "PUT /people/{person}"),
    ("/people/{person}/remove", "DELETE /people/{person}"),
    ("/people/{person}/reset", "POST /people/{person}/reset"),
    ("/community/found", "POST /community"),
    ("/community/join", "POST /community/join"),
    ("/community/join/stop", "DELETE /community/join"),
    ("/community/leave", "DELETE /community"),
    ("/community/invite", "POST /community/invitations"),
    ("/community/invitations/{invitation}/revoke", "DELETE /community/invitations/{invitation}"),
    ("/community/waiting/{node}/admit", "POST /community/waiting/{node}"),
    ("/community/waiting/{node}/decline", "POST /community/waiting/{node}"),
    ("/community/members/{node}/expel", "DELETE /community/members/{node}"),
    ("/community/places", "PUT /community/places"),
    ("/community/machines", "PUT /community/foreign"),
    ("/community/machines/withdraw", "PUT /community/foreign"),
    ("/community/machines/import", "PUT /community/foreign"),
    ("/services/{service}/audience", "PUT /services/{service}/audience"),
    ("/account/password", "PUT /account/password"),
    ("/account/sessions/{session}/end", "DELETE /account/sessions/{session}"),
    ("/account/tokens", "POST /account/tokens"),
    ("/account/tokens/{token}/revoke", "DELETE /account/tokens/{token}"),
    ("/settings/name", "PUT /node/name"),
    ("/trial/keep", "POST /node/trial/keep"),
    ("/trial/back", "POST /node/trial/back"),
    ("/power", "POST /node/power"),
];

/// Each page, and where the API has what stands on it.
const PAGES: [(&str, &str); 20] = [
    ("/", "GET /node"),
    ("/services", "GET /services"),
    ("/services/{service}", "GET /services/{service}"),
    ("/services/{service}/log", "GET /services/{service}/log"),
    ("/community", "GET /community/services"),
    ("/community/machines", "GET /community/foreign"),
    ("/community/export", "GET /community/services"),
    ("/community/{node}", "GET /community"),
    ("/people", "GET /people"),
    ("/account", "GET /account"),
    ("/network", "GET /node"),
    ("/logs", "GET /operations"),
    ("/logs/report", "GET /report"),
    ("/settings", "GET /services/{service}"),
    ("/operations/{operation}", "GET /operations/{operation}"),
    ("/join/{secret}", "GET /join/{invitation}"),
    // Forms alone, what keeps a page up to date, and what pages are made of.
    ("/sign-in", ""),
    ("/claim", ""),
    ("/events", ""),
    ("/assets/{name}", ""),
];

/// Each thing that can be asked of the API, and what asks it. `@` is a file with a line that fits, `#` one with a list.
const COMMANDS: [(&str, &str); 50] = [
    ("GET /health", "health"),
    ("GET /node", "node"),
    ("PUT /node/name", "node rename attic --no-wait"),
    ("POST /node/trial/keep", "node keep"),
    ("POST /node/trial/back", "node back"),
    ("POST /node/power", "node off --no-wait"),
    ("GET /report", "report"),
    ("GET /operations", "operations"),
    ("GET /operations/{operation}", "operations 1"),
    ("GET /services", "services"),
    ("GET /services/{service}", "service tinc"),
    ("PUT /services/{service}", "service tinc on --no-wait"),
    ("POST /services/{service}/restart", "service tinc restart --no-wait"),
    ("PUT /services/{service}/settings", "service tinc set port=655 --no-wait"),
    ("GET /services/{service}/log", "service tinc log"),
    ("GET /people", "people"),
    ("PUT /people/{person}", "people role 1 member"),
    ("DELETE /people/{person}", "people remove 1"),
    ("POST /people/{person}/reset", "people reset 1"),
    ("GET /invitations", "people"),
    ("POST /invitations", "people invite --role guest"),
    ("DELETE /invitations/{invitation}", "people uninvite abc"),
    ("GET /account", "account"),
    ("PUT /account/password", "password --name Ana --password-file @ --new-password-file @"),
    ("GET /account/sessions", "sessions --name Ana --password-file @"),
    ("DELETE /account/sessions/{session}", "sessions --name Ana --password-file @ end abc"),
    ("GET /account/tokens", "tokens --name Ana --password-file @"),
    ("POST /account/tokens", "tokens --name Ana --password-file @ make backup --scopes read"),
    ("DELETE /account/tokens/{token}", "tokens --name Ana --password-file @ revoke abc"),
    ("POST /claim", "claim --name Ana --password-file @ --code-file @"),
    ("GET /join/{invitation}", "join --name Ana --password-file @ --link-file @"),
    ("POST /join/{invitation}", "join --name Ana --password-file @ --link-file @"),
    ("POST /session", "sessions --name Ana --password-file @"),
    ("DELETE /session", "sessions --name Ana --password-file @"),
    ("GET /community", "community"),
    ("POST /community", "community found Valley"),
    ("DELETE /community", "community leave"),
    ("GET /community/services", "community offers photos"),
    ("POST /community/join", "community join --invitation-file @"),
    ("DELETE /community/join", "community stop-joining"),
    ("POST /community/invitations", "community invite --uses 3"),
    ("DELETE /community/invitations/{invitation}", "community uninvite abc"),
    ("POST /community/waiting/{node}", "community admit KEY"),
    ("DELETE /community/members/{node}", "community expel KEY"),
    ("GET /community/foreign", "community foreign"),
    ("PUT /community/foreign", "community import #"),
    ("PUT /community/places", "community places home.example.org:655"),
    ("PUT /services/{service}/audience", "community publish tinc me"),
    ("GET /node", "status"),
    ("POST /node/power", "node reboot --no-wait"),
];

/// Every path that is routed in this source.
fn routed(source: &str) -> BTreeSet<&str> {
    source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Everything that the API's document lists.
async fn operations() -> BTreeSet<String> {
    let document = Site::new().send(ask("GET", "/api/v1/openapi.json")).await.json();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    all.collect()
}

#[tokio::test]
async fn all_that_pages_can_do_the_api_can() {
    let known = operations().await;
    for (source, table) in [
        (include_str!("../../src/http/forms/mod.rs"), &FORMS[..]),
        (include_str!("../../src/http/rooms.rs"), &PAGES[..]),
    ] {
        let listed: BTreeSet<_> = table.iter().map(|(path, _)| *path).collect();
        assert_eq!(routed(source), listed, "each has its line in the table above");
        for (path, twin) in table {
            assert!(twin.is_empty() || known.contains(*twin), "`{path}` has no `{twin}` in the API");
        }
    }
}

#[tokio::test]
async fn all_that_the_api_can_nuvolctl_can() {
    let listed: BTreeSet<_> = COMMANDS.iter().map(|(operation, _)| (*operation).to_owned()).collect();
    let mut known = operations().await;
    // Spoken by the agents of other nodes, and by nobody else.
    assert!(known.remove("POST /community/knock"));
    assert_eq!(known, listed, "each has its line in the table above");
    let recorder = Recorder::start();
    for (operation, line) in COMMANDS {
        let asked = recorder.run(line);
        let is_it = |asked: &String| fits(operation, asked);
        assert!(asked.iter().any(is_it), "`nuvolctl {line}` asks {asked:?} and not `{operation}`");
    }
}

/// Whether a request is the one that the document describes.
fn fits(operation: &str, asked: &str) -> bool {
    let parts = |text: &str| {
        text.split('?').next().unwrap_or_default().split(['/', ' ']).map(str::to_owned).collect::<Vec<_>>()
    };
    let (wanted, asked) = (parts(operation), parts(asked));
    let same = |(wanted, asked): (&String, &String)| wanted.starts_with('{') || wanted == asked;
    wanted.len() == asked.len() && wanted.iter().zip(&asked).all(same)
}

/// A node that says yes to everything and remembers what it was asked.
struct Recorder {
    home: tempfile::TempDir,
    address: SocketAddr,
    fingerprint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let der: CertificateDer<'static> = made.cert.der().clone();
        let digest = Sha256::digest(&der);
        let fingerprint = digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![der], key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Whoever only looks at the certificate says no more.
                answer(stream.unwrap(), &config, &heard);
            }
        });
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("line"), format!("https://{address}/join/abc\n")).unwrap();
        std::fs::write(home.path().join("list"), "[]\n").unwrap();
        Self { home, address, fingerprint, asked }
    }

    /// What `nuvolctl` asks for this. Without a terminal: whatever it would ask somebody for is an error.
    fn run(&self, line: &str) -> Vec<String> {
        let file = |name: &str| self.home.path().join(name).to_str().unwrap().to_owned();
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(env!("CARGO_BIN_EXE_nuvolctl"));
        command.args(
            line.split(' ')
                .map(|word| word.replace('@', &file("line")).replace('#', &file("list")))
                .map(|word| word.replace("KEY", &"ab".repeat(32))),
        );
        command.args(["--node", &self.address.to_string(), "--fingerprint", &self.fingerprint]);
        // What signs in has no need of a token.
        if !line.contains("--password-file") {
            command.arg("--token-file").arg(file("line"));
        }
        command.env("NUVOLCTL_CONFIG", self.home.path().join("nodes.toml")).env_remove("NUVOLCTL_NODE");
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "nuvolctl {line}: {}", String::from_utf8_lossy(&output.stderr));
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Reads one request, and says something that fits wherever it is read.
fn answer(stream: TcpStream, config: &Arc<ServerConfig>, heard: &Mutex<Vec<String>>) -> Option<()> {
    const BODY: &str = r#"{"operation": 1, "token": "t", "status": "ok", "kind": "join", "path": "/join/x"}"#;
    let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(config)).ok()?, stream);
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    while !is_whole(&text) {
        let read = tls.read(&mut bytes).ok().filter(|read| *read > 0)?;
        text += &String::from_utf8_lossy(&bytes[..read]);
    }
    let mut words = text.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let path = path.strip_prefix("/api/v1").unwrap_or(path).split('?').next()?;
    // Whoever has the answer may be gone before anything that comes after it.
    heard.lock().unwrap().push(format!("{method} {path}"));
    let length = BODY.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nSet-Cookie: __Host-nuvol=0; Path=/\r\nContent-Length: {length}"
    );
    write!(tls, "{head}\r\n\r\n{BODY}").ok()?;
    tls.flush().ok()
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
