//! The real program: sockets, HTTPS, limits, restarts.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test runs the agent")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::program::{Agent, PASSWORD, command, furnish};

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
    assert!(health.contains(r#""claimed":false"#), "{health}");
    let first = files.clone().map(|file| text_of(&file));
    assert_eq!(agent.stop(), 0);

    let agent = Agent::start(home.path());
    assert!(agent.get("/api/v1/health").starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(files.map(|file| text_of(&file)), first);
}

#[test]
fn https_is_served_with_the_nodes_own_certificate() {
    let home = tempfile::tempdir().unwrap();
    let agent = Agent::start(home.path());
    let answer = agent.client().send("GET", "/api/v1/health", "", None).unwrap();
    assert_eq!(answer.json()["profile"], "home");
    let shown = text_of(&home.path().join("run/fingerprint"));
    assert_eq!(shown.trim().split(':').count(), 32, "{shown}");
}

#[test]
fn people_sessions_and_tokens_outlive_a_restart_and_the_claim_code_does_not() {
    let home = tempfile::tempdir().unwrap();
    let agent = Agent::start(home.path());
    let token = agent.claim();
    assert!(!home.path().join("run/claim-code").exists());
    assert_eq!(agent.stop(), 0);
    let agent = Agent::start(home.path());
    let client = agent.client();
    let people = client.send("GET", "/api/v1/people", &token, None).unwrap().json();
    assert_eq!(people["people"][0]["name"], "Ana");
    assert_eq!(client.send("GET", "/api/v1/health", "", None).unwrap().json()["claimed"], true);
    assert!(!home.path().join("run/claim-code").exists());
}

/// With the environment that the unit gives it.
#[test]
fn the_memory_of_a_hash_is_given_back() {
    const UNIT: &str = include_str!("../../package/root/usr/lib/systemd/system/nuvol-agent.service");
    let home = tempfile::tempdir().unwrap();
    let mut program = Command::new("env");
    program.args(UNIT.lines().filter_map(|line| line.strip_prefix("Environment=")));
    program.arg(env!("CARGO_BIN_EXE_nuvol-agent"));
    let agent = Agent::start_by(program, home.path());
    agent.claim();
    let body = serde_json::json!({"name": "Ana", "password": PASSWORD});
    for _ in 0..3 {
        assert_eq!(agent.client().send("POST", "/api/v1/session", "", Some(&body)).unwrap().status, 204);
    }
    let status = text_of(Path::new(&format!("/proc/{}/status", agent.id())));
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    let kib: u32 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(kib < 12 * 1024, "{kib} KiB stay after hashes of 19 MiB each");
}

#[test]
fn what_is_kept_is_for_the_agent_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let agent = Agent::start(home.path());
    let code = agent.code();
    let token = agent.claim();
    let mut files = 0;
    for entry in std::fs::read_dir(home.path().join("state")).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
        let text = text_of(&path);
        for secret in [PASSWORD, &code, token.rsplit(' ').next().unwrap()] {
            assert!(!text.contains(secret), "a secret is in {}", path.display());
        }
        files += 1;
    }
    assert!(files >= 3, "key, certificate, people");
    let journal = agent.journal();
    assert!(!journal.contains(PASSWORD) && !journal.contains(&code), "{journal}");
}

#[test]
fn damage_is_told_and_nothing_is_remade() {
    let home = tempfile::tempdir().unwrap();
    furnish(home.path());
    for (file, text) in
        [("state/node.key", "half a k"), ("state/tls.pem", ""), ("services/bad.yaml", "name: [\n")]
    {
        std::fs::write(home.path().join(file), text).unwrap();
    }
    let agent = Agent::start(home.path());
    let journal = agent.journal();
    for expected in [
        "node.key` is damaged; put back a copy, or move it aside to become a new node with a new key",
        "services/bad.yaml:1:7: ",
    ] {
        assert!(journal.contains(expected), "`{expected}` is not in\n{journal}");
    }
    assert!(agent.get("/api/v1/health").contains(r#""status":"degraded""#));
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

    let body = "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    let mut stream = agent.connect();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // That it ends at all says that nobody waits for the rest of the body.
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    drop(stream);

    let mut held: Vec<_> = (0..40).map(|_| agent.connect()).collect();
    let hung_up = held.iter_mut().filter_map(|stream| {
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        stream.read(&mut [0]).ok()
    });
    assert!((16..=18).contains(&hung_up.count()), "24 connections are kept, the others are not");
    drop(held);
    // The agent notices by and by that they have gone.
    let patience = Instant::now();
    while !is_served(&agent) {
        assert!(patience.elapsed() < Duration::from_secs(20), "nobody is let in any more");
        std::thread::yield_now();
    }
}

fn is_served(agent: &Agent) -> bool {
    let mut stream = agent.connect();
    let request = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.contains("200 OK")
}

#[test]
fn a_socket_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    furnish(home.path());
    let mut agent = command(Command::new(env!("CARGO_BIN_EXE_nuvol-agent")), home.path());
    // The later option counts no more than the first: the program says so.
    let twice = agent.args(["--listen", &address]).output().unwrap();
    assert_eq!(twice.status.code(), Some(2));
    let mut agent = Command::new(env!("CARGO_BIN_EXE_nuvol-agent"));
    agent.args(["serve", "--listen", &address, "--state"]).arg(home.path()).arg("--runtime").arg(home.path());
    let output = agent.env_remove("JOURNAL_STREAM").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        errors,
        format!("nuvol-agent: listening on `{address}`: Address already in use (os error 98)\n")
    );
}
