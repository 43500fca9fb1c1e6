//! A pool that costs less than the board: no signatures, which are tried elsewhere.

use std::collections::BTreeMap;

use nuvol_community::gossip::{Pool, Taken};
use nuvol_community::identity::hash;
use nuvol_community::object::{Label, Slot};

use crate::world::Share;

/// Objects of sixteen bytes of slot, eight of version, and whatever else.
#[derive(Default, Clone)]
pub struct Heap(pub BTreeMap<Slot, (Label, Vec<u8>)>);

impl Heap {
    /// How many objects have this version.
    pub fn of_version(&self, version: u64) -> usize {
        self.0.values().filter(|(it, _)| it.version == version).count()
    }
}

/// An object of so many bytes.
pub fn object(slot: usize, version: u64, length: usize) -> Vec<u8> {
    let mut bytes = hash("slot", &[&(slot as u64).to_be_bytes()])[..16].to_vec();
    bytes.extend(version.to_be_bytes());
    bytes.resize(length.max(24), 7);
    bytes
}

impl Pool for Heap {
    fn labels(&self) -> impl Iterator<Item = Label> {
        self.0.values().map(|(label, _)| *label)
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        self.0.get(&slot).map(|(label, bytes)| (*label, &**bytes))
    }

    fn rank(&self, _: Slot) -> u64 {
        0
    }

    fn offer(&mut self, _: u64, bytes: &[u8]) -> Taken {
        let (Some(slot), Some(version)) = (bytes.first_chunk(), bytes.get(16..24)) else {
            return Taken::Refused;
        };
        let slot = Slot(*slot);
        let check = hash("check", &[bytes]).first_chunk().copied().unwrap_or_default();
        let version = version.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let label = Label { slot, version, check };
        if self.0.get(&slot).is_some_and(|(known, _)| !label.replaces(known)) {
            return Taken::Known;
        }
        self.0.insert(slot, (label, bytes.to_vec()));
        Taken::New(label)
    }
}

impl Share for Heap {}
