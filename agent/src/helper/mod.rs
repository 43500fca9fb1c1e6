//! The small privileged helper: does as root the few things that the agent may not.
//!
//! It knows fixed verbs ([`protocol`]) and the services of the image, and checks each request again by itself: the
//! agent is not trusted with more than this. It has no network. Whatever needs one (looking at ports, loading the
//! firewall) is a fixed unit that it starts. The agent speaks to it by [`door`].

pub mod check;
pub mod client;
pub mod door;
pub mod firewall;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod journal;
pub mod mesh;
pub mod ports;
pub mod protocol;
pub mod remembered;
pub mod server;
pub mod settings;
mod switch;
pub mod systemd;
pub mod usage;
pub mod verbs;
