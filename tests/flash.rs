//! `nuvol flash` as people meet it: on recorded machines, and on real loop devices where this machine has them.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the program under test is run as a user would")]

mod common;

#[path = "flash/asked.rs"]
mod asked;
#[path = "flash/disks.rs"]
mod disks;
#[path = "flash/kill.rs"]
mod kill;
#[path = "flash/machine.rs"]
mod machine;
#[path = "flash/refusals.rs"]
mod refusals;
#[path = "flash/trust.rs"]
mod trust;
#[path = "flash/worn.rs"]
mod worn;
#[path = "flash/write.rs"]
mod write;
