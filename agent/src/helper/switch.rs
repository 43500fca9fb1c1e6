//! Switching, restarting and configuring a service.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::protocol::Cause;
use super::systemd::{Job, Systemd};
use super::verbs::{Failure, Helper};
use super::{firewall, settings};
use crate::durable;
use crate::node::operation::Step;
use crate::node::service::Service;
use crate::node::setting::Value;

/// Settings may be secret, and only systemd reads them.
const SETTINGS_MODE: u32 = 0o600;
/// A service that ends badly mostly does so at once; it is looked at this often until it counts as started.
const LOOK: Duration = Duration::from_millis(250);

type Tell<'a> = &'a mut (dyn FnMut(Step) + Send);

impl Helper {
    /// On, or else off as before: nothing in between stays.
    pub(super) async fn switch_on(&self, service: &Service, tell: Tell<'_>) -> Result<(), Failure> {
        let systemd = self.systemd().await?;
        tell(Step::Checking);
        self.ports_are_free(&systemd, service).await?;
        let begun = self.put_on(&systemd, service, tell).await;
        let Err(Failure { cause, detail }) = begun else { return Ok(()) };
        tell(Step::Undoing);
        let detail = match self.put_off(&systemd, service, &mut |_| ()).await {
            Ok(()) => detail,
            Err(left) => format!("{detail}; and putting it back failed: {}", left.detail),
        };
        systemd.forgive(&service.units).await;
        Err(Failure { cause, detail })
    }

    /// Off and closed, even if a unit does not stop.
    pub(super) async fn switch_off(&self, service: &Service, tell: Tell<'_>) -> Result<(), Failure> {
        self.put_off(&self.systemd().await?, service, tell).await
    }

    async fn put_on(&self, systemd: &Systemd, service: &Service, tell: Tell<'_>) -> Result<(), Failure> {
        tell(Step::Enabling);
        systemd.enable(&service.units, true).await?;
        // Power may fail the next moment, and what the owner has switched on is on.
        sync(&self.options.units).map_err(anyhow::Error::from)?;
        tell(Step::Starting);
        // A service that failed too often lately would not be started.
        systemd.forgive(&service.units).await;
        start(systemd, service, Job::Start).await?;
        self.stays_up(systemd, service).await?;
        tell(Step::Firewall);
        self.fit_firewall(systemd).await
    }

    async fn put_off(&self, systemd: &Systemd, service: &Service, tell: Tell<'_>) -> Result<(), Failure> {
        tell(Step::Stopping);
        let mut stopped = Ok(());
        // The last first: what starts the main unit must not start it again.
        for unit in service.units.iter().rev() {
            match systemd.job(Job::Stop, unit).await.map_err(Failure::from) {
                Ok(result) if result == "done" => {}
                Ok(result) => stopped = Err(Failure::job(unit, &result)),
                Err(failure) => stopped = Err(failure),
            }
        }
        tell(Step::Enabling);
        let disabled = systemd.enable(&service.units, false).await.map_err(Failure::from);
        sync(&self.options.units).ok();
        tell(Step::Firewall);
        let closed = self.fit_firewall(systemd).await;
        stopped.and(disabled).and(closed)
    }

    /// Stops and starts it.
    pub(super) async fn restart(&self, service: &Service, tell: Tell<'_>) -> Result<(), Failure> {
        let systemd = self.systemd().await?;
        tell(Step::Starting);
        systemd.forgive(&service.units).await;
        start(&systemd, service, Job::Restart).await?;
        self.stays_up(&systemd, service).await
    }

    /// Sets, and starts the service anew if it runs. A service that does not start with its new settings gets the
    /// old ones back.
    pub(super) async fn configure(
        &self,
        service: &Service,
        values: BTreeMap<String, Value>,
        tell: Tell<'_>,
    ) -> Result<(), Failure> {
        tell(Step::Writing);
        let path = settings::path(&self.options.settings, service);
        let before = settings::text(&path)?;
        let mut all = settings::parse(service, before.as_deref().unwrap_or_default());
        all.extend(values);
        let text = settings::render(service, &all);
        if before.as_deref() == Some(&text) {
            return Ok(());
        }
        durable::write(&path, &text, SETTINGS_MODE)?;
        let Err(Failure { cause, detail }) = self.restart_if_on(service, tell).await else {
            return Ok(());
        };
        tell(Step::Undoing);
        let mut detail = format!("{detail}; the old settings are back");
        if let Err(error) = durable::restore(&path, before.as_deref(), SETTINGS_MODE) {
            detail = format!("{detail}, but not on the disk: {error:#}");
        }
        if let Err(left) = self.restart_if_on(service, &mut |_| ()).await {
            detail = format!("{detail}, and yet it does not start: {}", left.detail);
        }
        Err(Failure { cause, detail })
    }

    async fn restart_if_on(&self, service: &Service, tell: Tell<'_>) -> Result<(), Failure> {
        let systemd = self.systemd().await?;
        let states = systemd.states(&service.units).await?;
        // One that ended badly is on too, as far as its owner is concerned.
        if states.values().any(|state| state.is_on() || state.is_failing()) {
            tell(Step::Starting);
            systemd.forgive(&service.units).await;
            start(&systemd, service, Job::Restart).await?;
            self.stays_up(&systemd, service).await?;
        }
        Ok(())
    }

    /// Whether it still runs a moment after it has started: a simple service counts as started for systemd before
    /// its program has done anything.
    pub(super) async fn stays_up(&self, systemd: &Systemd, service: &Service) -> Result<(), Failure> {
        let end = tokio::time::Instant::now() + self.options.settle;
        loop {
            for (unit, state) in systemd.states(&service.units).await? {
                if state.is_failing() {
                    let result = systemd.result(&unit).await.unwrap_or_else(|_| "failed".to_owned());
                    return Err(Failure::job(&unit, &result));
                }
            }
            if tokio::time::Instant::now() >= end {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether nobody else has a port that the service needs.
    async fn ports_are_free(&self, systemd: &Systemd, service: &Service) -> Result<(), Failure> {
        if service.ports.is_empty() {
            return Ok(());
        }
        let taken = self.ports(systemd).await?;
        let states = systemd.states(&service.units).await?;
        // Where the kernel does not tell whose a port is, a service that runs may well have it itself.
        let runs = states.values().any(|state| state.is_on());
        let others = taken.into_iter().find(|listener| {
            let own = if listener.unit.is_empty() { runs } else { service.units.contains(&listener.unit) };
            let is_its = |port: &crate::node::service::Port| {
                port.port.get() == listener.port && firewall::protocol(port.protocol) == listener.protocol
            };
            !own && service.ports.iter().any(is_its)
        });
        let Some(other) = others else { return Ok(()) };
        let by = if other.unit.is_empty() { "another program" } else { &other.unit };
        let detail = format!("{} port {} is taken by {by}", other.protocol, other.port);
        Err(Failure {
            cause: Cause::PortTaken { port: other.port, protocol: other.protocol, by: other.unit },
            detail,
        })
    }
}

/// Starts its units, the main one first.
async fn start(systemd: &Systemd, service: &Service, job: Job) -> Result<(), Failure> {
    for unit in service.units.iter() {
        match systemd.job(job, unit).await?.as_str() {
            // `skipped`: a condition of the unit says that there is nothing to start.
            "done" | "skipped" => {}
            result => return Err(Failure::job(unit, result)),
        }
    }
    Ok(())
}

/// Waits until the file system that holds `folder` is on the disk.
fn sync(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}
