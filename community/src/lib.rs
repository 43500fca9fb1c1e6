//! What nodes of a community tell each other, and what they believe of it.
//!
//! Everything here is pure: no clock, no network, no files, so that a whole community can be tried in virtual time.
//!
//! A community is a set of signed [`object`]s. Its [`charter`](object::Charter) names the founder; certificates form
//! the tree of who let whom in, and revocations cut it ([`members`]). Members publish how they are reached and what they
//! offer. The [`board`] holds all of it, decides what is believed, and is the same on every node once they have talked.
//! [`invitation`] and [`join`] let a new node in, and [`seal`] is how members know who speaks.

pub mod address;
pub mod board;
pub mod gossip;
pub mod identity;
pub mod invitation;
pub mod join;
pub mod members;
pub mod object;
pub mod seal;
pub mod text;

/// Unix time in seconds before which a clock is known to be wrong (2026-01-01): small boards wake up in 1970. With
/// such a clock nothing is called expired.
pub const CLOCK_EPOCH_S: u64 = 1_767_225_600;
