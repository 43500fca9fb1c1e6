//! Sockets between members: datagrams, and one question with one answer on a stream.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use nuvol_community::gossip::{MESSAGE_LIMIT_BYTES, PORT};
use nuvol_community::seal::OVERHEAD_BYTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::desk::Letter;

/// No message on a stream is longer, sealed.
const LIMIT: usize = MESSAGE_LIMIT_BYTES + OVERHEAD_BYTES;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TALK_TIMEOUT: Duration = Duration::from_secs(15);
/// So many members are answered at a time.
const TALKS: usize = 16;

/// A datagram, and where it came from.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: Ipv6Addr,
    pub(super) bytes: Vec<u8>,
}

/// This node's end of the mesh.
pub(super) struct Line {
    pub(super) socket: Arc<UdpSocket>,
    /// Ends with the line.
    _listening: tokio::task::JoinSet<()>,
}

impl Line {
    /// Opens both sockets at this node's address; it is there when the mesh is.
    pub(super) async fn open(address: Ipv6Addr, inbox: mpsc::Sender<Letter>) -> io::Result<Self> {
        let place = at(address);
        let socket = Arc::new(UdpSocket::bind(place).await?);
        // Before it has said so once, nothing can be sent, and the first call to the others would be lost.
        socket.writable().await?;
        let listener = TcpListener::bind(place).await?;
        let mut listening = tokio::task::JoinSet::new();
        listening.spawn(listen(listener, inbox));
        Ok(Self { socket, _listening: listening })
    }
}

pub(super) fn at(address: Ipv6Addr) -> SocketAddr {
    SocketAddr::V6(SocketAddrV6::new(address, PORT, 0, 0))
}

/// The next datagram; without a socket there never is one.
pub(super) async fn receive(socket: Option<Arc<UdpSocket>>) -> Datagram {
    let Some(socket) = socket else { return std::future::pending().await };
    let mut buffer = vec![0; 2048];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, SocketAddr::V6(from))) => {
                buffer.truncate(length);
                return Datagram { from: *from.ip(), bytes: buffer };
            }
            Ok(_) => {}
            // Somebody's port was closed, or the mesh is going down: nothing that is to be done here.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn listen(listener: TcpListener, inbox: mpsc::Sender<Letter>) {
    let talks = Arc::new(Semaphore::new(TALKS));
    loop {
        let Ok(permit) = talks.clone().acquire_owned().await else { return };
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let inbox = inbox.clone();
        tokio::spawn(async move {
            tokio::time::timeout(TALK_TIMEOUT, answer(stream, from, inbox)).await.ok();
            drop(permit);
        });
    }
}

async fn answer(mut stream: TcpStream, from: SocketAddr, inbox: mpsc::Sender<Letter>) -> Option<()> {
    let SocketAddr::V6(from) = from else { return None };
    let bytes = read(&mut stream).await?;
    let (reply, answer) = oneshot::channel();
    inbox.send(Letter::Asked { from: *from.ip(), bytes, reply }).await.ok()?;
    write(&mut stream, &answer.await.ok()?).await
}

/// Asks a member; nothing where it does not answer in time.
pub(super) async fn ask(address: Ipv6Addr, bytes: Vec<u8>) -> Option<Vec<u8>> {
    let connect = TcpStream::connect(at(address));
    let mut stream = tokio::time::timeout(CONNECT_TIMEOUT, connect).await.ok()?.ok()?;
    let talk = async {
        write(&mut stream, &bytes).await?;
        read(&mut stream).await
    };
    tokio::time::timeout(TALK_TIMEOUT, talk).await.ok()?
}

async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = usize::try_from(stream.read_u32().await.ok()?).ok()?;
    if length > LIMIT {
        return None;
    }
    // As it comes: whoever promises much and sends nothing takes no memory.
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await.ok()?;
    (bytes.len() == length).then_some(bytes)
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> Option<()> {
    stream.write_u32(u32::try_from(bytes.len()).ok()?).await.ok()?;
    stream.write_all(bytes).await.ok()?;
    stream.flush().await.ok()
}
