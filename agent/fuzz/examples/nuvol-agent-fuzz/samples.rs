//! What nodes really say to each other, for the fuzzer to begin with.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nuvol_agent::community::address::HostId;
use nuvol_agent::community::board::LIFETIME_S;
use nuvol_agent::community::gossip::{Gossip, Output, Timing};
use nuvol_agent::community::invitation::{Invitation, Secret};
use nuvol_agent::community::join::{Answer, Request, Why};
use nuvol_agent::community::object::{
    Certificate, Charter, Contact, Content, Endpoint, Object, Record, Revocation, Role, ServiceType, Txt,
};
use nuvol_agent::community::text::Line;

use crate::kit::{NOW_S, community, founded, id, key, name};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

/// Writes all of it.
pub fn write() {
    let object = Object::sign(key(0), &community(), NOW_S * 1000, NOW_S + LIFETIME_S, record("Photos"));
    put("object", "whole", &object.expect("it is short").bytes);
    for (file, content) in contents() {
        put("object", file, &[&[content.kind()], &*payload(&content)].concat());
    }
    put("object", "later", b"\x4dsomething of a later version");
    said();
    joining();
    gossip();
}

fn put(target: &str, file: &str, bytes: &[u8]) {
    let folder = Path::new(FOLDER).join(target);
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::write(folder.join(file), bytes).expect("a file can be written");
}

fn record(title: &str) -> Content {
    Content::Record(Record {
        id: [1; 16].into(),
        kind: ServiceType::new("_http._tcp").expect("it is one"),
        title: Line::new(title).expect("it is one"),
        host: Line::new("photos.example.org").ok(),
        port: 8080,
        txt: Txt::new([("path", "/photos"), ("v", "")]).expect("they are few"),
        zone: Line::new("Valley").ok(),
    })
}

