//! What people write: profiles, the catalogue and overlays, as text that has been checked.

mod names;
mod size;

pub use names::{Architecture, Format, OverlayName, PackageName, ProfileName, ServiceName, Version};
pub use size::ByteSize;
