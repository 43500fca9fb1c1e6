//! Requests about the mesh, through the helper's socket and without a tincd.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nuvol_agent::helper::client::ask;
use nuvol_agent::helper::mesh::{self, Folders};
use nuvol_agent::helper::protocol::{Final, MESH_LIMIT_BYTES, Outcome, Request};
use nuvol_agent::helper::server::{Rules, serve};
use nuvol_agent::helper::verbs::{Helper, Options};
use nuvol_agent::mesh::{ENDPOINTS_LIMIT, Endpoint, MeshKey, Own, PEERS_LIMIT, Peer};
use tokio::net::UnixListener;

use super::lab::SERVICE;
use crate::common::{Daemon, State};

/// Of nobody: the secret half was thrown away.
const KEY: &str = include_str!("../../../src/helper/mesh/a-key.pem");

/// A helper that has a key already, so that no tincd is needed. The mesh is off.
async fn serve_at(home: &Path, with_mesh: bool) -> (Daemon, Arc<Mutex<State>>) {
    for folder in ["services", "settings", "state", "run", "units", "mesh/key", "mesh-run"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    let at = |name: &str| home.join(name);
    fs::write(at("image.yaml"), "profile: home\nversion: \"1\"\n").unwrap();
    if with_mesh {
        fs::write(at("services/tinc.yaml"), SERVICE).unwrap();
    }
    fs::write(at("mesh/key/rsa_key.pub"), KEY).unwrap();
    let daemon = Daemon::start(home);
    let state = Arc::<Mutex<State>>::default();
    let systemd = daemon.systemd(&state).await;
    let helper = Helper::new(Options {
        services: at("services"),
        settings: at("settings"),
        state: at("state"),
        runtime: at("run"),
        units: at("units"),
        system: at("machine-id"),
        mesh: Folders { files: at("mesh"), runtime: at("mesh-run") },
        bus: Some(daemon.address.clone()),
        settle: Duration::ZERO,
    });
    let listener = UnixListener::bind(at("socket")).unwrap();
    let peers = BTreeSet::from([home.metadata().unwrap().uid()]);
    tokio::spawn(async move {
        let _systemd = systemd;
        serve(listener, helper, Rules { peers, idle: Duration::from_secs(60) }).await
    });
    (daemon, state)
}

fn own() -> Own {
    Own { address: "fd01:2:3::1".parse().unwrap(), prefix: "fd01:2:3::".parse().unwrap() }
}

/// So many others, each with the longest of all that it may have.
fn crowd(count: usize, key: &MeshKey) -> Vec<Peer> {
    let host = format!("{}.example", ["a"; 122].join("."));
    let endpoints = vec![Endpoint::new(&host, 65535).unwrap(); ENDPOINTS_LIMIT];
    let peer = |at: usize| Peer {
        address: format!("fd01:2:3::{:x}", at + 2).parse().unwrap(),
        key: key.clone(),
        endpoints: endpoints.clone(),
        near: true,
    };
    (0..count).map(peer).collect()
}

#[tokio::test]
async fn a_mesh_of_thousands_is_one_request() {
    let home = tempfile::tempdir().unwrap();
    let _daemon = serve_at(home.path(), true).await;
    let key = MeshKey::from_pem(KEY).unwrap();
    let apply = async |peers: Vec<Peer>| {
        ask(&home.path().join("socket"), &Request::MeshApply { own: own(), peers }, |_| ()).await.unwrap()
    };
    for peers in [crowd(PEERS_LIMIT, &key), crowd(PEERS_LIMIT - 1, &key)] {
        let (count, begin) = (peers.len(), Instant::now());
        assert_eq!(apply(peers).await, Final::Done(Outcome::Nothing));
        println!("{count} members applied in {:.2} s", begin.elapsed().as_secs_f32());
        let hosts = home.path().join("mesh/current/hosts").read_dir().unwrap().count();
        assert_eq!(hosts, count + 1);
    }
    let Final::Refused { why } = apply(crowd(PEERS_LIMIT + 1, &key)).await else { panic!() };
    assert_eq!(why, "2001 members are more than 2000");
    let Final::Done(Outcome::Mesh(status)) =
        ask(&home.path().join("socket"), &Request::MeshStatus, |_| ()).await.unwrap()
    else {
        panic!()
    };
    assert_eq!((status.running, status.peers.len()), (false, PEERS_LIMIT - 1));
}

/// The longest that is legal fits, and only this verb may be so long.
#[test]
fn the_limit_is_just_above_the_largest_mesh() {
    let longest = "A".repeat(1388);
    let key = MeshKey::from_pem(KEY).unwrap();
    let mut text =
        serde_json::to_string(&Request::MeshApply { own: own(), peers: crowd(PEERS_LIMIT, &key) }).unwrap();
    let short = String::from(key);
    text = text.replace(&short, &longest);
    assert!(text.len() < MESH_LIMIT_BYTES && text.len() > MESH_LIMIT_BYTES / 2, "{}", text.len());
    assert_eq!(Request::limit(text.as_bytes()), MESH_LIMIT_BYTES);
    for other in ["{\"verb\":\"mesh-status\",", "{\"verb\":\"mesh-apply\"", "{\"peers\":[", ""] {
        assert_eq!(Request::limit(other.as_bytes()), 65536, "{other}");
    }
}

#[tokio::test]
async fn a_wrong_mesh_changes_nothing() {
    let (bare, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _daemons = (serve_at(bare.path(), false).await, serve_at(home.path(), true).await);
    let key = MeshKey::from_pem(KEY).unwrap();
    let good = Request::MeshApply { own: own(), peers: crowd(3, &key) };
    for request in [&good, &Request::MeshKey, &Request::MeshLeave, &Request::MeshStatus] {
        let last = ask(&bare.path().join("socket"), request, |_| ()).await.unwrap();
        assert_eq!(last, Final::Refused { why: "this node has no service `tinc`".to_owned() });
    }
    let mut twice = crowd(3, &key);
    twice[2].address = twice[0].address;
    let mut foreign = crowd(3, &key);
    foreign[1].address = "fd01:2:4::3".parse().unwrap();
    for peers in [twice, foreign] {
        let last = ask(&home.path().join("socket"), &Request::MeshApply { own: own(), peers }, |_| ()).await;
        assert!(matches!(last.unwrap(), Final::Refused { .. }));
    }
    // What the types refuse never gets as far as the check.
    let text = serde_json::to_string(&good).unwrap();
    for (from, to) in
        [("65535", "0"), ("a.a.", "a..a."), ("a.a.", "a\\n."), ("MIIB", "MIIC"), ("fd01:2:3::2", "::/0")]
    {
        let bad = text.replacen(from, to, 1) + "\n";
        assert!(bad != format!("{text}\n") && Request::read(bad.as_bytes()).is_err(), "{from} {to}");
    }
    assert!(!home.path().join("mesh/current").exists());
    let words = good.words();
    assert_eq!(words, "mesh-apply n0000000000000001 and 3 others");
}

/// tinc dies of the signal for its list as long as it has no device: one that was meant for the run before must not reach
/// the next.
#[tokio::test]
async fn a_question_does_not_reach_one_that_is_starting() {
    let home = tempfile::tempdir().unwrap();
    let (_daemon, state) = serve_at(home.path(), true).await;
    let socket = home.path().join("socket");
    let members = crowd(3, &MeshKey::from_pem(KEY).unwrap());
    let apply = Request::MeshApply { own: own(), peers: members };
    assert_eq!(ask(&socket, &apply, |_| ()).await.unwrap(), Final::Done(Outcome::Nothing));
    state.lock().unwrap().active.insert("tinc@nuvol.service".to_owned());
    let ready = home.path().join("mesh-run/ready");
    let begin = || fs::write(&ready, "").unwrap();
    let asked = || state.lock().unwrap().calls.contains(&"kill main 12 tinc@nuvol.service".to_owned());
    let wait = |millis| tokio::time::sleep(Duration::from_millis(millis));

    // It is asked a second after it has begun, and started again before that.
    begin();
    let question = tokio::spawn(async move { ask(&socket, &Request::MeshStatus, |_| ()).await });
    wait(400).await;
    let folders = Folders { files: home.path().join("mesh"), runtime: home.path().join("mesh-run") };
    let lock = fs::File::open(&folders.files).unwrap();
    lock.lock().unwrap();
    let restart = tokio::task::spawn_blocking(move || mesh::prepare(&folders));
    wait(1000).await;
    // Only who holds the files knows that nobody starts it meanwhile.
    assert!(!asked() && ready.exists());
    lock.unlock().unwrap();
    restart.await.unwrap().unwrap();
    begin();
    wait(1700).await;
    assert!(asked());
    question.abort();
}
