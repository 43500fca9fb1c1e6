//! Who is there: SWIM by foca, between those who hold a certificate.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, BufMut};
use foca::{
    AccumulatingRuntime, Codec, Config, Foca, Header, Identity, Member, NoCustomBroadcast, OwnedNotification,
    PeriodicParams, PostcardCodec, Timer,
};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};

use super::{DATAGRAM_LIMIT_BYTES, Hosts, Output, SWIM};
use crate::address::HostId;

/// Whoever is alone calls somebody so often.
const CALL_EVERY: Duration = Duration::from_secs(3);
/// And whoever is not, calls one of those who do not answer so often: so a mesh that fell apart finds itself again.
const CALL_AWAY_EVERY: Duration = Duration::from_secs(15);
/// Of those who may be there, whoever is alone calls one in so many at once, and at least three: most may be away for good.
const CALL_ONE_IN: usize = 32;
/// No bump is larger (the year 2096): so there is always a larger one for whoever has to outdo what is said of it.
const BUMP_LIMIT: u32 = 4_000_000_000;
/// Bumps are raised on others' word at most so often.
const RAISE_PAUSE: Duration = Duration::from_secs(2);
/// What comes before foca's part of a datagram: the bump that the sender knows of the receiver.
const BUMP_BYTES: usize = 4;

/// How patient members are with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// In one place: whoever does not answer is missed within seconds.
    Lan,
    /// Between homes.
    Wan,
}

