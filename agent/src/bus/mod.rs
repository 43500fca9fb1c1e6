//! Door to systemd: tells the state of the watched units, again whenever it changes, and never gives up.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

use crate::node::Event;
use crate::systemd::{MANAGER, ManagerProxy, SYSTEMD};

pub mod avahi;
mod systemd;

use systemd::UNITS;

/// systemd answers in milliseconds; a call that takes longer is taken for lost.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Every so often all is read anew, in case a signal was missed.
const REFRESH: Duration = Duration::from_secs(30);
/// A unit that changes tells it several times; it is read once.
const SETTLE: Duration = Duration::from_millis(50);
/// The wait before the first new try; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Which bus systemd is asked on.
#[derive(Debug, Clone)]
pub enum Bus {
    /// The system's.
    System,
    /// The one at this D-Bus address.
    At(String),
}

/// Tells the states of `units` as events, for ever. Ends only when nobody listens any more.
pub async fn run(bus: Bus, mut units: watch::Receiver<BTreeSet<String>>, events: mpsc::Sender<Event>) {
    let mut wait = FIRST_WAIT;
    loop {
        let mut answered = false;
        let Err(error) = session(&bus, &mut units, &events, &mut answered).await;
        if events.is_closed() {
            return;
        }
        // A connection that has worked and breaks is usual: systemd re-executes itself in every upgrade. It is
        // worth a word only when the next one fails too.
        if answered {
            wait = FIRST_WAIT;
        } else if events.send(Event::SystemdAway(reason(&error))).await.is_err() {
            return;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// The error with its causes, without those that the text before already tells.
fn reason(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| match cause.to_string() {
        cause if told.is_empty() => cause,
        cause if told.contains(&cause) => told,
        cause => format!("{told}: {cause}"),
    })
}

/// One connection, from its first call to its end.
async fn session(
    bus: &Bus,
    units: &mut watch::Receiver<BTreeSet<String>>,
    events: &mpsc::Sender<Event>,
    answered: &mut bool,
) -> anyhow::Result<Infallible> {
    let address = match bus {
        Bus::System => None,
        Bus::At(address) => Some(address.as_str()),
    };
    let connection = crate::systemd::connect(address, ANSWER_LIMIT).await?;
    let manager = ManagerProxy::new(&connection).await?;
    let changes = Changes::default();
    let mut listeners = JoinSet::new();
    changes.listen(&connection, &mut listeners).await?;
    // Without this, systemd sends no signals at all.
    manager.subscribe().await.context("asking systemd for its signals")?;
    loop {
        let names = units.borrow_and_update().clone();
        let paths = systemd::load(&manager, &names).await?;
        changes.take();
        tell(events, systemd::read_all(&connection, &paths).await?).await?;
        *answered = true;
        let refresh = Instant::now() + REFRESH;
        loop {
            tokio::select! {
                () = sleep_until(refresh) => break,
                changed = units.changed() => {
                    changed.context("nobody watches any more")?;
                    break;
                }
                _ = listeners.join_next() => bail!("D-Bus closed the connection"),
                () = changes.noticed.notified() => {
                    sleep(SETTLE).await;
                    let Changed { paths: touched, reloaded } = changes.take();
                    if reloaded {
                        break;
                    }
                    let touched: BTreeMap<_, _> =
                        paths.iter().filter(|(path, _)| touched.contains(*path)).map(clone_pair).collect();
                    if !touched.is_empty() {
                        tell(events, systemd::read_all(&connection, &touched).await?).await?;
                    }
                }
            }
        }
    }
}

fn clone_pair<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

async fn tell(
    events: &mpsc::Sender<Event>,
    units: BTreeMap<String, crate::node::unit::Unit>,
) -> anyhow::Result<()> {
    events.send(Event::Units(units)).await.context("nobody listens any more")
}

/// What signals have told and nobody has looked at yet. Signals are taken off the connection by a task of
/// their own: while calls wait for answers, a full queue of signals would hold the answers back.
#[derive(Clone, Default)]
struct Changes {
    changed: Arc<Mutex<Changed>>,
    noticed: Arc<Notify>,
}

#[derive(Default)]
struct Changed {
    paths: BTreeSet<String>,
    reloaded: bool,
}

impl Changes {
    fn take(&self) -> Changed {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, note: impl FnOnce(&mut Changed)) {
        note(&mut self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        self.noticed.notify_one();
    }

    /// Takes in signals of changed units and of a re-read configuration until the connection ends.
    async fn listen(&self, connection: &Connection, tasks: &mut JoinSet<()>) -> zbus::Result<()> {
        let from_systemd = || MatchRule::builder().msg_type(Type::Signal).sender(SYSTEMD);
        let changed = from_systemd()
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .path_namespace(UNITS)
            .build()?;
        let reloading = from_systemd().interface(MANAGER).member("Reloading").build()?;
        let mut changed = MessageStream::for_match_rule(changed, connection, NonZeroUsize::new(256)).await?;
        let mut reloading = MessageStream::for_match_rule(reloading, connection, None).await?;
        let (changes, reloads) = (self.clone(), self.clone());
        tasks.spawn(async move {
            while let Some(Ok(message)) = changed.next().await {
                if let Some(path) = message.header().path() {
                    changes.note(|changed| {
                        changed.paths.insert(path.to_string());
                    });
                }
            }
        });
        tasks.spawn(async move {
            while let Some(Ok(_)) = reloading.next().await {
                reloads.note(|changed| changed.reloaded = true);
            }
        });
        Ok(())
    }
}
