//! Joins heart and doors: one loop that hands events to the node and carries out its actions.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use nuvol_community::gossip::Timing;

use crate::bus::Bus;
use crate::guests::Guests;
use crate::http::Handle;
use crate::http::ask::Asker;
use crate::http::password::Hasher;
use crate::http::server::Door;
use crate::node::{Effect, Event, Level};
use crate::wiring::{Places, Wiring};
use crate::{bus, gossip, http, journal, machine, services, state};

/// How often the watchdog is told that all is well. A third of the unit's `WatchdogSec=` or less.
const TICK: Duration = Duration::from_secs(5);
/// Browsers and programs expect HTTPS here.
const HTTPS_PORT: u16 = 443;

/// What the agent is told on its command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the catalogue.
    pub services: PathBuf,
    /// Folder of what survives a reboot.
    pub state: PathBuf,
    /// Folder of what does not.
    pub runtime: PathBuf,
    /// Serve HTTP here besides systemd's sockets.
    pub listen: Option<SocketAddr>,
    /// Serve HTTPS here besides systemd's sockets.
    pub listen_tls: Option<SocketAddr>,
    /// The bus that systemd is on.
    pub bus: Bus,
    /// The helper's socket.
    pub helper: PathBuf,
    /// The hash of a claim code that was set before boot.
    pub preset: PathBuf,
    /// An invitation that was set before boot.
    pub invitation: PathBuf,
    /// How patient members of the community are with each other.
    pub timing: Timing,
}

/// Serves until it is told to stop.
pub async fn serve(options: Options, sockets: Vec<TcpListener>) -> anyhow::Result<()> {
    let mut stop = std::pin::pin!(stopped()?);
    let name = machine::name();
    let (plain, tls) = bind(&options, sockets)?;
    let (events_in, mut events) = mpsc::channel(64);
    let (questions_in, mut questions) = mpsc::channel(64);
    let (orders_in, orders) = mpsc::channel(64);
    let mut wiring = Wiring::new(&name, places(&options), events_in.clone(), orders_in);
    let identity = begin(&options, &mut wiring, &name);

    let mut tasks = JoinSet::new();
    let app = http::router(handle(&wiring, Asker(questions_in), &identity));
    let guests = Guests::new(http::server::GUESTS, http::server::GUESTS_EACH);
    let tls_door = identity.door;
    let doors = plain.into_iter().map(|listener| (listener, Door::Plain));
    for (listener, door) in doors.chain(tls.into_iter().map(|listener| (listener, tls_door.clone()))) {
        journal::write(Level::Info, &format!("serving {}", listener.local_addr()?));
        tasks.spawn(http::server::serve(listener, door, app.clone(), guests.clone()));
    }
    listen_near(&options, &wiring, &mut tasks, events_in.clone());
    tasks.spawn(bus::run(options.bus.clone(), wiring.watched.subscribe(), events_in.clone()));
    if let Some(key) = identity.community {
        tasks.spawn(gossip::run(gossip_options(&options, key), orders, events_in));
    }

    tell_systemd(NotifyState::Ready);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(event) = events.recv() => wiring.handle(event),
            Some(question) = questions.recv() => wiring.ask(question),
            _ = tick.tick() => {
                wiring.handle(Event::Addresses(machine::addresses()));
                wiring.handle(Event::Tick { name: machine::name(), disks: machine::disks(&options.state) });
                guests.set_mesh(wiring.snapshot.borrow().belonging.view.as_ref().map(|it| it.id.prefix()));
                tell_systemd(NotifyState::Watchdog);
            }
            Some(ended) = tasks.join_next() => {
                ended.context("a door of the agent broke down")?;
                anyhow::bail!("a door of the agent closed by itself");
            }
            () = &mut stop => break,
        }
    }
    tell_systemd(NotifyState::Stopping);
    Ok(())
}

