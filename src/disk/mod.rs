//! The disk: a partition table, boot loaders and file systems in one sparse file, written
//! without loop devices, mounts or root.

mod boot;
mod compare;
mod ext4;
mod fat;
mod layout;
mod used;

use std::fs::{self, File, Permissions};
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use serde::Serialize;

pub use boot::{BootFiles, has_bios};
#[cfg(test)]
pub(crate) use compare::tests::disk as made_up;
pub use compare::{Place, first_byte, first_difference};
pub use fat::Fat;
pub use layout::{Layout, Span};
pub use used::{BLOCK, used};

use crate::plan;
use crate::rootfs::{Bench, Facts, Root, Rootfs, Tools, Tree};
use crate::spec::{Architecture, Format};
use crate::store::{Reach, spans};
use crate::workshop::{Destination, Making, Product, Workshop};

/// The disk.
pub type Disk<'a> = Product<'a, DiskMaking<'a>>;

/// All that a disk is made from.
#[derive(Serialize)]
pub struct DiskMaking<'a> {
    root: &'a Root,
    disk: &'a plan::Disk,
    architecture: Architecture,
    epoch: u64,
    tools: &'a Tools,
    #[serde(skip)]
    layout: Layout,
}

/// Builds the disk that `disk` describes around `rootfs`, in the folder `place`.
pub fn build<'a>(
    shop: &Workshop,
    disk: &'a plan::Disk,
    rootfs: &'a Rootfs,
    place: &'a Path,
) -> anyhow::Result<Disk<'a>> {
    let Rootfs { root, architecture, epoch, tools, .. } = rootfs;
    let layout = Layout::new(*architecture, root_size(disk, &rootfs.facts)?);
    let making = DiskMaking { root, disk, architecture: *architecture, epoch: *epoch, tools, layout };
    Product::of(shop, making, Destination { folder: place, stays: disk.formats.contains(&Format::Raw) })
}

impl Disk<'_> {
    /// Where its partitions lie.
    pub fn layout(&self) -> Layout {
        self.making().layout
    }
}

fn root_size(disk: &plan::Disk, facts: &Facts) -> anyhow::Result<u64> {
    let Some(size) = disk.root_size else { return Ok(layout::root_size(facts.allocated)) };
    if let Err(least) = layout::check_root(size, facts.bytes) {
        anyhow::bail!("`disk.root.size` is {size}, but this root file system needs {least} or more");
    }
    Ok(size.bytes())
}

impl Making for DiskMaking<'_> {
    const STAGE: &'static str = "disk";
    const VERSION: u32 = 7;
    const FILE: &'static str = "disk.raw";

    fn make(&self, shop: &Workshop, raw: &Path, work: &Path) -> anyhow::Result<()> {
        let tree = self.root.tree()?;
        let file = File::create(raw).context("making the disk")?;
        file.set_len(self.layout.size).context("making the disk")?;
        // Some formats take the file's rights along.
        file.set_permissions(Permissions::from_mode(0o644)).context("making the disk")?;
        let bench = self.tools.bench(shop, self.epoch).write(work).write(raw);

        let (reach, small_are_done) = (Reach::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let digest = scope.spawn(|| shop.store.hashed().behind(raw, &reach));
            let guard = reach.guard();
            let small = scope.spawn(|| {
                self.small(&bench, raw, &tree, work)?;
                small_are_done.store(true, Ordering::Release);
                anyhow::Ok(())
            });
            // What the small partitions' thread writes lies before all that the root's files are told of.
            let progress = |at| {
                if small_are_done.load(Ordering::Acquire) {
                    reach.raise(at);
                }
            };
            self.root(&bench, raw, &tree, &progress)?;
            small.join().unwrap_or_else(|_| anyhow::bail!("the thread of the small partitions panicked"))?;
            guard.whole();
            digest.join().unwrap_or_else(|_| anyhow::bail!("the thread of the digest panicked"))
        })
    }

    fn detail(&self) -> String {
        format!("{} MiB, root {} MiB", self.layout.size >> 20, self.layout.root.size >> 20)
    }
}

