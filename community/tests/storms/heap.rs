//! Objects without signatures, so that two thousand nodes cost little.

use std::collections::{BTreeMap, BTreeSet};

use nuvol_community::address::HostId;
use nuvol_community::gossip::{Pool, Taken};
use nuvol_community::identity::hash;
use nuvol_community::object::{Label, Slot};

use super::world::Stock;

/// Sixteen bytes of slot, eight of version, and whatever else.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Heap {
    pub objects: BTreeMap<Slot, (Label, Vec<u8>)>,
}

/// The object with this number, in this version; as long as a small record of a service by default.
pub fn object(number: u32, version: u64, length: usize) -> Vec<u8> {
    let mut bytes = hash("slot", &[&number.to_be_bytes()])[..16].to_vec();
    bytes.extend(version.to_be_bytes());
    bytes.resize(length.max(24), 7);
    bytes
}

impl Heap {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }
}

impl Pool for Heap {
    fn labels(&self) -> impl Iterator<Item = Label> {
        self.objects.values().map(|(label, _)| *label)
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        self.objects.get(&slot).map(|(label, bytes)| (*label, &**bytes))
    }

    fn rank(&self, _: Slot) -> u64 {
        0
    }

    fn offer(&mut self, _: u64, bytes: &[u8]) -> Taken {
        let (Some(slot), Some(version)) = (bytes.first_chunk(), bytes.get(16..24)) else {
            return Taken::Refused;
        };
        let check = hash("check", &[bytes]);
        let label = Label {
            slot: Slot(*slot),
            version: u64::from_be_bytes(version.try_into().expect("eight bytes")),
            check: *check.first_chunk().expect("eight of 32 bytes"),
        };
        if self.objects.get(&label.slot).is_some_and(|(known, _)| !label.replaces(known)) {
            return Taken::Known;
        }
        self.objects.insert(label.slot, (label, bytes.to_vec()));
        Taken::New(label)
    }
}

impl Stock for Heap {
    fn changed_members(&mut self) -> Option<BTreeSet<HostId>> {
        None
    }
}

/// Refuses every second version, as one whose clock is ahead refuses what has expired by it.
#[derive(Default)]
pub struct Picky {
    pub heap: Heap,
    pub picky: bool,
}

impl Pool for Picky {
    fn labels(&self) -> impl Iterator<Item = Label> {
        self.heap.labels()
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        self.heap.get(slot)
    }

    fn rank(&self, slot: Slot) -> u64 {
        self.heap.rank(slot)
    }

    fn offer(&mut self, unix_s: u64, bytes: &[u8]) -> Taken {
        if self.picky && bytes.get(23).is_some_and(|it| it % 2 == 1) {
            return Taken::Refused;
        }
        self.heap.offer(unix_s, bytes)
    }
}

impl Stock for Picky {
    fn changed_members(&mut self) -> Option<BTreeSet<HostId>> {
        None
    }
}
