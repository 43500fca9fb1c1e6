//! What a container has of the root file system: all but what only a machine of its own needs, for a container runs
//! on its host's kernel and has no disk to divide, to mount or to boot from. The list of installed packages stays as
//! it is; apt is told to leave those alone whose files are not there.

use anyhow::Context as _;

use crate::rootfs::{Body, Node, Rootfs, Tree};

/// Folders that are empty in a container.
const EMPTY: [&str; 3] = ["boot/", "usr/lib/modules/", "usr/lib/firmware/"];
/// Files that are not there: Debian's names for the kernel, and what has GRUB's updates write to the disk.
const GONE: [&str; 5] = ["vmlinuz", "vmlinuz.old", "initrd.img", "initrd.img.old", "etc/grub.d/enable_cloud"];
const FSTAB: &str = "etc/fstab";
const PREFERENCES: &str = "etc/apt/preferences.d/nuvol-container";
/// A version of negative priority is never installed (apt_preferences(5)); what is installed stays.
const PREFERENCES_TEXT: &str = "\
# The host has its own kernel and firmware. Of these packages a container holds the names, not the files.
Package: linux-image-* linux-headers-* initramfs-tools* grub-* shim-* firmware-* *-microcode
Pin: release *
Pin-Priority: -1
";

/// The tree of a container around `rootfs`.
pub fn tree(rootfs: &Rootfs) -> anyhow::Result<Tree> {
    let mut tree = rootfs.root.tree()?;
    tree.remove(|path, _| GONE.contains(&path) || EMPTY.iter().any(|folder| path.starts_with(folder)));
    if let Some(fstab) = tree.get(FSTAB).cloned() {
        let text = without_devices(&tree.text(FSTAB)?);
        tree.insert(FSTAB, Node { body: Body::Bytes(text.into_bytes()), ..fstab })?;
    }
    let body = Body::Bytes(PREFERENCES_TEXT.as_bytes().to_vec());
    let preferences = Node { body, mode: 0o644, uid: 0, gid: 0, mtime: rootfs.epoch, xattrs: Vec::new() };
    tree.insert(PREFERENCES, preferences).context("telling apt what a container lacks")?;
    Ok(tree)
}

/// Without the lines that name a device (fstab(5)): systemd passes over most of them in a container, but would
/// remount the root as one says.
fn without_devices(fstab: &str) -> String {
    let tags = ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "ID=", "/dev/"];
    let stays = |line: &&str| !tags.iter().any(|tag| line.trim_start().starts_with(tag));
    fstab.lines().filter(stays).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::without_devices;

    #[test]
    fn only_what_needs_no_device_is_mounted() {
        let fstab = "# Root\nUUID=1 / ext4 defaults 0 1\n PARTLABEL=d /data ext4 nofail 0 2\n/data/home /home none bind 0 0\n";
        assert_eq!(without_devices(fstab), "# Root\n/data/home /home none bind 0 0\n");
    }
}
