//! What is gossiped: the board, or in trials something that costs less.

use crate::board::{Board, Offered};
use crate::object::{Label, Slot};

/// Objects by slot.
pub trait Pool {
    /// All labels.
    fn labels(&self) -> impl Iterator<Item = Label>;
    /// What is in a slot.
    fn get(&self, slot: Slot) -> Option<(Label, &[u8])>;
    /// Which of two objects must come first to whoever has neither.
    fn rank(&self, slot: Slot) -> u64;
    /// Somebody hands on an object.
    fn offer(&mut self, unix_s: u64, bytes: &[u8]) -> Taken;
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is new.
    New(Label),
    /// It was known, or a newer one was.
    Known,
    /// It is not wanted.
    Refused,
}

impl Pool for Board {
    fn labels(&self) -> impl Iterator<Item = Label> {
        self.objects().map(|it| it.label)
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        Board::get(self, slot).map(|it| (it.label, &*it.bytes))
    }

    fn rank(&self, slot: Slot) -> u64 {
        let Some(object) = Board::get(self, slot) else { return u64::MAX };
        u64::from(object.content.kind()) << 8
            | u64::from(self.members().depth(&object.author).unwrap_or(u8::MAX))
    }

    fn offer(&mut self, unix_s: u64, bytes: &[u8]) -> Taken {
        match Board::offer(self, unix_s, bytes) {
            Ok(Offered::New(label)) => Taken::New(label),
            Ok(Offered::Known | Offered::Old) => Taken::Known,
            Err(_) => Taken::Refused,
        }
    }
}
