//! The last look before a tree becomes an image: nothing of the build or of the build host,
//! no identity and no way in may be in it. Every finding fails the build.
//!
//! The list of kinds follows what image builders' users complain about most: shared host keys
//! and machine ids, proxies left behind, default passwords.

use std::fmt::Write as _;

use super::install::MACHINE_ID;
use super::tree::{Body, Node, Tree};

/// Words that belong to the build host and must not stand in an image.
#[derive(Debug, Clone, Default)]
pub struct Foreign {
    /// The build host's own name; empty when it is too common to tell anything.
    pub host_name: String,
    /// Hosts of the mirrors that the build used, with their proxy.
    pub mirror_hosts: Vec<String>,
}

/// Something that must not be in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    path: String,
    what: &'static str,
}

/// The tree must not be published.
#[derive(Debug, thiserror::Error)]
#[error(
    "the image would carry what it must not:\n{0}help: remove it from the overlay or package that brings it"
)]
pub struct Leak(String);

/// Password hashes and passwords that packages ship as defaults.
const DEFAULT_PASSWORDS: [&str; 2] = ["hackme", "<password>changeme"];
/// Larger files are not searched for words: what leaks is configuration.
const SEARCHED_BYTES: u64 = 256 << 10;

/// Fails with all findings if `tree` holds anything that must not be in an image.
pub fn check(tree: &Tree, foreign: &Foreign) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    for (path, node) in tree.nodes() {
        let what = by_path(path, node);
        findings.extend(what.map(|what| Finding { path: path.clone(), what }));
        if is_searched(path, node)
            && let Some(bytes) = tree.bytes(path)?
        {
            let what = by_content(path, &String::from_utf8_lossy(&bytes), foreign);
            findings.extend(what.map(|what| Finding { path: path.clone(), what }));
        }
    }
    if tree.text("etc/machine-id").is_ok_and(|text| text != "uninitialized\n") {
        findings.push(Finding { path: "etc/machine-id".into(), what: "a machine id" });
    }
    if let Ok(text) = tree.text("etc/shadow") {
        findings.extend(passwords(&text).map(|what| Finding { path: "etc/shadow".into(), what }));
    }
    if findings.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for Finding { path, what } in findings {
        writeln!(text, "  /{path}: {what}")?;
    }
    Err(Leak(text).into())
}

/// What a path alone gives away.
fn by_path(path: &str, node: &Node) -> Option<&'static str> {
    if node.body == Body::Folder {
        return None;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_empty = matches!(&node.body, Body::Bytes(bytes) if bytes.is_empty())
        || matches!(node.body, Body::Stored { size: 0, .. });
    match path {
        _ if path.starts_with("etc/ssh/ssh_host_") => Some("an SSH host key"),
        "var/lib/dbus/machine-id" if !matches!(node.body, Body::Link(_)) => Some("a machine id"),
        "var/lib/systemd/random-seed" | "var/lib/urandom/random-seed" | "boot/efi/loader/random-seed" => {
            Some("a random seed")
        }
        "var/lib/systemd/credential.secret" => Some("a credential secret"),
        "etc/hostname" => Some("a fixed host name (it is made on first boot)"),
        "etc/resolv.conf" if !matches!(node.body, Body::Link(_)) => Some("name servers of the build host"),
        "etc/apt/apt.conf.d/99mmdebstrap" | "etc/dpkg/dpkg.cfg.d/99mmdebstrap" => {
            Some("settings of the build")
        }
        "etc/apt/sources.list" if !is_empty => Some("apt sources beside Debian's own"),
        _ if path.starts_with("var/lib/apt/lists/") && name != "lock" => Some("an apt index"),
        _ if path.starts_with("var/cache/apt/") => Some("an apt cache"),
        _ if path.starts_with("var/log/") && !is_empty => Some("a log"),
        _ if name == "authorized_keys" || name == "authorized_keys2" => Some("somebody's authorized keys"),
        _ if ["var/lib/nuvol-agent/", "var/lib/nuvol-helper/", "etc/nuvol/settings/"]
            .iter()
            .any(|it| path.starts_with(it)) =>
        {
            Some("state of a node")
        }
        _ if path.starts_with("etc/tinc/") && (name.ends_with(".priv") || name.starts_with("rsa_key")) => {
            Some("a mesh key")
        }
        _ if path.starts_with("etc/wireguard/") => Some("a mesh key"),
        _ if name == ".bash_history" || name == ".lesshst" || name == ".wget-hsts" => {
            Some("somebody's history")
        }
        _ => None,
    }
}

