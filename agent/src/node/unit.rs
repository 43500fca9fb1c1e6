//! A systemd unit as systemd tells it, and what that means for people.

/// What systemd says about a unit, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// `LoadState`: whether there is such a unit (`loaded`, `not-found`, `masked`, ...).
    pub load: String,
    /// `ActiveState` (`active`, `inactive`, `failed`, ...).
    pub active: String,
    /// `SubState`, finer (`running`, `auto-restart`, ...).
    pub sub: String,
    /// How its last run ended, where it ended badly.
    pub end: Option<End>,
    /// `MemoryCurrent`: bytes of memory that its programs use, where that is counted.
    pub memory: Option<u64>,
}

/// How the last run of a unit ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// `Result` (`exit-code`, `signal`, `timeout`, ...).
    pub result: String,
    /// `ExecMainStatus`: exit code or number of the signal.
    pub status: i32,
    /// `NRestarts`: how often systemd has started it again by itself.
    pub restarts: u32,
}

/// The state of a service in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It works.
    Running,
    /// It is on its way up.
    Starting,
    /// It is on its way down.
    Stopping,
    /// It is off.
    Stopped,
    /// It ended badly and stays down.
    Failed,
    /// It is not on this node.
    Missing,
    /// systemd has not told.
    Unknown,
}

impl State {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

impl Unit {
    /// What the unit's states come to.
    pub fn state(&self) -> State {
        match (self.load.as_str(), self.active.as_str()) {
            ("not-found", _) => State::Missing,
            // A unit whose file went bad while it runs still runs.
            (_, "active") => State::Running,
            (_, "activating" | "reloading" | "refreshing") => State::Starting,
            (_, "deactivating") => State::Stopping,
            (_, "failed") | ("error" | "bad-setting", _) => State::Failed,
            (_, "inactive" | "maintenance") => State::Stopped,
            _ => State::Unknown,
        }
    }

    /// Whether it ended badly and waits to be started again: `starting`, but not well.
    pub fn is_restarting(&self) -> bool {
        self.active == "activating" && self.sub.starts_with("auto-restart")
    }

    /// Why it is not as one would wish; nothing where there is nothing to explain.
    pub fn why(&self) -> Option<Why> {
        match self.load.as_str() {
            "not-found" => return Some(Why::NoUnit),
            "masked" => return Some(Why::Masked),
            "error" | "bad-setting" => return Some(Why::BadUnitFile),
            _ => {}
        }
        if self.state() != State::Failed && !self.is_restarting() {
            return None;
        }
        Some(Why::Ended(self.end.clone().unwrap_or_default()))
    }
}

/// Why a unit is not as one would wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// systemd knows no such unit.
    NoUnit,
    /// systemd was told never to start it.
    Masked,
    /// systemd cannot read its unit file.
    BadUnitFile,
    /// Its program ended badly.
    Ended(End),
    /// Another unit of the service is not well.
    Part {
        /// Its name.
        unit: String,
        /// Why.
        why: Option<Box<Why>>,
    },
}

/// The name of a signal, where it is one that ends programs.
pub fn signal(number: i32) -> Option<&'static str> {
    Some(match number {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        31 => "SIGSYS",
        _ => return None,
    })
}
