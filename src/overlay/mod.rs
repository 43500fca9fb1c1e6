//! Files that are laid into the image: what `overlays/` holds after its templates are rendered.

mod foundation;
mod generated;
mod lay;
mod pack;
mod render;
mod sources;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::plan::Plan;
use crate::spec::{Problems, Tree};

pub use foundation::Foundation;
pub use lay::check;
pub use pack::{Ids, implied_folders, pack};
pub use sources::{EntrySpec, Mode, OverlaySpec, UserName};

/// Rendered overlays of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overlay {
    /// Present while packages install.
    pub install: Layer,
    /// Laid over at the end.
    pub files: Layer,
    /// What is installed first, the lowest first; other profiles may share it.
    pub foundations: Vec<Foundation>,
}

/// The overlay of a plan: what its overlays hold, rendered, and what `nuvol` itself adds.
pub fn render(plan: &Plan, tree: &Tree) -> Result<Overlay, Problems> {
    let (install, files) = lay::parts(plan, tree)?;
    let foundations = foundation::foundations(plan, &install, tree);
    Ok(Overlay { install, files, foundations })
}

/// Entries by path in the image, without a leading `/` (`etc/fstab`).
pub type Layer = BTreeMap<String, Entry>;

/// One file of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What it is.
    pub content: Content,
    /// Permission bits.
    pub mode: u32,
    /// Owner by name; resolved in the image.
    pub owner: String,
    /// Group by name; resolved in the image.
    pub group: String,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Content {
    /// A regular file; in a recipe its digest stands for it.
    #[serde(serialize_with = "digest")]
    File(Vec<u8>),
    /// A symbolic link to this target.
    Link(String),
    /// A directory of its own mode or owner.
    Directory,
}

fn digest<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    serializer.serialize_str(&digits)
}
