//! What starts with the machine, remembered where the data lies.
//!
//! systemd keeps it on the root partition. When that is installed anew and the data partition stays, the new system
//! knows nothing of it; this file does. It names the system it was written in by its machine-id, which every new root
//! draws: where that is another one, the helper switches as the file says before it does anything else.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::systemd::{Job, Systemd};
use super::verbs::{Failure, Helper};
use crate::durable;
use crate::journal;
use crate::node::Level;
use crate::node::service::Service;

/// The file, in the helper's folder.
pub const FILE: &str = "switches.json";

const MODE: u32 = 0o644;

/// What was on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Remembered {
    /// The machine-id of the system that this is true of.
    pub system: String,
    /// Whether each service starts with the machine.
    pub services: BTreeMap<String, bool>,
}

impl Helper {
    /// Switches as it was before the root partition was installed anew; does nothing on any other start. It may be cut
    /// off and done again: the file says that it is done only when all is on the disk.
    pub async fn restore(&self) -> Result<(), Failure> {
        let own = self.system()?;
        let Some(Remembered { system, services }) = self.remembered()?.filter(|it| it.system != own) else {
            return Ok(());
        };
        journal::write(Level::Info, &format!("switching as it was in the system {system}"));
        let systemd = self.systemd().await?;
        for service in self.catalogue.services.values() {
            let Some(on) = services.get(&*service.name) else { continue };
            if let Err(Failure { detail, .. }) = put_back(&systemd, service, *on).await {
                // The others are not to suffer from it.
                journal::write(Level::Error, &format!("service `{}`: {detail}", &*service.name));
            }
        }
        durable::sync(&self.options.units).map_err(anyhow::Error::from)?;
        self.remember(&Remembered { system: own, services })?;
        self.fit_firewall(&systemd).await
    }

    /// Notes what starts with the machine, unless what an earlier system had noted is still to be done.
    pub(super) fn note(&self, services: BTreeMap<String, bool>) -> Result<(), Failure> {
        let system = self.system()?;
        match self.remembered()? {
            Some(old) if old.system != system => Ok(()),
            Some(old) if old.services == services => Ok(()),
            _ => Ok(self.remember(&Remembered { system, services })?),
        }
    }

    fn remember(&self, remembered: &Remembered) -> anyhow::Result<()> {
        let text = serde_json::to_string(remembered).context("writing what is on")?;
        durable::write(&self.options.state.join(FILE), &(text + "\n"), MODE)
    }

    /// What is remembered; what is damaged is moved aside, and nothing is known.
    fn remembered(&self) -> anyhow::Result<Option<Remembered>> {
        let path = self.options.state.join(FILE);
        let text = match limited(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
        };
        match serde_json::from_slice(&text) {
            Ok(remembered) => Ok(Some(remembered)),
            Err(error) => {
                let aside = path.with_extension("damaged");
                std::fs::rename(&path, &aside)
                    .with_context(|| format!("moving the damaged `{}` aside", path.display()))?;
                let line =
                    format!("`{}` was damaged ({error}) and is now `{}`", path.display(), aside.display());
                journal::write(Level::Error, &line);
                Ok(None)
            }
        }
    }

    fn system(&self) -> anyhow::Result<String> {
        let path = &self.options.system;
        let id = limited(path).with_context(|| format!("reading `{}`", path.display()))?;
        let id = String::from_utf8_lossy(&id).trim().to_owned();
        // `uninitialized` is what a first boot begins with (machine-id(5)).
        ensure!(id.len() == 32, "`{}` has no machine-id yet", path.display());
        Ok(id)
    }
}

fn limited(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(64 << 10).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Begins and does not wait: the machine is still starting, and systemd knows in which order.
async fn put_back(systemd: &Systemd, service: &Service, on: bool) -> Result<(), Failure> {
    let Some(main) = service.units.first() else { return Ok(()) };
    if systemd.is_enabled(main).await? == on {
        return Ok(());
    }
    systemd.enable(&service.units, on).await?;
    for unit in service.units.iter() {
        systemd.begin(if on { Job::Start } else { Job::Stop }, unit).await?;
    }
    Ok(())
}
