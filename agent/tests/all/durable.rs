//! The real program and its disk: power failures at any moment, a full disk, damaged files.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test runs the agent")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::program::{Agent, Client, PASSWORD};

/// The notes of the invitations that the node knows, each with its id.
fn invitations(client: &Client, token: &str) -> Vec<(String, String)> {
    let list = client.send("GET", "/api/v1/invitations", token, None).unwrap().json();
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    list["invitations"].as_array().unwrap().iter().map(|it| (text(it, "note"), text(it, "id"))).collect()
}

/// What was answered, and what was asked and never answered.
#[derive(Default)]
struct Heard {
    there: BTreeSet<String>,
    unsure: BTreeSet<String>,
}

/// Invites and takes back without end, until the agent is gone.
fn change_people(client: &Client, token: &str, round: usize) -> Heard {
    let mut heard = Heard::default();
    for number in 0.. {
        let note = format!("{round}-{number}");
        let body = json!({"role": "guest", "note": note});
        match client.send("POST", "/api/v1/invitations", token, Some(&body)) {
            Ok(answer) if answer.status == 201 => drop(heard.there.insert(note)),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => {
                heard.unsure.insert(note);
                return heard;
            }
        }
        if number % 3 == 2 {
            let Ok(answer) = client.send("GET", "/api/v1/invitations", token, None) else { return heard };
            let first = answer.json()["invitations"][0].clone();
            let (id, note) = (first["id"].as_str().unwrap(), first["note"].as_str().unwrap().to_owned());
            match client.send("DELETE", &format!("/api/v1/invitations/{id}"), token, None) {
                Ok(answer) if answer.status == 204 => drop(heard.there.remove(&note)),
                Ok(answer) => panic!("{answer:?}"),
                Err(_) => {
                    heard.there.remove(&note);
                    heard.unsure.insert(note);
                    return heard;
                }
            }
        }
    }
    heard
}

#[test]
fn what_was_answered_is_there_whenever_the_power_fails() {
    let rounds = std::env::var("NUVOL_KILLS").map_or(20, |text| text.parse().unwrap());
    let home = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(home.path());
    let token = agent.claim();
    for round in 0..rounds {
        let (client, auth) = (agent.client(), token.clone());
        for (_, id) in invitations(&client, &token) {
            assert_eq!(
                client.send("DELETE", &format!("/api/v1/invitations/{id}"), &token, None).unwrap().status,
                204
            );
        }
        let work = std::thread::spawn(move || change_people(&client, &auth, round));
        // Moments spread over the first answers, never the same twice.
        std::thread::sleep(Duration::from_micros(3_000 + (round as u64 * 7919) % 97_000));
        agent.kill();
        let heard = work.join().unwrap();
        agent = Agent::start(home.path());
        let there: BTreeSet<_> =
            invitations(&agent.client(), &token).into_iter().map(|(note, _)| note).collect();
        let lost: Vec<_> = heard.there.difference(&there).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} was answered and is lost");
        let invented: Vec<_> =
            there.difference(&heard.there).filter(|it| !heard.unsure.contains(*it)).collect();
        assert!(invented.is_empty(), "round {round}: {invented:?} was taken back and is there");
        assert!(!agent.journal().contains("Lost"), "{}", agent.journal());
    }
    assert!(!home.path().join("state/people.damaged-1").exists());
}

/// An agent whose state lies on a small disk of its own, or why there can be none here.
fn on_a_small_disk(home: &Path) -> Result<Agent, String> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        // In a user namespace too, where whoever runs the test is not root.
        command.args(["--mount", "--map-root-user", "sh", "-ec", script, "sh"]);
        command
    };
    let tried = unshare("mount -t tmpfs -o size=1m none /mnt").output().map_err(|error| error.to_string())?;
    if !tried.status.success() {
        return Err(String::from_utf8_lossy(&tried.stderr).into_owned());
    }
    crate::support::program::furnish(home);
    let script = format!("mount -t tmpfs -o size=1m none {}; exec \"$@\"", home.join("state").display());
    let mut command = unshare(&script);
    command.arg(env!("CARGO_BIN_EXE_nuvol-agent"));
    Ok(Agent::start_by(command, home))
}

