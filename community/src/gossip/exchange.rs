//! Two members compare all that they have.
//!
//! 1. One tells digests: of what it has, in 64 to 256 buckets, and of who is there, in 4 to 64.
//! 2. The other answers with the labels in those buckets that differ, and with who is there in those.
//! 3. The first hands over what the other lacks, and says what it lacks itself.
//! 4. The other hands that over.
//!
//! Whoever answers remembers nothing between two messages. Where something does not fit, it begins anew, as
//! long as one of both gains by it.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::{Hosts, Pool, Taken};
use crate::address::HostId;
use crate::object::{Label, Slot};

/// No message is longer.
pub const MESSAGE_LIMIT_BYTES: usize = 128 * 1024;

const VERSION: u8 = 1;
/// The fewest and the most buckets of objects: more of them where one has more, eight objects each.
const BUCKETS: (usize, usize) = (64, 256);
const DIGEST_BYTES: usize = 8;
/// The same of members.
const HOST_BUCKETS: (usize, usize) = (4, 64);
const HOST_DIGEST_BYTES: usize = 4;
/// How many objects or members a bucket is made for.
const BUCKET_SIZE: usize = 8;
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
        here: ByteVec,
    },
    #[n(1)]
    Labels {
        /// How many buckets there are.
        #[n(4)]
        of: u16,
        /// The buckets of members that differ, and how many there are.
        #[n(5)]
        here: ByteVec,
        #[n(6)]
        of_here: u16,
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
        /// Who is there of whom the other does not know.
        #[n(3)]
        hosts: Vec<(u64, u32)>,
    },
    #[n(3)]
    Rest {
        #[n(0)]
        objects: Vec<ByteVec>,
        /// Whether there is more to be had, here or there.
        #[n(1)]
        more: bool,
        /// How many of the objects handed over were new.
        #[n(2)]
        taken: u32,
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
    let digests = digests(pool, buckets_for(pool.labels().count(), BUCKETS)).concat();
    let here = host_digests(hosts, buckets_for(hosts.len(), HOST_BUCKETS)).concat();
    write(&Message::Digests { digests: digests.into(), here: here.into() })
}

/// Answers a message; whoever sends nonsense gets nothing. `lot` is drawn anew for each call.
pub(super) fn answer<P: Pool>(
    unix_s: u64,
    pool: &mut P,
    hosts: &Hosts,
    lot: u64,
    message: &[u8],
) -> (Vec<u8>, Gain) {
    let mut gain = Gain::default();
    let answer = match read(message) {
        Some(Message::Digests { digests: theirs, here }) => {
            let (Some(of), Some(of_here)) =
                (counted(&theirs, DIGEST_BYTES, BUCKETS), counted(&here, HOST_DIGEST_BYTES, HOST_BUCKETS))
            else {
                return (Vec::new(), gain);
            };
            let differing = differing(&digests(pool, of), &theirs);
            let differing_here = differing_here(hosts, of_here, &here);
            labels(pool, of, &differing, hosts, (of_here, differing_here), lot)
        }
        Some(Message::Objects { objects, wanted, more, hosts: there }) => {
            gain.hosts = heard(&there);
            gain.new = take(unix_s, pool, &objects);
            let slots = wanted.chunks_exact(16).filter_map(|it| Some(Slot(it.try_into().ok()?)));
            let (objects, cut) = pick(pool, slots.take(LABELS_LIMIT).collect(), lot);
            let taken = u32::try_from(gain.new.len()).unwrap_or(u32::MAX);
            Message::Rest { objects, more: more || cut, taken }
        }
        _ => return (Vec::new(), gain),
    };
    (write(&answer), gain)
}

