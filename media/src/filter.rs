//! Choosing a disk by what it is, for whoever cannot be asked. Never "the first one".

use serde::{Deserialize, Serialize};

use super::inventory::Disk;
use super::refusal::Refusal;

/// What the disk must be. Letters count alike large and small.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Filter {
    /// Its whole serial number.
    pub serial: Option<String>,
    /// A part of its maker's name or of its model.
    pub vendor: Option<String>,
    /// A part of its model.
    pub model: Option<String>,
    /// How it is connected.
    pub transport: Option<String>,
    /// Its least size in bytes.
    pub min_bytes: Option<u64>,
    /// Its greatest size in bytes.
    pub max_bytes: Option<u64>,
}

impl Filter {
    /// Whether it asks for nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `disk` is what it asks for.
    pub fn fits(&self, disk: &Disk) -> bool {
        let same = |wanted: &Option<String>, found: &[&Option<String>], test: fn(&str, &str) -> bool| {
            wanted.as_ref().is_none_or(|wanted| {
                let wanted = wanted.trim().to_lowercase();
                found.iter().filter_map(|it| it.as_ref()).any(|it| test(&it.to_lowercase(), &wanted))
            })
        };
        let (whole, part) = (
            |found: &str, wanted: &str| found == wanted,
            |found: &str, wanted: &str| !wanted.is_empty() && found.contains(wanted),
        );
        same(&self.serial, &[&disk.serial], whole)
            && same(&self.vendor, &[&disk.vendor, &disk.model], part)
            && same(&self.model, &[&disk.model], part)
            && same(&self.transport, &[&disk.transport], whole)
            && self.min_bytes.is_none_or(|least| disk.size_bytes >= least)
            && self.max_bytes.is_none_or(|most| disk.size_bytes <= most)
    }

    /// The one disk that it asks for. With none, with several, or where it asks for nothing, there is no choice.
    pub fn choose<'a>(&self, disks: &'a [Disk]) -> Result<&'a Disk, Refusal> {
        let found: Vec<&Disk> = disks.iter().filter(|disk| self.fits(disk)).collect();
        match found.as_slice() {
            [disk] if !self.is_empty() => Ok(disk),
            _ => Err(Refusal::NotOne(found.iter().map(|disk| disk.path.clone()).collect())),
        }
    }
}
