use super::{BRANCH_LIMIT, Certified, Members, Revoked};
use crate::identity::{NodeId, NodeKey};
use crate::object::Role;
use crate::text::Name;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

fn id(number: u8) -> NodeId {
    NodeKey::from_bytes(&[number; 32]).id()
}

fn name() -> Name {
    Name::new("a node").unwrap()
}

/// The numbers of those who are in: `1` is the founder; certificates are (author, member, role, version), revocations
/// (author, member, up to).
fn members(certified: &[(u8, u8, Role, u64)], revoked: &[(u8, u8, u64)]) -> Vec<u8> {
    let name = name();
    let certified: Vec<_> = certified
        .iter()
        .map(|(author, member, role, version)| Certified {
            author: id(*author),
            member: id(*member),
            version: *version,
            name: &name,
            role: *role,
        })
        .collect();
    let revoked: Vec<_> = revoked
        .iter()
        .map(|(author, member, up_to)| Revoked { member: id(*member), author: id(*author), up_to: *up_to })
        .collect();
    let members = Members::new(id(1), &name, certified, revoked);
    (1..=9).filter(|it| members.get(&id(*it)).is_some()).collect()
}

const TREE: [(u8, u8, Role, u64); 6] = [
    (1, 2, Role::Steward, 10),
    (1, 3, Role::Steward, 10),
    (2, 4, Role::Member, 10),
    (4, 5, Role::Member, 10),
    (5, 6, Role::Guest, 10),
    (3, 7, Role::Member, 10),
];

#[test]
fn who_is_let_in_is_in() {
    assert_eq!(members(&TREE, &[]), [1, 2, 3, 4, 5, 6, 7]);
    // A guest lets nobody in, a member makes no steward, a stranger nothing.
    let more = [(6, 8, Role::Guest, 10), (5, 8, Role::Steward, 10), (9, 8, Role::Member, 10)];
    assert_eq!(members(&[&TREE[..], &more].concat(), &[]), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn whoever_is_expelled_takes_those_below_along() {
    assert_eq!(members(&TREE, &[(3, 4, u64::MAX)]), [1, 2, 3, 7]);
    // Unless somebody else certifies them too.
    assert_eq!(
        members(&[&TREE[..], &[(3, 5, Role::Member, 11)]].concat(), &[(3, 4, u64::MAX)]),
        [1, 2, 3, 5, 6, 7]
    );
    // No member expels another that is not below it, and no steward its equal or one above.
    assert_eq!(members(&TREE, &[(7, 4, u64::MAX), (6, 5, u64::MAX)]), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(
        members(&TREE, &[(2, 3, u64::MAX), (3, 2, u64::MAX), (2, 1, u64::MAX)]),
        [1, 2, 3, 4, 5, 6, 7]
    );
    assert_eq!(members(&TREE, &[(4, 5, u64::MAX)]), [1, 2, 3, 4, 7]);
    assert_eq!(members(&TREE, &[(1, 2, u64::MAX)]), [1, 3, 7]);
}

#[test]
fn a_revocation_wins_for_ever() {
    let again = [(7, 4, Role::Member, 20), (3, 4, Role::Member, 30)];
    assert_eq!(members(&[&TREE[..], &again].concat(), &[(3, 4, u64::MAX)]), [1, 2, 3, 7]);
    // Up to a version: whoever was let in again later is in.
    assert_eq!(members(&[&TREE[..], &again].concat(), &[(3, 4, 25)]), [1, 2, 3, 4, 5, 6, 7]);
    // Of a steward who is expelled, no word counts any more.
    assert_eq!(members(&TREE, &[(2, 7, u64::MAX), (1, 2, u64::MAX)]), [1, 3, 7]);
}

#[test]
fn whoever_leaves_leaves_alone() {
    assert_eq!(members(&TREE, &[(4, 4, 10)]), [1, 2, 3, 5, 6, 7]);
    assert_eq!(members(&TREE, &[(1, 1, u64::MAX)]), [2, 3, 4, 5, 6, 7]);
    assert_eq!(
        members(&[&TREE[..], &[(2, 4, Role::Member, 11)]].concat(), &[(4, 4, 10)]),
        [1, 2, 3, 4, 5, 6, 7]
    );
}

#[test]
fn a_branch_has_its_limit() {
    let name = name();
    let key = |number: u16| {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        NodeKey::from_bytes(&bytes).id()
    };
    let certified = |author, member, role| Certified { author, member, version: 1, name: &name, role };
    let mut all = vec![certified(id(1), id(2), Role::Member)];
    all.extend((1000..1400).map(|it| certified(id(2), key(it), Role::Member)));
    all.extend((2000..2400).map(|it| certified(id(1), key(it), Role::Member)));
    let members = Members::new(id(1), &name, all, []);
    assert_eq!(members.len(), 1 + BRANCH_LIMIT + 400);
}

proptest! {
    #[test]
    fn the_order_does_not_matter(
        certified in proptest::collection::vec((1..9_u8, 1..9_u8, 0..3_u8, 0..4_u64), 0..24),
        revoked in proptest::collection::vec((1..9_u8, 1..9_u8, 0..4_u64), 0..8),
        seed in any::<u64>(),
    ) {
        let role = |it| [Role::Guest, Role::Member, Role::Steward][usize::from(it % 3)];
        let mut certified: Vec<_> = certified.iter().map(|(a, m, r, v)| (*a, *m, role(*r), *v)).collect();
        let mut again = revoked.clone();
        let one = members(&certified, &revoked);
        certified.sort_by_key(|it| (u64::from(it.0) * 31 + u64::from(it.1) * 7 + it.3).wrapping_mul(seed | 1));
        again.reverse();
        prop_assert_eq!(&members(&certified, &again), &one);
        // What is revoked for ever by the founder is out, whatever else there is.
        again.push((1, 5, u64::MAX));
        prop_assert!(!members(&certified, &again).contains(&5));
    }
}
