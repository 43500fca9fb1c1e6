//! What a machine must have, in one place.

use std::fs;
use std::path::Path;

/// Memory that a node needs, in MB, as it is sold.
pub const MEMORY_MB: u64 = 512;
/// Of so much the kernel tells at least so many KiB: the rest is its own.
const MEMORY_KIB: u64 = 416 << 10;
/// Size of a disk that a node needs, in GB, as it is sold.
pub const DISK_GB: u64 = 8;
/// Disks that are sold as so large have a little less: eMMC of "8 GB" has 7.8.
pub const DISK_BYTES: u64 = 7_500_000_000;

/// Why this machine cannot be a node, if that is so. `root` is where its `/proc` lies.
pub fn refusal(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: u64 = line.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok())?;
    (kib < MEMORY_KIB).then(|| {
        format!(
            "this machine has {} MB of memory that programs can use; a node needs a machine with {MEMORY_MB} MB or more",
            kib >> 10
        )
    })
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_machine_with_too_little_memory_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("proc")).unwrap();
        let with = |kib: u64| {
            let text = format!("MemTotal:       {kib} kB\nMemFree:         1000 kB\n");
            std::fs::write(root.path().join("proc/meminfo"), text).unwrap();
            refusal(root.path())
        };
        // QEMU with 384 and with 512 MiB.
        assert!(with(350_000).unwrap().contains("needs a machine with 512 MB or more"));
        assert_eq!(with(470_000), None);
    }
}
