//! Why a member is out of reach, from the log of tinc 1.0 (with `-d1`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TincName;

/// A longer remark is cut.
const DETAIL_LIMIT: usize = 120;

/// What went wrong with a member last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When, in seconds since 1970 by the node's clock.
    pub time_s: u64,
    /// What, for pages.
    pub why: Why,
    /// tinc's own words.
    pub detail: String,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// None of its endpoints can be called: refused, no way there, a name that nobody knows.
    CannotConnect,
    /// It was called, or was connected, and says nothing any more.
    NoAnswer,
    /// Whoever is there does not have its key.
    NotBelieved,
    /// It hangs up: mostly it does not know this node yet, or any more.
    HungUp,
}

/// What went wrong last with each member, from lines of the log with their times, the oldest first. A connection that
/// came about ends what was before.
pub fn troubles<'a>(lines: impl IntoIterator<Item = (u64, &'a str)>) -> BTreeMap<TincName, Trouble> {
    let mut troubles = BTreeMap::new();
    // A line on a call that failed names the address alone; whose it was stands in a line before or after it.
    let mut called: Option<(TincName, &str)> = None;
    let mut reason = "";
    for (time_s, line) in lines {
        let mut set = |name: TincName, why: Why, text: &str| {
            let detail = text.chars().filter(|c| !c.is_control()).take(DETAIL_LIMIT).collect();
            troubles.insert(name, Trouble { time_s, why, detail });
        };
        if let Some((name, place)) = line.strip_prefix("Trying to connect to ").and_then(named) {
            called = Some((name, place));
        } else if let Some((name, error)) = called.and_then(|(name, place)| Some((name, after(line, place)?)))
        {
            reason = error;
            set(name, Why::CannotConnect, error);
        } else if line.starts_with("Error looking up ") {
            reason = line;
        } else if let Some(name) = line.strip_prefix("Could not set up a meta connection to ") {
            // It comes after all endpoints were tried.
            if let (Ok(name), false) = (name.parse(), reason.is_empty()) {
                set(name, Why::CannotConnect, reason);
            }
            (called, reason) = (None, "");
        } else if let Some((name, why)) = ended(line) {
            set(name, why, line);
        } else if let Some((name, "activated")) = line.strip_prefix("Connection with ").and_then(told) {
            troubles.remove(&name);
        }
    }
    troubles
}

/// What a line says of one member by name.
fn ended(line: &str) -> Option<(TincName, Why)> {
    const FRONTS: [(&str, Why); 5] = [
        ("Timeout from ", Why::NoAnswer),
        ("Timeout while connecting to ", Why::NoAnswer),
        ("Possible intruder ", Why::NotBelieved),
        ("Connection closed by ", Why::HungUp),
        ("Metadata socket read error for ", Why::HungUp),
    ];
    let front = FRONTS.iter().find_map(|(front, why)| Some((told(line.strip_prefix(front)?)?.0, *why)));
    let silent = || match told(line)? {
        (name, rest) if rest.starts_with("didn't respond to PING") || rest.starts_with("could not flush") => {
            Some((name, Why::NoAnswer))
        }
        _ => None,
    };
    front.or_else(silent)
}

/// `NAME (PLACE)` and nothing after it.
fn named(text: &str) -> Option<(TincName, &str)> {
    let (name, place) = text.split_once(" (")?;
    Some((name.parse().ok()?, place.strip_suffix(')')?))
}

/// `NAME (PLACE)` and what is said of it.
fn told(text: &str) -> Option<(TincName, &str)> {
    let (name, rest) = text.split_once(" (")?;
    let (_, rest) = rest.split_once(')')?;
    Some((name.parse().ok()?, rest.trim_start_matches([':', ' '])))
}

/// What follows `PLACE: `.
fn after<'a>(line: &'a str, place: &str) -> Option<&'a str> {
    line.strip_prefix(place)?.strip_prefix(": ")
}

#[cfg(test)]
mod tests {
    use super::{Why, troubles};
    use crate::mesh::TincName;

    #[test]
    fn the_last_trouble_of_each_counts_until_it_is_over() {
        let log = "\
tincd 1.0.36 starting, debug level 1
Trying to connect to n000000000000000b (192.0.2.2 port 655)
192.0.2.2 port 655: Connection refused
Trying to connect to n000000000000000b (192.0.2.3 port 655)
192.0.2.3 port 655: No route to host
Could not set up a meta connection to n000000000000000b
Error looking up home.example port 655: Name or service not known
Could not set up a meta connection to n000000000000000c
Trying to connect to n000000000000000d (192.0.2.4 port 655)
192.0.2.4 port 655: Connection refused
Connection with n000000000000000d (192.0.2.4 port 655) activated
n000000000000000e (192.0.2.5 port 655) didn't respond to PING in 20 seconds
Possible intruder n000000000000000f (192.0.2.6 port 655): wrong keylength
Connection closed by n0000000000000010 (192.0.2.7 port 655)
Timeout from n0000000000000011 (192.0.2.8 port 655) during authentication
Peer 192.0.2.9 port 5000 had unknown identity (evil)
Connection closed by evil (192.0.2.9 port 5000)
n000000000000000b (
";
        let found = troubles(log.lines().enumerate().map(|(at, line)| (at as u64, line)));
        let told: Vec<_> =
            found.iter().map(|(name, it)| (name.0, it.time_s, it.why, it.detail.as_str())).collect();
        let expected = [
            (0xb, 5, Why::CannotConnect, "No route to host"),
            (0xc, 7, Why::CannotConnect, "Error looking up home.example port 655: Name or service not known"),
            (
                0xe,
                11,
                Why::NoAnswer,
                "n000000000000000e (192.0.2.5 port 655) didn't respond to PING in 20 seconds",
            ),
            (
                0xf,
                12,
                Why::NotBelieved,
                "Possible intruder n000000000000000f (192.0.2.6 port 655): wrong keylength",
            ),
            (0x10, 13, Why::HungUp, "Connection closed by n0000000000000010 (192.0.2.7 port 655)"),
            (
                0x11,
                14,
                Why::NoAnswer,
                "Timeout from n0000000000000011 (192.0.2.8 port 655) during authentication",
            ),
        ];
        assert_eq!(told, expected);
        assert!(!found.contains_key(&TincName(0xd)));
    }
}
