//! Two members compare all that they have.
//!
//! 1. One tells a digest of each of 256 buckets, and who it knows to be there.
//! 2. The other answers with the labels in those buckets that differ, and who it knows.
//! 3. The first hands over what the other lacks, and says what it lacks itself.
//! 4. The other hands that over.
//!
//! Whoever answers remembers nothing between two messages. Where something does not fit, it begins anew.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::{Hosts, Pool, Taken};
use crate::address::HostId;
use crate::object::{Label, Slot};

/// No message is longer.
pub const MESSAGE_LIMIT_BYTES: usize = 128 * 1024;

const VERSION: u8 = 1;
const BUCKETS: usize = 256;
const DIGEST_BYTES: usize = 8;
const LABEL_BYTES: usize = 32;
/// The most labels of one message.
const LABELS_LIMIT: usize = 1500;
/// Objects of one message, in bytes.
const OBJECTS_LIMIT_BYTES: usize = 60 * 1024;
/// The most members that one message tells of.
const HOSTS_LIMIT: usize = 2048;

#[derive(Debug, Encode, Decode)]
enum Message {
    #[n(0)]
    Digests {
        #[n(0)]
        digests: ByteVec,
        #[n(1)]
        hosts: Vec<(u64, u32)>,
    },
    #[n(1)]
    Labels {
        /// The buckets that are told of, all of each.
        #[n(0)]
        buckets: ByteVec,
        #[n(1)]
        labels: ByteVec,
        /// Whether other buckets differ too.
        #[n(2)]
        more: bool,
        #[n(3)]
        hosts: Vec<(u64, u32)>,
    },
    #[n(2)]
    Objects {
        #[n(0)]
        objects: Vec<ByteVec>,
        #[n(1)]
        wanted: ByteVec,
        /// Whether it goes on after this.
        #[n(2)]
        more: bool,
    },
    #[n(3)]
    Rest {
        #[n(0)]
        objects: Vec<ByteVec>,
        /// Whether there is more to be had, here or there.
        #[n(1)]
        more: bool,
    },
}

/// What an exchange brought.
#[derive(Debug, Default)]
pub(super) struct Gain {
    /// Who is there, by the other's word.
    pub(super) hosts: Vec<(HostId, u32)>,
    /// What is new.
    pub(super) new: Vec<Slot>,
}

/// How an exchange goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// By asking this.
    Ask(Vec<u8>),
    /// From the beginning: not all fitted.
    Again,
    /// Not at all.
    Over,
}

/// The first message.
pub(super) fn begin<P: Pool>(pool: &P, hosts: &Hosts) -> Vec<u8> {
    let digests = digests(pool).concat();
    write(&Message::Digests { digests: digests.into(), hosts: told(hosts) })
}

/// Answers a message; whoever sends nonsense gets nothing.
pub(super) fn answer<P: Pool>(unix_s: u64, pool: &mut P, hosts: &Hosts, message: &[u8]) -> (Vec<u8>, Gain) {
    let mut gain = Gain::default();
    let answer = match read(message) {
        Some(Message::Digests { digests: theirs, hosts: there }) => {
            gain.hosts = heard(&there);
            let Some(differing) = differing(pool, &theirs) else { return (Vec::new(), gain) };
            labels(pool, &differing, hosts)
        }
        Some(Message::Objects { objects, wanted, more }) => {
            gain.new = take(unix_s, pool, &objects);
            let slots = wanted.chunks_exact(16).filter_map(|it| Some(Slot(it.try_into().ok()?)));
            let (objects, cut) = pick(pool, slots.take(LABELS_LIMIT).collect());
            Message::Rest { objects, more: more || cut }
        }
        _ => return (Vec::new(), gain),
    };
    (write(&answer), gain)
}

/// What follows from an answer.
pub(super) fn go_on<P: Pool>(unix_s: u64, pool: &mut P, answer: &[u8]) -> (Step, Gain) {
    let mut gain = Gain::default();
    let step = match read(answer) {
        Some(Message::Labels { buckets, labels, more, hosts: there }) => {
            gain.hosts = heard(&there);
            let theirs: BTreeMap<Slot, Label> = labels.chunks_exact(LABEL_BYTES).filter_map(label).collect();
            let buckets: BTreeSet<u8> = buckets.iter().copied().collect();
            let (give, wanted) = compare(pool, &buckets, &theirs);
            if give.is_empty() && wanted.is_empty() {
                return (Step::Over, gain);
            }
            let (objects, cut) = pick(pool, give);
            let wanted: Vec<u8> = wanted.iter().flat_map(|slot| slot.0).collect();
            Step::Ask(write(&Message::Objects { objects, wanted: wanted.into(), more: more || cut }))
        }
        Some(Message::Rest { objects, more }) => {
            gain.new = take(unix_s, pool, &objects);
            // Where nothing came of it, what differs is what one of both refuses: it would go on for ever.
            if more && (objects.is_empty() || !gain.new.is_empty()) { Step::Again } else { Step::Over }
        }
        _ => Step::Over,
    };
    (step, gain)
}

