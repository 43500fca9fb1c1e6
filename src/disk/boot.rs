//! Boot loaders as bytes: GRUB for BIOS embedded without mounting or grub-install, the signed
//! shim and GRUB on a FAT file system made from outside.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use uuid::Uuid;

use super::layout::Span;
use crate::rootfs::Tree;
use crate::spec::Architecture;

const SECTOR: u64 = 512;
const BIOS_MODULES: &str = "usr/lib/grub/i386-pc/";
/// What GRUB's core can do before it finds `/boot/grub`; the rest is loaded from there.
const BIOS_CORE: [&str; 10] = [
    "biosdisk",
    "part_gpt",
    "ext2",
    "search",
    "search_fs_uuid",
    "configfile",
    "normal",
    "linux",
    "echo",
    "serial",
];

/// Boot files of a tree, unpacked into a folder where the tools can read them.
pub struct BootFiles {
    folder: PathBuf,
    architecture: Architecture,
}

/// Whether machines of `architecture` may start by BIOS.
pub fn has_bios(architecture: Architecture) -> bool {
    architecture == Architecture::Amd64
}

impl BootFiles {
    /// The files of `tree`, which must hold Debian's GRUB and shim for `architecture`, below `folder`.
    pub fn unpack(tree: &Tree, architecture: Architecture, folder: &Path) -> anyhow::Result<Self> {
        let files = Self { folder: folder.to_owned(), architecture };
        let signed = format!("{}/", files.signed());
        let wanted = |path: &str| {
            (path.starts_with(BIOS_MODULES) && !path.ends_with(".module"))
                || path.starts_with("usr/lib/shim/")
                || path.starts_with(&signed)
        };
        for path in tree.nodes().keys().filter(|path| wanted(path)) {
            if let Some(bytes) = tree.bytes(path)? {
                let to = folder.join(path);
                fs::create_dir_all(to.parent().unwrap_or(folder)).context("unpacking boot files")?;
                fs::write(&to, bytes).with_context(|| format!("writing `{}`", to.display()))?;
            }
        }
        let bios = has_bios(architecture).then(|| files.modules().join("boot.img"));
        for path in bios.into_iter().chain([files.shim(), files.grub("grub")]) {
            anyhow::ensure!(
                path.is_file(),
                "the root file system has no `{}`; a bootable image needs the package `grub-cloud-{architecture}`",
                path.strip_prefix(folder).unwrap_or(&path).display()
            );
        }
        Ok(files)
    }

    fn signed(&self) -> &'static str {
        match self.architecture {
            Architecture::Amd64 => "usr/lib/grub/x86_64-efi-signed",
            Architecture::Arm64 => "usr/lib/grub/arm64-efi-signed",
        }
    }

    /// The file that firmware looks for by itself in `EFI/BOOT`.
    pub fn default_name(&self) -> String {
        format!("BOOT{}.EFI", self.architecture.efi_mark().to_uppercase())
    }

    /// The name of `shim`, `grub` or `mm` on an ESP; the shim starts the GRUB of this name.
    pub fn name(&self, program: &str) -> String {
        format!("{program}{}.efi", self.architecture.efi_mark())
    }

    /// GRUB's modules for BIOS.
    pub fn modules(&self) -> PathBuf {
        self.folder.join(BIOS_MODULES.trim_end_matches('/'))
    }

    /// The shim, signed by Microsoft for Debian.
    pub fn shim(&self) -> PathBuf {
        self.folder.join("usr/lib/shim").join(self.name("shim") + ".signed")
    }

    /// The shim's key manager.
    pub fn key_manager(&self) -> PathBuf {
        self.folder.join("usr/lib/shim").join(self.name("mm") + ".signed")
    }

    /// A GRUB signed by Debian: `grub` for disks, `gcd` for media.
    pub fn grub(&self, program: &str) -> PathBuf {
        self.folder.join(self.signed()).join(self.name(program) + ".signed")
    }
}