/// What follows from an answer. `lot` is drawn anew for each call.
pub(super) fn go_on<P: Pool>(
    unix_s: u64,
    pool: &mut P,
    hosts: &Hosts,
    lot: u64,
    answer: &[u8],
) -> (Step, Gain) {
    let mut gain = Gain::default();
    let step = match read(answer) {
        Some(Message::Labels { buckets, of, labels, more, hosts: there, here, of_here }) => {
            gain.hosts = heard(&there);
            let theirs: BTreeMap<Slot, Label> = labels.chunks_exact(LABEL_BYTES).filter_map(label).collect();
            let buckets: BTreeSet<u8> = buckets.iter().copied().collect();
            let (give, wanted) = compare(pool, (usize::from(of), &buckets), &theirs);
            let tell = lacking(hosts, (usize::from(of_here), &here), &there);
            if give.is_empty() && wanted.is_empty() && tell.is_empty() {
                return (Step::Over, gain);
            }
            let (objects, cut) = pick(pool, give, lot);
            let wanted: Vec<u8> = wanted.iter().flat_map(|slot| slot.0).collect();
            let more = more || cut;
            Step::Ask(write(&Message::Objects { objects, wanted: wanted.into(), more, hosts: told(&tell) }))
        }
        Some(Message::Rest { objects, more, taken }) => {
            gain.new = take(unix_s, pool, &objects);
            // Where nothing came of it, what differs is what one of both refuses: it would go on for ever.
            let gained = taken > 0 || !gain.new.is_empty();
            if more && gained { Step::Again } else { Step::Over }
        }
        _ => Step::Over,
    };
    (step, gain)
}

/// How many buckets so many things want: a power of two.
fn buckets_for(things: usize, (fewest, most): (usize, usize)) -> usize {
    (things / BUCKET_SIZE).next_power_of_two().clamp(fewest, most)
}

/// How many digests these are; nothing where it is no number of buckets.
fn counted(digests: &[u8], digest_bytes: usize, (fewest, most): (usize, usize)) -> Option<usize> {
    let count = digests.len() / digest_bytes;
    let fit = digests.len().is_multiple_of(digest_bytes)
        && count.is_power_of_two()
        && (fewest..=most).contains(&count);
    fit.then_some(count)
}

/// The bucket of something by the first byte of its hash.
fn bucket(byte: u8, of: usize) -> usize {
    usize::from(byte) * of / 256
}

/// Each bucket's digest: what its objects' checks come to, whatever their order.
fn digests<P: Pool>(pool: &P, of: usize) -> Vec<[u8; DIGEST_BYTES]> {
    let mut digests = vec![[0; DIGEST_BYTES]; of];
    for label in pool.labels() {
        let digest = &mut digests[bucket(label.slot.0[0], of)];
        for (sum, byte) in digest.iter_mut().zip(label.check) {
            *sum ^= byte;
        }
    }
    digests
}

/// The same of who is there, in which run.
fn host_digests(hosts: &Hosts, of: usize) -> Vec<[u8; HOST_DIGEST_BYTES]> {
    let mut digests = vec![0_u32; of];
    for (host, bump) in hosts {
        // Places are hashes already; the multiplier (of the golden ratio) spreads the small numbers.
        let mixed = (host.0 ^ u64::from(*bump).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .wrapping_mul(0xff51_afd7_ed55_8ccd);
        let [high, .., a, b, c] = mixed.to_be_bytes();
        digests[host_bucket(*host, of)] ^= u32::from_be_bytes([high, a, b, c]);
    }
    digests.into_iter().map(u32::to_be_bytes).collect()
}

fn host_bucket(host: HostId, of: usize) -> usize {
    bucket(host.0.to_be_bytes()[0], of)
}

/// The buckets that differ.
fn differing<const N: usize>(ours: &[[u8; N]], theirs: &[u8]) -> BTreeSet<u8> {
    let differs = ours
        .iter()
        .zip(theirs.chunks_exact(N))
        .enumerate()
        .filter(|(_, (ours, theirs))| ours[..] != **theirs);
    differs.filter_map(|(bucket, _)| u8::try_from(bucket).ok()).collect()
}

fn differing_here(hosts: &Hosts, of: usize, theirs: &[u8]) -> BTreeSet<u8> {
    differing(&host_digests(hosts, of), theirs)
}

/// Who is in these buckets.
fn within<'a>(
    hosts: &'a Hosts,
    of: usize,
    buckets: &'a BTreeSet<u8>,
) -> impl Iterator<Item = (HostId, u32)> + 'a {
    let inside = move |host| u8::try_from(host_bucket(host, of)).is_ok_and(|it| buckets.contains(&it));
    hosts.iter().map(|(host, bump)| (*host, *bump)).filter(move |(host, _)| inside(*host))
}

