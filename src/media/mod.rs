//! Images onto disks: what disks there are and who uses them, which one is meant, what goes where, writing, reading
//! back. `nuvol flash` is made of this, and so is whatever installs a node on the machine that it runs on.
//!
//! Inventory (`System`), choice (`Filter`), refusals (`Disk::refusals`), trust (`check`), plan (`Plan`), work (`Job`).

mod bmap;
mod device;
mod filter;
mod gpt;
mod inventory;
#[cfg(test)]
mod made_up;
mod pipeline;
mod plan;
mod refusal;
mod source;
mod span;
mod trust;
mod uses;
mod write;

pub use bmap::Bmap;
pub use device::{Access, Block, Device, Medium};
pub use filter::Filter;
pub use gpt::{Entry, Table};
pub use inventory::{Disk, Partition, System};
pub use plan::{Mode, Plan};
pub use refusal::{Refusal, Refused};
pub use source::{NotBootable, Source};
pub use span::Span;
pub use trust::{Demands, Key, Trust, Untrusted, check, check_ranges};
pub use uses::Use;
pub use write::{Job, NotVerified, Outcome, Verification};
