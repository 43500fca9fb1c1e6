//! The agent's door to the helper: jobs of the heart go in, news come out.

use std::path::PathBuf;

use nuvol_community::address::HostId;
use nuvol_community::object;
use tokio::sync::mpsc;

use super::client::ask;
use super::protocol::{Cause, Final, Line, Outcome, Power, Request, Size};
use crate::mesh::{Endpoint, MeshKey, Own, Path, Peer, PeerStatus, Status, TincName, Why};
use crate::node::command;
use crate::node::community::{MeshPath, MeshPaths, MeshPeer, MeshWork, NoPath};
use crate::node::operation::Trouble;
use crate::node::service::Text;
use crate::node::{Event, Job, News, Ticket, Usage, Yield};

/// Has the helper do a job and tells of it as events.
pub async fn help(socket: PathBuf, ticket: Ticket, job: Job, events: mpsc::Sender<Event>) {
    let request = request(&job);
    // Steps come from a closure that cannot wait; they are a few words each, and the last one counts.
    let (steps, mut heard) = mpsc::unbounded_channel();
    let asking = ask(&socket, &request, move |step| {
        steps.send(step).ok();
    });
    tokio::pin!(asking);
    let last = loop {
        tokio::select! {
            biased;
            Some(step) = heard.recv() => {
                events.send(Event::Helper(ticket, News::Step(step))).await.ok();
            }
            last = &mut asking => break last,
        }
    };
    let news = match last {
        Ok(last) => news(&job, last),
        Err(error) => News::Failed(Trouble::HelperAway { detail: Text::from(format!("{error:#}")) }),
    };
    // Only when the agent ends does nobody listen any more.
    events.send(Event::Helper(ticket, news)).await.ok();
}

fn request(job: &Job) -> Request {
    match job.clone() {
        Job::Switch { service, on } => Request::Switch { service, on },
        Job::Restart { service } => Request::Restart { service },
        Job::Configure { service, settings } => Request::Configure { service, settings },
        Job::Settings { service } => Request::Settings { service },
        Job::Logs { service, lines } => Request::Logs { service, lines },
        Job::Usage { service } => Request::Usage { service },
        Job::Firewall => Request::Firewall,
        Job::Rename { name } => Request::Rename { name },
        Job::MeshKey => Request::MeshKey,
        Job::Mesh(work) => mesh_apply(&work),
        Job::MeshLeave => Request::MeshLeave,
        Job::MeshStatus => Request::MeshStatus,
        Job::Reboot => Request::Power { how: Power::Reboot },
        Job::PowerOff => Request::Power { how: Power::Off },
    }
}

fn news(job: &Job, last: Final) -> News {
    match last {
        Final::Done(outcome) => News::Done(gain(job, outcome)),
        Final::Refused { why } => News::Failed(Trouble::Other { detail: Text::from(why) }),
        Final::Failed { cause, detail } => News::Failed(trouble(cause, detail)),
    }
}

fn gain(job: &Job, outcome: Outcome) -> Yield {
    match (job, outcome) {
        (_, Outcome::Lines(lines)) => Yield::Lines(lines.into_iter().map(line).collect()),
        (Job::Usage { service }, Outcome::Usage(sizes)) => {
            Yield::Usage { service: service.clone(), usage: sum(&sizes) }
        }
        (
            Job::Settings { service }
            | Job::Switch { service, .. }
            | Job::Restart { service }
            | Job::Configure { service, .. },
            Outcome::Settings { values, shown },
        ) => Yield::Settings { service: service.clone(), settings: values, shown },
        (Job::MeshKey, Outcome::MeshKey { key }) => Yield::MeshKey(key.der().to_vec()),
        (Job::MeshStatus, Outcome::Mesh(status)) => Yield::Mesh(paths(&status)),
        _ => Yield::Nothing,
    }
}

/// Whose key or endpoints make no sense to the mesh is left out: others must not suffer for it.
fn mesh_apply(work: &MeshWork) -> Request {
    let peer = |it: &MeshPeer| {
        let endpoint = |it: &object::Endpoint| Endpoint::new(it.host.as_str(), it.port).ok();
        let endpoints = it.endpoints.iter().filter_map(endpoint).collect();
        Some(Peer { address: it.address, key: MeshKey::from_der(&it.key).ok()?, endpoints, near: it.near })
    };
    let own = Own { address: work.address, prefix: work.prefix };
    Request::MeshApply { own, peers: work.peers.iter().filter_map(peer).collect() }
}

fn paths(status: &Status) -> MeshPaths {
    let host = |name: &TincName| HostId(name.0);
    let path = |it: &PeerStatus| match &it.path {
        Some(Path::Direct) => MeshPath::Direct,
        Some(Path::DirectTcp) => MeshPath::DirectTcp,
        Some(Path::Relayed { via }) => MeshPath::Relayed(via.as_ref().map(host)),
        Some(Path::Untried { .. }) => MeshPath::Untried,
        None => MeshPath::None(it.trouble.as_ref().map(|it| match it.why {
            Why::CannotConnect => NoPath::CannotConnect,
            Why::NoAnswer => NoPath::NoAnswer,
            Why::NotBelieved => NoPath::NotBelieved,
            Why::HungUp => NoPath::HungUp,
        })),
    };
    status.peers.iter().map(|it| (host(&it.name), path(it))).collect()
}

fn line(Line { time_s, unit, level, text }: Line) -> command::Line {
    command::Line { time_s, unit, level, text: Text::from(text) }
}

/// In steps, so that not every file is news.
fn sum(sizes: &[Size]) -> Usage {
    let bytes = sizes.iter().map(|size| size.bytes).fold(0, u64::saturating_add);
    Usage { bytes: bytes >> 12 << 12, at_least: sizes.iter().any(|size| size.at_least) }
}

fn trouble(cause: Cause, detail: String) -> Trouble {
    match cause {
        Cause::PortTaken { port, protocol, by } => {
            Trouble::PortTaken { port, protocol, by: (!by.is_empty()).then_some(by) }
        }
        Cause::JobFailed { unit, result } => Trouble::JobFailed { unit, result },
        Cause::DiskFull => Trouble::DiskFull,
        Cause::Systemd => Trouble::SystemdAway,
        Cause::Other => Trouble::Other { detail: Text::from(detail) },
    }
}
