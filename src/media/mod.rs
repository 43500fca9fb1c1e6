//! Images onto disks: the crate `nuvol-media`, and whether an image is what its maker says.

mod trust;

pub use nuvol_media::{
    Access, Block, Bmap, Device, Disk, Done, Entry, Filter, Job, Limit, Medium, Mode, NeedsRoot, NotBootable,
    NotVerified, Order, Outcome, Partition, Phase, Plan, Progress, Refusal, Refused, Source, Span, System,
    Table, Untrusted, Use, Verification, size,
};
pub use trust::{Demands, Key, Trust, check};
