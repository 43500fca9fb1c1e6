//! Sockets to requests, with a limit on everything a stranger can make us keep: connections, bytes and time.

use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Layer;

use super::peer::Peer;
use crate::guests::Guests;

/// For the TLS handshake, and for the head of each request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// For a whole connection; browsers open another when they need one, for live events too.
const CONNECTION_LIMIT: Duration = Duration::from_secs(60);
/// For the answer that is on its way when the time is up.
const FAREWELL_LIMIT: Duration = Duration::from_secs(5);
/// Connections at one time.
pub const GUESTS: usize = 128;
/// Connections at one time from one address: a browser opens six to a host.
pub const GUESTS_EACH: usize = 24;
/// The head of a request: longer ones get 431. Bodies have a limit of their own.
const HEAD_LIMIT_BYTES: usize = 16 * 1024;

/// What a listener does with those who come.
#[derive(Clone)]
pub enum Door {
    /// Speaks HTTP.
    Plain,
    /// Speaks HTTPS.
    Tls(TlsAcceptor),
    /// Hangs up: there is no certificate. Better than to let them wait.
    Shut,
}

/// Serves one listener for ever.
pub async fn serve(listener: TcpListener, door: Door, app: Router, guests: Guests) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                if let Some(place) = guests.seat(from.ip()) {
                    let (door, app) = (door.clone(), app.clone());
                    let guests = guests.clone();
                    tokio::spawn(async move {
                        greet(stream, door, app, &guests).await;
                        drop(place);
                    });
                }
            }
            // The guest has gone already, or file descriptors have run out: both pass.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn greet(stream: TcpStream, door: Door, app: Router, guests: &Guests) {
    let (Ok(from), Ok(at)) = (stream.peer_addr(), stream.local_addr()) else { return };
    let peer = |secure| Peer::new(from, at, secure, guests);
    match door {
        Door::Plain => talk(stream, app, peer(false)).await,
        Door::Tls(acceptor) => {
            if let Ok(Ok(stream)) = timeout(HEAD_LIMIT, acceptor.accept(stream)).await {
                talk(stream, app, peer(true)).await;
            }
        }
        Door::Shut => drop(stream),
    }
}

/// A connection that breaks is the guest's affair and not worth a line in the journal.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: S, app: Router, peer: Peer) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_LIMIT_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(Extension(peer).layer(app)));
    tokio::pin!(connection);
    if timeout(CONNECTION_LIMIT, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        timeout(FAREWELL_LIMIT, connection).await.ok();
    }
}
