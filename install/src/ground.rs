//! What there is to install with: the machine, the image in the live system, and the medium's configuration.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nuvol_media::{
    Disk, Done, Mode, Order, Plan, Progress, Refusal, Refused, Source, System, Use, Verification,
};

use crate::found::Found;
use crate::machine;

/// All of it.
pub struct Ground {
    root: PathBuf,
    system: System,
    source: Source,
    /// The medium's `nuvol.toml`.
    config: Option<String>,
    /// Whether loop devices count as disks.
    loops: bool,
}

impl Ground {
    /// The machine whose `/proc` and `/sys` lie below `root`, and the image `image` in it. The medium's configuration
    /// is the text `config`.
    pub fn new(root: &Path, image: &Path, config: Option<String>, loops: bool) -> anyhow::Result<Self> {
        anyhow::ensure!(
            image.exists(),
            "there is no `{}`: the installer runs in the live system of the ISO, started from its menu",
            image.display()
        );
        let source = Source::open(image)?;
        anyhow::ensure!(source.map.is_some(), "beside `{}` there is no map of it", image.display());
        Ok(Self { root: root.to_owned(), system: System::at(root), source, config, loops })
    }

    /// Why this machine cannot be a node, if that is so.
    pub fn refusal(&self) -> Option<String> {
        machine::refusal(&self.root)
    }

    /// Its disks. What the live system is made of is none.
    pub fn disks(&self) -> anyhow::Result<Vec<Disk>> {
        let disks = self.system.disks()?;
        let is_disk = |disk: &Disk| self.loops || disk.transport.as_deref() != Some("loop");
        Ok(disks.into_iter().filter(is_disk).collect())
    }

    /// Every reason not to install on `disk`.
    pub fn refusals(&self, disk: &Disk) -> Vec<Refusal> {
        disk.refusals(self.source.size_bytes.max(machine::DISK_BYTES))
    }

    /// Whether `disk` has this very system, as somebody just installed it or as it runs since.
    pub fn is_on(&self, found: &Found) -> bool {
        let (Some(own), Some(table)) = (&self.source.table, &found.table) else { return false };
        table.is_of_same_image(own)
    }

    /// The name that the medium gives, or the older node that stays had.
    pub fn name(&self, found: &Found, mode: Mode) -> Option<String> {
        match &self.config {
            Some(text) => nuvol_seed::read(text).config.name,
            None => found.node.as_ref().filter(|_| mode == Mode::Preserve)?.name(),
        }
    }

    /// What the new node's `nuvol.toml` says: what the medium's says, or the one of the node whose data stay; with
    /// `name`, if one is given. None where neither says anything.
    pub fn config(&self, found: &Found, mode: Mode, name: Option<&str>) -> anyhow::Result<Option<String>> {
        let told = |problems: Vec<nuvol_seed::Problem>| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("nuvol.toml:{}", lines.join("\nnuvol.toml:"))
        };
        let old = found.node.as_ref().filter(|_| mode == Mode::Preserve).and_then(|it| it.config.clone());
        let text = match &self.config {
            Some(text) => Some(nuvol_seed::without_install(text).map_err(told)?),
            None => old,
        };
        let is_new = |name: &&str| self.name(found, mode).as_deref() != Some(*name);
        let Some(name) = name.filter(is_new) else { return Ok(text) };
        let text = text.unwrap_or_else(|| format!("version = {}\n", nuvol_seed::VERSION));
        nuvol_seed::with_name(&text, name).map(Some).map_err(told)
    }

    /// What would go where.
    pub fn plan(&self, found: &Found, mode: Mode) -> Result<Plan, Refused> {
        self.order(&found.disk, mode, None).plan(&self.source, found.table.as_ref())
    }

    /// Looks whether the image is what was built, and writes it.
    pub fn install(
        &self,
        found: &Found,
        mode: Mode,
        config: Option<&str>,
        progress: &dyn Progress,
    ) -> anyhow::Result<Done> {
        self.source.check_ranges(progress).context("the medium is damaged; nothing was written")?;
        self.order(&found.disk, mode, config).carry_out(&self.system, &self.source, progress)
    }

    fn order<'a>(&self, disk: &'a Disk, mode: Mode, config: Option<&'a str>) -> Order<'a> {
        Order {
            disk,
            mode,
            least_bytes: machine::DISK_BYTES,
            verification: Verification::ReadBack,
            config: config.map(str::as_bytes),
        }
    }
}

/// Whether the running system comes from `disk`: the medium is never a choice.
pub fn is_medium(disk: &Disk) -> bool {
    disk.uses.iter().any(|it| matches!(it, Use::System { .. }))
}
