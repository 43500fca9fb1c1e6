use super::{read, read_bytes};
use crate::config::{Network, Section};
use crate::with_claim_code_hash;
use crate::{Scope, claim};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGnvFnZGPEPGnWEzlCmE7o0PTwCyeDJ0Bf3G2RSNkwcp ana@laptop";

fn told(text: &str) -> Vec<String> {
    read(text).problems.iter().map(ToString::to_string).collect()
}

/// The one problem of `lines` below the version.
fn wrong(lines: &str) -> String {
    let mut told = told(&format!("version = 1\n{lines}\n"));
    assert_eq!(told.len(), 1, "{lines}: {told:#?}");
    told.remove(0)
}

#[test]
fn all_that_can_be_set() {
    let hash = claim::hash("K7QF-93MX").unwrap();
    let text = format!(
        "# ours\nversion = 1\nname = \"ana\"\ntimezone = \"Europe/Madrid\"\nclaim-code-hash = '{hash}'\ninvite = \"nuvol:gwH-x_9\"\n\
         [ssh]\nkeys = [\"{KEY}\"]\n\
         [[network]]\ninterface = \"enp*\"\naddresses = [\"192.168.1.20/24\", \"fd00::20/64\"]\n\
         gateway = \"192.168.1.1\"\ndns = [\"192.168.1.1\", \"2620:fe::fe\"]\n\
         [[network]]\nmac = \"52:54:00:AB:34:56\"\n\
         [wifi]\nssid = \"Casa Ñ\"\npassword = \"a \\\"long\\\" one\"\ncountry = \"ES\"\n"
    );
    let got = read(&text);
    assert_eq!(got.problems, []);
    let config = got.config;
    assert_eq!((config.version, config.name.as_deref()), (1, Some("ana")));
    assert_eq!(config.timezone.as_deref(), Some("Europe/Madrid"));
    assert_eq!(config.ssh.as_ref().unwrap().keys, [KEY]);
    assert!(config.network[0].dhcp.is_none() && !config.network[0].asks() && config.network[1].asks());
    let second = Network { mac: Some("52:54:00:ab:34:56".into()), ..Network::default() };
    assert_eq!(config.network[1], second);
    assert_eq!(config.wifi.as_ref().unwrap().password.as_deref(), Some("a \"long\" one"));
    assert!(Section::ALL.into_iter().all(|section| config.has(section)));
    assert!(!format!("{config:?}").contains("long"), "a password stays out of messages");
}

#[test]
fn each_mistake_has_its_place_and_a_way_out() {
    for (lines, expected) in [
        ("nmae = \"ana\"", "2:1: nobody knows the key `nmae`; did you mean `name`?"),
        ("name = 7", "2:8: `name` holds a number, it must be a text; write it in quotes"),
        (
            "name = \"Ana\"",
            "2:8: `Ana` is no name that networks know; use lower-case letters a to z, digits, and hyphens between them",
        ),
        (
            "claim-code-hash = \"K7QF-93MX\"",
            "2:19: this is a claim code, not the hash of one: whoever reads the disk would have it; draw a code and its hash by `nuvol seed --claim-code`",
        ),
        (
            "timezone = \"europe/madrid\"",
            "2:12: nobody knows the time zone `europe/madrid`; did you mean `Europe/Madrid`?",
        ),
        ("invite = \"valley\"", "2:10: this is no invitation; copy all of it: `nuvol:…`"),
        ("[ssh]", "2:1: `keys` is missing; add a line `keys = [\"ssh-ed25519 …\"]`"),
        (
            "[ssh]\nkeys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1\"]",
            "3:9: this key is not whole; copy the whole line of the `.pub` file",
        ),
        (
            "[ssh]\nkeys = [\"-----BEGIN OPENSSH PRIVATE KEY-----\"]",
            "3:9: this is a private key: it must never leave the machine it was made on; copy the whole line of the `.pub` file",
        ),
        (
            "[network]\ndhcp = true",
            "2:1: there may be several networks, so each is an entry of a list; write `[[network]]`, with two brackets",
        ),
        (
            "[[network]]\ndhcp = false",
            "2:1: with `dhcp = false` and no `addresses` nobody could reach the node; add `addresses = [\"192.168.1.20/24\"]`, or leave `dhcp` out",
        ),
        (
            "[[network]]\naddresses = [\"192.168.1.20\"]",
            "3:14: `192.168.1.20` does not say how large its network is; at home it is mostly `192.168.1.20/24`",
        ),
        (
            "[[network]]\naddresses = [\"192.168.1.255/24\"]",
            "3:14: `192.168.1.255` is the address for all of its network, no machine's; choose another one",
        ),
        (
            "[[network]]\naddresses = [\"192.168.1.20/+4\"]",
            "3:14: `/+4` is no length of a prefix; a number from 1 to 32, at home mostly 24",
        ),
        (
            "[[network]]\naddresses = [\"192.168.1.20/24\"]\ngateway = \"192.168.2.1\"",
            "4:11: `192.168.2.1` is in none of the networks of `addresses`; the node could not reach it: mend one of the two",
        ),
        (
            "[[network]]\ngateway = \"192.168.2.1\"",
            "3:11: a `gateway` belongs to `addresses`; leave it out where the network gives addresses, for it gives the gateway too",
        ),
        (
            "[[network]]\ninterface = \"lo\"",
            "3:13: `lo` is no name of a port; such as `enp3s0`, or `en*` for all that begin so",
        ),
        (
            "[[network]]\n[[network]]",
            "3:1: another `[[network]]` is for the same ports; put both into one, or name their ports by `interface` or `mac`",
        ),
        (
            "[wifi]\nssid = \"x\"\npassword = \"short\"\ncountry = \"ES\"",
            "4:12: no wireless network has such a password; it has 8 to 63 letters, digits or signs of ASCII, or 64 hexadecimal digits",
        ),
        (
            "[wifi]\nssid = \"x\"\ncountry = \"Spain\"",
            "4:11: `Spain` is no country code; write its two capital letters, such as `ES`: they say which channels may be used",
        ),
    ] {
        assert_eq!(wrong(lines), expected);
    }
}

