//! The door at work: the board, who is talked with, and what has to be written down or told.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use nuvol_community::address::HostId;
use nuvol_community::board::Board;
use nuvol_community::gossip::{Gossip, Output};
use nuvol_community::identity::NodeId;
use nuvol_community::invitation::Invitation;
use nuvol_community::object::Record;
use nuvol_community::seal::{self, Channel, Opener, Sealer};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::line::{self, Datagram, Line};
use super::{Options, shelf, view};
use crate::journal;
use crate::node::community::{Joining, Latencies, Told, View};
use crate::node::{Event, Level};

/// The mesh's address may come at any time.
const OPEN_AGAIN: Duration = Duration::from_secs(2);
/// What others said is written down at most so often.
const SAVE_EVERY: Duration = Duration::from_secs(10);
/// What the heart hears of the community, at most so often.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// How long members take to answer, at most so often: it changes with each answer.
const LATENCIES_EVERY: Duration = Duration::from_secs(20);
/// What has run out is forgotten, and one's own renewed, so often.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// What comes to the desk besides orders and datagrams.
#[derive(Debug)]
pub(super) enum Letter {
    /// Somebody asks on a stream.
    Asked { from: Ipv6Addr, bytes: Vec<u8>, reply: oneshot::Sender<Vec<u8>> },
    /// A member answers, or does not.
    Answered { with: HostId, request: Vec<u8>, answer: Option<Vec<u8>> },
    /// How it goes with joining.
    Joining(Joining),
    /// The node was let in.
    Welcome { invitation: Invitation, board: Vec<u8> },
}

/// A community, and this node's part in it.
pub(super) struct Club {
    pub(super) board: Board,
    pub(super) gossip: Gossip,
    datagrams: (Sealer, Opener),
    streams: (Sealer, Opener),
    line: Option<Line>,
    open_at: Duration,
}

pub(super) struct Desk {
    pub(super) options: Options,
    pub(super) me: NodeId,
    pub(super) club: Option<Club>,
    pub(super) inbox: mpsc::Sender<Letter>,
    pub(super) joining: JoinSet<()>,
    /// What this node offers; nothing before the heart has told.
    pub(super) offered: Option<Vec<Record>>,
    pub(super) contact: Option<nuvol_community::object::Contact>,
    events: mpsc::Sender<Event>,
    saved_at: Duration,
    /// The board's revision that is on the disk.
    saved: u64,
    told: Option<Arc<View>>,
    told_at: Duration,
    /// Whether something may be to be told that it was too early for.
    untold: bool,
    latencies: Latencies,
    latencies_at: Duration,
    tidied: Duration,
    /// When what could not be said is tried again.
    renew_at: Option<Duration>,
}

impl Desk {
    pub(super) fn new(options: Options, events: mpsc::Sender<Event>, inbox: mpsc::Sender<Letter>) -> Self {
        let me = options.key.id();
        Self {
            options,
            me,
            club: None,
            inbox,
            joining: JoinSet::new(),
            offered: None,
            contact: None,
            events,
            saved_at: Duration::ZERO,
            saved: 0,
            told: None,
            told_at: Duration::ZERO,
            untold: false,
            latencies: Latencies::new(),
            latencies_at: Duration::ZERO,
            tidied: Duration::ZERO,
            renew_at: None,
        }
    }

    /// What was kept.
    pub(super) async fn open(&mut self) {
        match shelf::read(&self.options.state, self.unix_s()) {
            Ok(Some(board)) => self.enter(board),
            Ok(None) => {}
            Err(error) => journal::write(Level::Error, &format!("the community's board: {error:#}")),
        }
        self.tell().await;
    }

    pub(super) fn now(&self) -> Duration {
        (self.options.uptime)()
    }

    pub(super) fn unix_s(&self) -> u64 {
        (self.options.unix)().as_secs()
    }

    pub(super) fn unix_ms(&self) -> u64 {
        u64::try_from((self.options.unix)().as_millis()).unwrap_or(u64::MAX)
    }

