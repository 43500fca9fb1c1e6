//! The real board as what nodes keep: signatures, certificates, and who is a member by them.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuvol_community::address::HostId;
use nuvol_community::board::Board;
use nuvol_community::gossip::{Pool, Taken};
use nuvol_community::members::Members;
use nuvol_community::object::{Label, Slot};

use super::world::Stock;

pub struct Shelf {
    pub board: Board,
    seen: Arc<Members>,
}

impl Shelf {
    pub fn new(board: Board) -> Self {
        let seen = board.members().clone();
        Self { board, seen }
    }

    /// Those who hold a certificate by this board.
    pub fn members(&self) -> BTreeSet<HostId> {
        self.board.members().iter().map(|it| HostId::from(&it.id)).collect()
    }
}

impl Pool for Shelf {
    fn labels(&self) -> impl Iterator<Item = Label> {
        Pool::labels(&self.board)
    }

    fn get(&self, slot: Slot) -> Option<(Label, &[u8])> {
        Pool::get(&self.board, slot)
    }

    fn rank(&self, slot: Slot) -> u64 {
        self.board.rank(slot)
    }

    fn offer(&mut self, unix_s: u64, bytes: &[u8]) -> Taken {
        Pool::offer(&mut self.board, unix_s, bytes)
    }
}

impl Stock for Shelf {
    fn changed_members(&mut self) -> Option<BTreeSet<HostId>> {
        if Arc::ptr_eq(&self.seen, self.board.members()) {
            return None;
        }
        self.seen = self.board.members().clone();
        Some(self.members())
    }
}
