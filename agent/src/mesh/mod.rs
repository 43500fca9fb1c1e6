//! The mesh as text: the files that tinc 1.0 reads, from members that somebody else has verified, and what it tells
//! about itself. Pure: no clock, no IO. The helper writes the files and asks the program.
//!
//! The mesh is a cable, not an authority. tinc believes whatever a member says of others, so nothing here comes from
//! tinc itself: every node has a file for each member and for nobody else, with the one address that follows from the
//! member's key, and `StrictSubnets` keeps it at that.

mod choice;
pub mod dump;
pub mod endpoint;
pub mod files;
mod key;
mod peer;
mod trouble;

pub use choice::{CONNECTIONS, choose};
pub use dump::{Path, PeerStatus, Status};
pub use endpoint::Endpoint;
pub use files::{File, Files};
pub use key::MeshKey;
pub use peer::{ENDPOINTS_LIMIT, Own, PEERS_LIMIT, Peer, TincName, check};
pub use trouble::{Trouble, Why, troubles};

/// The network interface of the mesh.
pub const INTERFACE: &str = "nuvol";
/// The port that nodes call each other on, from outside the mesh.
pub const PORT: u16 = 655;
