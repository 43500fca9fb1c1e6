//! Whom a node calls.

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

use super::{Own, Peer, TincName};

/// So many members are called at most: enough that a mesh of thousands holds together when many of them are off
/// (docs/ARCHITECTURE.md), and few enough that each costs next to nothing.
pub const CONNECTIONS: usize = 8;

/// The members to call: those in the same home first, the others by lot. The lot falls on the pair, so that it falls
/// the same way every time, differently for each node, and a member that comes or goes changes one call at most.
/// Nobody can be called who has no endpoint; such a member calls others.
pub fn choose(own: &Own, peers: &[Peer]) -> Vec<TincName> {
    let mut known: Vec<_> = peers
        .iter()
        .filter(|peer| !callable(own, peer).is_empty())
        .map(|peer| (Reverse(peer.near), lot(own.name(), peer.name()), peer.name()))
        .collect();
    known.sort_unstable();
    let mut chosen: Vec<TincName> = known.into_iter().take(CONNECTIONS).map(|(.., name)| name).collect();
    chosen.sort_unstable();
    chosen
}

/// The endpoints that lie outside the mesh: a call through the mesh would need the mesh first.
pub(super) fn callable<'a>(own: &Own, peer: &'a Peer) -> Vec<&'a super::Endpoint> {
    let outside = |endpoint: &&super::Endpoint| match endpoint.address() {
        Some(std::net::IpAddr::V6(address)) => !own.is_inside(address),
        _ => true,
    };
    peer.endpoints.iter().filter(outside).collect()
}

fn lot(own: TincName, peer: TincName) -> [u8; 32] {
    Sha256::new().chain_update(own.0.to_be_bytes()).chain_update(peer.0.to_be_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{prop_assert, proptest};

    use super::{CONNECTIONS, choose};
    use crate::mesh::files::tests::{own, peer};
    use crate::mesh::{Peer, TincName};

    fn reachable(host: u64) -> Peer {
        Peer { endpoints: vec!["h.example 655".parse().unwrap()], ..peer(host) }
    }

    #[test]
    fn who_answers_is_called_first_and_who_cannot_be_called_never() {
        let mut peers: Vec<Peer> = (2..40).map(reachable).collect();
        peers.extend((40..60).map(peer));
        assert_eq!(choose(&own(1), &peers).len(), CONNECTIONS);
        for wished in [7, 21] {
            peers[wished - 2].near = true;
        }
        peers.iter_mut().filter(|peer| peer.endpoints.is_empty()).for_each(|peer| peer.near = true);
        let chosen = choose(&own(1), &peers);
        assert!(chosen.contains(&TincName(7)) && chosen.contains(&TincName(21)), "{chosen:?}");
        assert!(chosen.iter().all(|name| name.0 < 40), "{chosen:?}");
        // Through the mesh itself nobody can be called.
        let inside = Peer { endpoints: vec!["fd01:2:3::2 655".parse().unwrap()], ..peer(2) };
        assert!(choose(&own(1), &[inside]).is_empty());
    }

    /// Who hears of whom: each node calls whom it chose, and a connection carries both ways.
    fn islands(peers: &[Peer]) -> usize {
        let mut left: BTreeSet<u64> = peers.iter().map(|peer| peer.name().0).collect();
        let calls: Vec<(u64, u64)> = peers
            .iter()
            .flat_map(|from| {
                let others: Vec<Peer> = peers.iter().filter(|it| it.name() != from.name()).cloned().collect();
                choose(&own(from.name().0), &others).into_iter().map(|to| (from.name().0, to.0))
            })
            .collect();
        let mut count = 0;
        while let Some(start) = left.pop_first() {
            count += 1;
            let mut queue = vec![start];
            while let Some(at) = queue.pop() {
                for (a, b) in calls.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]) {
                    if a == at && left.remove(&b) {
                        queue.push(b);
                    }
                }
            }
        }
        count
    }

    proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn all_hang_together(hosts in proptest::collection::btree_set(1u64.., 2..90), open in 1usize..90) {
            // As few as one member that can be called is enough.
            let peers: Vec<Peer> = hosts
                .iter()
                .enumerate()
                .map(|(at, host)| if at < open { reachable(*host) } else { peer(*host) })
                .collect();
            prop_assert!(islands(&peers) == 1);
        }

        #[test]
        fn one_that_comes_changes_one_call(hosts in proptest::collection::btree_set(2u64.., 2..60)) {
            let mut peers: Vec<Peer> = hosts.into_iter().map(reachable).collect();
            let with: BTreeSet<TincName> = choose(&own(1), &peers).into_iter().collect();
            peers.pop();
            let without: BTreeSet<TincName> = choose(&own(1), &peers).into_iter().collect();
            prop_assert!(with.difference(&without).count() <= 1);
        }
    }
}
