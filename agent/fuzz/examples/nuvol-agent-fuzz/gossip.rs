//! A member means harm: what it says is sealed as it must be, and says anything.

use std::sync::OnceLock;
use std::time::Duration;

use nuvol_agent::community::address::HostId;
use nuvol_agent::community::board::{Board, LIFETIME_S};
use nuvol_agent::community::gossip::{
    DATAGRAM_LIMIT_BYTES, Gossip, MESSAGE_LIMIT_BYTES, Output, Timing, rumour,
};
use nuvol_agent::community::object::{Certificate, Contact, Content, LIMIT_BYTES, Object, Role};
use nuvol_agent::community::seal::{Broken, Channel, Opener, Sealer, open_reply, reply};

use crate::kit::{self, NOW_S, community, founded, id, key, name, signed};
use crate::object::subject;

/// Who is who: the one who listens, the hostile one, and another who is honest.
const ME: u8 = 1;
const HOSTILE: u8 = 2;
const FRIEND: u8 = 0;
const MEMBERS: [u8; 3] = [FRIEND, ME, HOSTILE];
/// Around the longest object, a datagram with nothing else.
const AROUND_BYTES: usize = 5;
const ANSWER: u8 = 4;

/// Frames: what is done with it, two bytes of length (or of time that passes), and what is said.
pub fn gossip(bytes: &[u8]) {
    let mut node = Node::new(ME);
    let mut seals = Seals::new();
    seals.strange(bytes);
    node.hear(&[ANSWER, 0, 0, 0, 1], HOSTILE);
    let mut rest = bytes;
    for _ in 0..12 {
        let Some((head, tail)) = rest.split_first_chunk::<3>() else { break };
        let [what, long, short] = *head;
        let length = if what % 6 == 4 { 0 } else { usize::from(u16::from_be_bytes([long, short])) };
        let (body, tail) = tail.split_at(tail.len().min(length));
        rest = tail;
        match what % 6 {
            0 => {
                if let Some(body) = seals.sealed(body) {
                    node.hear(&body, HOSTILE);
                }
            }
            1 => {
                let objects = of_hostile(body);
                node.hear(&rumour(&objects.iter().map(|it| &**it).collect::<Vec<_>>()), HOSTILE);
            }
            2 => node.asked(body, HOSTILE),
            3 => node.answered(body),
            4 => node.pass(Duration::from_millis(u64::from(long) * 40)),
            _ => {
                if let Some(body) = seals.replied(body) {
                    node.answered(&body);
                }
            }
        }
    }
    kit::board(&node.board, NOW_S);
    // Whatever that was, one who is honest gets all of it from this one.
    let mut friend = Node::new(FRIEND);
    meet(&mut friend, &mut node);
    kit::same(&friend.board, &node.board);
}

/// Anything that the hostile one has signed: kind, length and payload of each.
fn of_hostile(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut objects = Vec::new();
    while let (Some(([kind, length], rest)), true) = (bytes.split_first_chunk::<2>(), objects.len() < 8) {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        let expires = if *kind < 3 { u64::MAX } else { NOW_S + LIFETIME_S };
        objects.push(signed(key(HOSTILE), *kind, &subject(*kind, payload), expires, payload));
        bytes = rest;
    }
    objects
}

fn host(node: u8) -> HostId {
    HostId::from(&id(node))
}

/// One who listens.
struct Node {
    me: u8,
    gossip: Gossip,
    board: Board,
    now: Duration,
    asking: Option<HostId>,
    ask: Option<Vec<u8>>,
}

impl Node {
    fn new(me: u8) -> Self {
        let now = Duration::from_secs(100);
        let mut gossip = Gossip::new(host(me), 9, Timing::Lan, 1, now);
        gossip.set_members(now, MEMBERS.map(host).into());
        Self { me, gossip, board: common(), now, asking: None, ask: None }
    }

    fn hear(&mut self, bytes: &[u8], from: u8) {
        let outputs = self.gossip.datagram(self.now, NOW_S, &mut self.board, host(from), bytes);
        self.said(outputs);
    }

    fn asked(&mut self, message: &[u8], from: u8) {
        let (answer, outputs) = self.gossip.asked(self.now, NOW_S, &mut self.board, host(from), message);
        assert!(answer.len() <= MESSAGE_LIMIT_BYTES);
        self.said(outputs);
    }

    fn answered(&mut self, answer: &[u8]) {
        let Some(with) = self.asking else { return };
        let outputs = self.gossip.answered(self.now, NOW_S, &mut self.board, with, Some(answer));
        self.asking = None;
        self.said(outputs);
    }