/// First words of GRUB: find the root file system and go on with its configuration.
pub fn early_configuration(root: Uuid) -> String {
    format!("search.fs_uuid {root} root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n")
}

/// Arguments of grub-mkimage for the BIOS core `out`.
pub fn core_arguments(modules: &Path, early: &Path, out: &Path) -> Vec<String> {
    let mut args = vec!["-O".to_owned(), "i386-pc".into(), "-p".into(), "/boot/grub".into()];
    for (flag, path) in [("-d", modules), ("-c", early), ("-o", out)] {
        args.extend([flag.to_owned(), path.display().to_string()]);
    }
    args.extend(BIOS_CORE.map(str::to_owned));
    args
}

/// Puts GRUB's boot sector and `core` on `disk`, as grub-bios-setup does: the boot sector knows
/// the core's first sector, and the core knows where the rest of itself lies.
pub fn embed_core(disk: &Path, boot: &Path, core: &Path, place: Span) -> anyhow::Result<()> {
    let boot = fs::read(boot).with_context(|| format!("reading `{}`", boot.display()))?;
    let mut core = fs::read(core).with_context(|| format!("reading `{}`", core.display()))?;
    anyhow::ensure!(core.len() as u64 <= place.size, "GRUB's core does not fit its partition");
    let first = place.offset / SECTOR;
    let rest = (core.len() as u64).div_ceil(SECTOR) - 1;
    // The last entry of the first sector's block list: start (8 bytes), sectors (2), segment (2).
    put(&mut core, 0x1f4, &(first + 1).to_le_bytes())?;
    put(&mut core, 0x1fc, &u16::try_from(rest).context("GRUB's core is too long")?.to_le_bytes())?;
    put(&mut core, 0x1fe, &0x820_u16.to_le_bytes())?;

    let what = || format!("writing boot code to `{}`", disk.display());
    let mut file = File::options().read(true).write(true).open(disk).with_context(what)?;
    let mut sector = [0; SECTOR as usize];
    file.read_exact(&mut sector).with_context(what)?;
    // Beyond byte 440 lies the protective partition table.
    let code = boot.get(..440).context("GRUB's boot sector is too short")?;
    put(&mut sector, 0, code)?;
    put(&mut sector, 0x5c, &first.to_le_bytes())?;
    // Two no-ops over a jump: believe the BIOS about the drive (what grub-setup does for disks).
    put(&mut sector, 0x66, &[0x90, 0x90])?;
    file.seek(SeekFrom::Start(0)).with_context(what)?;
    file.write_all(&sector).with_context(what)?;
    file.seek(SeekFrom::Start(place.offset)).with_context(what)?;
    file.write_all(&core).with_context(what)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> anyhow::Result<()> {
    let place = bytes.get_mut(at..at + value.len()).context("boot code is shorter than expected")?;
    place.copy_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Span, embed_core};

    #[test]
    fn boot_code_knows_where_the_core_lies_and_spares_the_partition_table() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("disk"), vec![7; 3 << 20]).unwrap();
        std::fs::write(path("boot.img"), vec![1; 512]).unwrap();
        std::fs::write(path("core.img"), vec![2; 1000]).unwrap();
        let place = Span { offset: 1 << 20, size: 1 << 20 };
        embed_core(&path("disk"), &path("boot.img"), &path("core.img"), place).unwrap();
        let disk = std::fs::read(path("disk")).unwrap();
        assert_eq!(disk[..4], [1; 4]);
        assert_eq!(disk[440..512], [7; 72]);
        assert_eq!(disk[0x5c..0x64], 2048_u64.to_le_bytes());
        let core = &disk[1 << 20..(1 << 20) + 1000];
        assert_eq!(core[0x1f4..0x1fc], 2049_u64.to_le_bytes());
        assert_eq!(core[0x1fc..0x1fe], 1_u16.to_le_bytes());
        assert_eq!(core[600], 2);
        assert_eq!(disk[(1 << 20) + 1000], 7);
    }
}
