//! `nuvolctl` against the real agent.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test runs both programs")]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{Agent, PASSWORD};

/// Somebody's machine with its own settings, and a node.
struct Desk {
    agent: Agent,
    home: TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let service =
            "name: tinc\ntitle: Tinc\nsummary: Mesh\nrole: mesh\nunits: [tinc.service]\nstart: always\n";
        crate::support::program::furnish(home.path());
        std::fs::write(home.path().join("services/tinc.yaml"), service).unwrap();
        std::fs::write(home.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        Self { agent: Agent::start(home.path()), home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn fingerprint(&self) -> String {
        std::fs::read_to_string(self.path("run/fingerprint")).unwrap().trim().to_owned()
    }

    /// Without a terminal: whatever would be asked for is an error.
    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(env!("CARGO_BIN_EXE_nuvolctl")).args(arguments);
        command.env("NUVOLCTL_CONFIG", self.path("nodes.toml")).env_remove("NUVOLCTL_NODE");
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }

    /// What must work.
    fn done(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        said
    }

    fn claim(&self) {
        let node = self.agent.tls.to_string();
        std::fs::write(self.path("code"), self.agent.code()).unwrap();
        let (code, password) = (self.path("code"), self.path("password"));
        let files = ["--code-file", code.to_str().unwrap(), "--password-file", password.to_str().unwrap()];
        let pin = self.fingerprint();
        self.done(
            &[&["claim", "--node", &node, "--name", "Ana", "--fingerprint", &pin], &files[..]].concat(),
        );
    }
}

#[test]
fn a_node_is_claimed_and_run_from_another_machine() {
    let desk = Desk::new();
    desk.claim();
    let kept = std::fs::read_to_string(desk.path("nodes.toml")).unwrap();
    assert!(kept.contains(&desk.fingerprint()) && !kept.contains(PASSWORD), "{kept}");
    // From here on the node, its fingerprint and the token are known.
    let status = desk.done(&["status"]);
    assert!(status.out.contains("services     0 of 1 run"), "{}", status.out);
    assert_eq!(desk.done(&["status", "--json"]).json()["node"]["profile"], "home");
    assert!(desk.done(&["services"]).out.starts_with("NAME  STATE"));
    assert_eq!(desk.done(&["service", "tinc", "--json"]).json()["name"], "tinc");

    let link = desk.done(&["people", "invite", "--role", "guest", "--note", "for Ben"]).out;
    assert!(link.starts_with(&format!("https://{}/join/", desk.agent.tls)), "{link}");
    let people = desk.done(&["people", "--json"]).json();
    assert_eq!(
        (&people["people"][0]["name"], &people["invitations"][0]["note"]),
        (&"Ana".into(), &"for Ben".into())
    );
    let id = people["invitations"][0]["id"].as_str().unwrap();
    assert!(desk.done(&["people"]).out.contains("a new guest"));
    desk.done(&["people", "uninvite", id]);
    let last = desk.run(&["people", "remove", "ana"]);
    assert_eq!(last.code, 1, "{}", last.err);
    assert!(last.err.contains("(409)"), "{}", last.err);
    let nobody = desk.run(&["people", "reset", "Nobody"]);
    assert_eq!((nobody.code, nobody.err.as_str()), (3, "error: nobody here is called `Nobody`\n"));
}

#[test]
fn work_is_followed_to_its_end() {
    let desk = Desk::new();
    desk.claim();
    // There is no helper here, and that is told.
    let failed = desk.run(&["service", "tinc", "on"]);
    assert_eq!((failed.code, failed.out.as_str()), (1, ""), "{}", failed.err);
    assert!(failed.err.contains("waiting…\n"), "{}", failed.err);
    assert!(failed.err.contains("waiting: helper-away"), "{}", failed.err);
    let begun = desk.done(&["service", "tinc", "restart", "--no-wait", "--json"]);
    assert!(begun.json()["operation"].is_number());
    let steps = desk.done(&["operations", "0"]).out;
    for expected in ["switch-on tinc, for Ana: failed\n", "waiting   failed\n", "starting  left-out\n"] {
        assert!(steps.contains(expected), "`{expected}` is not in {steps}");
    }
    let operations = desk.done(&["operations"]).out;
    assert!(operations.contains("switch-on tinc") && operations.contains("helper-away"), "{operations}");
    assert_eq!(desk.run(&["service", "tinc", "log"]).code, 1);
    let wrong = desk.run(&["node", "rename", "Not a name"]);
    assert_eq!(wrong.code, 3, "{}", wrong.err);
    assert!(wrong.err.contains("\n  name: "), "{}", wrong.err);
    assert_eq!(desk.run(&["service", "tinc", "set", "colour=red"]).code, 3);
    assert_eq!(desk.run(&["service", "tinc", "set", "colour"]).code, 2);
    assert_eq!(desk.run(&["node", "keep"]).code, 1);
    assert_eq!(desk.run(&["service", "../people"]).code, 1);
}

#[test]
fn tokens_and_sessions_need_a_person_and_leave_no_session_behind() {
    let desk = Desk::new();
    desk.claim();
    let password = desk.path("password");
    let who = ["--name", "Ana", "--password-file", password.to_str().unwrap()];
    let tokens = |more: &[&str]| desk.done(&[&["tokens"], &who[..], more].concat());
    let list = tokens(&["--json"]).json();
    assert_eq!(list["tokens"][0]["title"], "nuvolctl");
    let made = tokens(&["make", "backup", "--scopes", "read", "--days", "1"]).out;
    std::fs::write(desk.path("token"), &made).unwrap();
    let token = desk.path("token");
    let with = ["--token-file", token.to_str().unwrap()];
    desk.done(&[&["services"], &with[..]].concat());
    let refused = desk.run(&[&["service", "tinc", "on"], &with[..]].concat());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("(403)"), "{}", refused.err);
    let id = tokens(&["--json"]).json()["tokens"][1]["id"].as_str().unwrap().to_owned();
    tokens(&["revoke", &id]);
    assert!(desk.run(&[&["services"], &with[..]].concat()).err.contains("(401)"));
    let sessions = desk.done(&[&["sessions", "--json"], &who[..]].concat()).json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "only the one that asks");
    let wrong = desk.path("token");
    let guess = desk.run(&["tokens", "--name", "Ana", "--password-file", wrong.to_str().unwrap()]);
    assert_eq!(guess.code, 3, "{}", guess.err);
}

