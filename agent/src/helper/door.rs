//! The agent's door to the helper: jobs of the heart go in, news come out.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::client::ask;
use super::protocol::{Cause, Final, Line, Outcome, Power, Request, Size};
use crate::node::command;
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
        (Job::Settings { service }, Outcome::Settings { values, shown }) => {
            Yield::Settings { service: service.clone(), settings: values, shown }
        }
        _ => Yield::Nothing,
    }
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
