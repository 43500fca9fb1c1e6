//! What the door does when the clock is not to be trusted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nuvol_community::board::LIFETIME_S;
use nuvol_community::gossip::Timing;
use nuvol_community::identity::NodeKey;
use nuvol_community::object::Contact;
use nuvol_community::text::Name;
use tokio::sync::mpsc;

use super::Options;
use super::desk::Desk;
use crate::node::community::Order;

const TODAY_S: u64 = 1_800_000_000;
static CLOCK_S: AtomicU64 = AtomicU64::new(TODAY_S);
static UPTIME_S: AtomicU64 = AtomicU64::new(100);

/// A board that wakes up years ahead, until somebody tells it the time.
#[tokio::test]
async fn what_a_clock_that_was_ahead_signed_is_signed_again() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        state: dir.path().to_owned(),
        key: NodeKey::from_bytes(&[1; 32]),
        timing: Timing::Lan,
        uptime: || Duration::from_secs(UPTIME_S.load(Ordering::Relaxed)),
        unix: || Duration::from_secs(CLOCK_S.load(Ordering::Relaxed)),
    };
    let me = options.key.id();
    let (events, mut told) = mpsc::channel(64);
    let (inbox, _letters) = mpsc::channel(64);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let mut desk = Desk::new(options, events, inbox);
    let name = |text| Name::new(text).unwrap();
    CLOCK_S.store(TODAY_S + 100 * 24 * 3600, Ordering::Relaxed);
    desk.follow(Order::Found { ticket: 1, name: name("Valley"), node: name("one") }).await;
    let contact = Contact { mesh_key: Vec::new(), endpoints: Vec::new(), name: None };
    desk.follow(Order::Contact(contact)).await;
    let expires = |desk: &Desk| {
        let board = &desk.club.as_ref().unwrap().board;
        board.objects().find(|it| it.content.kind() == 3 && it.author == me).unwrap().expires_s
    };
    assert_eq!(expires(&desk), TODAY_S + 100 * 24 * 3600 + LIFETIME_S);
    CLOCK_S.store(TODAY_S, Ordering::Relaxed);
    UPTIME_S.store(1000, Ordering::Relaxed);
    desk.tick().await;
    assert_eq!(expires(&desk), TODAY_S + LIFETIME_S);
}