/// Each bucket's digest: what its objects' checks come to, whatever their order.
fn digests<P: Pool>(pool: &P) -> Vec<[u8; DIGEST_BYTES]> {
    let mut digests = vec![[0; DIGEST_BYTES]; BUCKETS];
    for label in pool.labels() {
        let digest = &mut digests[usize::from(label.slot.0[0])];
        for (sum, byte) in digest.iter_mut().zip(label.check) {
            *sum ^= byte;
        }
    }
    digests
}

/// The buckets that differ; nothing where it is no list of digests.
fn differing<P: Pool>(pool: &P, theirs: &[u8]) -> Option<BTreeSet<u8>> {
    if theirs.len() != BUCKETS * DIGEST_BYTES {
        return None;
    }
    let ours = digests(pool);
    let differs = ours
        .iter()
        .zip(theirs.chunks_exact(DIGEST_BYTES))
        .enumerate()
        .filter(|(_, (ours, theirs))| ours[..] != **theirs);
    Some(differs.filter_map(|(bucket, _)| u8::try_from(bucket).ok()).collect())
}

/// As many of the differing buckets as one message holds.
fn labels<P: Pool>(pool: &P, differing: &BTreeSet<u8>, hosts: &Hosts) -> Message {
    let mut by_bucket: BTreeMap<u8, Vec<Label>> =
        differing.iter().map(|bucket| (*bucket, Vec::new())).collect();
    for label in pool.labels() {
        if let Some(list) = by_bucket.get_mut(&label.slot.0[0]) {
            list.push(label);
        }
    }
    let (mut buckets, mut labels, mut more) = (Vec::new(), Vec::new(), false);
    for (bucket, list) in by_bucket {
        if !buckets.is_empty() && labels.len() / LABEL_BYTES + list.len() > LABELS_LIMIT {
            more = true;
            break;
        }
        buckets.push(bucket);
        for label in list {
            labels.extend(label.slot.0);
            labels.extend(label.version.to_be_bytes());
            labels.extend(label.check);
        }
    }
    Message::Labels { buckets: buckets.into(), labels: labels.into(), more, hosts: told(hosts) }
}

/// What to give, and what to ask for.
fn compare<P: Pool>(
    pool: &P,
    buckets: &BTreeSet<u8>,
    theirs: &BTreeMap<Slot, Label>,
) -> (Vec<Slot>, Vec<Slot>) {
    let ours: BTreeMap<Slot, Label> =
        pool.labels().filter(|it| buckets.contains(&it.slot.0[0])).map(|it| (it.slot, it)).collect();
    let newer = |one: &Label, other: Option<&Label>| other.is_none_or(|other| one.replaces(other));
    let give = ours.values().filter(|it| newer(it, theirs.get(&it.slot))).map(|it| it.slot).collect();
    let wanted = theirs.values().filter(|it| newer(it, ours.get(&it.slot))).map(|it| it.slot).collect();
    (give, wanted)
}

/// The objects of these slots, as many as one message holds, in an order in which they can be taken.
fn pick<P: Pool>(pool: &P, mut slots: Vec<Slot>) -> (Vec<ByteVec>, bool) {
    slots.sort_by_key(|slot| (pool.rank(*slot), *slot));
    let (mut objects, mut bytes) = (Vec::new(), 0);
    for slot in slots {
        let Some((_, object)) = pool.get(slot) else { continue };
        bytes += object.len() + 3;
        if bytes > OBJECTS_LIMIT_BYTES {
            return (objects, true);
        }
        objects.push(object.to_vec().into());
    }
    (objects, false)
}

fn take<P: Pool>(unix_s: u64, pool: &mut P, objects: &[ByteVec]) -> Vec<Slot> {
    let offer = |object: &ByteVec| match pool.offer(unix_s, object) {
        Taken::New(label) => Some(label.slot),
        Taken::Known | Taken::Refused => None,
    };
    objects.iter().filter_map(offer).collect()
}

fn label(bytes: &[u8]) -> Option<(Slot, Label)> {
    let slot = Slot(bytes.get(..16)?.try_into().ok()?);
    let version = u64::from_be_bytes(bytes.get(16..24)?.try_into().ok()?);
    Some((slot, Label { slot, version, check: bytes.get(24..32)?.try_into().ok()? }))
}

fn told(hosts: &Hosts) -> Vec<(u64, u32)> {
    hosts.iter().take(HOSTS_LIMIT).map(|(host, bump)| (host.0, *bump)).collect()
}

fn heard(hosts: &[(u64, u32)]) -> Vec<(HostId, u32)> {
    hosts.iter().take(HOSTS_LIMIT).map(|(host, bump)| (HostId(*host), *bump)).collect()
}

fn write(message: &Message) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    // Writing to memory does not fail.
    minicbor::encode(message, &mut bytes).ok();
    bytes
}

fn read(bytes: &[u8]) -> Option<Message> {
    if bytes.len() > MESSAGE_LIMIT_BYTES {
        return None;
    }
    match bytes.split_first() {
        Some((&VERSION, rest)) => minicbor::decode(rest).ok(),
        _ => None,
    }
}
