//! The agent's door to the helper.

use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::node::operation::Trouble;
use crate::node::service::Text;
use crate::node::{Event, Job, News, Ticket};

/// Has the helper do a job and tells of it.
pub async fn help(_socket: PathBuf, ticket: Ticket, _job: Job, events: mpsc::Sender<Event>) {
    let detail = Text::from("there is none yet".to_owned());
    events.send(Event::Helper(ticket, News::Failed(Trouble::HelperAway { detail }))).await.ok();
}
