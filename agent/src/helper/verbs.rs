//! What the helper does, one request after the other. Each is looked through as a whole before anything is done.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::protocol::{Cause, Final, Outcome, Power, Request};
use super::systemd::{self, Job, Systemd};
use super::{check, firewall, journal, mesh, ports, settings, usage};
use crate::durable;
use crate::node::Catalogue;
use crate::node::operation::Step;
use crate::node::service::Service;

/// Counting a large folder is given up after this.
const USAGE_LIMIT: Duration = Duration::from_secs(10);
/// More than ss writes on any honest node.
const PORTS_LIMIT_BYTES: u64 = 1 << 20;

/// Where the helper finds things.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the service catalogue.
    pub services: PathBuf,
    /// Folder of the services' settings.
    pub settings: PathBuf,
    /// Folder of what the helper remembers.
    pub state: PathBuf,
    /// Folder of what it forgets with a reboot.
    pub runtime: PathBuf,
    /// Folder of the units that start with the machine.
    pub units: PathBuf,
    /// The file with the machine-id of this system.
    pub system: PathBuf,
    /// Folders of the mesh.
    pub mesh: mesh::Folders,
    /// The bus that systemd is on, if not the system's.
    pub bus: Option<String>,
    /// How long a service must have stayed up to count as started.
    pub settle: Duration,
}

/// The helper, with the catalogue as its image has it.
#[derive(Debug)]
pub struct Helper {
    pub(super) options: Options,
    pub(super) catalogue: Catalogue,
}

/// Something that went wrong after it was begun.
#[derive(Debug)]
pub struct Failure {
    /// For pages.
    pub cause: Cause,
    /// In full.
    pub detail: String,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let full = |cause: &(dyn std::error::Error + 'static)| {
            let io = cause.downcast_ref::<std::io::Error>();
            io.is_some_and(|io| {
                matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
            })
        };
        let cause = if error.chain().any(full) {
            Cause::DiskFull
        } else if systemd::is_to_blame(&error) {
            Cause::Systemd
        } else {
            Cause::Other
        };
        // Causes that the text before them already tells are not told twice.
        let detail = error.chain().map(ToString::to_string).fold(String::new(), |told, cause| {
            if told.is_empty() {
                cause
            } else if told.contains(&cause) {
                told
            } else {
                format!("{told}: {cause}")
            }
        });
        Self { cause, detail }
    }
}

impl Failure {
    /// A unit that did not do what it should.
    pub(super) fn job(unit: &str, result: &str) -> Self {
        let detail = format!("`{unit}` ended with `{result}`; its journal says more");
        Self { cause: Cause::JobFailed { unit: unit.to_owned(), result: result.to_owned() }, detail }
    }
}

/// What a request comes to.
pub type Done = Result<Outcome, Failure>;

impl Helper {
    /// A helper for the catalogue in the folder that `options` names.
    pub fn new(options: Options) -> Self {
        let catalogue = crate::services::read(&options.services).catalogue;
        Self { options, catalogue }
    }

    /// Does what was asked, and tells through `tell` how far it is.
    pub async fn handle(&self, request: &Request, tell: &mut (dyn FnMut(Step) + Send)) -> Final {
        if let Err(why) = check::request(&self.catalogue, request) {
            return Final::Refused { why };
        }
        match self.carry_out(request, tell).await {
            Ok(outcome) => Final::Done(outcome),
            Err(Failure { cause, detail }) => Final::Failed { cause, detail },
        }
    }