    fn unanswered(&mut self) {
        let Some(with) = self.asking.take() else { return };
        let outputs = self.gossip.answered(self.now, NOW_S, &mut self.board, with, None);
        self.said(outputs);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let outputs = self.gossip.tick(self.now, &self.board);
        self.said(outputs);
    }

    /// No word goes to a stranger, none is too long, and one word does not make many.
    fn said(&mut self, outputs: Vec<Output>) {
        assert!(outputs.len() <= 64, "{} at a time", outputs.len());
        for output in outputs {
            let to = match output {
                Output::Send { to, bytes } => {
                    let longest = DATAGRAM_LIMIT_BYTES.max(LIMIT_BYTES + AROUND_BYTES);
                    assert!(bytes.len() <= longest, "{} bytes", bytes.len());
                    to
                }
                Output::Ask { with, message } => {
                    assert!(message.len() <= MESSAGE_LIMIT_BYTES);
                    (self.asking, self.ask) = (Some(with), Some(message));
                    with
                }
            };
            assert!(to != host(self.me) && MEMBERS.map(host).contains(&to));
        }
        let load = self.gossip.load();
        assert!(load.known < MEMBERS.len() && load.timers <= 64 && load.rumours <= 2048, "{load:?}");
        assert!(self.gossip.live_count() < MEMBERS.len());
    }
}

/// Two who are honest compare all that they have, for a minute at most.
fn meet(one: &mut Node, other: &mut Node) {
    for second in 0..60 {
        if second > 0 && one.board.to_bytes() == other.board.to_bytes() {
            return;
        }
        // It stays in touch meanwhile, or it would be taken for dead.
        one.hear(&[ANSWER, 0, 0, 0, 9], other.me);
        one.pass(Duration::from_secs(1));
        while let Some(message) = one.ask.take() {
            if one.asking == Some(host(other.me)) {
                let (answer, _) =
                    other.gossip.asked(other.now, NOW_S, &mut other.board, host(one.me), &message);
                one.answered(&answer);
            } else {
                one.unanswered();
            }
        }
    }
}

/// What everybody has before the harm begins.
fn common() -> Board {
    static BOARD: OnceLock<Board> = OnceLock::new();
    let make = || {
        let mut board = founded();
        for (node, called) in [(ME, "two"), (HOSTILE, "three")] {
            let content = Content::Certificate(Certificate::new(id(node), name(called), Role::Member));
            board.state(key(0), NOW_S * 1000, None, u64::MAX, content).expect("the founder may");
        }
        for node in MEMBERS {
            let contact = Contact { mesh_key: vec![node; 99], endpoints: Vec::new(), name: None };
            let contact = Content::Contact(contact);
            let stated = board.state(key(node), NOW_S * 1000, None, NOW_S + LIFETIME_S, contact);
            assert!(stated.is_ok_and(|it: Object| it.bytes.len() < 400));
        }
        board
    };
    BOARD.get_or_init(make).clone()
}

/// Both ends of what is signed by who sends it.
struct Seals {
    sealer: Sealer,
    opener: Opener,
    board: Board,
}

impl Seals {
    fn new() -> Self {
        let sealer = Sealer::new(Channel::Datagram, community(), host(HOSTILE), NOW_S * 1_000_000);
        Self { sealer, opener: Opener::new(Channel::Datagram), board: common() }
    }

    /// As it comes: nothing of it counts but what was signed.
    fn strange(&mut self, bytes: &[u8]) {
        let members = self.board.members();
        assert!(Opener::new(Channel::Datagram).open(&community(), members, host(ME), bytes).is_err());
        assert!(open_reply(&community(), members, host(HOSTILE), b"a request", bytes).is_err());
    }

    /// What is opened is what was sealed, once, and for one.
    fn sealed(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = self.sealer.seal(key(HOSTILE), host(ME), body);
        let members = self.board.members();
        let opened = self.opener.open(&community(), members, host(ME), &bytes);
        let message = opened.expect("it was sealed");
        assert!(message.from == host(HOSTILE) && message.body == body);
        let body = message.body.to_vec();
        assert_eq!(self.opener.open(&community(), members, host(ME), &bytes), Err(Broken::Again));
        let at = body.len() % bytes.len();
        bytes[at] ^= 1;
        assert!(self.opener.open(&community(), members, host(ME), &bytes).is_err(), "byte {at}");
        Some(body)
    }

    fn replied(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        let bytes = reply(key(HOSTILE), &community(), b"a request", body);
        let members = self.board.members();
        let open = |request: &[u8]| open_reply(&community(), members, host(HOSTILE), request, &bytes);
        assert_eq!(open(b"another"), Err(Broken::Signature));
        Some(open(b"a request").expect("it was signed").to_vec())
    }
}
