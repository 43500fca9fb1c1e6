//! An image onto a disk of this machine, from the last look at the disk to the table that makes it boot.

use anyhow::Context as _;

use super::device::{Access, Device};
use super::inventory::{Disk, System};
use super::plan::{Mode, Plan};
use super::progress::Progress;
use super::refusal::{Refusal, Refused};
use super::source::Source;
use super::write::{Job, Outcome, Verification};

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// With this disk, as it was when somebody agreed.
    pub disk: &'a Disk,
    /// What becomes of what is on it.
    pub mode: Mode,
    /// The least size of a disk in bytes; the image's own counts anyway.
    pub least_bytes: u64,
    /// Whether it is read back.
    pub verification: Verification,
    /// What `nuvol.toml` on it shall say.
    pub config: Option<&'a [u8]>,
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Done {
    /// In bytes.
    pub outcome: Outcome,
    /// The data partition that was kept: its label and size in bytes.
    pub preserved: Option<(String, u64)>,
}

impl Order<'_> {
    /// Takes the disk for itself, looks at it once more, and writes.
    pub fn carry_out(
        &self,
        system: &System,
        source: &Source,
        progress: &dyn Progress,
    ) -> anyhow::Result<Done> {
        let disk = self.disk;
        let device = Device::open(disk, Access::Alone)?;
        let refuse = |reasons: Vec<Refusal>| {
            if reasons.is_empty() { Ok(()) } else { Err(Refused(reasons)) }
        };
        let now = system.find(&disk.path)?.map_err(|reason| Refused(vec![reason]))?;
        let same =
            (now.sequence, now.size_bytes, &now.serial) == (disk.sequence, disk.size_bytes, &disk.serial);
        refuse(if same { Vec::new() } else { vec![Refusal::Exchanged(disk.path.clone())] })?;
        refuse(now.refusals(source.size_bytes.max(self.least_bytes)))?;
        let old = device.table();
        let plan = self.plan(source, old.as_ref())?;
        let job = Job { source, plan: &plan, medium: &device, progress, config: self.config };
        let outcome = job.run(self.verification).with_context(|| format!("`{}`", disk.path.display()))?;
        Ok(Done { outcome, preserved: plan.preserved.map(|it| (it.label, it.span.length())) })
    }

    /// What goes where on the disk, which has the table `old` now.
    pub fn plan(&self, source: &Source, old: Option<&super::gpt::Table>) -> Result<Plan, Refused> {
        let name = self.disk.path.display().to_string();
        Plan::new(source, self.disk.size_bytes, old, self.mode, &name).map_err(|reason| Refused(vec![reason]))
    }
}