    async fn carry_out(&self, request: &Request, tell: &mut (dyn FnMut(Step) + Send)) -> Done {
        let service = |name: &str| check::service(&self.catalogue, name).map_err(anyhow::Error::msg);
        match request {
            Request::Switch { service: name, on } => {
                let service = service(name)?;
                let switched = if *on {
                    self.switch_on(service, tell).await
                } else {
                    self.switch_off(service, tell).await
                };
                switched.map(|()| self.now_set(service))
            }
            Request::Restart { service: name } => {
                let service = service(name)?;
                self.restart(service, tell).await.map(|()| self.now_set(service))
            }
            Request::Configure { service: name, settings } => {
                let service = service(name)?;
                let values = check::settings(service, settings).map_err(anyhow::Error::msg)?;
                self.configure(service, values, tell).await.map(|()| self.now_set(service))
            }
            Request::Settings { service: name } => Ok(self.settings(service(name)?)?),
            Request::Logs { service: name, lines } => {
                Ok(Outcome::Lines(journal::last(&service(name)?.units, *lines).await?))
            }
            Request::Usage { service: name } => self.usage(service(name)?, tell).await,
            Request::Firewall => {
                tell(Step::Firewall);
                self.fit_firewall(&self.systemd().await?).await.map(|()| Outcome::Nothing)
            }
            Request::Rename { name } => {
                tell(Step::Writing);
                self.systemd().await?.rename(name).await?;
                Ok(Outcome::Nothing)
            }
            Request::Power { how } => {
                tell(Step::Stopping);
                let unit = match how {
                    Power::Reboot => "reboot.target",
                    Power::Off => "poweroff.target",
                };
                self.systemd().await?.go(unit).await?;
                Ok(Outcome::Nothing)
            }
            Request::MeshKey => self.mesh_key(tell).await,
            Request::MeshApply { own, peers } => {
                self.mesh_apply(service(mesh::SERVICE)?, own.clone(), peers.clone(), tell).await
            }
            Request::MeshLeave => self.mesh_leave(service(mesh::SERVICE)?, tell).await,
            Request::MeshStatus => self.mesh_status(service(mesh::SERVICE)?).await,
        }
    }

    pub(super) async fn systemd(&self) -> anyhow::Result<Systemd> {
        Systemd::connect(self.options.bus.as_deref()).await
    }

    /// What is set after a change, told with its end: whoever looks then sees no values of before. A change that is
    /// made is not undone because they cannot be read.
    fn now_set(&self, service: &Service) -> Outcome {
        self.settings(service).unwrap_or(Outcome::Nothing)
    }

    fn settings(&self, service: &Service) -> anyhow::Result<Outcome> {
        let text = settings::text(&settings::path(&self.options.settings, service))?.unwrap_or_default();
        let set = settings::parse(service, &text);
        let value = |setting: &crate::node::setting::Setting| {
            let value = set.get(&*setting.name).cloned().unwrap_or_else(|| setting.default());
            (setting.name.to_string(), value.to_string())
        };
        let values: BTreeMap<String, String> = service.settings.iter().map(value).collect();
        Ok(Outcome::Settings { values, shown: settings::shown(service) })
    }

    async fn usage(&self, service: &Service, tell: &mut (dyn FnMut(Step) + Send)) -> Done {
        tell(Step::Checking);
        let folders: Vec<String> = service.data.iter().map(|path| path.to_string()).collect();
        // A thread of its own: the file system may be slow, and others ask meanwhile.
        let counting = tokio::task::spawn_blocking(move || usage::measure(&folders, USAGE_LIMIT));
        Ok(Outcome::Usage(counting.await.context("counting")?))
    }

    /// Lets the fixed unit make its list, and reads it.
    pub(super) async fn ports(&self, systemd: &Systemd) -> Result<Vec<ports::Listener>, Failure> {
        run(systemd, ports::UNIT).await?;
        let list = self.options.runtime.join(ports::FILE);
        let read = || -> std::io::Result<String> {
            let mut text = String::new();
            std::fs::File::open(&list)?.take(PORTS_LIMIT_BYTES).read_to_string(&mut text)?;
            Ok(text)
        };
        let text = read().with_context(|| format!("reading `{}`", list.display()))?;
        Ok(ports::parse(&text))
    }

    /// Writes what is open down for every boot to come, and lets the fixed unit load it.
    pub(super) async fn fit_firewall(&self, systemd: &Systemd) -> Result<(), Failure> {
        let (mut on, mut enabled) = (Vec::new(), BTreeMap::new());
        for service in self.catalogue.services.values() {
            let Some(main) = service.units.first() else { continue };
            let starts = systemd.is_enabled(main).await?;
            enabled.insert(service.name.to_string(), starts);
            if starts || systemd.state(main).await?.is_on() {
                on.push(service);
            }
        }
        self.note(enabled)?;
        let text = firewall::render(on);
        durable::write(&self.options.state.join(firewall::FILE), &text, 0o644)?;
        run(systemd, firewall::UNIT).await
    }
}

/// Runs a fixed unit to its end.
async fn run(systemd: &Systemd, unit: &str) -> Result<(), Failure> {
    match systemd.job(Job::Restart, unit).await?.as_str() {
        "done" => Ok(()),
        result => Err(Failure::job(unit, result)),
    }
}

/// What is open before the helper has ever been asked: the services that start with every node.
pub fn first_rules(services: &Path) -> String {
    let catalogue = crate::services::read(services).catalogue;
    let always = |service: &&Service| service.start == crate::node::service::Start::Always;
    firewall::render(catalogue.services.values().filter(always))
}
