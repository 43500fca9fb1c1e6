//! What is typed, and what is printed.

use clap::CommandFactory;

use super::address::Address;
use super::args::Cli;
use super::client::segment;
use super::store::Store;
use super::table::{harmless, lay_out, size, span};
use super::trust::{Fingerprint, Pin, Seen};

#[test]
fn every_verb_can_be_asked_for_help() {
    Cli::command().debug_assert();
}

#[test]
fn a_node_is_a_name_or_an_address_and_perhaps_a_port() {
    for (typed, authority) in [
        ("nuvol.local", "nuvol.local"),
        ("NUVOL.local:8443", "nuvol.local:8443"),
        ("https://nuvol.local/", "nuvol.local"),
        ("192.0.2.7:443", "192.0.2.7"),
        ("fe80::1", "[fe80::1]"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        ("localhost", "localhost"),
    ] {
        assert_eq!(typed.parse::<Address>().unwrap().authority(), authority, "{typed}");
    }
    for bad in [
        "",
        ":443",
        "nuvol:",
        "nuvol:0",
        "nuvol:70000",
        "nu vol",
        "[fe80::1",
        "[fe80::1]x",
        "a/b",
        "a@b",
        "\n",
    ] {
        assert!(bad.parse::<Address>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_fingerprint_is_read_as_it_is_shown() {
    let text = (0..32).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    let fingerprint: Fingerprint = text.parse().unwrap();
    assert_eq!(fingerprint.to_string(), text);
    assert_eq!(text.replace(':', "").to_lowercase().parse::<Fingerprint>().unwrap(), fingerprint);
    for bad in
        ["", "AB:CD", &text[3..], &text.replace("00", "0g"), &text.replace("00", "+0"), &format!("{text}:00")]
    {
        assert!(bad.parse::<Fingerprint>().is_err(), "{bad:?}");
    }
}

#[test]
fn what_a_node_says_cannot_steer_the_terminal() {
    assert_eq!(harmless("\u{1b}[2J\u{202e}x\ty\n", false), "\u{fffd}[2J\u{fffd}x\u{fffd}y\u{fffd}");
    assert_eq!(harmless("a\nb\r", true), "a\nb\u{fffd}");
    assert_eq!(segment("../a b?é"), "%2E%2E%2Fa%20b%3F%C3%A9");
    let rows = [vec!["ü".to_owned(), "\u{7}".to_owned()], vec!["long".to_owned(), String::new()]];
    assert_eq!(lay_out(&["A", "B"], &rows), "A     B\nü     \u{fffd}\nlong\n");
    assert_eq!([size(900), size(1536), size(3 << 30)], ["900 B", "1.5 KiB", "3.0 GiB"]);
    assert_eq!([span(59), span(61), span(90_000)], ["59 s", "1 min", "1 days"]);
}

#[test]
fn nodes_are_kept_in_a_file_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/nodes.toml");
    let mut store = Store::open(Some(&path)).unwrap();
    assert!(store.is_empty() && store.only().is_none());
    let print = |digit: &str| digit.repeat(64).parse::<Fingerprint>().unwrap();
    let seen = Seen { certificate: print("a"), key: print("b") };
    let address: Address = "nuvol.local".parse().unwrap();
    store.remember(&address, seen, Some("secret".to_owned())).unwrap();
    // Another certificate of the same key: the token stays.
    store.remember(&address, Seen { certificate: print("c"), ..seen }, None).unwrap();
    let store = Store::open(Some(&path)).unwrap();
    let known = store.only().unwrap();
    assert_eq!(known.pin(), Pin { certificate: Some(print("c")), key: Some(print("b")) });
    assert_eq!(known.token.as_deref(), Some("secret"));
    let mode = path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Store::open(Some(&path)).unwrap_err().code(), 6);
}