/// Whether a member answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It does.
    Up,
    /// It does not, since this time.
    Down(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Id {
    host: u64,
    bump: u32,
}

impl Identity for Id {
    type Addr = u64;

    fn renew(&self) -> Option<Self> {
        Some(Self { bump: self.bump.wrapping_add(1), ..*self })
    }

    fn addr(&self) -> u64 {
        self.host
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.bump > adversary.bump
    }
}

/// Who may be heard of, and who oneself is now.
struct Known {
    me: Id,
    members: BTreeSet<HostId>,
}

/// Reads nobody's name into the membership who holds no certificate: it stands for oneself then, which changes nothing.
struct Gate(Arc<Mutex<Known>>);

impl Codec<Id> for Gate {
    type Error = <PostcardCodec as Codec<Id>>::Error;

    fn encode_header(&mut self, header: &Header<Id>, buf: impl BufMut) -> Result<(), Self::Error> {
        PostcardCodec.encode_header(header, buf)
    }

    fn decode_header(&mut self, buf: impl Buf) -> Result<Header<Id>, Self::Error> {
        PostcardCodec.decode_header(buf)
    }

    fn encode_member(&mut self, member: &Member<Id>, buf: impl BufMut) -> Result<(), Self::Error> {
        PostcardCodec.encode_member(member, buf)
    }

    fn decode_member(&mut self, buf: impl Buf) -> Result<Member<Id>, Self::Error> {
        let member: Member<Id> = PostcardCodec.decode_member(buf)?;
        let Id { host, bump } = *member.id();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = host == known.me.host || known.members.contains(&HostId(host));
        Ok(if heard && bump <= BUMP_LIMIT { member } else { Member::alive(known.me) })
    }
}

pub(super) struct Swim {
    foca: Foca<Id, Gate, SmallRng, NoCustomBroadcast>,
    known: Arc<Mutex<Known>>,
    timers: BTreeMap<(Duration, u64), Timer<Id>>,
    count: u64,
    liveness: BTreeMap<HostId, (Liveness, Id)>,
    call_at: Duration,
    called: usize,
    raise_at: Duration,
    returned: bool,
}

impl Swim {
    pub(super) fn new(me: HostId, bump: u32, timing: Timing, seed: u64) -> Self {
        let me = Id { host: me.0, bump: bump.min(BUMP_LIMIT) };
        let known = Arc::new(Mutex::new(Known { me, members: BTreeSet::new() }));
        let gate = Gate(known.clone());
        Self {
            foca: Foca::new(me, config(timing), SmallRng::seed_from_u64(seed), gate),
            known,
            timers: BTreeMap::new(),
            count: 0,
            liveness: BTreeMap::new(),
            call_at: Duration::ZERO,
            // Not everybody begins with the same ones.
            called: seed as usize,
            raise_at: Duration::ZERO,
            returned: false,
        }
    }

    pub(super) fn set_members(
        &mut self,
        now: Duration,
        members: &BTreeSet<HostId>,
        outputs: &mut Vec<Output>,
    ) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).members.clone_from(members);
        let gone: Vec<Id> = self
            .liveness
            .iter()
            .filter(|(host, _)| !members.contains(host))
            .map(|(_, (_, id))| *id)
            .collect();
        for id in gone {
            self.run(now, outputs, |foca, runtime| {
                foca.apply_many(std::iter::once(Member::down(id)), false, runtime)
            });
            self.liveness.remove(&HostId(id.host));
        }
    }

    pub(super) fn liveness(&self, host: HostId) -> Option<Liveness> {
        self.liveness.get(&host).map(|(liveness, _)| *liveness)
    }

    pub(super) fn live(&self) -> impl Iterator<Item = HostId> + '_ {
        self.liveness.iter().filter(|(_, (it, _))| *it == Liveness::Up).map(|(host, _)| *host)
    }

    /// Those who answer, with their bumps, oneself included.
    pub(super) fn hosts(&self) -> Hosts {
        let up = self.liveness.iter().filter(|(_, (it, _))| *it == Liveness::Up);
        let me = self.foca.identity();
        up.map(|(host, (_, id))| (*host, id.bump)).chain([(HostId(me.host), me.bump)]).collect()
    }

    /// Whether somebody has come, or come back, since this was asked last.
    pub(super) fn take_returned(&mut self) -> bool {
        std::mem::take(&mut self.returned)
    }

    pub(super) fn wake(&self) -> Duration {
        let first = self.timers.keys().next().map_or(Duration::MAX, |(at, _)| *at);
        first.min(self.call_at)
    }

    pub(super) fn datagram(&mut self, now: Duration, from: HostId, bytes: &[u8], outputs: &mut Vec<Output>) {
        let Some((told, bytes)) = bytes.split_first_chunk::<BUMP_BYTES>() else { return };
        // It must be from whom it says: each speaks for itself, and tells of others.
        match PostcardCodec.decode_header(bytes) {
            Ok(Header::<Id> { src, .. }) if src.host == from.0 && src.bump <= BUMP_LIMIT => {}
            _ => return,
        }
        self.raise(now, u32::from_be_bytes(*told), outputs);
        self.run(now, outputs, |foca, runtime| foca.handle_data(bytes, runtime));
    }

    /// Others know a larger bump of this node: its clock went back since, or somebody made it up. It outdoes that, for
    /// until then nobody listens to it.
    fn raise(&mut self, now: Duration, told: u32, outputs: &mut Vec<Output>) {
        let me = *self.foca.identity();
        if told > me.bump && told < BUMP_LIMIT && now >= self.raise_at {
            self.raise_at = now + RAISE_PAUSE;
            let me = Id { bump: told + 1, ..me };
            self.run(now, outputs, |foca, runtime| foca.change_identity(me, runtime));
        }
    }

    pub(super) fn hear_of(&mut self, now: Duration, hosts: Vec<(HostId, u32)>, outputs: &mut Vec<Output>) {
        let me = *self.foca.identity();
        if let Some((_, told)) = hosts.iter().find(|(host, _)| host.0 == me.host) {
            self.raise(now, *told, outputs);
        }
        let new = hosts.into_iter().filter(|(host, bump)| {
            host.0 != me.host
                && *bump <= BUMP_LIMIT
                && self.liveness.get(host).is_none_or(|(it, id)| *it != Liveness::Up && id.bump < *bump)
        });
        let new: Vec<_> = new.map(|(host, bump)| Member::alive(Id { host: host.0, bump })).collect();
        if !new.is_empty() {
            self.run(now, outputs, |foca, runtime| foca.apply_many(new.into_iter(), false, runtime));
        }
    }

    pub(super) fn tick(&mut self, now: Duration, members: &BTreeSet<HostId>, outputs: &mut Vec<Output>) {
        while let Some(entry) = self.timers.first_entry().filter(|it| it.key().0 <= now) {
            let timer = entry.remove();
            self.run(now, outputs, |foca, runtime| foca.handle_timer(timer, runtime));
        }
        if now >= self.call_at {
            self.call(now, members, outputs);
        }
    }

    /// Calls somebody who does not answer, each in turn.
    fn call(&mut self, now: Duration, members: &BTreeSet<HostId>, outputs: &mut Vec<Output>) {
        let alone = self.live().next().is_none();
        self.call_at = now + if alone { CALL_EVERY } else { CALL_AWAY_EVERY };
        let live: BTreeSet<HostId> = self.live().collect();
        let away: Vec<HostId> = members.difference(&live).copied().collect();
        if away.is_empty() {
            return;
        }
        let count = if alone { (away.len() / CALL_ONE_IN).max(3).min(away.len()) } else { 1 };
        for _ in 0..count {
            self.called = self.called.wrapping_add(1);
            let host = away[self.called % away.len()];
            let bump = self.liveness.get(&host).map_or(0, |(_, id)| id.bump);
            self.run(now, outputs, |foca, runtime| foca.announce(Id { host: host.0, bump }, runtime));
        }
    }

    fn run(
        &mut self,
        now: Duration,
        outputs: &mut Vec<Output>,
        work: impl FnOnce(
            &mut Foca<Id, Gate, SmallRng, NoCustomBroadcast>,
            &mut AccumulatingRuntime<Id>,
        ) -> Result<(), foca::Error>,
    ) {
        let mut runtime = AccumulatingRuntime::new();
        // What makes no sense counts for nothing.
        work(&mut self.foca, &mut runtime).ok();
        while let Some((to, bytes)) = runtime.to_send() {
            let to = HostId(to.host);
            let bump = self.liveness.get(&to).map_or(0, |(_, id)| id.bump);
            outputs.push(Output::Send { to, bytes: [&[SWIM], &bump.to_be_bytes()[..], &*bytes].concat() });
        }
        while let Some((after, timer)) = runtime.to_schedule() {
            self.count += 1;
            self.timers.insert((now + after, self.count), timer);
        }
        while let Some(notification) = runtime.to_notify() {
            self.note(now, notification);
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).me = *self.foca.identity();
    }

    fn note(&mut self, now: Duration, notification: OwnedNotification<Id>) {
        match notification {
            OwnedNotification::MemberUp(id) => {
                self.liveness.insert(HostId(id.host), (Liveness::Up, id));
                self.returned = true;
            }
            OwnedNotification::MemberDown(id) => {
                self.liveness.insert(HostId(id.host), (Liveness::Down(now), id));
            }
            OwnedNotification::Rename(_, id) => {
                if let Some((_, known)) = self.liveness.get_mut(&HostId(id.host)) {
                    *known = id;
                }
            }
            _ => {}
        }
    }
}