#[test]
fn a_password_is_changed_and_a_forgotten_one_is_made_anew() {
    let desk = Desk::new();
    desk.claim();
    assert_eq!(desk.done(&["account"]).out, "Ana (owner)\n");
    // Without a D-Bus it cannot be well.
    let health = desk.run(&["health"]);
    assert!(health.code == 1 && health.out.ends_with(": degraded\n"), "{}{}", health.out, health.err);
    assert!(desk.done(&["report"]).out.starts_with("Nuvol support report"));
    let file = |name: &str, text: &str| {
        std::fs::write(desk.path(name), text).unwrap();
        desk.path(name).to_str().unwrap().to_owned()
    };
    let (old, new, short) = (file("password", PASSWORD), file("new", "battery staple\n"), file("short", "x"));
    let change = |old: &str, new: &str| {
        desk.run(&["password", "--name", "Ana", "--password-file", old, "--new-password-file", new])
    };
    let refused = change(&old, &short);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("\n  new: Too short"), "{}", refused.err);
    let changed = change(&old, &new);
    assert_eq!((changed.code, changed.out.as_str()), (0, "the password is changed\n"), "{}", changed.err);
    assert!(changed.err.contains("run `nuvolctl login"), "{}", changed.err);
    // The old password and the token that came by it are of no use any more.
    assert_eq!(change(&old, &new).code, 3);
    assert!(desk.run(&["status"]).err.contains("(401)"));
    desk.done(&["login", "--name", "Ana", "--password-file", &new]);

    let link = file("link", &desk.done(&["people", "invite", "--role", "guest"]).out);
    let pin = desk.fingerprint();
    let theirs = desk.path("theirs.toml");
    let join = ["join", "--config", theirs.to_str().unwrap(), "--fingerprint", &pin, "--link-file"];
    let come = |link: &str, who: &[&str], password: &str| {
        desk.run(&[&join[..], &[link, "--password-file", password], who].concat())
    };
    let joined = come(&link, &["--name", "Ben"], &old);
    assert_eq!(joined.code, 0, "{}", joined.err);
    let account = ["account", "--config", theirs.to_str().unwrap()];
    assert_eq!(desk.done(&account).out, "Ben (guest)\n");
    assert_eq!(come(&link, &["--name", "Eve"], &old).code, 1);
    // Whose password it is, the node knows.
    let link = file("link", &desk.done(&["people", "reset", "Ben"]).out);
    let again = come(&link, &[], &new);
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(desk.done(&account).out, "Ben (guest)\n");
    let nonsense = come(&new, &["--name", "Eve"], &old);
    assert_eq!(nonsense.code, 3, "{}", nonsense.err);
}

