//! Images onto disks: what disks there are and who uses them, which one is meant, what goes where, writing, reading
//! back. `nuvol flash` is made of this, and so is the installer on the ISO. It knows no terminal.
//!
//! Inventory (`System`), choice (`Filter`), refusals (`Disk::refusals`), plan (`Plan`), work (`Order`, `Job`).

mod bmap;
mod device;
mod filter;
mod gpt;
mod inventory;
#[cfg(test)]
mod made_up;
mod order;
mod pipeline;
mod plan;
mod progress;
mod refusal;
mod seeding;
mod shown;
mod source;
mod span;
mod uses;
mod write;

pub use bmap::Bmap;
pub use device::{Access, Block, Device, Medium, NeedsRoot};
pub use filter::Filter;
pub use gpt::{Entry, Table};
pub use inventory::{Disk, Partition, System};
pub use order::{Done, Order};
pub use plan::{Mode, Plan};
pub use progress::{Limit, Phase, Progress};
pub use refusal::{Refusal, Refused};
pub use seeding::Sectors;
pub use shown::size;
pub use source::{NotBootable, Source, Untrusted};
pub use span::{Span, spans};
pub use uses::Use;
pub use write::{Job, NotVerified, Outcome, Verification};
