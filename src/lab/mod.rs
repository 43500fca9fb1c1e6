//! A community on one machine: full nodes from a built root file system, each a container of systemd-nspawn with a
//! network namespace of its own, on a bridge.
//!
//! `inside` is the first process of private namespaces of processes, mounts and network. It makes the wires, lays a
//! file system for each node over the one that was unpacked, and starts the containers; when it dies, however it dies,
//! the kernel ends all of it. `outside` is what others do with a running lab, from any shell: a state folder with the
//! plan and the number of that process is all they need.

pub mod inside;
pub mod layers;
pub mod network;
pub mod outside;
pub mod plan;
pub mod state;

use crate::host::{Need, is_program};

const PROGRAMS: [(&str, &str, &str); 7] = [
    ("systemd-nspawn", "systemd-container", "to start nodes as containers"),
    ("ip", "iproute2", "to make their network"),
    ("nft", "nftables", "to lose and to translate what they send"),
    ("nsenter", "util-linux", "to work inside a node"),
    ("unshare", "util-linux", "to keep the lab apart from this machine"),
    ("setpriv", "util-linux", "to let no lab outlive nuvol"),
    ("tar", "tar", "to unpack the nodes' file system"),
];

/// Everything for a lab that is missing on this machine; root is asked for first.
pub fn missing() -> Vec<Need> {
    let root = (!nix::unistd::geteuid().is_root()).then(|| Need {
        what: "root".into(),
        why: "containers that are whole nodes need mounts, devices and networks of their own".into(),
        mend: "run it by sudo".into(),
    });
    let absent = PROGRAMS.into_iter().filter(|(file, ..)| !is_program(file));
    root.into_iter().chain(absent.map(|(file, package, why)| Need::program(file, package, why))).collect()
}
