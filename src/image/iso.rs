//! The live medium: boots as CD and as USB stick, by BIOS, UEFI and Secure Boot, into the live
//! system, and holds the disk itself once, so that installing means copying it.
//!
//! The disk lies in a squashfs (128 KiB blocks: small reads stay cheap). The initramfs script
//! `nuvol` of the overlay `live` finds the medium by the build's id, opens the disk's root
//! partition read-only and lays a tmpfs over it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde::Serialize;

use super::bmap::Bmap;
use crate::disk::{BootFiles, Disk, Fat, has_bios};
use crate::plan::Plan;
use crate::rootfs::{Bench, Body, Root, Rootfs, Tools, Tree};
use crate::spec::Architecture;
use crate::workshop::{Finished as _, Making, Workshop};

const EFI_BYTES: u64 = 8 << 20;
/// NUVOL-CFG of the medium: for a text of some lines, and the node's answer.
const CONFIG_BYTES: u64 = 4 << 20;
/// GRUB's core for CDs on the medium.
const CORE_PATH: &str = "boot/grub/i386-pc/eltorito.img";
/// What GRUB's core for CDs can do by itself.
const CORE: [&str; 12] = [
    "biosdisk",
    "iso9660",
    "part_gpt",
    "part_msdos",
    "search",
    "search_fs_file",
    "normal",
    "configfile",
    "echo",
    "test",
    "serial",
    "linux",
];

/// All that it is made from.
#[derive(Serialize)]
pub struct Iso<'a> {
    disk: &'a Disk<'a>,
    /// How its block map is made, which comes along.
    map: u32,
    root: &'a Root,
    architecture: Architecture,
    title: String,
    build: String,
    /// Byte offset of the root partition in the disk.
    offset: u64,
    kernel_arguments: &'a [String],
    epoch: u64,
    tools: &'a Tools,
}

impl<'a> Iso<'a> {
    /// That of `disk`, around `rootfs`.
    pub fn of(plan: &'a Plan, rootfs: &'a Rootfs, disk: &'a Disk<'a>) -> anyhow::Result<Self> {
        let disk_plan = plan.disk.as_ref().context("an ISO needs a disk")?;
        Ok(Self {
            disk,
            map: Bmap::VERSION,
            root: &rootfs.root,
            architecture: rootfs.architecture,
            title: format!("Nuvol {} {}", plan.profile, plan.version),
            build: disk_plan.ids.build.to_string(),
            offset: disk.layout().root.offset,
            kernel_arguments: &disk_plan.kernel_arguments,
            epoch: rootfs.epoch,
            tools: &rootfs.tools,
        })
    }
}

impl Making for Iso<'_> {
    const STAGE: &'static str = "iso";
    const VERSION: u32 = 9;
    const FILE: &'static str = "live.iso";

    fn make(&self, shop: &Workshop, to: &Path, work: &Path) -> anyhow::Result<()> {
        let medium = work.join("medium");
        for folder in [".disk", "boot/grub", "EFI/BOOT", "live"] {
            fs::create_dir_all(medium.join(folder)).context("making the medium")?;
        }
        fs::write(medium.join(".disk").join(&self.build), "").context("naming the build")?;
        fs::write(medium.join(".disk/info"), &self.title).context("naming the build")?;
        fs::write(medium.join("boot/grub/grub.cfg"), self.menu()).context("writing the menu")?;
        let raw = self.disk.file(shop)?;
        File::create(to).context("making the ISO")?;
        let bench = self.tools.bench(shop, self.epoch).write(work).write(to);
        let bench = bench.lend(raw.parent().context("the disk lies nowhere")?);
        let (files, appended) = std::thread::scope(|scope| {
            let small = scope.spawn(|| self.small(&bench, &medium, work));
            // Beside the disk lies its map: with it the installer writes no holes, and knows whether the medium is
            // whole.
            let map = work.join(format!("{}.bmap", raw.file_name().unwrap_or_default().display()));
            Bmap { disk: self.disk }.make(shop, &map, work)?;
            self.squash(&bench, &[&raw, &map], &medium.join("live/disk.squashfs"))?;
            small.join().unwrap_or_else(|_| anyhow::bail!("the thread of the boot loaders panicked"))
        })?;
        date_all(&medium, UNIX_EPOCH + Duration::from_secs(self.epoch)).context("dating the medium")?;
        self.assemble(&bench, &files, &medium, &appended, to)
    }
}

