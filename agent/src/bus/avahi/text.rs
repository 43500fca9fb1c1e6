//! Names and TXT records, to Avahi and from it. What comes from the network is anybody's: only what passes here is
//! told to anybody.

use std::collections::BTreeMap;

use nuvol_community::text::is_hidden;

/// The longest name of a service: a DNS label.
const NAME_MAX: usize = 63;
/// How much of a name is the node's at most, so that some of it is left for the title.
const HOST_MAX: usize = 40;
/// The most bytes of TXT that are looked at, with the byte of length before each entry.
const TXT_MAX: usize = 512;
const KEY_MAX: usize = 64;
/// The longest entry of TXT: its length is one byte.
const ENTRY_MAX: usize = 255;
const HOST_NAME_MAX: usize = 253;

/// Without characters that hide, or turn the text around them.
fn plain(text: &str) -> String {
    text.chars().filter(|char| !is_hidden(*char)).collect()
}

/// As much of the beginning as fits into so many bytes, without half a character.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// The name under which this node announces a service: "TITLE on HOST". `None` where no title is left.
pub(super) fn instance(title: &str, host: &str) -> Option<String> {
    let (title, host) = (plain(title), plain(host));
    let host = cut(host.trim(), HOST_MAX).trim_end();
    let suffix = if host.is_empty() { String::new() } else { format!(" on {host}") };
    let title = cut(title.trim(), NAME_MAX - suffix.len()).trim_end();
    (!title.is_empty()).then(|| format!("{title}{suffix}"))
}

