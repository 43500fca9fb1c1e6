//! The real program: sockets, HTTPS, limits, restarts.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test runs the agent")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// An agent with an empty home of its own and no D-Bus.
struct Agent {
    process: Child,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Agent {
    fn start(home: &Path) -> Self {
        for folder in ["services", "state", "run"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        std::fs::write(home.join("image.yaml"), "profile: home\nversion: 0.1.0\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nuvol-agent"));
        for (option, folder) in [("--services", "services"), ("--state", "state"), ("--runtime", "run")] {
            command.arg(option).arg(home.join(folder));
        }
        command.args(["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"]);
        command.args(["--bus", "unix:path=/nowhere/bus"]).env_remove("JOURNAL_STREAM");
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut serving = || loop {
            let line = lines.next().expect("the agent ended").unwrap();
            if let Some(address) = line.strip_prefix("nuvol-agent: serving ") {
                return address.parse().unwrap();
            }
        };
        let (plain, tls) = (serving(), serving());
        // Read on, else the agent would be cut off at its next line.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, plain, tls }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.plain).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// The whole answer to one request.
    fn get(&self, path: &str) -> String {
        exchange(&mut self.connect(), path)
    }

    /// Asks it to stop, as systemd does.
    fn stop(mut self) -> i32 {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        self.process.wait().unwrap().code().expect("ended by itself")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn exchange(stream: &mut (impl Read + Write), path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_node_serves_without_d_bus_and_keeps_its_identity_over_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let files = ["state/node.key", "state/tls.pem", "run/claim-code"].map(|file| home.path().join(file));
    let agent = Agent::start(home.path());
    let health = agent.get("/api/v1/health");
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
    assert!(health.contains(r#"{"status":"degraded","name":""#), "{health}");
    assert!(agent.get("/").contains("<h1>The node cannot see its services.</h1>"));
    let first = files.clone().map(|file| text_of(&file));
    assert_eq!(agent.stop(), 0);

    let agent = Agent::start(home.path());
    assert!(agent.get("/").starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(files.map(|file| text_of(&file)), first);
}

#[test]
fn https_is_served_with_the_nodes_own_certificate() {
    let home = tempfile::tempdir().unwrap();
    let agent = Agent::start(home.path());
    let pem = text_of(&home.path().join("state/tls.pem"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = rustls::StreamOwned::new(client, TcpStream::connect(agent.tls).unwrap());
    let request = b"GET /api/v1/services HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // The agent closes the connection without a TLS farewell, as most servers do.
    stream.read_to_end(&mut answer).ok();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(r#"{"services":[]}"#), "{answer}");
}

#[test]
fn damage_is_told_on_the_page_and_nothing_is_remade() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("state")).unwrap();
    std::fs::create_dir_all(home.path().join("services")).unwrap();
    for (file, text) in
        [("state/node.key", "half a k"), ("state/tls.pem", ""), ("services/bad.yaml", "name: [\n")]
    {
        std::fs::write(home.path().join(file), text).unwrap();
    }
    let agent = Agent::start(home.path());
    let page = agent.get("/");
    for expected in [
        "The node has no identity.",
        "node.key` is damaged; put back a copy, or move it aside to become a new node with a new key",
        "HTTPS is off.",
        "tls.pem` is damaged; move it aside to get a new certificate",
        "The service bad is not shown.",
        "services/bad.yaml:1:7: ",
    ] {
        assert!(page.contains(expected), "`{expected}` is not in\n{page}");
    }
    assert_eq!(text_of(&home.path().join("state/node.key")), "half a k");
    assert_eq!(text_of(&home.path().join("state/tls.pem")), "");
    let mut shut = TcpStream::connect(agent.tls).unwrap();
    shut.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(shut.read(&mut [0]).unwrap_or(0), 0, "hung up, not left waiting");
}

#[test]
fn a_guest_gets_so_much_and_no_more() {
    let home = tempfile::tempdir().unwrap();
    let agent = Agent::start(home.path());
    let mut stream = agent.connect();
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(20_000));
    stream.write_all(long.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    let status = std::str::from_utf8(&answer).unwrap();
    assert!(["HTTP/1.1 431", "HTTP/1.1 414"].contains(&status), "{status}");
    drop(stream);

    let body = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    let mut stream = agent.connect();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // That it ends at all says that nobody waits for the rest of the body.
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    drop(stream);

    let mut held: Vec<_> = (0..40).map(|_| agent.connect()).collect();
    let hung_up = held.iter_mut().filter_map(|stream| {
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        stream.read(&mut [0]).ok()
    });
    assert!((16..=18).contains(&hung_up.count()), "24 connections are kept, the others are not");
    drop(held);
    std::thread::sleep(Duration::from_millis(200));
    assert!(agent.get("/").starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_socket_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nuvol-agent"));
    command
        .args(["serve", "--listen", &address, "--state"])
        .arg(home.path())
        .arg("--runtime")
        .arg(home.path());
    let output = command.env_remove("JOURNAL_STREAM").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        errors,
        format!("nuvol-agent: listening on `{address}`: Address already in use (os error 98)\n")
    );
}
