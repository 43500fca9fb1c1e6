//! What several tests share: a node without a socket, and the real program.
#![allow(dead_code, reason = "each test uses its part")]

pub mod program;
pub mod site;
