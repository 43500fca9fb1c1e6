use std::collections::BTreeMap;

use super::{Hosts, MESSAGE_LIMIT_BYTES, Pool, Step, Taken, answer, begin, go_on};
use crate::object::{Label, Slot};

/// Objects that nobody has signed: their first 16 bytes are the slot.
#[derive(Default)]
struct Plain(BTreeMap<Slot, Vec<u8>>);

fn plain(bucket: u8, number: u32) -> Vec<u8> {
    let mut bytes = vec![0; 200];
    bytes[0] = bucket;
    bytes[1..5].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn label(bytes: &[u8]) -> Label {
    let number = u64::from_be_bytes(*bytes.first_chunk().unwrap());
    let check = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    Label { slot: Slot(*bytes.first_chunk().unwrap()), version: 1, check }
}

impl Pool for Plain {
    fn labels(&self) -> impl Iterator<Item = Label> {
        self.0.values().map(|it| label(it))
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        self.0.get(&slot).map(|it| (label(it), &**it))
    }

    fn rank(&self, _: Slot) -> u64 {
        0
    }

    fn offer(&mut self, _: u64, bytes: &[u8]) -> Taken {
        let label = label(bytes);
        match self.0.insert(label.slot, bytes.to_vec()) {
            None => Taken::New(label),
            Some(_) => Taken::Known,
        }
    }
}

#[test]
fn one_bucket_that_is_too_full_does_not_end_it() {
    let (mut one, mut other) = (Plain::default(), Plain::default());
    // What one member and those whom it let in may offer, all of it where they want it.
    for number in 0..5000 {
        one.offer(0, &plain(0, number));
    }
    one.offer(0, &plain(200, 1));
    other.offer(0, &plain(0, 7000));
    let hosts = Hosts::new();
    let mut lot = 1_u64;
    for _ in 0..40 {
        let mut message = begin(&other, &hosts);
        loop {
            lot = lot.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let (answer, _) = answer(0, &mut one, &hosts, lot, &message);
            assert!(answer.len() <= MESSAGE_LIMIT_BYTES);
            message = match go_on(0, &mut other, &hosts, lot.rotate_left(9), &answer).0 {
                Step::Ask(message) => message,
                Step::Again => begin(&other, &hosts),
                Step::Over => break,
            };
            assert!(message.len() <= MESSAGE_LIMIT_BYTES);
        }
    }
    assert_eq!((one.0.len(), other.0.len()), (5002, 5002));
}