/// Waits until the agent is told to stop.
fn stopped() -> anyhow::Result<impl Future<Output = ()>> {
    let mut stop = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = stop.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn places(options: &Options) -> Places {
    Places {
        state: options.state.clone(),
        runtime: options.runtime.clone(),
        helper: options.helper.clone(),
        preset: options.preset.clone(),
        invitation: options.invitation.clone(),
    }
}

fn handle(wiring: &Wiring, asker: Asker, identity: &Identity) -> Handle {
    Handle {
        snapshot: wiring.snapshot.subscribe(),
        asker,
        hasher: Hasher::default(),
        uptime: machine::uptime,
        unix_s: machine::unix_s,
        // No two runs begin at the same nanosecond since boot.
        run: format!("{:x}", machine::uptime().as_nanos()).into(),
        fingerprint: identity.fingerprint.as_str().into(),
        key: identity.key.as_str().into(),
    }
}

fn gossip_options(options: &Options, key: nuvol_community::identity::NodeKey) -> gossip::Options {
    gossip::Options {
        state: options.state.clone(),
        key,
        timing: options.timing,
        uptime: machine::uptime,
        unix: machine::unix,
    }
}

/// What the node is known by.
struct Identity {
    key: String,
    community: Option<nuvol_community::identity::NodeKey>,
    fingerprint: String,
    door: Door,
}

/// What is done once at start: the identity, the catalogue, what was saved.
fn begin(options: &Options, wiring: &mut Wiring, name: &str) -> Identity {
    let mut identity =
        Identity { key: String::new(), community: None, fingerprint: String::new(), door: Door::Shut };
    match state::node_key(&options.state) {
        Ok(key) => {
            identity.key = key.public();
            match key.for_community() {
                Ok(key) => identity.community = Some(key),
                Err(error) => wiring.trouble(Effect::NoIdentity, &error),
            }
            journal::write(Level::Info, &format!("this node's key is {}", identity.key));
            match tls_door(options, name, &key) {
                Ok((door, fingerprint)) => (identity.door, identity.fingerprint) = (door, fingerprint),
                Err(error) => wiring.trouble(Effect::HttpsOff, &error),
            }
        }
        Err(error) => wiring.trouble(Effect::NoIdentity, &error),
    }
    let services::Found { catalogue, problems } = services::read(&options.services);
    wiring.handle(Event::Catalogue(catalogue));
    problems.into_iter().for_each(|problem| wiring.handle(Event::Problem(problem)));
    wiring.restore();
    identity
}

/// HTTPS, and the fingerprint of the certificate, which the console shows.
fn tls_door(options: &Options, name: &str, key: &state::NodeKey) -> anyhow::Result<(Door, String)> {
    let certificate = state::certificate(&options.state, name, key)?;
    let acceptor = http::tls::acceptor(&certificate.pem)?;
    state::show_fingerprint(&options.runtime, &certificate.fingerprint)?;
    Ok((Door::Tls(acceptor), certificate.fingerprint))
}

type Listeners = Vec<tokio::net::TcpListener>;

/// The sockets for HTTP and those for HTTPS: systemd's, told apart by their port, and those of the options.
fn bind(options: &Options, sockets: Vec<TcpListener>) -> anyhow::Result<(Listeners, Listeners)> {
    let (mut plain, mut tls) = (Vec::new(), Vec::new());
    for socket in sockets {
        let port = socket.local_addr().context("looking at a socket from systemd")?.port();
        if port == HTTPS_PORT { tls.push(socket) } else { plain.push(socket) }
    }
    let open = |address: &SocketAddr| {
        TcpListener::bind(address).with_context(|| format!("listening on `{address}`"))
    };
    plain.extend(options.listen.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?);
    tls.extend(options.listen_tls.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?);
    if plain.is_empty() && tls.is_empty() {
        anyhow::bail!(
            "there is no socket to serve; start `nuvol-agent.socket`, or give `--listen 127.0.0.1:8080`"
        );
    }
    Ok((ready(plain)?, ready(tls)?))
}

fn ready(sockets: Vec<TcpListener>) -> anyhow::Result<Listeners> {
    let ready = sockets.into_iter().map(|socket| {
        socket.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(socket)
    });
    ready.collect::<std::io::Result<_>>().context("making a socket ready")
}

/// Avahi, in both directions.
fn listen_near(options: &Options, wiring: &Wiring, tasks: &mut JoinSet<()>, events: mpsc::Sender<Event>) {
    let (near_in, near) = mpsc::channel(4);
    let announced = wiring.announced.subscribe();
    tasks.spawn(bus::avahi::run(options.bus.clone(), bus::avahi::Pace::default(), announced, near_in));
    tasks.spawn(tell_near(near, events));
}

/// What is heard of the home network; where Avahi is away, that is nothing.
async fn tell_near(mut near: mpsc::Receiver<bus::avahi::Told>, events: mpsc::Sender<Event>) {
    while let Some(told) = near.recv().await {
        let found = match told {
            bus::avahi::Told::Near(found) => found,
            bus::avahi::Told::Away(why) => {
                journal::write(
                    Level::Info,
                    &format!("Avahi is away, so the home network is not heard: {why}"),
                );
                Vec::new()
            }
        };
        // Only when the agent ends does nobody listen any more.
        events.send(Event::Near(found)).await.ok();
    }
}

/// Without systemd there is nobody to tell, and that is no error.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        journal::write(Level::Warning, &format!("cannot tell systemd how the agent is: {error}"));
    }
}
