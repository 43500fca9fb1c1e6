//! A FAT file system, read and changed without mounting it.
//!
//! Whoever pulls the plug while a file is replaced finds the old one or the new one, whole. The new file lies beside
//! the old one before it gets its name, and each step reaches the disk in an order in which nothing points to what is
//! not there yet: first contents, then tables, then the folder, and the other way round for what goes. At worst a few
//! clusters stay taken by nobody.

use std::io::{self, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Context as _;
use fatfs::{Dir, FileSystem, FsOptions};

use crate::disk::Disk;
use crate::place::Extent;
use crate::staged::Staged;
use crate::{FILE_LIMIT, LABEL};

const BOOT: usize = 512;
/// What a file is called until it is complete.
const ASIDE: &str = "nuvol.new";

/// A FAT file system within a file or device.
pub struct Volume<'d> {
    disk: &'d dyn Disk,
    extent: Extent,
    geometry: Geometry,
}

/// Where its parts lie, in bytes from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Geometry {
    /// The tables, with all that stands before them.
    tables_end: u64,
    /// The root folder; of FAT32 its first cluster.
    root: (u64, u64),
}

/// Whether `extent` of `disk` holds a FAT file system with the label [`LABEL`].
pub fn is_ours(disk: &dyn Disk, extent: Extent) -> bool {
    Volume::open(disk, extent).is_ok_and(|volume| volume.label().is_ok_and(|label| label == LABEL))
}

impl<'d> Volume<'d> {
    /// The file system in `extent` of `disk`. To write, it must be open for writing.
    pub fn open(disk: &'d dyn Disk, extent: Extent) -> anyhow::Result<Self> {
        let mut boot = [0; BOOT];
        anyhow::ensure!(extent.size > BOOT as u64, "there is no FAT file system");
        disk.read_at(&mut boot, extent.offset).context("reading a FAT file system")?;
        let geometry = Geometry::of(&boot, extent.size).context("there is no FAT file system")?;
        Ok(Self { disk, extent, geometry })
    }

    /// Its label, as people see it.
    pub fn label(&self) -> anyhow::Result<String> {
        self.look("reading the label", |fs| {
            let label = fs.read_volume_label_from_root_dir()?;
            Ok(label.unwrap_or_else(|| fs.volume_label()).trim_end().to_owned())
        })
    }

    /// The content of the file `name` in its root folder; `None` where there is none.
    pub fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let bytes = self.look(&format!("reading `{name}`"), |fs| {
            let file = match fs.root_dir().open_file(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            let mut bytes = Vec::new();
            file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        })?;
        let is_large = bytes.as_ref().is_some_and(|bytes| bytes.len() as u64 > FILE_LIMIT);
        anyhow::ensure!(!is_large, "`{name}` is larger than {} KiB", FILE_LIMIT >> 10);
        Ok(bytes)
    }

    /// Puts `bytes` into the file `name` of its root folder, whatever was there before, and reads them back.
    pub fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        anyhow::ensure!(
            bytes.len() as u64 <= FILE_LIMIT,
            "`{name}` would be larger than {} KiB",
            FILE_LIMIT >> 10
        );
        let what = format!("writing `{name}`");
        self.change(&what, Order::Goes, |root| remove(root, ASIDE))?;
        self.change(&what, Order::Comes, |root| {
            let mut file = root.create_file(ASIDE)?;
            file.write_all(bytes)?;
            file.flush()
        })?;
        self.change(&what, Order::Goes, |root| {
            remove(root, name)?;
            root.rename(ASIDE, root, name)
        })?;
        let found = self.read(name)?;
        anyhow::ensure!(found.as_deref() == Some(bytes), "{what}: it reads back as something else");
        Ok(())
    }

    fn look<T>(
        &self,
        what: &str,
        act: impl FnOnce(&FileSystem<&mut Staged<'_>>) -> io::Result<T>,
    ) -> anyhow::Result<T> {
        let mut staged = Staged::new(self.disk, self.extent);
        guarded(&mut staged, act).with_context(|| what.to_owned())
    }

    fn change(
        &self,
        what: &str,
        order: Order,
        act: impl FnOnce(&Dir<'_, &mut Staged<'_>>) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut staged = Staged::new(self.disk, self.extent);
        let done = guarded(&mut staged, |fs| act(&fs.root_dir()));
        done.and_then(|()| staged.commit(|at| self.geometry.rank(at, order))).with_context(|| what.to_owned())
    }
}

/// Does `act` on a file system that may be damaged in any way: the library then may stop short.
fn guarded<'s, 'f, T>(
    staged: &'s mut Staged<'f>,
    act: impl FnOnce(&FileSystem<&'s mut Staged<'f>>) -> io::Result<T>,
) -> io::Result<T> {
    let whole = AssertUnwindSafe(|| {
        let fs = FileSystem::new(staged, FsOptions::new().update_accessed_date(false))?;
        let done = act(&fs)?;
        fs.unmount()?;
        Ok(done)
    });
    catch_unwind(whole).unwrap_or_else(|_| Err(io::Error::other("the file system is damaged")))
}

fn remove(root: &Dir<'_, &mut Staged<'_>>, name: &str) -> io::Result<()> {
    match root.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a change does, which says in what order it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Something comes: contents, tables, folder.
    Comes,
    /// Something goes: folder, tables.
    Goes,
}

impl Geometry {
    /// From the first sector of a FAT file system of `size` bytes.
    fn of(boot: &[u8; BOOT], size: u64) -> Option<Self> {
        let word = |at: usize| u64::from(u16::from_le_bytes([boot[at], boot[at + 1]]));
        let long = |at: usize| word(at) | word(at + 2) << 16;
        let (sector, cluster) = (word(11), u64::from(boot[13]));
        let (reserved, tables, entries) = (word(14), u64::from(boot[16]), word(17));
        let is_fat = boot[510..] == [0x55, 0xaa] && matches!(boot[0], 0xeb | 0xe9);
        let sizes = sector.is_power_of_two() && (512..=4096).contains(&sector) && cluster.is_power_of_two();
        if !is_fat || !sizes || reserved == 0 || !(1..=4).contains(&tables) {
            return None;
        }
        let table = if word(22) == 0 { long(36) } else { word(22) };
        let tables_end = (reserved + tables * table) * sector;
        let root = if entries > 0 {
            (tables_end, tables_end + entries * 32)
        } else {
            let start = tables_end + long(44).checked_sub(2)?.checked_mul(cluster * sector)?;
            (start, start + cluster * sector)
        };
        (table > 0 && tables_end < size && root.1 <= size).then_some(Self { tables_end, root })
    }

    fn rank(&self, at: u64, order: Order) -> u8 {
        let is_root = (self.root.0..self.root.1).contains(&at);
        match order {
            _ if at < self.tables_end => 1,
            Order::Comes if is_root => 2,
            Order::Goes if is_root => 0,
            Order::Comes => 0,
            Order::Goes => 2,
        }
    }
}

#[cfg(test)]
#[path = "volume_tests.rs"]
mod tests;
