//! systemd and its host name service over D-Bus (org.freedesktop.systemd1(5), org.freedesktop.hostname1(5)), as
//! far as the helper needs them. Everything here names units that the caller took from the catalogue.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use futures_util::StreamExt;
use zbus::message::Type;
use zbus::proxy::CacheProperties;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, proxy};

use crate::systemd::{self, MANAGER, ManagerProxy, SYSTEMD, ServiceProxy, UnitProxy};

/// Reading all units anew takes a slow machine a while; nothing takes longer but jobs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// Units may take five minutes to start, and half a minute to give up after that.
const JOB_LIMIT: Duration = Duration::from_secs(6 * 60);

#[proxy(
    interface = "org.freedesktop.hostname1",
    default_service = "org.freedesktop.hostname1",
    default_path = "/org/freedesktop/hostname1"
)]
trait HostName {
    fn set_static_hostname(&self, name: &str, interactive: bool) -> zbus::Result<()>;
}

/// What a unit is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Start, unless it runs.
    Start,
    /// Stop.
    Stop,
    /// Stop and start.
    Restart,
}

/// What the main process of a unit can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Read your files again (`SIGHUP`).
    Reread,
    /// Try again now what you put off (`SIGALRM`, to tinc).
    CallNow,
    /// List what you know (`SIGUSR2`, to tinc).
    List,
}

/// A connection to systemd.
pub struct Systemd {
    connection: Connection,
    manager: ManagerProxy<'static>,
}

/// What systemd says about a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// `ActiveState`.
    pub active: String,
    /// `SubState`.
    pub sub: String,
}

impl State {
    /// Whether it works, or is about to.
    pub fn is_on(&self) -> bool {
        ["active", "activating", "reloading"].contains(&self.active.as_str()) && !self.is_failing()
    }

    /// Whether it has ended badly.
    pub fn is_failing(&self) -> bool {
        self.active == "failed" || self.sub.starts_with("auto-restart")
    }
}

impl Systemd {
    /// Connects to the bus at `address`, or to the system's.
    pub async fn connect(address: Option<&str>) -> anyhow::Result<Self> {
        let connection = systemd::connect(address, ANSWER_LIMIT).await?;
        let manager = ManagerProxy::new(&connection).await?;
        // Without this, systemd sends no signals at all.
        manager.subscribe().await.context("asking systemd for its signals")?;
        Ok(Self { connection, manager })
    }

    /// Makes these units start with the machine, or not any more.
    pub async fn enable(&self, units: &[String], on: bool) -> anyhow::Result<()> {
        if on {
            let enabled = self.manager.enable_unit_files(units, false, true).await;
            enabled.with_context(|| format!("enabling {units:?}"))?;
        } else {
            let disabled = self.manager.disable_unit_files(units, false).await;
            disabled.with_context(|| format!("disabling {units:?}"))?;
        }
        self.manager.reload().await.context("making systemd read its units anew")
    }

    /// Whether this unit starts with the machine.
    pub async fn is_enabled(&self, unit: &str) -> anyhow::Result<bool> {
        let state = self.manager.get_unit_file_state(unit).await;
        match state {
            Ok(state) => Ok(state.starts_with("enabled")),
            // systemd has answered: there is no such unit.
            Err(zbus::Error::MethodError(..) | zbus::Error::FDO(_)) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("asking systemd about `{unit}`")),
        }
    }

    /// How this unit is.
    pub async fn state(&self, unit: &str) -> anyhow::Result<State> {
        let context = || format!("asking systemd about `{unit}`");
        let path = self.manager.load_unit(unit).await.with_context(context)?;
        let proxy = UnitProxy::builder(&self.connection)
            .path(path)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let active = proxy.active_state().await.with_context(context)?;
        Ok(State { active, sub: proxy.sub_state().await.with_context(context)? })
    }

    /// How the last run of a service ended, in systemd's words.
    pub async fn result(&self, unit: &str) -> anyhow::Result<String> {
        let path = self.manager.load_unit(unit).await?;
        let proxy = ServiceProxy::builder(&self.connection)
            .path(path)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        Ok(proxy.result().await?)
    }

    /// Starts, stops or restarts a unit and waits until that is done; gives systemd's word for how it went
    /// (`done`, `failed`, `timeout`, `dependency`, `canceled`, ...).
    pub async fn job(&self, job: Job, unit: &str) -> anyhow::Result<String> {
        // Listened to before the job begins: a short one is over before the answer is here.
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(SYSTEMD).interface(MANAGER);
        let rule = rule.member("JobRemoved").build()?;
        let mut removed =
            MessageStream::for_match_rule(rule, &self.connection, NonZeroUsize::new(256)).await?;
        let begun = match job {
            Job::Start => self.manager.start_unit(unit, "replace").await,
            Job::Stop => self.manager.stop_unit(unit, "replace").await,
            Job::Restart => self.manager.restart_unit(unit, "replace").await,
        };
        let begun = begun.with_context(|| format!("telling systemd to {} `{unit}`", job.word()))?;
        let ended = async {
            while let Some(message) = removed.next().await {
                let body = message?.body();
                let (_, path, _, result): (u32, OwnedObjectPath, String, String) = body.deserialize()?;
                if path == begun {
                    return Ok(result);
                }
            }
            bail!("D-Bus closed the connection")
        };
        let limit = || anyhow!("`{unit}` takes longer than {} s to {}", JOB_LIMIT.as_secs(), job.word());
        tokio::time::timeout(JOB_LIMIT, ended).await.map_err(|_| limit())?
    }

    /// Forgets that units have failed, so that they may be started again at once. One that has not is no error.
    pub async fn forgive(&self, units: &[String]) {
        for unit in units {
            self.manager.reset_failed_unit(unit).await.ok();
        }
    }

    /// Begins a job and does not wait.
    pub async fn begin(&self, job: Job, unit: &str) -> anyhow::Result<()> {
        let begun = match job {
            Job::Start => self.manager.start_unit(unit, "replace").await,
            Job::Stop => self.manager.stop_unit(unit, "replace").await,
            Job::Restart => self.manager.restart_unit(unit, "replace").await,
        };
        begun.map(drop).with_context(|| format!("telling systemd to {} `{unit}`", job.word()))
    }

    /// Sends the main process of a unit a signal.
    pub async fn signal(&self, unit: &str, signal: Signal) -> anyhow::Result<()> {
        // Their numbers on all machines that we build for (signal(7)).
        let number = match signal {
            Signal::Reread => 1,
            Signal::CallNow => 14,
            Signal::List => 12,
        };
        let sent = self.manager.kill_unit(unit, "main", number).await;
        sent.with_context(|| format!("sending a signal to `{unit}`"))
    }

    /// Begins what ends the helper too, and cannot be called off.
    pub async fn go(&self, target: &str) -> anyhow::Result<()> {
        let begun = self.manager.start_unit(target, "replace-irreversibly").await;
        begun.map(drop).with_context(|| format!("telling systemd to start `{target}`"))
    }

    /// Names the machine.
    pub async fn rename(&self, name: &str) -> anyhow::Result<()> {
        let proxy = HostNameProxy::new(&self.connection).await?;
        proxy.set_static_hostname(name, false).await.context("telling the host name service")
    }

    /// How each of these units is.
    pub async fn states(&self, units: &[String]) -> anyhow::Result<BTreeMap<String, State>> {
        let mut states = BTreeMap::new();
        for unit in units {
            states.insert(unit.clone(), self.state(unit).await?);
        }
        Ok(states)
    }
}

impl Job {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

/// Whether D-Bus or systemd is what went wrong.
pub fn is_to_blame(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<zbus::Error>())
}
