//! The agent's side: asks the helper and listens until it is done.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::protocol::{ANSWER_LIMIT_BYTES, Answer, Final, Request};
use crate::node::operation::Step;

/// Where the helper listens.
pub const SOCKET: &str = "/run/nuvol-helper.sock";

/// systemd starts the helper for us; more than this and there is none.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Between two answers about something that starts: units may take five minutes, and be put back as they were.
const START_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Between two answers about anything else.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Asks the helper that listens at `socket`, and gives its last answer. An error means that there is no such
/// answer: the helper is away, or fell silent, or talks nonsense.
pub async fn ask(socket: &Path, request: &Request, mut on_step: impl FnMut(Step)) -> anyhow::Result<Final> {
    let away = || format!("the helper is away: nothing answers at `{}`", socket.display());
    let stream = timeout(CONNECT_LIMIT, UnixStream::connect(socket))
        .await
        .map_err(|_| anyhow!("it takes longer than {} s", CONNECT_LIMIT.as_secs()))
        .and_then(|connected| connected.map_err(Into::into))
        .with_context(away)?;
    let (reader, mut writer) = stream.into_split();
    let mut line = serde_json::to_vec(request).context("writing a request")?;
    line.push(b'\n');
    timeout(CONNECT_LIMIT, writer.write_all(&line))
        .await
        .map_err(|_| anyhow!("the helper does not listen"))?
        .context("the helper closed the connection")?;
    let limit = match request {
        Request::Switch { .. } | Request::Restart { .. } | Request::Configure { .. } => START_LIMIT,
        _ => ANSWER_LIMIT,
    };
    let mut answers = BufReader::new(reader.take(ANSWER_LIMIT_BYTES as u64));
    loop {
        let mut line = Vec::new();
        let read = timeout(limit, answers.read_until(b'\n', &mut line)).await;
        let read = read.map_err(|_| anyhow!("the helper has said nothing for {} s", limit.as_secs()))?;
        read.context("listening to the helper")?;
        if line.last() != Some(&b'\n') {
            bail!("the helper ended before it was done");
        }
        let answer: Answer = serde_json::from_slice(&line).context("the helper's answer cannot be read")?;
        match answer {
            Answer::Step(step) => on_step(step),
            Answer::Done(outcome) => return Ok(Final::Done(outcome)),
            Answer::Refused { why } => return Ok(Final::Refused { why }),
            Answer::Failed { cause, detail } => return Ok(Final::Failed { cause, detail }),
        }
    }
}