#[test]
fn another_certificate_gets_nothing() {
    let desk = Desk::new();
    let node = desk.agent.tls.to_string();
    let password = desk.path("password");
    let login = ["login", "--node", &node, "--name", "Ana", "--password-file", password.to_str().unwrap()];
    // Nobody is there to compare the fingerprints.
    let asked = desk.run(&login);
    assert_eq!(asked.code, 3, "{}", asked.err);
    assert!(asked.err.contains(&desk.fingerprint()), "{}", asked.err);
    assert!(!desk.path("nodes.toml").exists());
    let other = "00:".repeat(31) + "00";
    let stranger = desk.run(&[&login[..], &["--fingerprint", &other]].concat());
    assert_eq!(stranger.code, 4, "{}", stranger.err);
    assert!(stranger.err.contains("nothing was sent to it"), "{}", stranger.err);
    assert!(!desk.path("nodes.toml").exists());

    // The token of one node is not sent to another that has taken its place.
    desk.claim();
    let mut impostor = Desk::new();
    let kept = std::fs::read_to_string(desk.path("nodes.toml")).unwrap();
    let moved = kept.replace(&desk.agent.tls.to_string(), &impostor.agent.tls.to_string());
    std::fs::write(desk.path("nodes.toml"), moved).unwrap();
    let said = desk.run(&["status"]);
    assert_eq!(said.code, 4, "{}", said.err);
    impostor.agent.kill();
    let away = desk.run(&["status"]);
    assert_eq!(away.code, 7, "{}", away.err);
}

#[test]
fn a_new_certificate_of_the_same_key_is_the_same_node() {
    let mut desk = Desk::new();
    desk.claim();
    let old = desk.agent.tls.to_string();
    desk.agent.kill();
    // As a rename does: the certificate goes, its key stays.
    let path = desk.path("state/tls.pem");
    let pem = std::fs::read_to_string(&path).unwrap();
    let end = pem.find("-----BEGIN CERTIFICATE").unwrap();
    let other = rcgen::KeyPair::from_pem(&pem[..end]).unwrap();
    let made =
        rcgen::CertificateParams::new(vec!["other.local".to_owned()]).unwrap().self_signed(&other).unwrap();
    std::fs::write(&path, pem[..end].to_owned() + &made.pem()).unwrap();
    desk.agent = Agent::start(desk.home.path());
    let kept = std::fs::read_to_string(desk.path("nodes.toml")).unwrap();
    let fingerprint = desk.fingerprint();
    assert!(!kept.contains(&fingerprint));
    std::fs::write(desk.path("nodes.toml"), kept.replace(&old, &desk.agent.tls.to_string())).unwrap();
    desk.done(&["status"]);
    assert!(std::fs::read_to_string(desk.path("nodes.toml")).unwrap().contains(&fingerprint));
}

#[test]
fn shells_are_told_what_can_be_typed() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(desk.done(&["completions", shell]).out.contains("nuvolctl"), "{shell}");
    }
    assert_eq!(desk.run(&["dance"]).code, 2);
    let none = desk.run(&["status"]);
    assert_eq!((none.code, none.err.as_str()), (3, "error: no node is known yet; name one with --node\n"));
}
