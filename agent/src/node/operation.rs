//! Work that takes a while. It is kept on the node: a page that is closed, or another browser, finds it again.

use serde::{Deserialize, Serialize};

use super::service::Text;

/// Operations that are remembered.
const KEPT: usize = 50;

/// Number of an operation; later ones have higher numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub u32);

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "task")]
pub enum Task {
    /// A service is switched on.
    SwitchOn {
        /// Its name in the catalogue.
        service: String,
    },
    /// A service is switched off.
    SwitchOff {
        /// Its name in the catalogue.
        service: String,
    },
    /// A service is stopped and started.
    Restart {
        /// Its name in the catalogue.
        service: String,
    },
    /// A service gets other settings.
    Configure {
        /// Its name in the catalogue.
        service: String,
    },
    /// The node gets another name.
    Rename {
        /// The name it had.
        from: String,
        /// The name it gets.
        to: String,
    },
    /// The node starts anew.
    Reboot,
    /// The node is switched off.
    PowerOff,
}

impl Task {
    /// The service that it is about.
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::SwitchOn { service }
            | Self::SwitchOff { service }
            | Self::Restart { service }
            | Self::Configure { service } => Some(service),
            Self::Rename { .. } | Self::Reboot | Self::PowerOff => None,
        }
    }
}

/// What is being done right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It waits for its turn.
    Waiting,
    /// Whether it can be done.
    Checking,
    /// Settings are written.
    Writing,
    /// So that it is the same after the next boot.
    Enabling,
    /// Programs start.
    Starting,
    /// Programs end.
    Stopping,
    /// Ports are opened or closed.
    Firewall,
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Trouble {
    /// Another program has the port.
    PortTaken {
        /// The port.
        port: u16,
        /// `tcp` or `udp`.
        protocol: String,
        /// Who has it, where that is known.
        by: Option<String>,
    },
    /// systemd could not start or stop a unit.
    JobFailed {
        /// The unit.
        unit: String,
        /// How systemd calls it (`failed`, `timeout`, `dependency`).
        result: String,
    },
    /// There is no room on the disk.
    DiskFull,
    /// systemd does not answer.
    SystemdAway,
    /// The helper does not answer.
    HelperAway {
        /// What came back instead.
        detail: Text,
    },
    /// The node was cut off in the middle.
    Interrupted,
    /// Something else.
    Other {
        /// In the words of whoever found it.
        detail: Text,
    },
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Progress {
    /// It goes on.
    Doing {
        /// What is being done right now.
        step: Step,
    },
    /// It is done.
    Done,
    /// It did not work.
    Failed(Trouble),
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// What is done.
    #[serde(flatten)]
    pub task: Task,
    /// Who asked for it.
    pub by: String,
    /// Unix time of its beginning.
    pub since_s: u64,
    /// Unix time of its end.
    pub until_s: Option<u64>,
    /// How far it is.
    pub progress: Progress,
}

impl Operation {
    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        matches!(self.progress, Progress::Doing { .. })
    }
}

/// The last of them, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// The last of them, the newest last.
    pub list: Vec<Operation>,
    next: u32,
}

impl Operations {
    /// Begins one.
    pub fn begin(&mut self, task: Task, by: &str, unix_s: u64) -> OperationId {
        let id = OperationId(self.next);
        self.next += 1;
        let progress = Progress::Doing { step: Step::Waiting };
        self.list.push(Operation { id, task, by: by.to_owned(), since_s: unix_s, until_s: None, progress });
        while self.list.len() > KEPT {
            // One that still goes on is never forgotten.
            let Some(place) = self.list.iter().position(|it| !it.is_running()) else { break };
            self.list.remove(place);
        }
        id
    }

    /// One goes on or ends.
    pub fn set(&mut self, id: OperationId, progress: Progress, unix_s: u64) {
        if let Some(it) = self.list.iter_mut().find(|it| it.id == id && it.is_running()) {
            it.progress = progress;
            it.until_s = (!it.is_running()).then_some(unix_s);
        }
    }

    /// The agent starts: whatever went on when it ended was cut off.
    pub fn cut_off(&mut self, unix_s: u64) {
        for it in self.list.iter_mut().filter(|it| it.is_running()) {
            it.progress = Progress::Failed(Trouble::Interrupted);
            it.until_s = Some(unix_s);
        }
    }

    /// The one of this number.
    pub fn get(&self, id: OperationId) -> Option<&Operation> {
        self.list.iter().find(|it| it.id == id)
    }

    /// Those that go on.
    pub fn running(&self) -> impl Iterator<Item = &Operation> {
        self.list.iter().filter(|it| it.is_running())
    }

    /// The newest about this service.
    pub fn last_of(&self, service: &str) -> Option<&Operation> {
        self.list.iter().rev().find(|it| it.task.service() == Some(service))
    }
}
