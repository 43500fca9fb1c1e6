//! What several tests share: a node without a socket, and the real program.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests run programs and read what they left"
)]
#![allow(dead_code, reason = "each test uses its part")]

pub mod program;
pub mod site;
