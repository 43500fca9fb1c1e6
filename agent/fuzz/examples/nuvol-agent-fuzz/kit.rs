//! What the targets of the community share: its nodes, and what holds for everything that comes from others.

use std::sync::OnceLock;

use nuvol_agent::community::address::CommunityId;
use nuvol_agent::community::board::Board;
use nuvol_agent::community::identity::{NodeId, NodeKey};
use nuvol_agent::community::object::{Content, Endpoint, LIMIT_BYTES, NoObject, Object, Record};
use nuvol_agent::community::text::Name;

/// When it is: 2027, so that the clock is believed.
pub const NOW_S: u64 = 1_800_000_000;
/// How many nodes there are; the first has founded the community.
pub const NODES: u8 = 6;

/// The key of one of the nodes.
pub fn key(node: u8) -> &'static NodeKey {
    static KEYS: OnceLock<Vec<NodeKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| (1..=NODES).map(|it| NodeKey::from_bytes(&[it; 32])).collect());
    &keys[usize::from(node % NODES)]
}

/// Who one of the nodes is.
pub fn id(node: u8) -> NodeId {
    static IDS: OnceLock<Vec<NodeId>> = OnceLock::new();
    IDS.get_or_init(|| (0..NODES).map(|it| key(it).id()).collect())[usize::from(node % NODES)]
}

/// A name that is one.
pub fn name(text: &str) -> Name {
    Name::new(text).expect("it is a name")
}

/// The community that the first node has founded, with nothing else on its board.
pub fn founded() -> Board {
    static BOARD: OnceLock<Board> = OnceLock::new();
    let found = || Board::found(key(0), name("Valley"), name("one"), [7; 16]).expect("it can be founded");
    BOARD.get_or_init(found).clone()
}

/// Which community it is.
pub fn community() -> CommunityId {
    static ID: OnceLock<CommunityId> = OnceLock::new();
    *ID.get_or_init(|| founded().community())
}

/// An object around any bytes as its payload, and signed as it must be: no mutation finds a signature.
pub fn signed(key: &NodeKey, kind: u8, subject: &[u8; 16], expires_s: u64, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0x86];
    head(&mut body, 0, u64::from(kind));
    string(&mut body, &key.id().0);
    string(&mut body, subject);
    head(&mut body, 0, NOW_S * 1000);
    head(&mut body, 0, expires_s);
    string(&mut body, payload);
    let signature = key.sign(&[b"nuvol-object-1", &community().0, &body]);
    let mut bytes = vec![0x82];
    string(&mut bytes, &body);
    string(&mut bytes, &signature);
    bytes
}

/// The beginning of a thing in CBOR: its kind and a number.
pub fn head(bytes: &mut Vec<u8>, major: u8, number: u64) {
    let long = number.to_be_bytes();
    let (small, rest): (u8, &[u8]) = match number {
        0..24 => (long[7], &[]),
        24..0x100 => (24, &long[7..]),
        0x100..0x1_0000 => (25, &long[6..]),
        0x1_0000..0x1_0000_0000 => (26, &long[4..]),
        _ => (27, &long),
    };
    bytes.push(major << 5 | small);
    bytes.extend(rest);
}

/// Bytes in CBOR.
pub fn string(bytes: &mut Vec<u8>, content: &[u8]) {
    head(bytes, 2, content.len() as u64);
    bytes.extend(content);
}

