//! What is being done and what did not work, in words: with what to do about it.

use super::Language;
use crate::node::operation::{Operation, Progress, Standing, Step, Task, Trouble};
use crate::node::snapshot::Snapshot;

impl Language {
    /// What is being done, or was done.
    pub fn task(self, task: &Task, snapshot: &Snapshot) -> String {
        let title = |name: &str| {
            let report = snapshot.services.iter().find(|report| *report.service.name == *name);
            report.map_or_else(|| name.to_owned(), |report| self.service_title(report))
        };
        match task {
            Task::SwitchOn { service } => self.with("task-switch-on", "service", title(service)),
            Task::SwitchOff { service } => self.with("task-switch-off", "service", title(service)),
            Task::Restart { service } => self.with("task-restart", "service", title(service)),
            Task::Configure { service } => self.with("task-configure", "service", title(service)),
            Task::Rename { from, to } => self.both("task-rename", ("from", from), ("to", to)),
            Task::Reboot => self.say("task-reboot"),
            Task::PowerOff => self.say("task-power-off"),
        }
    }

    /// What is being done right now.
    pub fn step(self, step: Step) -> String {
        self.say(match step {
            Step::Waiting => "step-waiting",
            Step::Checking => "step-checking",
            Step::Writing => "step-writing",
            Step::Enabling => "step-enabling",
            Step::Starting => "step-starting",
            Step::Stopping => "step-stopping",
            Step::Firewall => "step-firewall",
            Step::Undoing => "step-undoing",
        })
    }

    /// How a step stands.
    pub fn standing(self, standing: Standing) -> String {
        self.say(match standing {
            Standing::Done => "standing-done",
            Standing::Now => "standing-now",
            Standing::ToCome => "standing-to-come",
            Standing::Failed => "standing-failed",
            Standing::LeftOut => "standing-left-out",
        })
    }

    /// How far an operation is.
    pub fn progress(self, operation: &Operation) -> String {
        match &operation.progress {
            Progress::Doing { step } => self.step(*step),
            Progress::Done => self.say("progress-done"),
            Progress::Failed(_) => self.say("progress-failed"),
        }
    }

    /// Why something did not work.
    pub fn trouble(self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::PortTaken { port, protocol, by: Some(by) } => self.fill(
                "trouble-port-taken-by",
                &[
                    ("port", port.to_string().into()),
                    ("protocol", protocol.to_uppercase().into()),
                    ("by", by.clone().into()),
                ],
            ),
            Trouble::PortTaken { port, protocol, by: None } => {
                let protocol = protocol.to_uppercase();
                self.both("trouble-port-taken", ("port", &port.to_string()), ("protocol", &protocol))
            }
            Trouble::JobFailed { unit, result } => {
                let id = match result.as_str() {
                    "timeout" => "trouble-job-timeout",
                    "dependency" => "trouble-job-dependency",
                    _ => "trouble-job-failed",
                };
                self.with(id, "unit", unit)
            }
            Trouble::DiskFull => self.say("trouble-disk-full"),
            Trouble::SystemdAway => self.say("trouble-systemd-away"),
            Trouble::HelperAway { detail } => self.with("trouble-helper-away", "detail", &**detail),
            Trouble::Interrupted => self.say("trouble-interrupted"),
            Trouble::Other { detail } => self.with("trouble-other", "detail", &**detail),
        }
    }

    /// What to do about it.
    pub fn remedy(self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::PortTaken { .. } => self.say("remedy-port-taken"),
            Trouble::JobFailed { .. } => self.say("remedy-job-failed"),
            Trouble::DiskFull => self.say("remedy-disk-full"),
            Trouble::SystemdAway => self.say("remedy-systemd-away"),
            Trouble::HelperAway { .. } => self.say("remedy-helper-away"),
            Trouble::Interrupted => self.say("remedy-interrupted"),
            Trouble::Other { .. } => self.say("remedy-other"),
        }
    }
}
