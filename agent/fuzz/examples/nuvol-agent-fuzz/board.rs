//! What a few nodes say, in any order: everybody who has heard all of it believes the same.

use nuvol_agent::community::board::{Board, Offered};
use nuvol_agent::community::object::{
    Certificate, Charter, Contact, Content, Endpoint, Object, Record, Revocation, Role, ServiceType, Txt,
};

use crate::kit::{self, NODES, NOW_S, community, founded, id, key, name, same};

/// The most that is said at a time: signatures take most of the time.
const MANY: usize = 16;
/// Whoever has heard everything so often hears nothing new.
const ROUNDS: usize = 40;

/// Four bytes for each thing that is said: who says it, what, about whom, and which version it is.
pub fn board(bytes: &[u8]) {
    let said: Vec<Vec<u8>> = bytes.chunks_exact(4).take(MANY).filter_map(say).collect();
    let (mut one, mut other) = (founded(), Board::new(community()));
    hear(&mut one, &said);
    let charter = founded().to_bytes();
    other.take(NOW_S, &charter).expect("it is a list");
    let backwards: Vec<Vec<u8>> = said.iter().rev().cloned().collect();
    hear(&mut other, &backwards);
    same(&one, &other);
    kit::board(&one, NOW_S);
    // Later some of it is over, and the rest is as sound as before.
    let later = NOW_S + 8 * 24 * 3600;
    let before = one.revision();
    let over = one.expire(later);
    assert!(over.iter().all(|it| it.expires_s < later) && over.is_empty() == (one.revision() == before));
    kit::board(&one, later);
}

/// Until nothing is new any more: whoever is no member yet may become one.
fn hear(board: &mut Board, said: &[Vec<u8>]) {
    for _ in 0..ROUNDS {
        let mut new = 0;
        for object in said {
            let revision = board.revision();
            let offered = board.offer(NOW_S, object);
            assert_eq!(matches!(offered, Ok(Offered::New(_))), board.revision() != revision);
            new += usize::from(board.revision() != revision);
        }
        if new == 0 {
            return;
        }
    }
    panic!("it never ends");
}

fn say(bytes: &[u8]) -> Option<Vec<u8>> {
    let [author, what, about, version] = *bytes else { return None };
    let key = key(author);
    let whom = id(about);
    let role = [Role::Guest, Role::Member, Role::Steward][usize::from(about / NODES) % 3];
    let called = name(["one", "two", "Can Xirgu", "日本語"][usize::from(version) % 4]);
    let content = match what % 8 {
        0 | 1 => Content::Certificate(Certificate::new(whom, called, role)),
        2 => Content::Revocation(Revocation::new(whom)),
        3 => Content::Contact(Contact {
            mesh_key: vec![about; usize::from(about)],
            endpoints: (1..=u16::from(about % 5)).filter_map(|it| Endpoint::new("192.0.2.7", it)).collect(),
            name: (version % 2 == 0).then_some(called),
        }),
        4 => Content::Record(Record {
            id: [about; 16].into(),
            kind: ServiceType::new("_http._tcp").ok()?,
            title: called,
            host: None,
            port: u16::from(version) + 1,
            txt: Txt::new([("path", "/photos")]).ok()?,
            zone: None,
        }),
        5 => Content::Withdrawn([about; 16]),
        6 => Content::Unknown(about.max(5), vec![version; usize::from(version)], [about; 16]),
        // The founder may have said it twice; the others may not at all.
        _ => Content::Charter(Charter::new(key, called, name("one"), [7 + about % 2; 16]).1),
    };
    let day = 24 * 3600;
    let expires_s = match (what / 8, content.kind()) {
        (0..=3, 0..=2) => u64::MAX,
        (0..=3, _) => NOW_S + 7 * day,
        (it, _) => NOW_S - day + u64::from(it) * 2 * day,
    };
    let version = match version {
        u8::MAX => u64::MAX,
        _ if what % 8 == 7 => u64::from(version / 128),
        version => u64::from(version),
    };
    Some(Object::sign(key, &community(), version, expires_s, content).ok()?.bytes)
}