impl DiskMaking<'_> {
    /// All but the root file system.
    fn small(&self, bench: &Bench<'_>, raw: &Path, tree: &Tree, work: &Path) -> anyhow::Result<()> {
        self.partition(bench, raw)?;
        let files = BootFiles::unpack(tree, self.architecture, &work.join("boot"))?;
        std::thread::scope(|scope| {
            let bios = scope.spawn(|| self.bios(bench, raw, &files, work));
            self.esp(bench, raw, &files, work)?;
            self.config(bench, raw, work)?;
            bios.join().unwrap_or_else(|_| anyhow::bail!("the thread of GRUB's core panicked"))
        })
    }

    fn partition(&self, bench: &Bench<'_>, raw: &Path) -> anyhow::Result<()> {
        let table = self.layout.table(self.architecture, &self.disk.ids);
        let args = ["--quiet", "--no-reread", "--no-tell-kernel", &show(raw)];
        bench
            .feed("sfdisk", &args, &|out| Ok(out.write_all(table.as_bytes())?))
            .context("partitioning the disk")
    }

    fn bios(&self, bench: &Bench<'_>, raw: &Path, files: &BootFiles, work: &Path) -> anyhow::Result<()> {
        let Some(place) = self.layout.bios else { return Ok(()) };
        let (early, core) = (work.join("core.cfg"), work.join("core.img"));
        fs::write(&early, boot::early_configuration(self.disk.ids.root))
            .context("writing GRUB's first words")?;
        let args = boot::core_arguments(&files.modules(), &early, &core);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        bench.run("grub-mkimage", &args).context("making GRUB's core")?;
        boot::embed_core(raw, &files.modules().join("boot.img"), &core, place)
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
        let (shim, grub, manager) = (files.name("shim"), files.name("grub"), files.name("mm"));
        for (file, folder, name) in [
            (&files.shim(), "EFI/BOOT", files.default_name()),
            (&files.grub("grub"), "EFI/BOOT", grub.clone()),
            (&files.key_manager(), "EFI/BOOT", manager.clone()),
            (&files.shim(), "EFI/debian", shim),
            (&files.grub("grub"), "EFI/debian", grub),
            (&files.key_manager(), "EFI/debian", manager),
            (&configuration, "EFI/debian", "grub.cfg".to_owned()),
        ] {
            fat.copy(file, &format!("{folder}/{name}"))?;
        }
        copy_sparse(&image, raw, self.layout.esp.offset)
    }

    fn config(&self, bench: &Bench<'_>, raw: &Path, work: &Path) -> anyhow::Result<()> {
        let image = work.join("config.img");
        Fat::make(bench, &image, self.layout.config.size, self.disk.ids.config, "NUVOL-CFG")?;
        copy_sparse(&image, raw, self.layout.config.offset)
    }

    fn root(
        &self,
        bench: &Bench<'_>,
        raw: &Path,
        tree: &Tree,
        progress: ext4::Progress<'_>,
    ) -> anyhow::Result<()> {
        let (id, span) = (self.disk.ids.root, self.layout.root);
        let options = format!("offset={},nodiscard,lazy_itable_init=0,hash_seed={id}", span.offset);
        let (id, size, file) = (id.to_string(), format!("{}k", span.size >> 10), show(raw));
        let mut args = vec!["-q", "-F", "-t", "ext4", "-U", &id, "-L", "root", "-m", "1"];
        // As for a large file system, which it becomes on first boot.
        args.extend(["-b", "4096", "-i", "16384", "-J", "size=64", "-E", &options, &file, &size]);
        bench.run("mke2fs", &args).context("making the root file system")?;
        let file = File::options().read(true).write(true).open(raw).context("opening the disk")?;
        ext4::fill(&file, span, tree, self.epoch, progress).context("filling the root file system")
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
    for (from, to) in spans(&source, 0, size).with_context(what)? {
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
