//! The helper's side: takes connections, looks who is there, and ends when nobody has come for a while.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::protocol::{Answer, Final, REQUEST_LIMIT_BYTES, Request};
use super::verbs::Helper;
use crate::journal;
use crate::node::Level;

/// A request is one line, written at once.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Whoever asked and does not listen is not waited for.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Whoever has its answer closes the connection; nobody else is waited for.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// The agent asks one thing after the other; more than this at once is somebody's mistake.
const GUESTS_LIMIT: usize = 16;

/// How connections are dealt with.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The users that may ask.
    pub peers: BTreeSet<u32>,
    /// The helper ends when nobody has come for so long.
    pub idle: Duration,
}

/// Serves until nobody comes any more.
pub async fn serve(listener: UnixListener, helper: Helper, rules: Rules) -> anyhow::Result<()> {
    let desk = Arc::new(Desk { helper, peers: rules.peers, one_at_a_time: Mutex::new(()) });
    let mut guests: JoinSet<()> = JoinSet::new();
    loop {
        tokio::select! {
            accepted = timeout(rules.idle, listener.accept()), if guests.len() < GUESTS_LIMIT => match accepted {
                Ok(accepted) => {
                    let (stream, _) = accepted.context("taking a connection")?;
                    guests.spawn(Arc::clone(&desk).attend(stream));
                }
                Err(_) if guests.is_empty() => return Ok(()),
                Err(_) => {}
            },
            Some(ended) = guests.join_next() => {
                if let Err(error) = ended {
                    journal::write(Level::Error, &format!("a request broke the helper: {error}"));
                }
            }
        }
    }
}

struct Desk {
    helper: Helper,
    peers: BTreeSet<u32>,
    /// Two that change the node at once would undo each other's work.
    one_at_a_time: Mutex<()>,
}

impl Desk {
    async fn attend(self: Arc<Self>, mut stream: UnixStream) {
        let uid = stream.peer_cred().map(|peer| peer.uid());
        let last = match uid {
            Ok(uid) if self.peers.contains(&uid) => match read(&mut stream).await {
                Ok(request) => self.answer(uid, &request, &mut stream).await,
                Err(why) => refused(&format!("user {uid}"), why),
            },
            Ok(uid) => refused(&format!("user {uid}"), "this user may not ask the helper".to_owned()),
            Err(error) => refused("somebody", format!("nobody knows who asks: {error}")),
        };
        // Whoever asked may be gone; what was done is done, and the journal has it.
        send(&mut stream, &last.into()).await.ok();
        drain(stream).await;
    }

    async fn answer(&self, uid: u32, request: &Request, stream: &mut UnixStream) -> Final {
        let words = request.words();
        let changes = matches!(
            request,
            Request::Switch { .. }
                | Request::Restart { .. }
                | Request::Configure { .. }
                | Request::Firewall
                | Request::Rename { .. }
                | Request::Power { .. }
                | Request::MeshKey
                | Request::MeshApply { .. }
                | Request::MeshLeave
        );
        let turn = if changes { Some(self.one_at_a_time.lock().await) } else { None };
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut on_step = |step| {
            // Nobody listens any more: no reason to stop half way.
            tell.send(step).ok();
        };
        let mut work = std::pin::pin!(self.helper.handle(request, &mut on_step));
        let last = loop {
            tokio::select! {
                biased;
                Some(step) = told.recv() => {
                    send(stream, &Answer::Step(step)).await.ok();
                }
                last = &mut work => break last,
            }
        };
        while let Ok(step) = told.try_recv() {
            send(stream, &Answer::Step(step)).await.ok();
        }
        drop(turn);
        let level = if matches!(last, Final::Done(_)) { Level::Info } else { Level::Warning };
        journal::write(level, &format!("user {uid}: {words}: {}", last.words()));
        last
    }
}

fn refused(who: &str, why: String) -> Final {
    journal::write(Level::Warning, &format!("{who}: refused: {why}"));
    Final::Refused { why }
}

/// Reads up to the first line end. What came with it in the same breath is a second line, and refused.
async fn read(stream: &mut UnixStream) -> Result<Request, String> {
    let mut bytes = Vec::new();
    let whole = async {
        let mut chunk = vec![0; 16 << 10];
        let mut ended = false;
        while bytes.len() <= Request::limit(&bytes) && !ended {
            match stream.read(&mut chunk).await {
                Ok(0) => break,
                Ok(length) => {
                    bytes.extend_from_slice(&chunk[..length]);
                    ended = chunk[..length].contains(&b'\n');
                }
                Err(error) => return Err(format!("the request cannot be read: {error}")),
            }
        }
        Ok(())
    };
    timeout(REQUEST_LIMIT, whole).await.map_err(|_| "the request does not end".to_owned())??;
    Request::read(&bytes)
}

/// Takes in what still comes, for a while: a connection that is closed before all was read loses its answer.
async fn drain(mut stream: UnixStream) {
    let all = async {
        stream.shutdown().await?;
        let mut rest = stream.take(4 * REQUEST_LIMIT_BYTES as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    timeout(DRAIN_LIMIT, all).await.ok();
}

async fn send(stream: &mut UnixStream, answer: &Answer) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    timeout(ANSWER_LIMIT, stream.write_all(&line)).await??;
    Ok(())
}
