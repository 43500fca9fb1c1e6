//! The gossip door: it keeps what the community has signed, talks with other members over the mesh, and joins.
//!
//! Orders of the heart go in, what is told of the community comes out ([`Told`]). What it speaks, and what is believed,
//! is the crate `nuvol-community`; here are sockets, files and clocks.

use std::path::PathBuf;
use std::time::Duration;

use nuvol_community::gossip::Timing;
use nuvol_community::identity::NodeKey;
use tokio::sync::mpsc;

use crate::node::Event;
use crate::node::community::Order;

mod call;
mod desk;
mod join;
mod line;
mod orders;
mod shelf;
#[cfg(test)]
mod tests;
mod view;

use desk::Desk;

/// What the door is given.
pub struct Options {
    /// Folder of what survives a reboot.
    pub state: PathBuf,
    /// The node's key.
    pub key: NodeKey,
    /// How patient members are with each other.
    pub timing: Timing,
    /// Time since boot.
    pub uptime: fn() -> Duration,
    /// Unix time.
    pub unix: fn() -> Duration,
}

/// Keeps the community until the agent ends.
pub async fn run(options: Options, mut orders: mpsc::Receiver<Order>, events: mpsc::Sender<Event>) {
    let (inbox, mut letters) = mpsc::channel(64);
    let mut desk = Desk::new(options, events, inbox);
    desk.open().await;
    loop {
        let wake = desk.wake();
        tokio::select! {
            order = orders.recv() => match order {
                Some(order) => desk.follow(order).await,
                // Only when the agent ends does nobody order any more.
                None => return,
            },
            Some(letter) = letters.recv() => desk.read(letter).await,
            datagram = line::receive(desk.socket()) => desk.hear(&datagram).await,
            () = tokio::time::sleep(wake) => desk.tick().await,
        }
        desk.tell().await;
    }
}
