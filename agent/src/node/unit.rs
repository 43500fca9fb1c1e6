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

    /// Why it is not as one would wish, as a sentence; nothing where there is nothing to explain.
    pub fn why(&self) -> Option<String> {
        match self.load.as_str() {
            "not-found" => return Some("systemd knows no such unit.".to_owned()),
            "masked" => return Some("It is masked: systemd was told never to start it.".to_owned()),
            "error" | "bad-setting" => return Some("systemd cannot read its unit file.".to_owned()),
            _ => {}
        }
        if self.state() != State::Failed && !self.is_restarting() {
            return None;
        }
        let end = self.end.clone().unwrap_or_default();
        let cause = end.cause();
        match end.restarts {
            0 => Some(cause),
            1 => Some(format!("{cause} It was restarted once.")),
            times => Some(format!("{cause} It was restarted {times} times.")),
        }
    }
}

impl End {
    fn cause(&self) -> String {
        let status = self.status;
        match self.result.as_str() {
            "exit-code" => format!("Its program ended with exit code {status}."),
            "signal" | "core-dump" => format!("Its program was ended by {}.", signal(status)),
            "timeout" => "It took too long to start or to stop.".to_owned(),
            "watchdog" => "It stopped answering.".to_owned(),
            "oom-kill" => "The node ran out of memory.".to_owned(),
            "start-limit-hit" => "It failed too often in a short time.".to_owned(),
            "protocol" => "It never said that it was ready.".to_owned(),
            "resources" => "The node could not give it what it needs.".to_owned(),
            // A program that ends well although it should go on is restarted too.
            "success" => "Its program ended by itself.".to_owned(),
            "" => "systemd does not say why.".to_owned(),
            other => format!("systemd calls it `{other}`."),
        }
    }
}

fn signal(number: i32) -> String {
    let name = match number {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        31 => "SIGSYS",
        _ => return format!("signal {number}"),
    };
    format!("{name} (signal {number})")
}