#[test]
fn all_mistakes_at_once_in_the_order_of_the_file() {
    let text = "version = 1\nname = \"a b\"\n[wifi]\nsid = \"x\"\n[[network]]\ndns = [\"one\", 2]\n";
    let told = told(text);
    let places: Vec<&str> = told.iter().map(|it| it.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["2:8", "3:1", "3:1", "4:1", "6:8", "6:15"], "{told:#?}");
}

#[test]
fn a_broken_setting_spoils_only_itself() {
    let got = read("version = 1\nname = \"ana\"\ncolour = 1\n[[network]]\nadresses = []\n");
    assert_eq!(got.config.name.as_deref(), Some("ana"));
    assert!(got.config.network.is_empty());
    assert!(got.is_refused(Section::Network) && !got.is_refused(Section::Name) && !got.is_void());
    assert_eq!(got.problems[0].scope, Scope::Unknown);
}

#[test]
fn nothing_counts_of_a_file_that_may_mean_anything() {
    for (text, cause) in [
        ("", "1:1: the file does not say its `version`"),
        ("version = 2\nname = \"ana\"\n", "1:11: version 2 of this file is not known here"),
        ("version = \"1\"\nname = \"ana\"\n", "1:11: `version` must be a number"),
        ("version = 1\nname = \"ana\n", "2:12: this cannot be read as TOML: "),
        ("version = 1\nname = \"ana\"\nname = \"eva\"\n", "3:1: this cannot be read as TOML: "),
    ] {
        let got = read(text);
        assert!(got.is_void(), "{text}");
        assert_eq!(got.config, crate::Config::default());
        assert!(told(text)[0].starts_with(cause), "{text}: {:?}", told(text));
    }
}

#[test]
fn editors_of_other_systems_are_understood_or_told() {
    assert_eq!(
        read_bytes(b"\xef\xbb\xbfversion = 1\r\nname = \"ana\"\r\n").config.name.as_deref(),
        Some("ana")
    );
    let got = read_bytes(b"version = 1\nname = \"\xf1u\"\n");
    assert!(got.is_void());
    assert_eq!(got.problems[0].to_string(), "2:9: these are not letters in UTF-8; save the file as UTF-8");
}

#[test]
fn a_claim_code_comes_into_a_file_that_stays_as_it_was() {
    let (one, two) = (claim::hash("K7QF-93MX").unwrap(), claim::hash("AAAA-AAAA").unwrap());
    let text = "# ours\nversion = 1 # first\n\n[ssh]\nkeys = [] # nobody\n";
    let with = with_claim_code_hash(text, &one).unwrap();
    assert_eq!(
        with,
        format!("# ours\nversion = 1 # first\nclaim-code-hash = '{one}'\n\n[ssh]\nkeys = [] # nobody\n")
    );
    assert_eq!(with_claim_code_hash(&with, &two).unwrap(), with.replace(&one, &two));
    assert_eq!(
        with_claim_code_hash("version = 1", &one).unwrap(),
        format!("version = 1\nclaim-code-hash = '{one}'")
    );
    assert_eq!(with_claim_code_hash("name = 1", &one).unwrap_err().len(), 2);
    let windows = with_claim_code_hash("version = 1\r\nname = \"a\"\r\n", &one).unwrap();
    assert_eq!(read(&windows).config.name.as_deref(), Some("a"));
}

#[cfg(feature = "schema")]
#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema = schemars::schema_for!(crate::Config).to_value();
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<String> = value["properties"].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let sorted = |known: &[&str]| {
        let mut known: Vec<String> = known.iter().map(|it| (*it).to_owned()).collect();
        known.sort();
        known
    };
    assert_eq!(keys(&schema), sorted(&super::KEYS));
    for (name, known) in [
        ("Ssh", &crate::ssh::KEYS[..]),
        ("Network", &crate::network::KEYS),
        ("Wifi", &crate::wifi::KEYS),
        ("Install", &crate::install::KEYS),
    ] {
        let part = &schema["$defs"][name];
        assert_eq!(keys(part), sorted(known));
        assert_eq!(part["additionalProperties"], false);
    }
}
