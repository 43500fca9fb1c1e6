//! The installer on the ISO: a node onto a disk of the machine that runs the live system.
//!
//! What is written, where, and how is `nuvol-media`'s, as with `nuvol flash`. Here is who says it: a person at a
//! console (`wizard`), or the medium and the kernel line (`asked`, `unattended`).

pub mod asked;
pub mod console;
pub mod found;
pub mod ground;
pub mod machine;
pub mod power;
pub mod progress;
pub mod unattended;
pub mod wizard;
pub mod words;
