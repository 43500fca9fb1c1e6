//! The raw image is the disk itself.

use crate::disk::Disk;
use crate::store::Artifact;

/// The disk, as it stands on the shelf.
pub fn image(disk: &Disk) -> Artifact {
    disk.raw.clone()
}
