//! Who is there: SWIM by foca, between those who hold a certificate.
//!
//! Foca believes whoever speaks; members need not be honest. So that none can do harm to another by its word alone:
//!
//! - Whoever is called dead, or said to be in a later run, is asked first ([`Company`]), by each who hears it. To a dead one come four datagrams of each. Where members are few, each asks as soon as it hears that somebody may be dead, and so believes at once whoever says that it is.
//! - In which run of its program a member is, it knows best: what it says itself wins over what others said of it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foca::{
    AccumulatingRuntime, Codec, Config, Foca, Header, Member, Message, NoCustomBroadcast, OwnedNotification,
    PeriodicParams, PostcardCodec, ProbeNumber, Timer,
};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::company::{Company, Patience};
use super::gate::{Gate, Id, Inside, open};
use super::{ANSWER, DATAGRAM_LIMIT_BYTES, Hosts, Output, QUESTION, SWIM};
use crate::address::HostId;

/// Whoever is alone calls somebody so often.
const CALL_EVERY: Duration = Duration::from_secs(3);
/// And whoever is not, calls one of those who do not answer so often: so a mesh that fell apart finds itself again.
const CALL_AWAY_EVERY: Duration = Duration::from_secs(15);
/// With more than these, only whoever is called dead is asked, not who may be: it has to answer each of them.
const FEW: usize = 256;
/// Whoever was told that it is taken for dead begins a new run, and does not listen to that again for so long.
const UNDEAD_PAUSE: Duration = Duration::from_secs(3);

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

type Membership = Foca<Id, Gate, SmallRng, NoCustomBroadcast>;

pub(super) struct Swim {
    foca: Membership,
    inside: Arc<Mutex<Inside>>,
    timing: Timing,
    timers: BTreeMap<(Duration, u64), Timer<Id>>,
    count: u64,
    company: Company,
    /// Who was pinged last, with which number, and when.
    pinged: Option<(Id, ProbeNumber, Duration)>,
    call_at: Duration,
    called: usize,
    undead_from: Duration,
    returned: bool,
}

impl Swim {
    pub(super) fn new(me: HostId, bump: u32, timing: Timing, seed: u64) -> Self {
        let me = Id { host: me.0, bump };
        let (gate, inside) = Gate::new(me);
        Self {
            foca: Foca::new(me, config(timing), SmallRng::seed_from_u64(seed), gate),
            inside,
            timing,
            timers: BTreeMap::new(),
            count: 0,
            company: Company::default(),
            pinged: None,
            call_at: Duration::ZERO,
            called: 0,
            undead_from: Duration::ZERO,
            returned: false,
        }
    }

    pub(super) fn set_members(
        &mut self,
        now: Duration,
        members: &BTreeSet<HostId>,
        outputs: &mut Vec<Output>,
    ) {
        open(&self.inside).members.clone_from(members);
        let gone: Vec<Id> = self.company.ids().filter(|id| !members.contains(&HostId(id.host))).collect();
        for id in gone {
            self.run(now, outputs, |foca, runtime| {
                foca.apply_many(std::iter::once(Member::down(id)), false, runtime)
            });
            self.company.forget(HostId(id.host));
        }
    }

    pub(super) fn liveness(&self, host: HostId) -> Option<Liveness> {
        self.company.liveness(host)
    }

    pub(super) fn latency(&self, host: HostId) -> Option<Duration> {
        self.company.latency(host)
    }

    /// Those who answer, in no order.
    pub(super) fn live(&self) -> &[HostId] {
        self.company.up()
    }

    /// Those who answer, with their bumps, oneself included.
    pub(super) fn hosts(&self) -> Hosts {
        let me = self.foca.identity();
        let up = self.company.up().iter().filter_map(|host| Some((*host, self.company.id(*host)?.bump)));
        up.chain([(HostId(me.host), me.bump)]).collect()
    }

    /// Whether somebody has come, or come back, since this was asked last.
    pub(super) fn take_returned(&mut self) -> bool {
        std::mem::take(&mut self.returned)
    }

    pub(super) fn wake(&self) -> Duration {
        let first = self.timers.keys().next().map_or(Duration::MAX, |(at, _)| *at);
        first.min(self.call_at).min(self.company.due())
    }

    /// What is remembered: members, timers, and changes to be told.
    pub(super) fn load(&self) -> (usize, usize, usize) {
        (self.company.ids().count(), self.timers.len(), self.foca.updates_backlog())
    }