/// Files that are searched: configuration and state, not programs and documents.
fn is_searched(path: &str, node: &Node) -> bool {
    let size = match &node.body {
        Body::Stored { size, .. } => *size,
        Body::Bytes(bytes) => bytes.len() as u64,
        _ => return false,
    };
    let folders = ["etc/", "root/", "home/", "srv/", "opt/", "var/lib/", "usr/local/", "usr/lib/systemd/"];
    let packages = ["var/lib/dpkg/", "etc/ssl/certs/"];
    size <= SEARCHED_BYTES
        && folders.iter().any(|folder| path.starts_with(folder))
        && !packages.iter().any(|folder| path.starts_with(folder))
}

/// What the words of a file give away.
fn by_content(path: &str, text: &str, foreign: &Foreign) -> Option<&'static str> {
    let has_word = |word: &str| {
        !word.is_empty()
            && text.match_indices(word).any(|(at, _)| {
                let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
                edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
            })
    };
    if text.contains(MACHINE_ID) {
        return Some("the machine id of the build");
    }
    if text.contains("PRIVATE KEY-----") && text.contains("-----BEGIN ") {
        return Some("a private key");
    }
    if path.starts_with("etc/apt/") {
        let settings = text.lines().filter(|line| !line.trim_start().starts_with(['/', '#']));
        if settings.clone().any(|line| line.to_lowercase().contains("proxy") && line.contains("://")) {
            return Some("a proxy of the build host");
        }
        let is_debians = path == "etc/apt/sources.list.d/debian.sources";
        if !is_debians && foreign.mirror_hosts.iter().any(|host| has_word(host)) {
            return Some("the mirror of the build host");
        }
        if !is_debians && path.starts_with("etc/apt/sources.list.d/") {
            return Some("apt sources beside Debian's own");
        }
    }
    if DEFAULT_PASSWORDS.iter().any(|word| text.contains(word)) {
        return Some("a default password");
    }
    if path.starts_with("etc/") && has_word(&foreign.host_name) {
        return Some("the name of the build host");
    }
    None
}

/// Accounts that can be entered with a password known at build time, or with none.
fn passwords(shadow: &str) -> impl Iterator<Item = &'static str> {
    shadow.lines().filter_map(|line| match line.split(':').nth(1) {
        Some("") => Some("an account with an empty password"),
        Some(hash) if !hash.starts_with(['*', '!']) => Some("an account with a default password"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Foreign, MACHINE_ID, by_content, by_path, passwords};
    use crate::rootfs::tree::{Body, Node};

    fn content(path: &str, text: &str) -> Option<&'static str> {
        let foreign = Foreign { host_name: "buildbox".into(), mirror_hosts: vec!["mirror.test".into()] };
        by_content(path, text, &foreign)
    }

    fn path(path: &str) -> Option<&'static str> {
        let body = Body::Bytes(b"x".to_vec());
        by_path(path, &Node { body, mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: Vec::new() })
    }

    #[test]
    fn each_kind_of_leak_has_a_name() {
        assert_eq!(path("etc/ssh/ssh_host_ed25519_key"), Some("an SSH host key"));
        assert_eq!(path("var/lib/systemd/random-seed"), Some("a random seed"));
        assert_eq!(path("etc/tinc/nuvol/rsa_key.priv"), Some("a mesh key"));
        assert_eq!(path("root/.ssh/authorized_keys"), Some("somebody's authorized keys"));
        assert_eq!(path("var/log/dpkg.log"), Some("a log"));
        assert_eq!(path("etc/resolv.conf"), Some("name servers of the build host"));
        assert_eq!(path("etc/fstab"), None);
    }

    #[test]
    fn words_are_found_where_they_leak() {
        assert_eq!(content("etc/x", "127.0.1.1 buildbox\n"), Some("the name of the build host"));
        assert_eq!(content("etc/x", "rebuildboxes"), None);
        assert_eq!(content("etc/x", "-----BEGIN RSA PRIVATE KEY-----"), Some("a private key"));
        assert_eq!(content("etc/icecast2/icecast.xml", "<p>hackme</p>"), Some("a default password"));
        assert_eq!(content("etc/x", &format!("id={MACHINE_ID}")), Some("the machine id of the build"));
        let proxy = "Acquire::http::Proxy \"http://10.0.0.1:3142\";";
        assert_eq!(content("etc/apt/apt.conf.d/10x", proxy), Some("a proxy of the build host"));
        assert_eq!(
            content("etc/apt/sources.list.d/x.list", "deb x"),
            Some("apt sources beside Debian's own")
        );
        assert_eq!(content("etc/apt/preferences.d/x", "mirror.test"), Some("the mirror of the build host"));
    }

    #[test]
    fn passwords_are_told_apart() {
        let found: Vec<_> = passwords("root:*:1:\na::1:\nb:$y$x:1:\nc:!:1:\nd:!*:1:\n").collect();
        assert_eq!(found, ["an account with an empty password", "an account with a default password"]);
    }
}
