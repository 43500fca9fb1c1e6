//! The line by which an open page hears that something has changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::context::state;
use super::session::Visit;
use crate::node::rights::Right;
use crate::node::snapshot::Snapshot;

/// A line of events ends by itself before the connection does; browsers open another.
const EVENTS_TIME: Duration = Duration::from_secs(50);
/// Changes that come together are told once.
const SETTLE: Duration = Duration::from_millis(300);
/// For so long browsers wait before they open another line.
const RETRY: Duration = Duration::from_secs(1);

/// What the page that listens was made from.
#[derive(Deserialize)]
pub(super) struct Made {
    /// The state of the node that it shows.
    #[serde(default)]
    seen: String,
}

/// Says `changed` whenever something has, and nothing about what: the page asks for itself again. Something may have
/// changed after the page was made and before its line was open, or between two lines. So each line begins where its
/// page stands: at the state that it was made from, or that the line before told of last (`Last-Event-ID`).
pub(super) async fn events(visit: Visit, Query(made): Query<Made>, headers: HeaderMap) -> Response {
    if let Err(refusal) = visit.must(Right::See) {
        return refusal;
    }
    let told = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let line = Line {
        seen: told.unwrap_or(made.seen),
        run: visit.handle.run.clone(),
        snapshot: visit.handle.snapshot.clone(),
        until: Instant::now() + EVENTS_TIME,
    };
    // Without data it is no event, and yet browsers heed it.
    let opening = Event::default().retry(RETRY);
    let changes = stream::unfold(line, |mut line| async { Some((line.next().await?, line)) });
    let events = stream::once(async { opening }).chain(changes).map(Ok::<_, Infallible>);
    let no_buffer = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (no_buffer, Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
        .into_response()
}

/// One line of events.
struct Line {
    /// The state that its page shows, as far as is known here.
    seen: String,
    run: Arc<str>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    until: Instant,
}

impl Line {
    /// The next change, at once where the page is behind already. Nothing when the line's time is up.
    async fn next(&mut self) -> Option<Event> {
        if self.now() == self.seen {
            timeout_at(self.until, self.snapshot.changed()).await.ok()?.ok()?;
            sleep(SETTLE).await;
        }
        self.seen = self.now();
        // Browsers pass over events without data.
        Some(Event::default().event("changed").data("now").id(&self.seen))
    }

    fn now(&mut self) -> String {
        state(&self.run, &self.snapshot.borrow_and_update())
    }
}
