//! The files that tinc reads. Nothing in them is text of somebody else's: every part is a type that knows its form.

use std::collections::BTreeMap;
use std::path::Path;

use super::choice::{callable, choose};
use super::{INTERFACE, Own, PORT, Peer};

/// The name of an end that has no community yet.
const LONELY: &str = "lonely";
/// tinc's file of settings.
const SETTINGS: &str = "tinc.conf";
const CALL: &str = "ConnectTo = ";

/// After this time, in seconds, each pair agrees on another key.
const KEY_EXPIRE_S: u32 = 120;
/// A neighbour is asked after this many seconds without a word ...
const PING_INTERVAL_S: u32 = 15;
/// ... and has so long to answer. Whether it did is looked at as often, so it is missed 25 s after its last word.
const PING_TIMEOUT_S: u32 = 5;
/// Whoever does not answer a call is called again after so many seconds at most; tinc's own quarter of an hour is long
/// for a home that was without power.
const RETRY_LIMIT_S: u32 = 60;

/// A file's text and rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// All of it.
    pub text: String,
    /// Rights, as of chmod(2).
    pub mode: u32,
}

/// All files of one moment, by their paths below tinc's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    files: BTreeMap<String, File>,
    own: String,
}

impl Files {
    /// Those of a member. Whether the members make a mesh ([`super::check`]) is for the caller to know; the secret key
    /// is read from `key`.
    pub fn of_member(own: &Own, peers: &[Peer], key: &Path) -> Self {
        let mut files = Self::of(&own.name().to_string(), key, &format!("Subnet = {}/128\n", own.address));
        let calls = choose(own, peers).into_iter().map(|name| format!("{CALL}{name}\n"));
        files.text(SETTINGS).extend(calls);
        *files.text("tinc-up") +=
            &format!("ip -6 address replace {}/64 dev {INTERFACE} nodad\n", own.address);
        for peer in peers {
            files.put(format!("hosts/{}", peer.name()), host(own, peer), 0o600);
        }
        files
    }

    /// Those of a node that is in no community: its service can be switched on, and nobody gets in.
    pub fn lonely(key: &Path) -> Self {
        Self::of(LONELY, key, "")
    }

    fn of(name: &str, key: &Path, subnet: &str) -> Self {
        let mut files = Self { files: BTreeMap::new(), own: format!("hosts/{name}") };
        files.put(SETTINGS.to_owned(), settings(name, key), 0o600);
        // How others write to this node. tinc's own 4 bytes of MACLength can be guessed.
        let port = format!("Port = {PORT}\n{subnet}Cipher = aes-256-cbc\nDigest = sha256\nMACLength = 16\n");
        files.put(format!("hosts/{name}"), port, 0o600);
        files.put("tinc-up".to_owned(), format!("#!/bin/sh\nip link set dev {INTERFACE} up\n"), 0o700);
        files.put("tinc-down".to_owned(), format!("#!/bin/sh\nip link set dev {INTERFACE} down\n"), 0o700);
        files
    }

    fn put(&mut self, path: String, text: String, mode: u32) {
        self.files.insert(path, File { text, mode });
    }

    fn text(&mut self, path: &str) -> &mut String {
        &mut self.files.get_mut(path).expect("each of them has it").text
    }

    /// Each file with its path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// What tinc reads when it starts, and never again: if this changes, it must be started anew. For all the rest it
    /// is enough that it reads its files again.
    pub fn needs_restart(&self) -> String {
        let own = |path: &str| [SETTINGS, "tinc-up", "tinc-down", &self.own].contains(&path);
        read_at_start(
            self.iter().filter(|(path, _)| own(path)).map(|(path, file)| (path, file.text.as_str())),
        )
    }
}

