//! The disk: a partition table, boot loaders and file systems in one sparse file, written
//! without loop devices, mounts or root.

mod boot;
mod fat;
mod layout;

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

pub use boot::BootFiles;
pub use fat::Fat;
pub use layout::{Layout, Span};

use crate::plan;
use crate::rootfs::{Bench, Facts, Root, Rootfs, Tools, Tree};
use crate::store::{Artifact, spans};
use crate::workshop::{Recipe, Workshop};

/// The finished disk.
pub struct Disk {
    /// The raw disk, a sparse file.
    pub raw: Artifact,
    /// Where its partitions lie.
    pub layout: Layout,
}

#[derive(Serialize)]
struct DiskRecipe<'a> {
    root: &'a Root,
    disk: &'a plan::Disk,
    epoch: u64,
    tools: &'a Tools,
    #[serde(skip)]
    layout: Layout,
}

/// Builds the disk that `disk` describes around `rootfs`.
pub fn build(shop: &Workshop, disk: &plan::Disk, rootfs: &Rootfs) -> anyhow::Result<Disk> {
    let layout = Layout::new(root_size(disk, &rootfs.facts)?);
    let Rootfs { root, epoch, tools, .. } = rootfs;
    let entry = shop.make(&DiskRecipe { root, disk, epoch: *epoch, tools, layout })?;
    Ok(Disk { raw: Artifact::of(&entry, "disk.raw")?, layout })
}

fn root_size(disk: &plan::Disk, facts: &Facts) -> anyhow::Result<u64> {
    let Some(size) = disk.root_size else { return Ok(layout::root_size(facts.allocated)) };
    if let Err(least) = layout::check_root(size, facts.bytes) {
        anyhow::bail!("`disk.root.size` is {size}, but this root file system needs {least} or more");
    }
    Ok(size.bytes())
}

impl Recipe for DiskRecipe<'_> {
    const STAGE: &'static str = "disk";
    const VERSION: u32 = 3;

    fn make(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<()> {
        let work = dir.join("parts");
        let tree = self.root.tree()?;
        let files = BootFiles::unpack(&tree, &work.join("boot"))?;
        let raw = dir.join("disk.raw");
        File::create(&raw).and_then(|file| file.set_len(self.layout.size)).context("making the disk")?;
        let bench = self.tools.bench(shop, dir, self.epoch);

        self.partition(&bench, &raw)?;
        self.bios(&bench, &raw, &files, &work)?;
        self.esp(&bench, &raw, &files, &work)?;
        self.config(&bench, &raw, &work)?;
        self.root(&bench, &raw, &tree)?;
        fs::remove_dir_all(&work).context("removing the parts")
    }

    fn detail(&self, _: &Path) -> String {
        format!("{} MiB, root {} MiB", self.layout.size >> 20, self.layout.root.size >> 20)
    }
}

impl DiskRecipe<'_> {
    fn partition(&self, bench: &Bench<'_>, raw: &Path) -> anyhow::Result<()> {
        let table = self.layout.table(&self.disk.ids);
        let args = ["--quiet", "--no-reread", "--no-tell-kernel", &show(raw)];
        bench
            .feed("sfdisk", &args, &|out| Ok(out.write_all(table.as_bytes())?))
            .context("partitioning the disk")
    }

    fn bios(&self, bench: &Bench<'_>, raw: &Path, files: &BootFiles, work: &Path) -> anyhow::Result<()> {
        let (early, core) = (work.join("early.cfg"), work.join("core.img"));
        fs::write(&early, boot::early_configuration(self.disk.ids.root))
            .context("writing GRUB's first words")?;
        let args = boot::core_arguments(&files.modules(), &early, &core);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        bench.run("grub-mkimage", &args).context("making GRUB's core")?;
        boot::embed_core(raw, &files.modules().join("boot.img"), &core, self.layout.bios)
    }

    /// The same two folders that grub-install makes: Debian's own, which updates keep current,
    /// and the one that firmware looks for by itself.
    fn esp(&self, bench: &Bench<'_>, raw: &Path, files: &BootFiles, work: &Path) -> anyhow::Result<()> {
        let image = work.join("esp.img");
        let configuration = work.join("grub.cfg");
        fs::write(&configuration, boot::early_configuration(self.disk.ids.root))
            .context("writing GRUB's first words")?;
        let fat = Fat::make(bench, &image, self.layout.esp.size, self.disk.ids.esp, "ESP")?;
        fat.folders(&["EFI", "EFI/BOOT", "EFI/debian"])?;
        let grub = files.grub("grubx64.efi.signed");
        for (file, to) in [
            (&files.shim(), "EFI/BOOT/BOOTX64.EFI"),
            (&grub, "EFI/BOOT/grubx64.efi"),
            (&files.key_manager(), "EFI/BOOT/mmx64.efi"),
            (&files.shim(), "EFI/debian/shimx64.efi"),
            (&grub, "EFI/debian/grubx64.efi"),
            (&files.key_manager(), "EFI/debian/mmx64.efi"),
            (&configuration, "EFI/debian/grub.cfg"),
        ] {
            fat.copy(file, to)?;
        }
        copy_sparse(&image, raw, self.layout.esp.offset)
    }

    fn config(&self, bench: &Bench<'_>, raw: &Path, work: &Path) -> anyhow::Result<()> {
        let image = work.join("config.img");
        Fat::make(bench, &image, self.layout.config.size, self.disk.ids.config, "NUVOL-CFG")?;
        copy_sparse(&image, raw, self.layout.config.offset)
    }

    fn root(&self, bench: &Bench<'_>, raw: &Path, tree: &Tree) -> anyhow::Result<()> {
        let (id, span) = (self.disk.ids.root, self.layout.root);
        let options = format!("offset={},nodiscard,lazy_itable_init=0,hash_seed={id}", span.offset);
        let size = format!("{}k", span.size >> 10);
        let id = id.to_string();
        let args = [
            "-q",
            "-F",
            "-t",
            "ext4",
            "-U",
            &id,
            "-L",
            "root",
            "-m",
            "1",
            "-E",
            &options,
            "-d",
            "-",
            &show(raw),
            &size,
        ];
        bench.feed("mke2fs", &args, &|out| tree.write(out, self.epoch)).context("making the root file system")
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// Copies `from` into `to` at `offset` and leaves holes where there are only zeros.
pub fn copy_sparse(from: &Path, to: &Path, offset: u64) -> anyhow::Result<()> {
    use std::io::Read as _;
    use std::os::unix::fs::FileExt as _;
    let what = || format!("copying `{}` to `{}`", from.display(), to.display());
    let mut source = File::open(from).with_context(what)?;
    let target = File::options().write(true).open(to).with_context(what)?;
    let size = source.metadata().with_context(what)?.len();
    let mut buffer = vec![0; 256 << 10];
    for (from, to) in spans(&source, size).with_context(what)? {
        source.seek(SeekFrom::Start(from)).with_context(what)?;
        let mut at = from;
        while at < to {
            let part = usize::try_from(to - at).map_or(buffer.len(), |it| it.min(buffer.len()));
            let count = source.read(&mut buffer[..part]).with_context(what)?;
            anyhow::ensure!(count > 0, "a file became shorter while it was read");
            if buffer[..count].iter().any(|byte| *byte != 0) {
                target.write_all_at(&buffer[..count], offset + at).with_context(what)?;
            }
            at += count as u64;
        }
    }
    Ok(())
}