fn contents() -> [(&'static str, Content); 6] {
    let endpoints = ["192.0.2.7:443", "[fd00::7]:443", "node.example.org:8443"];
    let contact = Contact {
        mesh_key: vec![0x30; 40],
        endpoints: endpoints.iter().filter_map(|it| Endpoint::parse(it)).collect(),
        name: Some(name("Can Xirgu")),
    };
    [
        ("charter", Content::Charter(Charter::new(key(0), name("Valley"), name("one"), [7; 16]).1)),
        ("certificate", Content::Certificate(Certificate::new(id(1), name("two"), Role::Steward))),
        ("revocation", Content::Revocation(Revocation::new(id(1)))),
        ("contact", Content::Contact(contact)),
        ("record", record("Photos")),
        ("withdrawn", Content::Withdrawn([1; 16])),
    ]
}

/// What is in an object as its payload: behind kind, author, subject, and two numbers of one byte each.
fn payload(content: &Content) -> Vec<u8> {
    let object = Object::sign(key(0), &community(), 0, 0, content.clone()).expect("it is short");
    string(&string(&object.bytes[1..])[1 + 1 + 34 + 17 + 1 + 1..]).to_vec()
}

/// What a string of CBOR says.
fn string(bytes: &[u8]) -> &[u8] {
    let (length, rest) = match bytes {
        [0x58, length, rest @ ..] => (usize::from(*length), rest),
        [0x59, long, short, rest @ ..] => (usize::from(u16::from_be_bytes([*long, *short])), rest),
        [head, rest @ ..] => (usize::from(head & 31), rest),
        [] => (0, bytes),
    };
    &rest[..length]
}

/// For `board`: who, what, about whom (and six times the role), and the version.
fn said() {
    let tree: [[u8; 4]; 6] =
        [[0, 0, 13, 5], [1, 0, 8, 6], [2, 0, 3, 7], [3, 3, 4, 8], [2, 4, 9, 9], [3, 6, 9, 9]];
    let and = |more: &[[u8; 4]]| [&tree[..], more].concat().concat();
    put("board", "tree", &and(&[]));
    put("board", "withdrawn", &and(&[[2, 5, 9, 10]]));
    put("board", "left", &and(&[[2, 2, 2, 20]]));
    put("board", "expelled", &and(&[[1, 2, 2, 255]]));
    put("board", "again", &and(&[[0, 2, 1, 20], [0, 0, 13, 30]]));
    put("board", "expires", &and(&[[0, 32, 4, 20], [4, 36, 3, 3]]));
    // A guest, taken back, whom somebody else lets in as a member with others below.
    let detour = [[0, 0, 3, 1], [0, 2, 3, 1], [0, 0, 8, 5], [2, 0, 9, 9], [3, 0, 10, 9], [4, 0, 5, 9]];
    put("board", "detour", &detour.concat());
    put("board", "charters", &and(&[[0, 7, 0, 0], [0, 7, 2, 1], [0, 39, 0, 1]]));
}

fn joining() {
    let endpoints = ["192.0.2.7:443", "[fd00::7]:443", "node.example.org:8443"];
    let places = endpoints.iter().filter_map(|it| Endpoint::parse(it)).collect();
    let invitation = Invitation::new(community(), id(0), Secret([3; 16]), NOW_S + 60, name("Valley"), places);
    let text = invitation.to_text();
    put("invitation", "text", text.as_bytes());
    put("invitation", "inside", &inside(&text));
    put("invitation", "typed", format!(" Vall\u{202e}ey\n{}\n", endpoints.join("\n")).as_bytes());
    let contact = Object::sign(key(1), &community(), 1, NOW_S + 60, contents()[3].1.clone());
    let contact = contact.expect("it is short").bytes;
    let request = Request::sign(&invitation, key(1), name("two"), [5; 16], Some(&contact));
    put("join", "request", &request);
    put("join", "asked", string(&request[1..]));
    put("join", "named", &[b"two\n", &*contact].concat());
    let board = founded().to_bytes();
    for (file, answer) in
        [("welcome", Answer::Welcome(board.into())), ("wait", Answer::Wait), ("no", Answer::No(Why::Used))]
    {
        put("join", file, string(&answer.sign(key(0), &community(), &request)[1..]));
    }
}

/// What is in an invitation without its checksum: base64 read by hand.
fn inside(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes().skip("nuvol:".len()) {
        (bits, count) = (bits << 6 | u32::from(value(letter)), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    bytes.truncate(bytes.len() - 4);
    bytes
}

/// Two who have different things compare them; and what one of them sends as datagrams meanwhile.
fn gossip() {
    let frame = |what: u8, body: &[u8]| [&[what], &(body.len() as u16).to_be_bytes()[..], body].concat();
    let now = Duration::from_secs(100);
    let mut ours = founded();
    let content = Content::Certificate(Certificate::new(id(2), name("three"), Role::Member));
    ours.state(key(0), NOW_S * 1000, None, u64::MAX, content).expect("the founder may");
    let mut theirs = ours.clone();
    theirs.state(key(2), NOW_S * 1000, None, NOW_S + LIFETIME_S, record("Photos")).expect("a member may");
    let hosts = [HostId::from(&id(1)), HostId::from(&id(2))];
    let [mut one, mut two] = hosts.map(|it| {
        let mut gossip = Gossip::new(it, 9, Timing::Lan, 1, now);
        gossip.set_members(now, hosts.into());
        gossip
    });
    let mut outputs = two.datagram(now, NOW_S, &mut theirs, hosts[0], &[4, 0, 0, 0, 9]);
    (0..4).for_each(|second| outputs.extend(two.tick(now + Duration::from_secs(second), &theirs)));
    let (mut datagrams, mut digests) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            Output::Send { bytes, .. } => datagrams.extend(frame(0, &bytes)),
            Output::Ask { message, .. } => digests = message,
        }
    }
    // Two seconds later.
    datagrams.extend([4, 50, 0]);
    put("gossip", "membership", &datagrams);
    put("gossip", "digests", &frame(2, &digests));
    let (labels, _) = one.asked(now, NOW_S, &mut ours, hosts[1], &digests);
    put("gossip", "labels", &[&[4, 100, 0], &*frame(3, &labels)].concat());
    let outputs = two.answered(now, NOW_S, &mut theirs, hosts[0], Some(&labels));
    let Some(Output::Ask { message, .. }) = outputs.last() else { panic!("it goes on") };
    put("gossip", "objects", &frame(2, message));
    let (rest, _) = one.asked(now, NOW_S, &mut ours, hosts[1], message);
    put("gossip", "rest", &[&[4, 100, 0], &*frame(5, &rest)].concat());
    let payload = payload(&record("Photos"));
    put("gossip", "rumour", &frame(1, &[&[4, payload.len() as u8], &*payload].concat()));
}