/// The same of files that are there already: settings, scripts and the own host file, by path.
pub fn read_at_start<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let lines = files.flat_map(|(path, text)| {
        let stays = move |line: &&str| path != SETTINGS || !line.starts_with(CALL);
        std::iter::once(path).chain(text.lines().filter(stays))
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn settings(name: &str, key: &Path) -> String {
    format!(
        "# Written by nuvol-helper from the members of the community.\n\
         Name = {name}\n\
         Mode = router\n\
         Interface = {INTERFACE}\n\
         AddressFamily = any\n\
         PrivateKeyFile = {}\n\
         # Who has which address stands in hosts/, whatever others say.\n\
         StrictSubnets = yes\n\
         # Who cannot reach another one directly reaches it through a third.\n\
         DirectOnly = no\n\
         Forwarding = internal\n\
         # One packet for all would be one for each of thousands.\n\
         Broadcast = no\n\
         # tinc 1.0 may miss that another has begun anew, and is deaf to it until its key runs out.\n\
         KeyExpire = {KEY_EXPIRE_S}\n\
         PingInterval = {PING_INTERVAL_S}\n\
         PingTimeout = {PING_TIMEOUT_S}\n\
         MaxTimeout = {RETRY_LIMIT_S}\n",
        key.display()
    )
}

fn host(own: &Own, peer: &Peer) -> String {
    let mut text = String::new();
    for endpoint in callable(own, peer) {
        text += &format!("Address = {endpoint}\n");
    }
    text + &format!("Subnet = {}/128\nMACLength = 16\n", peer.address) + &peer.key.pem()
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::Ipv6Addr;
    use std::path::Path;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::Files;
    use crate::mesh::key::tests::der;
    use crate::mesh::{Endpoint, MeshKey, Own, Peer};

    const PREFIX: Ipv6Addr = Ipv6Addr::new(0xfd01, 2, 3, 0, 0, 0, 0, 0);

    pub fn own(host: u64) -> Own {
        Own { address: Ipv6Addr::from_bits(PREFIX.to_bits() | u128::from(host)), prefix: PREFIX }
    }

    pub fn peer(host: u64) -> Peer {
        let key = MeshKey::from_der(&der(2048, host as u8 & 0x7f)).unwrap();
        Peer { address: own(host).address, key, endpoints: Vec::new(), near: false }
    }

    fn files(own: &Own, peers: &[Peer]) -> Files {
        Files::of_member(own, peers, Path::new("/k"))
    }

    fn text(files: &Files, path: &str) -> String {
        files.iter().find(|(it, _)| *it == path).unwrap_or_else(|| panic!("no {path}")).1.text.clone()
    }

    #[test]
    fn a_member_has_a_file_for_each_other_one_and_nothing_else() {
        let ana = Peer {
            endpoints: vec!["home.example 655".parse().unwrap(), "fd01:2:3::9 1".parse().unwrap()],
            ..peer(2)
        };
        let files = files(&own(1), &[ana.clone(), peer(3)]);
        let paths: Vec<&str> = files.iter().map(|(path, _)| path).collect();
        let names = ["hosts/n0000000000000001", "hosts/n0000000000000002", "hosts/n0000000000000003"];
        assert_eq!(paths, [&names[..], &["tinc-down", "tinc-up", "tinc.conf"]].concat());
        let own =
            "Port = 655\nSubnet = fd01:2:3::1/128\nCipher = aes-256-cbc\nDigest = sha256\nMACLength = 16\n";
        assert_eq!(text(&files, names[0]), own);
        let expected = format!(
            "Address = home.example 655\nSubnet = fd01:2:3::2/128\nMACLength = 16\n{}",
            ana.key.pem()
        );
        assert_eq!(text(&files, names[1]), expected);
        assert!(!text(&files, names[2]).contains("Address"));
        let up =
            "#!/bin/sh\nip link set dev nuvol up\nip -6 address replace fd01:2:3::1/64 dev nuvol nodad\n";
        assert_eq!(text(&files, "tinc-up"), up);
        let settings = text(&files, "tinc.conf");
        assert!(settings.ends_with("MaxTimeout = 60\nConnectTo = n0000000000000002\n"), "{settings}");
        assert!(
            settings.contains("\nStrictSubnets = yes\n") && settings.contains("\nName = n0000000000000001\n")
        );
        assert!(
            files.iter().all(|(path, file)| file.mode == if path.contains("tinc-") { 0o700 } else { 0o600 })
        );
    }

    #[test]
    fn nobody_gets_into_a_node_without_a_community() {
        let files = Files::lonely(Path::new("/k"));
        let paths: Vec<&str> = files.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["hosts/lonely", "tinc-down", "tinc-up", "tinc.conf"]);
        assert!(
            files.iter().all(|(_, file)| !file.text.contains("Subnet =") && !file.text.contains("ConnectTo"))
        );
    }

    #[test]
    fn only_what_tinc_reads_once_takes_a_new_start() {
        let reachable = Peer { endpoints: vec!["h.example 1".parse().unwrap()], ..peer(4) };
        let before = files(&own(1), &[peer(2)]).needs_restart();
        assert_eq!(files(&own(1), &[peer(3), reachable]).needs_restart(), before);
        assert_ne!(files(&own(9), &[peer(2)]).needs_restart(), before);
        assert_ne!(Files::lonely(Path::new("/k")).needs_restart(), before);
        assert_ne!(Files::of_member(&own(1), &[peer(2)], Path::new("/other")).needs_restart(), before);
    }

    proptest! {
        /// Whatever a member calls itself, each line of its file is one of those that are meant to be there.
        #[test]
        fn no_member_writes_into_a_file(host: String, port: u16, id in 2u64..) {
            let endpoints = Endpoint::new(&host, port).into_iter().collect::<Vec<_>>();
            let count = endpoints.len();
            let peer = Peer { endpoints, near: true, ..peer(id) };
            let files = files(&own(1), std::slice::from_ref(&peer));
            let text = text(&files, &format!("hosts/{}", peer.name()));
            let (head, key) = text.split_once("-----BEGIN").unwrap();
            let words: Vec<&str> = head.lines().map(|line| line.split(" = ").next().unwrap()).collect();
            prop_assert_eq!(words, [vec!["Address"; count], vec!["Subnet", "MACLength"]].concat());
            prop_assert!(key.lines().skip(1).all(|it| it.starts_with("-----END") || it.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))));
        }

        #[test]
        fn the_same_members_give_the_same_files(mut hosts in proptest::collection::btree_set(any::<u64>().prop_filter("own", |it| *it > 1), 0..20)) {
            let peers: Vec<Peer> = hosts.iter().map(|host| peer(*host)).collect();
            let other: Vec<Peer> = peers.iter().rev().cloned().collect();
            prop_assert_eq!(files(&own(1), &peers), files(&own(1), &other));
            prop_assert_eq!(files(&own(1), &peers).iter().count(), hosts.len() + 4);
            if let Some(gone) = hosts.pop_first() {
                let rest: Vec<Peer> = hosts.iter().map(|host| peer(*host)).collect();
                prop_assert!(files(&own(1), &rest).iter().all(|(path, file)| !path.contains(&peer(gone).name().to_string()) && !file.text.contains(&peer(gone).name().to_string())));
            }
        }
    }
    use proptest::strategy::Strategy;
}
