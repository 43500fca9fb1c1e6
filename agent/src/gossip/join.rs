//! Takes up an invitation, as long as it takes.

use std::time::Duration;

use nuvol_community::invitation::Invitation;
use nuvol_community::join::{Answer, Why};
use tokio::sync::mpsc;

use super::call::{self, Called};
use super::desk::Letter;
use crate::node::community::Joining;

/// Nobody answered: tried again after this, twice as long each time, up to the limit.
const TRY_AGAIN: Duration = Duration::from_secs(2);
const TRY_AGAIN_LIMIT: Duration = Duration::from_secs(60);
/// The next endpoint is called where the one before has not answered within this: whoever invites would let the node in
/// as often as it is called.
const NEXT_CALL: Duration = Duration::from_millis(400);
/// Somebody has to say yes: asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(3);

/// Calls the one who invited until it lets this node in, or does not.
pub(super) async fn join(invitation: Invitation, request: Vec<u8>, inbox: mpsc::Sender<Letter>) {
    let mut pause = TRY_AGAIN;
    loop {
        let joining = match once(&invitation, &request).await {
            Some(Answer::Welcome(board)) => {
                inbox.send(Letter::Welcome { invitation, board: board.into() }).await.ok();
                return;
            }
            Some(Answer::No(why)) => {
                inbox.send(Letter::Joining(Joining::Refused(why))).await.ok();
                return;
            }
            Some(Answer::Wait) => {
                pause = TRY_AGAIN;
                Joining::Waiting
            }
            None => {
                pause = (pause * 2).min(TRY_AGAIN_LIMIT);
                Joining::Unreachable
            }
        };
        inbox.send(Letter::Joining(joining)).await.ok();
        tokio::time::sleep(if joining == Joining::Waiting { ASK_AGAIN } else { pause }).await;
    }
}

/// The endpoints one soon after the other: the first answer that is the inviter's counts. That one of them does not know
/// the invitation says nothing while another may, for addresses of homes are the same everywhere.
async fn once(invitation: &Invitation, request: &[u8]) -> Option<Answer> {
    let mut calls = tokio::task::JoinSet::new();
    for (wait, endpoint) in (0..).zip(invitation.endpoints.clone()) {
        let request = request.to_vec();
        calls.spawn(async move {
            tokio::time::sleep(NEXT_CALL * wait).await;
            call::knock(&endpoint, request).await
        });
    }
    let mut unknown = false;
    while let Some(called) = calls.join_next().await {
        match called {
            Ok(Ok(Called::Answer(bytes))) => {
                if let Ok(answer) = Answer::read(&bytes, invitation, request) {
                    return Some(answer);
                }
            }
            Ok(Ok(Called::Unknown)) => unknown = true,
            _ => {}
        }
    }
    unknown.then_some(Answer::No(Why::Unknown))
}