/// Holds for every object that was read, whoever wrote it.
pub fn sound(it: &Object, key: &NodeKey) {
    assert!(it.bytes.len() <= LIMIT_BYTES);
    // Said once more it is the same, and no longer than before: what is on a board can be handed on.
    let again = Object::sign(key, &community(), it.version, it.expires_s, it.content.clone());
    let again = again.expect("it is no longer than it was");
    assert_eq!(Object::read(&community(), &again.bytes).as_ref(), Ok(&again));
    assert_eq!(again.content, it.content);
    assert!(again.bytes.len() <= it.bytes.len());
    assert_eq!(again.label.slot == it.label.slot, key.id() == it.author);
    match &it.content {
        Content::Charter(it) => plain(&[it.name.as_str(), it.founder.as_str()], 63),
        Content::Certificate(it) => plain(&[it.name.as_str()], 63),
        Content::Contact(it) => {
            assert!(it.mesh_key.len() <= 600 && it.endpoints.len() <= 4);
            it.endpoints.iter().for_each(callable);
            plain(it.name.as_ref().map(Name::as_str).as_slice(), 63);
        }
        Content::Record(it) => record(it),
        Content::Revocation(_) | Content::Withdrawn(_) | Content::Unknown(..) => {}
    }
}

fn record(it: &Record) {
    assert_eq!(it.check(), Ok(()));
    plain(&[it.title.as_str()], 63);
    plain(it.zone.as_ref().map(|it| it.as_str()).as_slice(), 63);
    if let Some(host) = &it.host {
        assert!(Endpoint::new(host.as_str(), it.port).is_some());
    }
    let (kind, way) = (&it.kind, if it.kind.is_udp() { "udp" } else { "tcp" });
    assert_eq!(kind.as_str(), format!("_{}._{way}", kind.name()));
    let letters = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    assert!((1..=15).contains(&kind.name().len()) && kind.name().bytes().all(letters), "{kind:?}");
    let mut bytes = 0;
    for (key, value) in it.txt.iter() {
        bytes += key.len() + value.len() + 2;
        assert!(!key.is_empty() && key.bytes().all(|it| it.is_ascii_graphic() && it != b'='), "{key:?}");
        assert!(value.chars().all(shows), "{value:?}");
        assert_eq!(it.txt.get(key), Some(value));
    }
    assert!(bytes <= 512);
}

/// What can be called is written in one way, which is read again as the same.
pub fn callable(it: &Endpoint) {
    let text = it.to_string();
    assert_eq!(Endpoint::parse(&text).as_ref(), Some(it), "{text}");
    assert!(it.port != 0 && text.is_ascii() && !text.contains(['/', '@', ' ', '<', '"', '%']), "{text}");
}

/// Words of others show as what they are, and are no longer than they may be.
pub fn plain(texts: &[&str], limit: usize) {
    for text in texts {
        assert!((1..=limit).contains(&text.len()) && text.chars().all(shows), "{text:?}");
        assert_eq!(text.trim(), *text);
    }
}

/// By what Unicode says, and not by the list of the crate.
fn shows(it: char) -> bool {
    !it.is_control()
        && !matches!(it,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Holds for every board: all of it counts, and whoever is handed all of it verifies it and has the same.
pub fn board(it: &Board, now_s: u64) {
    for object in it.objects() {
        assert!(it.members().is_known(&object.author) && it.get(object.label.slot) == Some(object));
        assert!(object.expires_s >= now_s);
        let for_ever = matches!(object.content.kind(), 0..=2);
        assert!(for_ever || object.expires_s <= now_s + 40 * 24 * 3600);
        assert!(for_ever || it.members().get(&object.author).is_some());
    }
    assert!(it.members().len() <= 1 + it.objects().filter(|it| it.content.kind() == 1).count());
    let mut other = Board::new(it.community());
    other.take(now_s, &it.to_bytes()).expect("it is a list");
    same(it, &other);
}

/// Two boards say the same.
pub fn same(one: &Board, other: &Board) {
    assert_eq!(one.members(), other.members());
    assert_eq!(listed(one), listed(other));
    assert!(one.to_bytes() == other.to_bytes());
}

fn listed(board: &Board) -> Vec<(NodeId, &Content, u64)> {
    board.objects().map(|it| (it.author, &it.content, it.version)).collect()
}

/// Bytes that are no object say why, in a line that may be shown.
pub fn refused(why: &NoObject) {
    assert!(why.to_string().chars().count() < 400, "{why}");
}
