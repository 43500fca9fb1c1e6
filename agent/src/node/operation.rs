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

    /// Its steps in their order, as the helper takes them where nothing goes wrong.
    fn steps(&self) -> &'static [Step] {
        match self {
            Self::SwitchOn { .. } => {
                &[Step::Waiting, Step::Checking, Step::Enabling, Step::Starting, Step::Firewall]
            }
            Self::SwitchOff { .. } => &[Step::Waiting, Step::Stopping, Step::Enabling, Step::Firewall],
            Self::Restart { .. } => &[Step::Waiting, Step::Starting],
            Self::Configure { .. } => &[Step::Waiting, Step::Writing, Step::Starting],
            Self::Rename { .. } => &[Step::Waiting, Step::Writing],
            Self::Reboot | Self::PowerOff => &[Step::Waiting, Step::Stopping],
        }
    }
}

/// A part of what is done.
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
    /// It did not work, and everything is put back as it was.
    Undoing,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is done.
    Done,
    /// It goes on.
    Now,
    /// It is still to come.
    ToCome,
    /// It did not work.
    Failed,
    /// It was not needed, or never come to.
    LeftOut,
}

/// A step that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Which.
    pub step: Step,
    /// Unix time of its beginning.
    pub since_s: u64,
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
    /// The steps that have begun, in that order. Operations of earlier versions of the agent have none.
    #[serde(default)]
    pub begun: Vec<Begun>,
}

impl Operation {
    /// Every step, those to come too, with how it stands and when it began.
    pub fn steps(&self) -> Vec<(Step, Standing, Option<u64>)> {
        if self.begun.is_empty() {
            return Vec::new();
        }
        let planned = self.task.steps();
        // What nobody has planned is told all the same, in its place.
        let others = self.begun.iter().map(|it| it.step).filter(|step| !planned.contains(step));
        let all = planned.iter().copied().chain(others);
        all.map(|step| (step, self.standing(step), self.began(step))).collect()
    }

    fn began(&self, step: Step) -> Option<u64> {
        self.begun.iter().find(|it| it.step == step).map(|it| it.since_s)
    }

    fn standing(&self, step: Step) -> Standing {
        let undoing = self.began(Step::Undoing).is_some();
        let last = self.begun.iter().rfind(|it| it.step != Step::Undoing).map(|it| it.step);
        let place = |wanted: Step| self.task.steps().iter().position(|it| *it == wanted);
        match (&self.progress, self.began(step)) {
            (Progress::Doing { step: now }, Some(_)) if *now == step => Standing::Now,
            (Progress::Failed(_), Some(_)) if last == Some(step) => Standing::Failed,
            (Progress::Doing { .. }, Some(_)) if undoing && last == Some(step) => Standing::Failed,
            (_, Some(_)) => Standing::Done,
            (Progress::Doing { .. }, None) if !undoing && last.and_then(place) < place(step) => {
                Standing::ToCome
            }
            (_, None) => Standing::LeftOut,
        }
    }

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
        let begun = vec![Begun { step: Step::Waiting, since_s: unix_s }];
        self.list.push(Operation {
            id,
            task,
            by: by.to_owned(),
            since_s: unix_s,
            until_s: None,
            progress,
            begun,
        });
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
            if let Progress::Doing { step } = progress
                && it.began(step).is_none()
            {
                it.begun.push(Begun { step, since_s: unix_s });
            }
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
