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
/// The next endpoint is called where one before has failed, or has not answered within this: whoever invites would let the
/// node in as often as it is called.
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
    let mut endpoints = invitation.endpoints.clone().into_iter();
    let mut calls = tokio::task::JoinSet::new();
    let mut unknown = false;
    loop {
        let mut wait = Duration::MAX;
        if let Some(endpoint) = endpoints.next() {
            wait = NEXT_CALL;
            let request = request.to_vec();
            calls.spawn(async move { call::knock(&endpoint, request).await });
        }
        match tokio::time::timeout(wait, calls.join_next()).await {
            Ok(None) => return unknown.then_some(Answer::No(Why::Unknown)),
            Ok(Some(Ok(Ok(Called::Answer(bytes))))) => {
                if let Ok(answer) = Answer::read(&bytes, invitation, request) {
                    return Some(answer);
                }
            }
            Ok(Some(Ok(Ok(Called::Unknown)))) => unknown = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use nuvol_community::address::CommunityId;
    use nuvol_community::identity::NodeKey;
    use nuvol_community::invitation::{Invitation, Secret};
    use nuvol_community::object::Endpoint;
    use nuvol_community::text::Name;
    use tokio::net::TcpListener;

    use super::once;

    /// Hangs up on whoever calls, and counts them.
    async fn rude() -> (Endpoint, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::<AtomicUsize>::default();
        let count = calls.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        (Endpoint::new("127.0.0.1", port).unwrap(), calls)
    }

    #[tokio::test]
    async fn each_endpoint_is_called_once() {
        let rude = [rude().await, rude().await, rude().await];
        let endpoints = rude.iter().map(|(endpoint, _)| endpoint.clone()).collect();
        let name = Name::new("one").unwrap();
        let inviter = NodeKey::from_bytes(&[1; 32]).id();
        let invitation =
            Invitation::new(CommunityId([1; 16]), inviter, Secret([2; 16]), u64::MAX, name, endpoints);
        assert!(once(&invitation, b"request").await.is_none());
        for (_, calls) in &rude {
            assert_eq!(calls.load(Ordering::Relaxed), 1);
        }
    }
}
