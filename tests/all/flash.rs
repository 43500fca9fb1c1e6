//! `nuvol flash` as people meet it: on recorded machines, and on real loop devices where this machine has them.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the program under test is run as a user would")]

mod asked;
mod disks;
mod kill;
mod machine;
mod refusals;
mod trust;
mod worn;
mod write;