    /// Somebody sent something, whatever it is: it is not dead.
    pub(super) fn hear(&mut self, now: Duration, from: HostId) {
        self.company.hear(now, from);
    }

    pub(super) fn datagram(&mut self, now: Duration, from: HostId, bytes: &[u8], outputs: &mut Vec<Output>) {
        // It must be from whom it says: each speaks for itself, and tells of others.
        let Ok(Header { src, dst, message, .. }) = decode(bytes) else { return };
        if src.host != from.0 {
            return;
        }
        if let (Message::Ack(number), Some((id, pinged, at))) = (&message, self.pinged)
            && (id, pinged) == (src, *number)
        {
            self.company.measured(from, now.saturating_sub(at));
            self.pinged = None;
        }
        self.believe_itself(now, src, outputs);
        let me = *self.foca.identity();
        if dst.host == me.host && dst != me && message != Message::Announce {
            // It takes this run for another one, which foca answers with silence.
            outputs.push(self.answer(from));
        }
        let undead = message == Message::TurnUndead;
        if undead && now < self.undead_from {
            return;
        }
        {
            let mut inside = open(&self.inside);
            (inside.told_of_me, inside.deaf) = (false, now < self.undead_from);
            inside.claims.clear();
        }
        self.run(now, outputs, |foca, runtime| foca.handle_data(bytes, runtime));
        if *self.foca.identity() != me {
            self.undead_from = now + UNDEAD_PAUSE;
        }
        self.doubt(now, from, outputs);
    }

    /// Looks into what the sender of a datagram said of the dead.
    fn doubt(&mut self, now: Duration, from: HostId, outputs: &mut Vec<Output>) {
        let claims = std::mem::take(&mut open(&self.inside).claims);
        let few = self.live().len() <= FEW;
        for claim in claims.into_iter().filter(|it| it.id.host != from.0 && (it.dead || few)) {
            self.company.doubt(now, claim, self.fresh(claim.dead), self.patience());
        }
        self.look(now, outputs);
    }

    fn patience(&self) -> Patience {
        let millis = |dead, suspect| Patience {
            dead: Duration::from_millis(dead),
            suspect: Duration::from_millis(suspect),
        };
        match self.timing {
            Timing::Lan => millis(250, 550),
            Timing::Wan => millis(600, 3000),
        }
    }

    fn look(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        if self.company.due() > now {
            return;
        }
        let (ask, dead) = self.company.look(now, self.patience());
        outputs.extend(ask.into_iter().map(|to| Output::Send { to, bytes: vec![QUESTION] }));
        for id in dead {
            self.run(now, outputs, |foca, runtime| {
                foca.apply_many(std::iter::once(Member::down(id)), true, runtime)
            });
        }
    }

    /// Whoever says that one is dead, or may be, has missed it for longer than this.
    fn fresh(&self, dead: bool) -> Duration {
        Duration::from_millis(match (self.timing, dead) {
            (Timing::Lan, true) => 1500,
            (Timing::Lan, false) => 400,
            (Timing::Wan, true) => 6000,
            (Timing::Wan, false) => 2500,
        })
    }

    /// That one is there, and in which run.
    pub(super) fn answer(&self, to: HostId) -> Output {
        Output::Send { to, bytes: [&[ANSWER], &self.foca.identity().bump.to_be_bytes()[..]].concat() }
    }

    /// A member says that it is there, and in which run.
    pub(super) fn answered(&mut self, now: Duration, from: HostId, bytes: &[u8], outputs: &mut Vec<Output>) {
        let Ok(bump) = bytes.try_into().map(u32::from_be_bytes) else { return };
        let id = Id { host: from.0, bump };
        if self.company.id(from) != Some(id) {
            self.believe_itself(now, id, outputs);
            self.run(now, outputs, |foca, runtime| {
                foca.apply_many(std::iter::once(Member::alive(id)), true, runtime)
            });
        }
    }

    /// Where others said that a member is in a later run than it says itself, they were wrong.
    fn believe_itself(&mut self, now: Duration, id: Id, outputs: &mut Vec<Output>) {
        let Some(known) = self.company.id(HostId(id.host)).filter(|it| it.bump > id.bump) else { return };
        let mut runtime = AccumulatingRuntime::new();
        // Foca forgets none but the dead. Nobody else is told of it, and no timer is left.
        self.foca.apply_many(std::iter::once(Member::down(known)), false, &mut runtime).ok();
        self.foca.handle_timer(Timer::RemoveDown(known), &mut runtime).ok();
        while runtime.to_schedule().is_some() {}
        self.carry_out(now, runtime, outputs);
    }

