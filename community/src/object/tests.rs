use super::{Content, LIMIT_BYTES, NoObject, Object, Record, ServiceType, Txt};
use crate::address::CommunityId;
use crate::identity::NodeKey;
use crate::text::Line;
use proptest::prelude::{any, proptest};

fn community() -> CommunityId {
    CommunityId([9; 16])
}

fn record(title: &str) -> Content {
    Content::Record(Record {
        id: [1; 16].into(),
        kind: ServiceType::new("_http._tcp").unwrap(),
        title: Line::new(title).unwrap(),
        host: None,
        port: 80,
        txt: Txt::new([("path", "/photos")]).unwrap(),
        zone: None,
    })
}

#[test]
fn what_was_signed_is_read_again() {
    let key = NodeKey::from_bytes(&[1; 32]);
    let signed = Object::sign(&key, &community(), 7, 100, record("Photos")).unwrap();
    assert_eq!(Object::read(&community(), &signed.bytes), Ok(signed.clone()));
    assert_eq!(Object::read(&CommunityId([8; 16]), &signed.bytes), Err(NoObject::Signature));
    // A withdrawal belongs where the record was.
    let gone = Object::sign(&key, &community(), 8, 100, Content::Withdrawn([1; 16])).unwrap();
    assert_eq!(gone.label.slot, signed.label.slot);
    assert!(gone.label.replaces(&signed.label) && !signed.label.replaces(&gone.label));
    assert!(!gone.label.replaces(&gone.label));
}

#[test]
fn kinds_to_come_are_kept_as_they_are() {
    let key = NodeKey::from_bytes(&[1; 32]);
    let later = Content::Unknown(77, b"anything".to_vec(), [3; 16]);
    let signed = Object::sign(&key, &community(), 7, 100, later).unwrap();
    assert_eq!(Object::read(&community(), &signed.bytes), Ok(signed));
}

#[test]
fn one_bit_less_is_no_object() {
    let key = NodeKey::from_bytes(&[1; 32]);
    let signed = Object::sign(&key, &community(), 7, 100, record("Photos")).unwrap();
    for at in 0..signed.bytes.len() {
        let mut bytes = signed.bytes.clone();
        bytes[at] ^= 1;
        assert!(Object::read(&community(), &bytes).is_err(), "byte {at}");
    }
    let mut longer = signed.bytes.clone();
    longer.push(0);
    assert!(Object::read(&community(), &longer).is_err());
    assert_eq!(Object::read(&community(), &vec![0; LIMIT_BYTES + 1]), Err(NoObject::Long(LIMIT_BYTES + 1)));
}

#[test]
fn an_object_has_one_form() {
    let key = NodeKey::from_bytes(&[1; 32]);
    let signed = Object::sign(&key, &community(), 7, 100, record("Photos")).unwrap().bytes;
    let signature = signed.len() - 66;
    assert_eq!((signed[..2].to_vec(), signed[signature..][..2].to_vec()), (vec![0x82, 0x58], vec![0x58, 64]));
    let longer = [
        [&[0x98, 2], &signed[1..]].concat(),
        [&[0x82, 0x59, 0], &signed[2..]].concat(),
        [&signed[..signature], &[0x59, 0, 64], &signed[signature + 2..]].concat(),
    ];
    for other in longer {
        assert!(matches!(Object::read(&community(), &other), Err(NoObject::Form(_))));
    }
}

#[test]
fn hostile_records_are_none() {
    assert!(Txt::new([("k", "x".repeat(600))]).is_err());
    assert!(Txt::new([("k", "a\u{202e}b")]).is_err());
    assert!(Txt::new([("a=b", "c")]).is_err());
    assert!(Txt::new([("a", "1"), ("a", "2")]).is_err());
    for kind in [
        "http",
        "_http",
        "_http._sctp",
        "_<b>._tcp",
        "_-a._tcp",
        "_abcdefghijklmnop._tcp",
        "_1._tcp",
        "__tcp",
    ] {
        assert!(ServiceType::new(kind).is_err(), "{kind}");
    }
    for host in ["a b", "javascript:alert(1)", "-a.org", "1.2.3", "0x7f.1", "a..b", "[::1]"] {
        let Content::Record(it) = record("x") else { unreachable!() };
        let it = Record { host: Some(Line::new(host).unwrap()), ..it };
        assert!(it.check().is_err(), "{host}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        assert!(Object::read(&community(), &bytes).is_err());
    }
}
