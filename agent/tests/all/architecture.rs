//! Holds the map: the heart names nothing outside itself, and no door names another.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test reads sources")]

use std::fs;
use std::path::Path;

/// Each module with the modules of this crate that it may name.
const MAP: [(&str, &[&str]); 18] = [
    ("node", &["node"]),
    ("machine", &["node"]),
    ("journal", &["node"]),
    ("services", &["node", "services"]),
    // What agent and helper both do.
    ("durable", &[]),
    ("systemd", &[]),
    // What pages and `nuvolctl` both read and write.
    ("cloudy", &[]),
    // A program of its own, at boot, before the agent.
    ("config", &["config", "durable", "journal", "node"]),
    ("mesh", &["mesh"]),
    ("guests", &[]),
    ("gossip", &["node", "gossip", "durable", "journal", "guests"]),
    ("bus", &["node", "bus", "systemd"]),
    ("http", &["node", "http", "guests", "cloudy"]),
    ("state", &["state", "durable"]),
    // A program of its own, on the node: it reads the catalogue itself and believes nobody.
    ("helper", &["node", "mesh", "helper", "journal", "services", "durable", "systemd"]),
    // The heart with its ways out.
    ("wiring", &["node", "machine", "journal", "http", "state", "helper"]),
    (
        "run",
        &[
            "node", "machine", "journal", "services", "bus", "gossip", "guests", "http", "state", "helper",
            "wiring",
        ],
    ),
    // A program of its own, on another machine: of the node it knows the API and nothing else.
    ("ctl", &["ctl", "cloudy"]),
];

/// Crates that belong to some modules.
const PLACES: [(&str, &[&str]); 11] = [
    ("zbus", &["bus/", "helper/", "systemd.rs"]),
    ("axum", &["http/"]),
    ("askama", &["http/pages/"]),
    ("fluent_bundle", &["http/language/"]),
    ("qrcode", &["http/pages/addresses.rs", "main.rs"]),
    ("flate2", &["http/assets.rs"]),
    ("argon2", &["http/password.rs"]),
    // What `whole.rs` is for is seen on a connection only: its tests have one.
    ("hyper", &["http/server.rs", "http/whole.rs", "gossip/call.rs", "ctl/"]),
    ("rcgen", &["state/"]),
    ("serde_yaml", &["services/yaml.rs"]),
    ("sd_notify", &["run.rs"]),
];

fn each_file(dir: &Path, look: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_file(&path, look);
        } else {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_map_is_true() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    each_file(&src, &mut |path, text| {
        let name = path.strip_prefix(&src).unwrap().display().to_string();
        // Programs begin there and name what they need.
        if ["main.rs", "lib.rs"].contains(&name.as_str()) || name.starts_with("bin/") {
            return;
        }
        let module = name.split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = MAP.iter().find(|(known, _)| *known == module) else {
            return wrong.push(format!("`{name}` is off the map"));
        };
        for (other, _) in MAP {
            let named = text.contains(&format!("crate::{other}"));
            if named && !allowed.contains(&other) && other != module {
                wrong.push(format!("`{name}` names `{other}`"));
            }
        }
        for (foreign, homes) in PLACES {
            let named = text.contains(&format!(" {foreign}::"));
            if named && !homes.iter().any(|home| name.starts_with(home)) {
                wrong.push(format!("`{name}` names `{foreign}`, which belongs in `{homes:?}`"));
            }
        }
        let impure = [
            "tokio::",
            "std::fs",
            "std::net::Tcp",
            "std::time::Instant",
            "std::time::SystemTime",
            "getrandom",
        ];
        if module == "node" && impure.iter().any(|no| text.contains(no)) {
            wrong.push(format!("`{name}` is not pure"));
        }
        if text.lines().count() > 400 {
            wrong.push(format!("`{name}` is longer than 400 lines"));
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
}
