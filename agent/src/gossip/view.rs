//! The community as the heart and the pages see it.

use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::board::Board;
use nuvol_community::gossip::{self, Gossip};
use nuvol_community::identity::NodeId;

use crate::node::community::{Latencies, Liveness, Member, Offer, View};

/// Makes it. `now` is time since boot, `unix_s` Unix time.
pub(super) fn view(board: &Board, gossip: &Gossip, me: &NodeId, now: Duration, unix_s: u64) -> Option<View> {
    let (_, charter) = board.charter()?;
    let members = board.members();
    let list = members.iter().map(|it| {
        let (host, contact) = (HostId::from(&it.id), board.contact(&it.id));
        Member {
            id: it.id,
            host,
            address: board.community().address(host),
            name: contact.and_then(|it| it.name.clone()).unwrap_or_else(|| it.name.clone()),
            role: it.role,
            inviter: it.inviter,
            since_s: it.since_ms / 1000,
            liveness: if it.id == *me { Liveness::Me } else { liveness(gossip, host, now, unix_s) },
            endpoints: contact.map(|it| it.endpoints.clone()).unwrap_or_default(),
            mesh_key: contact.map(|it| it.mesh_key.clone()).unwrap_or_default(),
            may_expel: members.may_expel(me, &it.id),
        }
    });
    let records = board.records().map(|(member, it, until_s)| Offer {
        id: *it.id,
        owner: member.id,
        kind: it.kind.clone(),
        title: it.title.clone(),
        host: it.host.clone(),
        port: it.port,
        txt: it.txt.clone(),
        zone: it.zone.clone(),
        until_s,
    });
    Some(View {
        id: board.community(),
        name: charter.name.clone(),
        me: *me,
        role: members.get(me).map(|it| it.role),
        members: list.collect(),
        records: records.collect(),
    })
}

/// How long members take to answer. More than two digits would say more than is known, and change each time.
pub(super) fn latencies(gossip: &Gossip) -> Latencies {
    gossip.live().filter_map(|host| Some((host, rounded(gossip.latency(host)?)))).collect()
}

fn rounded(took: Duration) -> u32 {
    let ms = u32::try_from(took.as_micros().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
    let unit = 10_u32.pow(ms.ilog10().saturating_sub(1));
    ms / unit * unit
}

fn liveness(gossip: &Gossip, host: HostId, now: Duration, unix_s: u64) -> Liveness {
    match gossip.liveness(host) {
        None => Liveness::Unheard,
        Some(gossip::Liveness::Up) => Liveness::Up,
        Some(gossip::Liveness::Down(since)) => {
            Liveness::Down { since_s: unix_s.saturating_sub(now.saturating_sub(since).as_secs()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::rounded;

    #[test]
    fn latencies_have_two_digits_and_are_never_nothing() {
        let times = [0, 900, 1000, 1001, 9_500, 99_900, 101_000, 1_239_000, u64::MAX];
        let rounded = times.map(|it| rounded(Duration::from_micros(it)));
        assert_eq!(rounded, [1, 1, 1, 2, 10, 100, 100, 1200, 4_200_000_000]);
    }
}