#[test]
fn a_full_disk_refuses_and_loses_nothing_and_works_again() {
    let home = tempfile::tempdir().unwrap();
    let agent = match on_a_small_disk(home.path()) {
        Ok(agent) => agent,
        Err(why) => return println!("SKIPPED: no disk of one's own here: {why}"),
    };
    // The agent's mounts end with the agent; they are seen through it only.
    let state = Path::new("/proc")
        .join(agent.id().to_string())
        .join("root")
        .join(home.path().join("state").strip_prefix("/").unwrap());
    let pem = fs::read(state.join("tls.pem")).unwrap();
    let client = Client::new(agent.tls, &pem);
    fs::create_dir_all(home.path().join("state")).unwrap();
    fs::write(home.path().join("state/tls.pem"), &pem).unwrap();
    let token = agent.claim();
    let invite = |note: &str| {
        let body = json!({"role": "guest", "note": note});
        client.send("POST", "/api/v1/invitations", &token, Some(&body)).unwrap()
    };
    assert_eq!(invite("before").status, 201);
    let before = fs::read(state.join("people.json")).unwrap();

    let filler = state.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
    drop(file);
    for _ in 0..3 {
        let answer = invite("while");
        assert_eq!(
            (answer.status, answer.json()["code"].as_str().unwrap()),
            (507, "not-saved"),
            "{answer:?}"
        );
    }
    let sign_in = json!({"name": "Ana", "password": PASSWORD});
    assert_eq!(client.send("POST", "/api/v1/session", "", Some(&sign_in)).unwrap().status, 507);
    let rename = json!({"name": "attic"});
    assert_eq!(client.send("PUT", "/api/v1/node/name", &token, Some(&rename)).unwrap().status, 507);
    // What could not be written down did not happen.
    let notes: Vec<_> = invitations(&client, &token).into_iter().map(|(note, _)| note).collect();
    assert_eq!(notes, ["before"]);
    assert_eq!(client.send("GET", "/api/v1/node", &token, None).unwrap().json()["trial"], Value::Null);
    assert_eq!(
        client.send("GET", "/api/v1/operations", &token, None).unwrap().json(),
        json!({"operations": []})
    );
    assert_eq!(fs::read(state.join("people.json")).unwrap(), before);
    let left: Vec<_> = fs::read_dir(&state).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");

    fs::remove_file(&filler).unwrap();
    assert_eq!(invite("after").status, 201);
    let notes: Vec<_> = invitations(&client, &token).into_iter().map(|(note, _)| note).collect();
    assert_eq!(notes, ["before", "after"]);
}

#[test]
fn damaged_people_are_moved_aside_and_the_code_alone_makes_a_new_owner() {
    let home = tempfile::tempdir().unwrap();
    let agent = Agent::start(home.path());
    let token = agent.claim();
    assert_eq!(agent.stop(), 0);
    let path = home.path().join("state/people.json");
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&path, &damaged).unwrap();

    let agent = Agent::start(home.path());
    assert!(agent.journal().contains("PeopleLost: `people.json`: "), "{}", agent.journal());
    assert_eq!(fs::read(home.path().join("state/people.damaged-1")).unwrap(), damaged);
    let client = agent.client();
    let health = client.send("GET", "/api/v1/health", "", None).unwrap().json();
    assert_eq!((&health["status"], &health["claimed"]), (&json!("degraded"), &json!(false)));
    assert_eq!(client.send("GET", "/api/v1/node", &token, None).unwrap().status, 401);
    let sign_in = json!({"name": "Ana", "password": PASSWORD});
    assert_eq!(client.send("POST", "/api/v1/session", "", Some(&sign_in)).unwrap().status, 422);
    let claim = json!({"code": "AAAA-AAAA", "name": "Eve", "password": PASSWORD});
    assert_eq!(client.send("POST", "/api/v1/claim", "", Some(&claim)).unwrap().status, 422);
    // A restart changes nothing of it: an empty list is not made up.
    assert_eq!(agent.stop(), 0);
    let agent = Agent::start(home.path());
    assert!(agent.journal().contains("PeopleLost"));
    let token = agent.claim();
    let node = agent.client().send("GET", "/api/v1/node", &token, None).unwrap().json();
    // All that is wrong is that this test has no helper.
    let problems: Vec<_> =
        node["problems"].as_array().unwrap().iter().map(|it| it["effect"].clone()).collect();
    assert_eq!(problems, ["The helper does not answer, so services cannot be switched"], "{node}");
    assert_eq!(agent.stop(), 0);
    // And what was damaged is still there for whoever can mend it.
    let agent = Agent::start(home.path());
    assert!(!agent.journal().contains("PeopleLost"));
    assert_eq!(fs::read(home.path().join("state/people.damaged-1")).unwrap(), damaged);
    fs::write(&path, &whole).unwrap();
}

#[test]
fn what_a_newer_agent_wrote_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let agent = Agent::start(home.path());
    agent.claim();
    assert_eq!(agent.stop(), 0);
    let path = home.path().join("state/people.json");
    let newer = fs::read_to_string(&path).unwrap().replacen("nuvol-state 1 ", "nuvol-state 2 ", 1);
    fs::write(&path, &newer).unwrap();
    let agent = Agent::start(home.path());
    assert!(agent.journal().contains("a newer agent wrote it"), "{}", agent.journal());
    let claim = json!({"code": agent.code(), "name": "Eve", "password": PASSWORD});
    let answer = agent.client().send("POST", "/api/v1/claim", "", Some(&claim)).unwrap();
    assert_eq!(answer.status, 507, "{answer:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    let since = Instant::now();
    assert_eq!(agent.stop(), 0);
    assert!(since.elapsed() < Duration::from_secs(10));
}
