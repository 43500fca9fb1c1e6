//! One member over true UDP and TCP, for measuring beside other programs: `gossip_node NUMBER NODES lan|wan`.
//!
//! Member N is at 127.0.1.N. Datagrams are sealed; what goes over streams is not, and what is shared is not signed.
//! A line on its input, `publish TEXT`, says something new. It prints `seen VERSION MS`, `dead NUMBER MS` and `live COUNT MS`
//! with the Unix time in milliseconds.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nuvol_community::address::{CommunityId, HostId};
use nuvol_community::gossip::{Gossip, Liveness, MESSAGE_LIMIT_BYTES, Output, PORT, Pool, Taken, Timing};
use nuvol_community::identity::NodeKey;
use nuvol_community::members::{Certified, Members};
use nuvol_community::object::Role;
use nuvol_community::seal::{Channel, Opener, Sealer};
use nuvol_community::text::Name;

#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/simulator/heap.rs"]
mod heap;
#[allow(dead_code, reason = "only its traits are needed")]
#[path = "../tests/simulator/world.rs"]
mod world;

use heap::{Heap, object};

const COMMUNITY: CommunityId = CommunityId([1; 16]);
const STREAM_TIMEOUT: Duration = Duration::from_secs(5);

enum Event {
    Datagram(Vec<u8>),
    Asked(HostId, Vec<u8>, TcpStream),
    Answered(HostId, Option<Vec<u8>>),
    Publish,
}

fn key(number: u8) -> NodeKey {
    NodeKey::from_bytes(&[number; 32])
}

fn place(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, number)
}

fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [number, nodes, timing] = &words[..] else { return Err("gossip_node NUMBER NODES lan|wan".into()) };
    let (number, nodes): (u8, u8) = (number.parse()?, nodes.parse()?);
    let timing = if timing == "lan" { Timing::Lan } else { Timing::Wan };
    let name = Name::new("a node")?;
    let certified = (2..=nodes).map(|it| Certified {
        author: key(1).id(),
        member: key(it).id(),
        version: 1,
        name: &name,
        role: Role::Member,
    });
    let members = Members::new(key(1).id(), &name, certified, []);
    let numbers: BTreeMap<HostId, u8> = (1..=nodes).map(|it| (HostId::from(&key(it).id()), it)).collect();
    let me = HostId::from(&key(number).id());
    let socket = UdpSocket::bind((place(number), PORT))?;
    let (events, inbox) = channel();
    listen(number, &socket, events.clone())?;
    let begun = Instant::now();
    let seed = unix().as_nanos() as u64;
    let mut node = Node {
        gossip: Gossip::new(me, unix().as_secs() as u32, timing, seed, Duration::ZERO),
        pool: Heap::default(),
        sealer: Sealer::new(Channel::Datagram, COMMUNITY, me, unix().as_micros() as u64),
        opener: Opener::new(Channel::Datagram),
        key: key(number),
        members,
        numbers,
        number,
        socket,
        events,
        begun,
        live: 0,
        dead: BTreeMap::new(),
    };
    let all = node.numbers.keys().copied().collect();
    let outputs = node.gossip.set_members(Duration::ZERO, all);
    node.carry_out(outputs);
    node.run(&inbox);
    Ok(())
}

/// Threads that wait for what comes, and hand it over.
fn listen(number: u8, socket: &UdpSocket, events: Sender<Event>) -> std::io::Result<()> {
    let (datagrams, input) = (events.clone(), events.clone());
    let socket = socket.try_clone()?;
    std::thread::spawn(move || {
        let mut bytes = [0; 2048];
        while let Ok(length) = socket.recv(&mut bytes) {
            datagrams.send(Event::Datagram(bytes[..length].to_vec())).ok();
        }
    });
    let listener = TcpListener::bind((place(number), PORT))?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(STREAM_TIMEOUT)).ok();
            let events = events.clone();
            std::thread::spawn(move || {
                let mut from = [0; 8];
                if stream.read_exact(&mut from).is_ok()
                    && let Some(message) = read_message(&mut stream)
                {
                    events.send(Event::Asked(HostId(u64::from_be_bytes(from)), message, stream)).ok();
                }
            });
        }
    });
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line.starts_with("publish") {
                input.send(Event::Publish).ok();
            }
        }
    });
    Ok(())
}

fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    let mut message = vec![0; Some(length).filter(|it| *it <= MESSAGE_LIMIT_BYTES)?];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap_or_default().to_be_bytes(), message].concat()
}

fn ask(me: HostId, number: u8, message: &[u8]) -> Option<Vec<u8>> {
    let mut stream =
        TcpStream::connect_timeout(&SocketAddr::from((place(number), PORT)), STREAM_TIMEOUT).ok()?;
    stream.set_read_timeout(Some(STREAM_TIMEOUT)).ok()?;
    stream.write_all(&[&me.0.to_be_bytes(), &*framed(message)].concat()).ok()?;
    read_message(&mut stream)
}

struct Node {
    gossip: Gossip,
    pool: Heap,
    sealer: Sealer,
    opener: Opener,
    key: NodeKey,
    members: Members,
    numbers: BTreeMap<HostId, u8>,
    number: u8,
    socket: UdpSocket,
    events: Sender<Event>,
    begun: Instant,
    live: usize,
    dead: BTreeMap<u8, Duration>,
}

impl Node {
    fn run(&mut self, inbox: &Receiver<Event>) {
        loop {
            let now = self.begun.elapsed();
            let wait = self.gossip.wake().saturating_sub(now).max(Duration::from_millis(1));
            let event = inbox.recv_timeout(wait).ok();
            let outputs = self.happen(event);
            self.carry_out(outputs);
            self.tell();
        }
    }

    fn happen(&mut self, event: Option<Event>) -> Vec<Output> {
        let (now, unix_s) = (self.begun.elapsed(), unix().as_secs());
        let had: Vec<u64> = self.pool.labels().map(|it| it.version).collect();
        let me = HostId::from(&self.key.id());
        let outputs = match event {
            None => Vec::new(),
            Some(Event::Datagram(bytes)) => match self.opener.open(&COMMUNITY, &self.members, me, &bytes) {
                Ok(message) => self.gossip.datagram(now, unix_s, &mut self.pool, message.from, message.body),
                Err(_) => Vec::new(),
            },
            Some(Event::Asked(from, message, mut stream)) => {
                let (answer, outputs) = self.gossip.asked(now, unix_s, &mut self.pool, from, &message);
                stream.write_all(&framed(&answer)).ok();
                outputs
            }
            Some(Event::Answered(with, answer)) => {
                self.gossip.answered(now, unix_s, &mut self.pool, with, answer.as_deref())
            }
            Some(Event::Publish) => {
                let version = unix().as_millis() as u64;
                match self.pool.offer(unix_s, &object(usize::from(self.number), version, 350)) {
                    Taken::New(label) => self.gossip.publish(now, &self.pool, [label.slot]),
                    _ => Vec::new(),
                }
            }
        };
        for label in self.pool.labels().filter(|it| !had.contains(&it.version)) {
            println!("seen {} {}", label.version, unix().as_millis());
        }
        let mut outputs = outputs;
        if self.gossip.wake() <= now {
            outputs.extend(self.gossip.tick(now, &self.pool));
        }
        outputs
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { to, bytes } => {
                    let Some(number) = self.numbers.get(&to) else { continue };
                    let sealed = self.sealer.seal(&self.key, to, &bytes);
                    self.socket.send_to(&sealed, (place(*number), PORT)).ok();
                }
                Output::Ask { with, message } => {
                    let Some(number) = self.numbers.get(&with).copied() else { continue };
                    let (events, me) = (self.events.clone(), HostId::from(&self.key.id()));
                    std::thread::spawn(move || {
                        events.send(Event::Answered(with, ask(me, number, &message))).ok()
                    });
                }
            }
        }
    }

    fn tell(&mut self) {
        let ms = unix().as_millis();
        if self.gossip.live_count() != self.live {
            self.live = self.gossip.live_count();
            println!("live {} {ms}", self.live);
        }
        for (host, number) in &self.numbers {
            if let Some(Liveness::Down(since)) = self.gossip.liveness(*host)
                && self.dead.insert(*number, since) != Some(since)
            {
                println!("dead {number} {ms}");
            }
        }
    }
}
