//! Clocks are wrong: runs are numbered by them, and what has expired by one has not by another.

use nuvol_community::gossip::{Pool, Taken, Timing};
use nuvol_community::object::{Label, Slot};

use crate::heap::{Heap, object};
use crate::world::{MINUTE, Setting, Share, World, numbered, total};
use crate::{S, SOON, restart, seeds, whole};

#[test]
fn whoever_s_clock_went_back_is_heard_as_soon_as_others() {
    for seed in seeds() {
        let mut world = whole(Setting { nodes: 10, timing: Timing::Lan, loss: 0.01, seed });
        // This year, a day less, and 1970: by the second of them a run is numbered.
        for bump in [1_790_000_000, 1_789_913_600, 0] {
            world.stop(4);
            world.pass(S);
            world.nodes[4].bump = bump;
            restart(&mut world, 4, true);
            // Until then some take it for the run that it was.
            world.pass(20 * S);
            let back = world.run(10 * MINUTE, SOON, World::all_know_all);
            assert!(back.is_some_and(|it| it < 10 * S), "seed {seed}, bump {bump}: {back:?}");
        }
    }
}

/// Refuses odd versions, as one whose clock is ahead refuses what has expired by it.
#[derive(Default)]
struct Ahead {
    heap: Heap,
    refuses: bool,
}

impl Pool for Ahead {
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
        if self.refuses && bytes.get(23).is_some_and(|it| it % 2 == 1) {
            return Taken::Refused;
        }
        self.heap.offer(unix_s, bytes)
    }
}

impl Share for Ahead {}

#[test]
fn what_one_refuses_is_not_offered_without_end_and_is_in_nobodys_way() {
    let setting = Setting { nodes: 2, timing: Timing::Lan, loss: 0.0, seed: 1 };
    let mut world = World::new(setting, numbered(2), |at| Ahead { refuses: at == 1, ..Ahead::default() });
    world.start_all(S);
    world.run(MINUTE, SOON, World::all_know_all).expect("both know each other");
    // No rumour tells of it, only exchanges do; more of it is refused than one message holds.
    let pool = &mut world.nodes[0].pool;
    for (number, version) in (0..600).map(|it| (it, 1)).chain((600..640).map(|it| (it, 2))) {
        assert!(matches!(pool.offer(0, &object(number, version, 350)), Taken::New(_)));
    }
    world.take_sent();
    world.pass(5 * MINUTE);
    let messages = total(&world.take_sent()).messages;
    assert!(messages < 300, "{messages} messages for nothing");
    let rest = world.run(30 * MINUTE, SOON, |it| it.nodes[1].pool.heap.0.len() == 40);
    assert!(rest.is_some(), "of 40 it has {}", world.nodes[1].pool.heap.0.len());
}