    /// Begins to talk with the members of this board, which lies on the disk.
    pub(super) fn enter(&mut self, board: Board) {
        self.saved = board.revision();
        let (host, id) = (HostId::from(&self.me), board.community());
        let micros = u64::try_from((self.options.unix)().as_micros()).unwrap_or(u64::MAX);
        let (run, kept) = shelf::begin_run(&self.options.state, micros);
        if let Err(error) = kept {
            journal::write(Level::Error, &format!("when this run began: {error:#}"));
        }
        let bump = u32::try_from(run / 1_000_000).unwrap_or(u32::MAX);
        let now = self.now();
        let gossip = Gossip::new(host, bump, self.options.timing, micros, now);
        let channel = |channel| (Sealer::new(channel, id, host, run), Opener::new(channel));
        self.club = Some(Club {
            board,
            gossip,
            datagrams: channel(Channel::Datagram),
            streams: channel(Channel::Stream),
            line: None,
            open_at: now,
        });
        self.see_members();
    }

    /// Tells gossip who is a member now.
    pub(super) fn see_members(&mut self) {
        let (now, me) = (self.now(), self.me);
        let Some(club) = &mut self.club else { return };
        let members = club.board.members();
        // Whoever was expelled talks with nobody.
        let expelled = members.get(&me).is_none();
        let hosts = members.iter().filter(|_| !expelled).map(|it| HostId::from(&it.id)).collect();
        club.datagrams.1.keep(members);
        club.streams.1.keep(members);
        let outputs = club.gossip.set_members(now, hosts);
        self.carry_out(outputs);
    }

    /// How long nothing has to be done, unless something comes.
    pub(super) fn wake(&self) -> Duration {
        let now = self.now();
        let mut at = now + OPEN_AGAIN;
        if let Some(club) = &self.club {
            at = at.min(club.gossip.wake());
        }
        if self.untold {
            at = at.min(self.told_at + TELL_EVERY);
        }
        at.saturating_sub(now).max(Duration::from_millis(10))
    }

    pub(super) fn socket(&self) -> Option<Arc<UdpSocket>> {
        Some(self.club.as_ref()?.line.as_ref()?.socket.clone())
    }

    /// A datagram of a member, by its signature and by where it comes from.
    pub(super) async fn hear(&mut self, datagram: &Datagram) {
        let (now, unix_s, me) = (self.now(), self.unix_s(), HostId::from(&self.me));
        let Some(club) = &mut self.club else { return };
        let id = club.board.community();
        let opened = club.datagrams.1.open(&id, club.board.members(), me, &datagram.bytes);
        let Ok(message) = opened else { return };
        if id.address(message.from) != datagram.from {
            return;
        }
        let before = club.board.members().clone();
        let outputs = club.gossip.datagram(now, unix_s, &mut club.board, message.from, message.body);
        self.after(&before, outputs);
    }

    /// What came in may have changed who is a member; it is written down and told in time.
    pub(super) fn after(&mut self, before: &Arc<nuvol_community::members::Members>, outputs: Vec<Output>) {
        if self.club.as_ref().is_some_and(|it| it.board.members() != before) {
            self.see_members();
        }
        self.carry_out(outputs);
    }

    pub(super) fn carry_out(&mut self, outputs: Vec<Output>) {
        let Some(club) = &mut self.club else { return };
        let id = club.board.community();
        for output in outputs {
            match output {
                Output::Send { to, bytes } => {
                    let Some(line) = &club.line else { continue };
                    let bytes = club.datagrams.0.seal(&self.options.key, to, &bytes);
                    // What does not get through is lost, as datagrams are.
                    line.socket.try_send_to(&bytes, line::at(id.address(to))).ok();
                }
                Output::Ask { with, message } => {
                    let request = club.streams.0.seal(&self.options.key, with, &message);
                    let (inbox, address) = (self.inbox.clone(), id.address(with));
                    tokio::spawn(async move {
                        let answer = line::ask(address, request.clone()).await;
                        inbox.send(Letter::Answered { with, request, answer }).await.ok();
                    });
                }
            }
        }
    }

    pub(super) async fn read(&mut self, letter: Letter) {
        match letter {
            Letter::Asked { from, bytes, reply } => self.asked(from, &bytes, reply),
            Letter::Answered { with, request, answer } => self.answered(with, &request, answer),
            Letter::Joining(joining) => self.send(Told::Joining(joining)).await,
            Letter::Welcome { invitation, board } => self.welcome(&invitation, &board).await,
        }
    }

