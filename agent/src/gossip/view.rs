//! The community as the heart and the pages see it.

use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::board::Board;
use nuvol_community::gossip::{self, Gossip};
use nuvol_community::identity::NodeId;

use crate::node::community::{Liveness, Member, Offer, View};

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

fn liveness(gossip: &Gossip, host: HostId, now: Duration, unix_s: u64) -> Liveness {
    match gossip.liveness(host) {
        None => Liveness::Unheard,
        Some(gossip::Liveness::Up) => Liveness::Up,
        Some(gossip::Liveness::Down(since)) => {
            Liveness::Down { since_s: unix_s.saturating_sub(now.saturating_sub(since).as_secs()) }
        }
    }
}