impl Iso<'_> {
    /// The kernel and the boot loaders: all but the disk. Returns the partitions that are appended.
    fn small(
        &self,
        bench: &Bench<'_>,
        medium: &Path,
        work: &Path,
    ) -> anyhow::Result<(BootFiles, [PathBuf; 2])> {
        let tree = self.root.tree()?;
        let files = BootFiles::unpack(&tree, self.architecture, &work.join("boot"))?;
        for (link, name) in [("vmlinuz", "vmlinuz"), ("initrd.img", "initrd.img")] {
            fs::write(medium.join("live").join(name), kernel_file(&tree, link)?)
                .context("adding the kernel")?;
        }
        for (from, to) in [(files.shim(), files.default_name()), (files.grub("gcd"), files.name("grub"))] {
            fs::copy(from, medium.join("EFI/BOOT").join(to)).context("adding boot loaders")?;
        }
        if has_bios(self.architecture) {
            self.core(bench, &files, work, medium)?;
        }
        let appended = [self.efi(bench, &files, work)?, self.config(bench, work)?];
        Ok((files, appended))
    }

    /// The files `from` as a squashfs.
    fn squash(&self, bench: &Bench<'_>, from: &[&Path], to: &Path) -> anyhow::Result<()> {
        let from: Vec<String> = from.iter().map(|it| show(it)).collect();
        let to = show(to);
        // Of W1, level 6 makes 2.8 % less in twice the time, and level 9 another 0.6 % in half as long again.
        let mut args: Vec<&str> = from.iter().map(String::as_str).collect();
        args.extend([&to, "-quiet", "-no-progress", "-comp", "zstd"]);
        args.extend(["-Xcompression-level", "4", "-b", "128K"]);
        args.extend(["-all-root", "-root-mode", "755", "-no-xattrs"]);
        bench.run("mksquashfs", &args).context("packing the disk")
    }

    /// GRUB's configuration for both firmwares. The root is never searched by UUID: the same
    /// file system may lie on the machine's own disk too.
    fn menu(&self) -> String {
        let Self { build, offset, title, .. } = self;
        let line = format!(
            "boot=nuvol nuvol.build={build} nuvol.offset={offset} fstab=no systemd.gpt_auto=no {}",
            self.kernel_arguments.join(" ")
        );
        format!(
            "search --no-floppy --set=root --file /.disk/{build}\n\
             serial --unit=0 --speed=115200\n\
             terminal_input console serial\n\
             terminal_output console serial\n\
             set timeout=3\n\
             menuentry \"{title}: live system\" {{\n\
             \tlinux ($root)/live/vmlinuz {line}\n\
             \tinitrd ($root)/live/initrd.img\n\
             }}\n\
             menuentry \"{title}: live system, copied to memory (the medium can be removed)\" {{\n\
             \tlinux ($root)/live/vmlinuz {line} toram\n\
             \tinitrd ($root)/live/initrd.img\n\
             }}\n\
             menuentry \"{title}: install on a disk (i)\" --hotkey=i {{\n\
             \tlinux ($root)/live/vmlinuz {line} nuvol.install systemd.show_status=no\n\
             \tinitrd ($root)/live/initrd.img\n\
             }}\n"
        )
    }

    /// The FAT image that UEFI boots from. `gcd` is Debian's signed GRUB for media.
    fn efi(&self, bench: &Bench<'_>, files: &BootFiles, work: &Path) -> anyhow::Result<PathBuf> {
        let image = work.join("efi.img");
        let fat = Fat::make(bench, &image, EFI_BYTES, self.volume_id()?, "NUVOL-EFI")?;
        fat.folders(&["EFI", "EFI/BOOT"])?;
        for (file, name) in [
            (files.shim(), files.default_name()),
            (files.grub("gcd"), files.name("grub")),
            (files.key_manager(), files.name("mm")),
        ] {
            fat.copy(&file, &format!("EFI/BOOT/{name}"))?;
        }
        Ok(image)
    }

    /// As on a disk: what `nuvol seed` sets, and any machine can edit.
    fn config(&self, bench: &Bench<'_>, work: &Path) -> anyhow::Result<PathBuf> {
        let image = work.join("config.img");
        Fat::make(bench, &image, CONFIG_BYTES, self.volume_id()?.wrapping_add(1), "NUVOL-CFG")?;
        Ok(image)
    }

    fn volume_id(&self) -> anyhow::Result<u32> {
        u32::from_str_radix(&self.build[..8], 16).context("deriving a volume id")
    }

    fn core(&self, bench: &Bench<'_>, files: &BootFiles, work: &Path, medium: &Path) -> anyhow::Result<()> {
        let early = work.join("early.cfg");
        let text = format!(
            "search --no-floppy --set=root --file /.disk/{}\nset prefix=($root)/boot/grub\n",
            self.build
        );
        fs::write(&early, text).context("writing GRUB's first words")?;
        let out = medium.join(CORE_PATH);
        fs::create_dir_all(medium.join("boot/grub/i386-pc")).context("making the medium")?;
        let (modules, early, out) = (show(&files.modules()), show(&early), show(&out));
        let mut args =
            vec!["-O", "i386-pc-eltorito", "-p", "/boot/grub", "-d", &modules, "-c", &early, "-o", &out];
        args.extend(CORE);
        bench.run("grub-mkimage", &args).context("making GRUB's core")
    }

    fn assemble(
        &self,
        bench: &Bench<'_>,
        files: &BootFiles,
        medium: &Path,
        [efi, config]: &[PathBuf; 2],
        out: &Path,
    ) -> anyhow::Result<()> {
        let (efi, config, out, medium) = (show(efi), show(config), show(out), show(medium));
        let hybrid = show(&files.modules().join("boot_hybrid.img"));
        let mut args =
            vec!["-as", "mkisofs", "-quiet", "-o", &out, "-V", "NUVOL", "-J", "-joliet-long", "-r"];
        // A partition table that fits both a CD and a stick; some BIOSes want an active entry.
        args.extend(["-partition_offset", "16"]);
        if has_bios(self.architecture) {
            args.extend(["--grub2-mbr", &hybrid, "--mbr-force-bootable"]);
        }
        let esp = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
        // Basic data, so that every desktop shows it.
        let data = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
        args.extend(["-append_partition", "2", esp, &efi, "-append_partition", "3", data, &config]);
        args.extend(["-appended_part_as_gpt", "-c", "boot/boot.cat"]);
        if has_bios(self.architecture) {
            args.extend(["-b", CORE_PATH, "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"]);
            args.extend(["--grub2-boot-info", "-eltorito-alt-boot"]);
        }
        args.extend(["-e", "--interval:appended_partition_2:all::", "-no-emul-boot", &medium]);
        bench.run("xorriso", &args).context("writing the ISO")
    }
}

/// The bytes behind Debian's link `/vmlinuz` or `/initrd.img`.
fn kernel_file(tree: &Tree, link: &str) -> anyhow::Result<Vec<u8>> {
    let target = match tree.get(link).map(|it| &it.body) {
        Some(Body::Link(target)) => target.trim_start_matches('/').to_owned(),
        _ => anyhow::bail!("the root file system has no `/{link}`; an ISO needs a kernel package"),
    };
    tree.bytes(&target)?.with_context(|| format!("the root file system has no `/{target}`"))
}

/// Gives `folder` and all in it one time; xorriso then takes it for every other date too.
fn date_all(folder: &Path, time: SystemTime) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            date_all(&path, time)?;
        } else {
            File::open(&path)?.set_modified(time)?;
        }
    }
    File::open(folder)?.set_modified(time)
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