    fn asked(&mut self, from: Ipv6Addr, bytes: &[u8], reply: oneshot::Sender<Vec<u8>>) {
        let (now, unix_s, me) = (self.now(), self.unix_s(), HostId::from(&self.me));
        let Some(club) = &mut self.club else { return };
        let id = club.board.community();
        let Ok(message) = club.streams.1.open(&id, club.board.members(), me, bytes) else { return };
        if id.address(message.from) != from {
            return;
        }
        let before = club.board.members().clone();
        let (answer, outputs) = club.gossip.asked(now, unix_s, &mut club.board, message.from, message.body);
        // Whoever asked may have gone away.
        reply.send(seal::reply(&self.options.key, &id, bytes, &answer)).ok();
        self.after(&before, outputs);
    }

    fn answered(&mut self, with: HostId, request: &[u8], answer: Option<Vec<u8>>) {
        let (now, unix_s) = (self.now(), self.unix_s());
        let Some(club) = &mut self.club else { return };
        let (id, before) = (club.board.community(), club.board.members().clone());
        let opened = answer.as_deref().and_then(|it| seal::open_reply(&id, &before, with, request, it).ok());
        let outputs = club.gossip.answered(now, unix_s, &mut club.board, with, opened);
        self.after(&before, outputs);
    }

    /// What is due.
    pub(super) async fn tick(&mut self) {
        let (now, unix_s) = (self.now(), self.unix_s());
        let address = self.own_address();
        let Some(club) = &mut self.club else { return };
        if club.line.is_none() && now >= club.open_at {
            club.open_at = now + OPEN_AGAIN;
            // Until the mesh is there, the address is not.
            club.line = match address {
                Some(address) => Line::open(address, self.inbox.clone()).await.ok(),
                None => None,
            };
            if club.line.is_some() {
                club.gossip.begin(now);
            }
        }
        let outputs = club.gossip.tick(now, &club.board);
        self.carry_out(outputs);
        if now.saturating_sub(self.tidied) >= TIDY_EVERY {
            self.tidied = now;
            if let Some(club) = &mut self.club {
                let before = club.board.members().clone();
                club.board.expire(unix_s);
                self.after(&before, Vec::new());
            }
            self.renew();
        } else if self.renew_at.is_some_and(|at| at <= now) {
            self.renew_at = None;
            self.renew();
        }
        let changed = self.club.as_ref().is_some_and(|it| it.board.revision() != self.saved);
        if changed && now.saturating_sub(self.saved_at) >= SAVE_EVERY {
            self.save().ok();
        }
    }

    /// What could not be said is tried again soon: there may be room on the disk then.
    pub(super) fn renew_again(&mut self) {
        self.renew_at = Some(self.now() + SAVE_EVERY);
    }

    fn own_address(&self) -> Option<Ipv6Addr> {
        Some(self.club.as_ref()?.board.community().address(HostId::from(&self.me)))
    }

    /// Writes the board down; what this node signed is not told before.
    pub(super) fn save(&mut self) -> anyhow::Result<()> {
        let Some(club) = &self.club else { return Ok(()) };
        self.saved_at = (self.options.uptime)();
        let saved = shelf::write(&self.options.state, &club.board);
        match &saved {
            Ok(()) => self.saved = club.board.revision(),
            Err(error) => journal::write(Level::Error, &format!("the community's board: {error:#}")),
        }
        saved
    }

    /// Tells the heart how the community is, where that has changed.
    pub(super) async fn tell(&mut self) {
        let (now, unix_s) = (self.now(), self.unix_s());
        self.untold = self.told.is_some() && now.saturating_sub(self.told_at) < TELL_EVERY;
        if self.untold {
            return;
        }
        let view = self.club.as_ref().and_then(|it| view::view(&it.board, &it.gossip, &self.me, now, unix_s));
        self.told_at = now;
        if view.as_ref() != self.told.as_deref() {
            self.told = view.map(Arc::new);
            self.send(Told::View(self.told.clone())).await;
        }
        if now.saturating_sub(self.latencies_at) >= LATENCIES_EVERY {
            self.latencies_at = now;
            let latencies = self.club.as_ref().map(|it| view::latencies(&it.gossip)).unwrap_or_default();
            if latencies != self.latencies {
                self.latencies = latencies;
                self.send(Told::Latencies(self.latencies.clone())).await;
            }
        }
    }

    pub(super) async fn send(&self, told: Told) {
        // Only when the agent ends does nobody listen any more.
        self.events.send(Event::Gossip(told)).await.ok();
    }
}