/// Who is there of whom the other does not know, or not in this run.
fn lacking(hosts: &Hosts, (of, buckets): (usize, &[u8]), theirs: &[(u64, u32)]) -> Hosts {
    let theirs: BTreeMap<u64, u32> = theirs.iter().copied().collect();
    let buckets = buckets.iter().copied().collect();
    within(hosts, of, &buckets)
        .filter(|(host, bump)| theirs.get(&host.0).is_none_or(|it| it < bump))
        .collect()
}

/// As many of the differing buckets as one message holds. Of one that is larger than that, some by lot: whoever fills it
/// on purpose makes the other hand over what is there already, and keeps nobody from the rest.
fn labels<P: Pool>(
    pool: &P,
    of: usize,
    differing: &BTreeSet<u8>,
    hosts: &Hosts,
    (of_here, here): (usize, BTreeSet<u8>),
    lot: u64,
) -> Message {
    let mut by_bucket: BTreeMap<u8, Vec<Label>> =
        differing.iter().map(|bucket| (*bucket, Vec::new())).collect();
    for label in pool.labels() {
        let bucket = u8::try_from(bucket(label.slot.0[0], of)).unwrap_or(u8::MAX);
        if let Some(list) = by_bucket.get_mut(&bucket) {
            list.push(label);
        }
    }
    let (mut buckets, mut labels, mut more) = (Vec::new(), Vec::new(), false);
    for (bucket, mut list) in by_bucket {
        if labels.len() / LABEL_BYTES + list.len() > LABELS_LIMIT {
            more = true;
            if !buckets.is_empty() {
                break;
            }
            list.sort_by_key(|it| u64::from_be_bytes(it.check) ^ lot);
            list.truncate(LABELS_LIMIT);
        }
        buckets.push(bucket);
        for label in list {
            labels.extend(label.slot.0);
            labels.extend(label.version.to_be_bytes());
            labels.extend(label.check);
        }
    }
    let told = told(&within(hosts, of_here, &here).collect());
    let (of, of_here) = (u16::try_from(of).unwrap_or(u16::MAX), u16::try_from(of_here).unwrap_or(u16::MAX));
    let here: Vec<u8> = here.into_iter().collect();
    Message::Labels {
        buckets: buckets.into(),
        of,
        labels: labels.into(),
        more,
        hosts: told,
        here: here.into(),
        of_here,
    }
}

/// What to give, and what to ask for.
fn compare<P: Pool>(
    pool: &P,
    (of, buckets): (usize, &BTreeSet<u8>),
    theirs: &BTreeMap<Slot, Label>,
) -> (Vec<Slot>, Vec<Slot>) {
    let inside = |it: &Label| u8::try_from(bucket(it.slot.0[0], of)).is_ok_and(|it| buckets.contains(&it));
    let ours: BTreeMap<Slot, Label> = pool.labels().filter(inside).map(|it| (it.slot, it)).collect();
    let newer = |one: &Label, other: Option<&Label>| other.is_none_or(|other| one.replaces(other));
    let give = ours.values().filter(|it| newer(it, theirs.get(&it.slot))).map(|it| it.slot).collect();
    let wanted = theirs.values().filter(|it| newer(it, ours.get(&it.slot))).map(|it| it.slot).collect();
    (give, wanted)
}

/// The objects of these slots, as many as one message holds, in an order in which they can be taken. Among equals the
/// lot decides: what the other refuses is not in the way of the rest for ever.
fn pick<P: Pool>(pool: &P, mut slots: Vec<Slot>, lot: u64) -> (Vec<ByteVec>, bool) {
    slots.sort_by_cached_key(|slot| {
        let start = slot.0.first_chunk().map_or(0, |it| u64::from_be_bytes(*it));
        (pool.rank(*slot), start ^ lot, *slot)
    });
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

#[cfg(test)]
mod tests;