fn config(timing: Timing) -> Config {
    let period = |millis, members| {
        NonZeroUsize::new(members)
            .map(|num_members| PeriodicParams { frequency: Duration::from_millis(millis), num_members })
    };
    let (probe_period, probe_rtt, suspect_to_down_after, gossip) = match timing {
        Timing::Lan => (1000, 400, 2200, 200),
        Timing::Wan => (3000, 1500, 12_000, 500),
    };
    Config {
        probe_period: Duration::from_millis(probe_period),
        probe_rtt: Duration::from_millis(probe_rtt),
        num_indirect_probes: NonZeroUsize::new(3).unwrap_or(NonZeroUsize::MIN),
        max_transmissions: NonZeroU8::new(12).unwrap_or(NonZeroU8::MIN),
        suspect_to_down_after: Duration::from_millis(suspect_to_down_after),
        // One that comes back has another bump, or is told that it was missed and takes one.
        remove_down_after: Some(Duration::from_secs(600)),
        max_packet_size: NonZeroUsize::new(DATAGRAM_LIMIT_BYTES - 1 - BUMP_BYTES)
            .unwrap_or(NonZeroUsize::MIN),
        notify_down_members: true,
        periodic_announce: period(30_000, 1),
        periodic_announce_to_down_members: period(20_000, 2),
        periodic_gossip: period(gossip, 3),
    }
}
