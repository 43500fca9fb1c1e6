#!/bin/sh
# Runs at the end of the installation, outside the tree "$1", as its root.
set -eu
root=$1

# Users of the overlays' sysusers.d files: files may belong to them, and first boot makes none.
chroot "$root" systemd-sysusers

# The preset file is the one truth about what runs from boot; first boot applies it again.
# Without this the packages' own choices would stay, and disk and live system would differ.
find "$root/etc/systemd/system" -mindepth 1 -type l \
	\( -path '*.wants/*' -o -path '*.requires/*' \) -delete
find "$root/etc/systemd/system" -type d \( -name '*.wants' -o -name '*.requires' \) -empty -delete
SYSTEMD_OFFLINE=1 chroot "$root" systemctl preset-all
SYSTEMD_OFFLINE=1 chroot "$root" systemctl --global preset-all

# What grub-install would put beside grub.cfg; it cannot run here, for it wants a real disk.
for platform in i386-pc x86_64-efi arm64-efi; do
	modules=$root/usr/lib/grub/$platform
	[ -d "$modules" ] || continue
	mkdir -p "$root/boot/grub/$platform"
	cp "$modules"/*.mod "$modules"/*.lst "$root/boot/grub/$platform/"
done
if [ -f "$root/usr/share/grub/unicode.pf2" ]; then
	mkdir -p "$root/boot/grub/fonts"
	cp "$root/usr/share/grub/unicode.pf2" "$root/boot/grub/fonts/"
fi