/// The name of somebody's service, without what could mislead. `None` where nothing is left.
pub(super) fn name(name: &str) -> Option<String> {
    let name = plain(name);
    let name = cut(name.trim(), NAME_MAX).trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name of somebody's host. `None` for what is none.
pub(super) fn host(host: &str) -> Option<String> {
    let is_fine = |char: char| char.is_alphanumeric() || "-_.".contains(char);
    let fits = !host.is_empty() && host.len() <= HOST_NAME_MAX && host.chars().all(is_fine);
    fits.then(|| host.to_lowercase())
}

/// Whether this is the kind of a service, as `_http._tcp`.
pub(super) fn is_kind(kind: &str) -> bool {
    let Some((service, "_tcp" | "_udp")) = kind.split_once('.') else { return false };
    service.strip_prefix('_').is_some_and(|service| {
        (1..=NAME_MAX - 1).contains(&service.len())
            && service.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

fn is_key(key: &str) -> bool {
    (1..=KEY_MAX).contains(&key.len())
        && key.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
}

/// Reads somebody's TXT: keys in small letters, the first of each, as far as it is text and not too long.
pub(super) fn read(entries: &[Vec<u8>]) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    let mut left = TXT_MAX;
    for entry in entries {
        let Some(rest) = left.checked_sub(entry.len() + 1) else { break };
        left = rest;
        let Ok(entry) = std::str::from_utf8(entry) else { continue };
        let (key, value) = entry.split_once('=').unwrap_or((entry, ""));
        if is_key(key) {
            read.entry(key.to_ascii_lowercase()).or_insert_with(|| plain(value));
        }
    }
    read
}

/// Writes a TXT of our own, by the same rules.
pub(super) fn write(txt: &BTreeMap<String, String>) -> Vec<Vec<u8>> {
    let mut left = TXT_MAX;
    let mut entries = Vec::new();
    for (key, value) in txt.iter().filter(|(key, _)| is_key(key)) {
        let entry = format!("{key}={}", plain(value)).into_bytes();
        let Some(rest) = left.checked_sub(entry.len() + 1) else { continue };
        if entry.len() <= ENTRY_MAX {
            left = rest;
            entries.push(entry);
        }
    }
    entries
}

/// Bytes as a TXT on the wire has them, each entry after its length; the last may be cut short.
pub(super) fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let (entry, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        entries.push(entry.to_vec());
        bytes = rest;
    }
    entries
}

/// Holds the rules for bytes of any kind, as TXT and as names.
pub(super) fn fuzz(bytes: &[u8]) {
    let txt = read(&split(bytes));
    assert!(txt.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() <= TXT_MAX);
    assert!(txt.iter().all(|(key, value)| is_key(key) && !value.chars().any(is_hidden)));
    let again = read(&write(&txt));
    assert!(again.iter().all(|(key, value)| txt.get(key) == Some(value)));
    let text = String::from_utf8_lossy(bytes);
    let (title, node) = text.split_once('\n').unwrap_or((&text, "nuvol"));
    for known in [instance(title, node), name(title)].into_iter().flatten() {
        assert!((1..=NAME_MAX).contains(&known.len()) && !known.chars().any(is_hidden), "{known:?}");
        assert_eq!(name(&known).as_ref(), Some(&known));
    }
    if let Some(known) = host(title) {
        assert!(!known.contains(['/', '<', ' ', '@', ':']));
    }
    assert!(!is_kind(title) || title.is_ascii());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, proptest};

    use super::{NAME_MAX, fuzz, host, instance, is_kind, name, read, split, write};

    fn entries(texts: &[&[u8]]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.to_vec()).collect()
    }

    #[test]
    fn a_name_ends_before_half_a_character_and_keeps_the_node() {
        assert_eq!(instance("Files", "nuvol-7f3a").unwrap(), "Files on nuvol-7f3a");
        let long = instance(&"é".repeat(60), "nuvol").unwrap();
        assert!(long.ends_with("é on nuvol") && (NAME_MAX - 1..=NAME_MAX).contains(&long.len()), "{long}");
        assert_eq!(instance("a", &"h".repeat(63)).unwrap().len(), 1 + 4 + 40);
        assert_eq!(instance(" \u{202e}\n", "nuvol"), None);
    }

    #[test]
    fn what_could_mislead_is_taken_out() {
        assert_eq!(name("bank\u{202e}moc\u{7}\u{e0041}").unwrap(), "bankmoc");
        assert_eq!(name("\u{1b}"), None);
        assert_eq!(host("Printer.local").unwrap(), "printer.local");
        for wrong in ["", "a b", "<b>", "a/b", &"a".repeat(254)] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn kinds() {
        for right in ["_http._tcp", "_a-b._udp"] {
            assert!(is_kind(right), "{right}");
        }
        for wrong in ["", "http._tcp", "_._tcp", "_http._sctp", "_http._tcp.local", "_h/p._tcp", "_http"] {
            assert!(!is_kind(wrong), "{wrong}");
        }
    }

    #[test]
    fn txt_is_read_as_far_as_it_is_sound() {
        let txt = read(&entries(&[
            b"Path=/a=b",
            b"path=/other",
            b"flag",
            b"=x",
            b"bad=\xff",
            b"c=1\x1b\n2",
            b"\xc3\xa9=x",
        ]));
        let told: Vec<_> = txt.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(told, ["c=12", "flag=", "path=/a=b"]);
        let long = [b"a=".to_vec(), vec![b'k'; 65], vec![b'x'; 600], b"z=".to_vec()];
        assert_eq!(read(&long).into_keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn ours_is_written_as_it_is_read() {
        let txt = [("path", "/"), ("v", "1"), ("a=b", "no"), ("long", &*"x".repeat(300))];
        let txt = txt.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        assert_eq!(write(&txt), entries(&[b"path=/", b"v=1"]));
        assert_eq!(split(b"\x03a=b\x09c"), entries(&[b"a=b", b"c"]));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
            fuzz(&bytes);
        }

        #[test]
        fn any_text(text in ".{0,80}", node in ".{0,80}") {
            fuzz(format!("{text}\n{node}").as_bytes());
        }

        #[test]
        fn likely_txt(pairs in prop::collection::vec(("[a-zA-Z=]{0,70}", "\\PC{0,30}").prop_map(|(key, value)| format!("{key}={value}")), 0..20)) {
            let bytes: Vec<u8> = pairs.iter().flat_map(|it| [&[it.len().min(255) as u8], it.as_bytes()].concat()).collect();
            fuzz(&bytes);
        }
    }
}
