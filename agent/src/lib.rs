//! The node agent: what runs on every node and tells people how it is.
//!
//! Its heart, [`node`], is pure: an event goes in, actions and a snapshot come out. Everything around it is a
//! door that makes events or carries out actions, and no door names another. [`run`] joins them.
//!
//! [`helper`] is a program of its own in the same crate: it does as root the few things that the agent may not.
//! [`config`] is another: it applies what was set before boot.

pub mod bus;
mod cloudy;
pub mod config;
pub mod ctl;
mod durable;
pub mod gossip;
pub mod guests;
pub mod helper;
pub mod http;
pub mod journal;
pub mod machine;
pub mod mesh;
pub mod node;
pub mod run;
pub mod services;
pub mod state;
mod systemd;
mod wiring;

/// For ci/fuzz, whose package names no crates of its own for it: they would be in Cargo.lock, by which nodes are built.
#[cfg(fuzzing)]
pub use nuvol_community as community;