    pub(super) fn hear_of(&mut self, now: Duration, hosts: Vec<(HostId, u32)>, outputs: &mut Vec<Output>) {
        let me = self.foca.identity().host;
        let new = hosts.into_iter().filter(|(host, bump)| {
            host.0 != me
                && !self.company.is_up(*host)
                && self.company.id(*host).is_none_or(|id| id.bump < *bump)
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
        self.look(now, outputs);
        if now >= self.call_at {
            self.call(now, members, outputs);
        }
    }

    /// Whoever is alone calls somebody now.
    pub(super) fn begin(&mut self, now: Duration) {
        if self.live().is_empty() {
            self.call_at = now;
        }
    }

    /// Calls somebody who does not answer, each in turn.
    fn call(&mut self, now: Duration, members: &BTreeSet<HostId>, outputs: &mut Vec<Output>) {
        let alone = self.live().is_empty();
        self.call_at = now + if alone { CALL_EVERY } else { CALL_AWAY_EVERY };
        if self.live().len() >= members.len() {
            return;
        }
        let away: Vec<HostId> = members.iter().filter(|host| !self.company.is_up(**host)).copied().collect();
        if away.is_empty() {
            return;
        }
        // Several at once where one is alone: the first of them may be away for good.
        for _ in 0..if alone { 3.min(away.len()) } else { 1 } {
            self.called = self.called.wrapping_add(1);
            let host = away[self.called % away.len()];
            let bump = self.company.id(host).map_or(0, |id| id.bump);
            self.run(now, outputs, |foca, runtime| foca.announce(Id { host: host.0, bump }, runtime));
        }
    }

    fn run(
        &mut self,
        now: Duration,
        outputs: &mut Vec<Output>,
        work: impl FnOnce(&mut Membership, &mut AccumulatingRuntime<Id>) -> Result<(), foca::Error>,
    ) {
        let mut runtime = AccumulatingRuntime::new();
        // What makes no sense counts for nothing.
        work(&mut self.foca, &mut runtime).ok();
        self.carry_out(now, runtime, outputs);
    }

    fn carry_out(&mut self, now: Duration, mut runtime: AccumulatingRuntime<Id>, outputs: &mut Vec<Output>) {
        {
            let mut inside = open(&self.inside);
            inside.me = *self.foca.identity();
            while let Some((to, bytes)) = runtime.to_send() {
                if let Ok(Header { message: Message::Ping(number), .. }) = decode(&bytes) {
                    self.pinged = Some((to, number, now));
                }
                // Whoever asks to have somebody called may name anybody.
                if inside.members.contains(&HostId(to.host)) {
                    outputs.push(Output::Send { to: HostId(to.host), bytes: [&[SWIM], &*bytes].concat() });
                }
            }
        }
        while let Some((after, timer)) = runtime.to_schedule() {
            self.count += 1;
            self.timers.insert((now + after, self.count), timer);
        }
        while let Some(notification) = runtime.to_notify() {
            match notification {
                OwnedNotification::MemberUp(id) => {
                    open(&self.inside).up.insert(HostId(id.host), id.bump);
                    self.company.rise(now, id);
                    self.returned = true;
                }
                OwnedNotification::MemberDown(id) => {
                    open(&self.inside).up.remove(&HostId(id.host));
                    self.company.fall(now, id);
                }
                OwnedNotification::Rename(_, id) => {
                    if let Some(bump) = open(&self.inside).up.get_mut(&HostId(id.host)) {
                        *bump = id.bump;
                    }
                    self.company.rename(id);
                }
                _ => {}
            }
        }
    }
}

fn decode(bytes: &[u8]) -> Result<Header<Id>, <PostcardCodec as Codec<Id>>::Error> {
    PostcardCodec.decode_header(bytes)
}

fn config(timing: Timing) -> Config {
    let period = |millis, members| {
        NonZeroUsize::new(members)
            .map(|num_members| PeriodicParams { frequency: Duration::from_millis(millis), num_members })
    };
    let (probe_period, probe_rtt, suspect_to_down_after, gossip) = match timing {
        Timing::Lan => (500, 200, 2200, 200),
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
        max_packet_size: NonZeroUsize::new(DATAGRAM_LIMIT_BYTES - 1).unwrap_or(NonZeroUsize::MIN),
        notify_down_members: true,
        periodic_announce: period(30_000, 1),
        periodic_announce_to_down_members: period(20_000, 2),
        periodic_gossip: period(gossip, 3),
    }
}
