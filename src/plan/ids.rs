//! Identities of a disk: derived from profile and version, never drawn, so that the same input
//! gives the same bytes.

use uuid::{Uuid, uuid};

use crate::plan::DiskIds;
use crate::spec::{ProfileName, Version};

/// The namespace of all our identities (drawn once, for ever).
const NAMESPACE: Uuid = uuid!("5bd71e0a-2f06-4c1b-9a36-8f5b1c9e2d47");

/// The identities of the disk of a profile's version.
pub(super) fn disk_ids(profile: &ProfileName, version: &Version) -> DiskIds {
    let id = |role: &str| Uuid::new_v5(&NAMESPACE, format!("{profile}/{version}/{role}").as_bytes());
    DiskIds {
        disk: id("disk"),
        partitions: [
            id("partition/bios"),
            id("partition/esp"),
            id("partition/nuvol-cfg"),
            id("partition/root"),
        ],
        root: id("filesystem/root"),
        esp: volume_id(id("filesystem/esp")),
        config: volume_id(id("filesystem/nuvol-cfg")),
        build: id("build"),
    }
}

/// A FAT volume id; 0 would mean that there is none.
fn volume_id(id: Uuid) -> u32 {
    let (first, ..) = id.as_fields();
    first.max(1)
}

#[cfg(test)]
mod tests {
    use super::disk_ids;

    #[test]
    fn the_same_profile_and_version_have_the_same_ids() {
        let ids =
            |profile: &str, version: &str| disk_ids(&profile.parse().unwrap(), &version.parse().unwrap());
        assert_eq!(ids("home", "1.0"), ids("home", "1.0"));
        assert_ne!(ids("home", "1.0"), ids("home", "1.1"));
        assert_ne!(ids("home", "1.0").root, ids("media", "1.0").root);
        // Changing these breaks every node that has been installed: fstab names the root by its id.
        assert_eq!(ids("home", "1.0").root.to_string(), "c063b5b5-8792-5bde-8eb1-7f535a693a21");
    }
}
