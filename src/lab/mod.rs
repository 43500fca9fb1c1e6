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

/// How many files may be watched at once, in sets, by all that root runs.
const WATCHES: &str = "/proc/sys/fs/inotify/max_user_instances";
/// So many such sets has a node's systemd and its services; measured 7.
const WATCHES_OF_NODE: u32 = 8;

/// Everything for a lab of so many `nodes` that is missing on this machine; root is asked for first.
pub fn missing(nodes: u8) -> Vec<Need> {
    let root = (!nix::unistd::geteuid().is_root()).then(|| Need {
        what: "root".into(),
        why: "containers that are whole nodes need mounts, devices and networks of their own".into(),
        mend: "run it by sudo".into(),
    });
    let absent = PROGRAMS.into_iter().filter(|(file, ..)| !is_program(file));
    let absent = absent.map(|(file, package, why)| Need::program(file, package, why));
    let limit = std::fs::read_to_string(WATCHES).ok().and_then(|text| text.trim().parse().ok());
    root.into_iter().chain(absent).chain(limit.and_then(|limit| watches(nodes, limit))).collect()
}

/// What is missing where the kernel lets root watch `limit` sets of files.
fn watches(nodes: u8, limit: u32) -> Option<Need> {
    let needed = u32::from(nodes) * WATCHES_OF_NODE;
    (needed > limit).then(|| Need {
        what: format!("watches of files: {limit} at once"),
        why: format!("{nodes} nodes have up to {needed}"),
        mend: format!("sysctl -w fs.inotify.max_user_instances={}", needed.next_power_of_two() * 2),
    })
}

#[cfg(test)]
mod tests {
    use super::watches;

    #[test]
    fn many_nodes_need_more_than_the_kernel_gives_at_first() {
        assert_eq!(watches(5, 128), None);
        assert_eq!(watches(20, 128).unwrap().mend, "sysctl -w fs.inotify.max_user_instances=512");
    }
}
