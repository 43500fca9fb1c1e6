use super::{Board, LIFETIME_S, Offered, Refusal};
use crate::CLOCK_EPOCH_S;
use crate::identity::{NodeId, NodeKey};
use crate::object::{
    Certificate, Charter, Content, Object, Record, Revocation, Role, ServiceType, Txt, subject_of,
};
use crate::text::{Line, Name};

const NOW_S: u64 = CLOCK_EPOCH_S + 1000;

fn key(number: u8) -> NodeKey {
    NodeKey::from_bytes(&[number; 32])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn board() -> Board {
    Board::found(&key(1), name("Example Valley"), name("first"), [0; 16]).unwrap()
}

fn certificate(member: NodeId, role: Role) -> Content {
    Content::Certificate(Certificate::new(member, name("a node"), role))
}

fn record(id: u16) -> Content {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    Content::Record(Record {
        id: bytes.into(),
        kind: ServiceType::new("_http._tcp").unwrap(),
        title: Line::new("Photos").unwrap(),
        host: None,
        port: 80,
        txt: Txt::default(),
        zone: None,
    })
}

fn signed(board: &Board, by: u8, version: u64, content: Content) -> Object {
    let for_ever = matches!(content, Content::Certificate(_) | Content::Revocation(_));
    let expires_s = if for_ever { u64::MAX } else { NOW_S + LIFETIME_S };
    Object::sign(&key(by), &board.community(), version, expires_s, content).unwrap()
}

#[test]
fn only_members_are_heard() {
    let mut board = board();
    let theirs = signed(&board, 2, 1, record(1));
    assert_eq!(board.offer(NOW_S, &theirs.bytes), Err(Refusal::Stranger));
    let let_in = signed(&board, 1, 1, certificate(key(2).id(), Role::Member));
    assert_eq!(board.offer(NOW_S, &let_in.bytes), Ok(Offered::New(let_in.label)));
    assert_eq!(board.offer(NOW_S, &theirs.bytes), Ok(Offered::New(theirs.label)));
    let revision = board.revision();
    assert_eq!(board.offer(NOW_S, &theirs.bytes), Ok(Offered::Known));
    assert_eq!(board.revision(), revision);
    assert_eq!(board.records().count(), 1);
    // Expelled: what it offered is gone, and does not come back.
    board
        .state(
            &key(1),
            NOW_S * 1000,
            Some(u64::MAX),
            u64::MAX,
            Content::Revocation(Revocation::new(key(2).id())),
        )
        .unwrap();
    assert_eq!((board.records().count(), board.members().len()), (0, 1));
    assert_eq!(board.offer(NOW_S, &theirs.bytes), Err(Refusal::Stranger));
    let again = signed(&board, 1, u64::MAX - 1, certificate(key(2).id(), Role::Member));
    board.offer(NOW_S, &again.bytes).unwrap();
    assert_eq!(board.members().len(), 1);
}

#[test]
fn the_newest_word_counts() {
    let mut board = board();
    let first = board.state(&key(1), NOW_S * 1000, None, NOW_S + LIFETIME_S, record(1)).unwrap();
    let second = board.state(&key(1), 0, None, NOW_S + LIFETIME_S, record(1)).unwrap();
    assert_eq!(second.version, first.version + 1);
    assert_eq!(board.offer(NOW_S, &first.bytes), Ok(Offered::Old));
    let gone =
        board.state(&key(1), 0, None, NOW_S + super::WITHDRAWN_S, Content::Withdrawn(first.subject)).unwrap();
    assert_eq!(board.offer(NOW_S, &second.bytes), Ok(Offered::Old));
    assert_eq!(board.records().count(), 0);
    assert_eq!(board.expire(gone.expires_s), []);
    assert_eq!(board.expire(gone.expires_s + 1), [gone]);
}

#[test]
fn nothing_counts_for_ever_but_membership() {
    let mut board = board();
    let eternal = Object::sign(&key(1), &board.community(), 1, u64::MAX, record(1)).unwrap();
    assert_eq!(board.offer(NOW_S, &eternal.bytes), Err(Refusal::Eternal));
    let over = Object::sign(&key(1), &board.community(), 1, NOW_S - 1, record(1)).unwrap();
    assert_eq!(board.offer(NOW_S, &over.bytes), Err(Refusal::Expired));
    // By a clock that says 1970 nothing can be told.
    assert_eq!(board.offer(0, &over.bytes), Ok(Offered::New(over.label)));
    assert_eq!(board.expire(0), []);
}

#[test]
fn nobody_founds_a_community_twice() {
    let mut board = board();
    let other = Board::found(&key(2), name("Other"), name("x"), [0; 16]).unwrap();
    let (_, charter) = other.charter().unwrap();
    let theirs =
        Object::sign(&key(2), &board.community(), 0, u64::MAX, Content::Charter(charter.clone())).unwrap();
    assert_eq!(board.offer(NOW_S, &theirs.bytes), Err(Refusal::Charter));
}

#[test]
fn whoever_talks_too_much_is_cut_short_alike_everywhere() {
    let (mut one, mut other) = (board(), board());
    let let_in = signed(&one, 1, 1, certificate(key(2).id(), Role::Member));
    one.offer(NOW_S, &let_in.bytes).unwrap();
    other.offer(NOW_S, &let_in.bytes).unwrap();
    let records: Vec<Object> = (0..600).map(|id| signed(&one, 2, 1, record(id))).collect();
    for it in &records {
        one.offer(NOW_S, &it.bytes).ok();
    }
    for it in records.iter().rev() {
        other.offer(NOW_S, &it.bytes).ok();
    }
    assert_eq!(one.records().count(), super::OWNER_LIMIT);
    assert_eq!(one.to_bytes(), other.to_bytes());
}

#[test]
fn a_board_comes_back_whole() {
    let mut one = board();
    for (by, member, role) in [(1, 2, Role::Steward), (2, 3, Role::Member), (3, 4, Role::Guest)] {
        let it = signed(&one, by, u64::from(10 - by), certificate(key(member).id(), role));
        one.offer(NOW_S, &it.bytes).unwrap();
        let theirs = signed(&one, member, 1, record(1));
        one.offer(NOW_S, &theirs.bytes).unwrap();
    }
    let mut other = Board::new(one.community());
    assert_eq!(other.take(NOW_S, &one.to_bytes()), Ok(7));
    assert_eq!(other.to_bytes(), one.to_bytes());
    assert_eq!(other.members(), one.members());
    assert_eq!(other.take(NOW_S, &one.to_bytes()), Ok(0));
    assert!(other.take(NOW_S, b"\x82\x41").is_err());
}

#[test]
fn whoever_was_certified_for_a_time_is_no_member_after_it() {
    let mut board = board();
    let content = certificate(key(2).id(), Role::Member);
    board.state(&key(1), NOW_S * 1000, None, NOW_S + 60, content).unwrap();
    board.state(&key(2), NOW_S * 1000, None, NOW_S + LIFETIME_S, record(1)).unwrap();
    assert_eq!((board.members().len(), board.records().count()), (2, 1));
    assert_eq!(board.expire(NOW_S + 61).len(), 1);
    assert_eq!((board.members().len(), board.records().count()), (1, 0));
}

#[test]
fn a_charter_counts_for_ever() {
    let (community, charter) = Charter::new(&key(1), name("Valley"), name("first"), [0; 16]);
    let object = Object::sign(&key(1), &community, 0, NOW_S + 60, Content::Charter(charter)).unwrap();
    assert_eq!(Board::new(community).offer(NOW_S, &object.bytes), Err(Refusal::Charter));
}

#[test]
fn whoever_is_handed_a_board_has_all_of_it() {
    let mut board = board();
    // A guest of the founder's, taken back, whom somebody else lets in as a member: until the revocation is known, the
    // guest lets nobody in.
    let said = [
        signed(&board, 1, 1, certificate(key(3).id(), Role::Guest)),
        signed(&board, 1, 1, Content::Revocation(Revocation::new(key(3).id()))),
        signed(&board, 1, 5, certificate(key(2).id(), Role::Member)),
        signed(&board, 2, 9, certificate(key(3).id(), Role::Member)),
        signed(&board, 3, 9, certificate(key(4).id(), Role::Member)),
        signed(&board, 4, 9, certificate(key(5).id(), Role::Member)),
    ];
    for object in said {
        assert!(matches!(board.offer(NOW_S, &object.bytes), Ok(Offered::New(_))));
    }
    assert_eq!(board.members().len(), 5);
    let mut other = Board::new(board.community());
    other.take(NOW_S, &board.to_bytes()).unwrap();
    assert_eq!(other.members(), board.members());
    assert_eq!(other.to_bytes(), board.to_bytes());
}

#[test]
fn a_certificate_that_is_crowded_out_makes_no_member() {
    let mut board = board();
    board.offer(NOW_S, &signed(&board, 1, 1, certificate(key(2).id(), Role::Member)).bytes).unwrap();
    for number in 0..super::OWNER_LIMIT + 9 {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let object = signed(&board, 2, 1, certificate(NodeId(id), Role::Guest));
        board.offer(NOW_S, &object.bytes).ok();
    }
    let certified = |it: &NodeId| board.objects().any(|object| object.subject == subject_of(it));
    assert!(board.members().iter().skip(1).all(|it| it.inviter.is_none() || certified(&it.id)));
    assert_eq!(board.objects().filter(|it| it.author == key(2).id()).count(), super::OWNER_LIMIT);
}
