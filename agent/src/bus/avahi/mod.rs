//! Door to Avahi: announces this node's services on the local network, tells which others there are, and never
//! gives up.
//!
//! What is found is unsigned, so anybody's: it is cleaned (`text`), resolved and probed before it is told, and limited
//! in number (`browse`).

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream, fdo};

use super::{ANSWER_LIMIT, Bus, FIRST_WAIT, LONGEST_WAIT, reason};

mod browse;
pub mod fuzz;
mod probe;
mod publish;
mod text;
mod wire;

use browse::Browse;
use publish::Published;
use wire::{AVAHI, ServerProxy, Signal};

/// So many signals wait to be looked at; more at once is a flood, and all is read anew.
const SIGNALS: usize = 8192;

pub use crate::node::community::{Announcement, Found};

/// What the door tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// All services that are there now, in order.
    Near(Vec<Found>),
    /// Avahi is not there, and why. Nothing is known any more, and nothing is announced.
    Away(String),
}

/// How fast the door goes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Changes are gathered for so long before they are told.
    pub settle: Duration,
    /// Whatever is listed is looked at again after so long.
    pub again: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { settle: Duration::from_millis(500), again: Duration::from_secs(60) }
    }
}

/// Announces what `announcements` holds and tells what is near, for ever. Ends only when nobody listens any more.
pub async fn run(
    bus: Bus,
    pace: Pace,
    mut announcements: watch::Receiver<BTreeSet<Announcement>>,
    out: mpsc::Sender<Told>,
) {
    let mut wait = FIRST_WAIT;
    let mut told = None;
    loop {
        let mut answered = false;
        let Err(error) = session(&bus, pace, &mut announcements, &out, &mut answered).await;
        if out.is_closed() {
            return;
        }
        // A connection that has worked and breaks is usual: Avahi restarts in its upgrades.
        if answered {
            (wait, told) = (FIRST_WAIT, None);
        } else {
            let why = Some(reason(&error));
            if told != why && out.send(Told::Away(reason(&error))).await.is_err() {
                return;
            }
            told = why;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// One connection, from its first call to its end. Avahi frees what it was asked for when the connection ends.
async fn session(
    bus: &Bus,
    pace: Pace,
    announcements: &mut watch::Receiver<BTreeSet<Announcement>>,
    out: &mpsc::Sender<Told>,
    answered: &mut bool,
) -> anyhow::Result<Infallible> {
    let address = match bus {
        Bus::System => None,
        Bus::At(address) => Some(address.as_str()),
    };
    let connection = crate::systemd::connect(address, ANSWER_LIMIT).await?;
    let mut listeners = JoinSet::new();
    let mut signals = listen(&connection, &mut listeners).await?;
    let server = ServerProxy::new(&connection).await?;
    let mut published = Published::new(&connection, &server).await?;
    let mut browse = Browse::start(&connection, &server, pace.again).await?;
    let wanted = announcements.borrow_and_update().clone();
    published.set(wanted).await?;
    *answered = true;
    // The first is told even if there is nothing: that Avahi is there is news too.
    let mut tell_at = Some(Instant::now() + pace.settle);
    let mut told = None;
    loop {
        browse.look();
        let wake = browse.wake();
        let news = tokio::select! {
            signal = signals.recv() => match signal.context("Avahi has left the bus")? {
                Signal::Server(state) => published.server(state).await.map(|()| false)?,
                Signal::Group { path, state } => published.group(&path, state).await.map(|()| false)?,
                Signal::Kind { new, at, kind } => browse.kind(new, at, kind).await.map(|()| false)?,
                Signal::Service { new, key, flags } => browse.service(new, key, flags).await?,
                Signal::Failure(why) => bail!("Avahi cannot list: {why}"),
            },
            changed = announcements.changed() => {
                changed.context("nobody announces any more")?;
                let wanted = announcements.borrow_and_update().clone();
                published.set(wanted).await.map(|()| false)?
            }
            news = browse.looked() => news?,
            () = at(wake) => false,
            () = at(tell_at) => {
                tell_at = None;
                let near = browse.told();
                if told.as_ref() != Some(&near) {
                    out.send(Told::Near(near.clone())).await.context("nobody listens any more")?;
                    told = Some(near);
                }
                false
            }
            () = out.closed() => bail!("nobody listens any more"),
        };
        if news && tell_at.is_none() {
            tell_at = Some(Instant::now() + pace.settle);
        }
    }
}

/// Waits until then; for ever where there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Takes in Avahi's signals until it leaves the bus or the connection ends. An error: it is not there. A task of
/// its own takes them off the connection: while calls wait for answers, a full queue of signals would hold the
/// answers back.
async fn listen(connection: &Connection, tasks: &mut JoinSet<()>) -> anyhow::Result<mpsc::Receiver<Signal>> {
    let bus = fdo::DBusProxy::new(connection).await?;
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, AVAHI)]).await?;
    // By the name of its connection: any program of this machine may send us a signal that names Avahi's objects.
    // And nobody starts Avahi who only asks whether it is there.
    let owner = bus.get_name_owner(AVAHI.try_into()?).await.context("looking for Avahi")?;
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(owner).build()?;
    let mut stream = MessageStream::for_match_rule(rule, connection, NonZeroUsize::new(1024)).await?;
    let (sender, receiver) = mpsc::channel(SIGNALS);
    tasks.spawn(async move {
        loop {
            tokio::select! {
                _ = owners.next() => return,
                message = stream.next() => {
                    let Some(Ok(message)) = message else { return };
                    if let Some(signal) = wire::signal(&message) && sender.try_send(signal).is_err() {
                        return;
                    }
                }
            }
        }
    });
    Ok(receiver)
}
