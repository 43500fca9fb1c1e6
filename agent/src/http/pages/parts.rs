//! Parts that several pages are made of: states, services, fields, times.

use super::addresses::{Address, addresses};
use crate::http::context::{Context, Form};
use crate::http::language::{Language, machine_time};
use crate::node::operation::{Operation, Progress, Standing, Step};
use crate::node::service::Text;
use crate::node::snapshot::ServiceReport;
use crate::node::unit::State;

/// What a state means: each has its own shape and its own colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Off,
    Moving,
    Bad,
    Unknown,
}

impl Tone {
    pub(super) fn of(report: &ServiceReport) -> Self {
        if report.operation.as_ref().is_some_and(Operation::is_running) {
            return Self::Moving;
        }
        match report.state {
            _ if report.needs_attention() => Self::Bad,
            State::Running => Self::Good,
            State::Starting | State::Stopping => Self::Moving,
            State::Stopped => Self::Off,
            State::Failed | State::Missing => Self::Bad,
            State::Unknown => Self::Unknown,
        }
    }

    pub(super) fn of_work(progress: &Progress) -> Self {
        match progress {
            Progress::Doing { .. } => Self::Moving,
            Progress::Done => Self::Good,
            Progress::Failed(_) => Self::Bad,
        }
    }

    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Off => "off",
            Self::Moving => "moving",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }
}

/// A moment in words and for machines.
#[derive(Debug, Clone)]
pub(super) struct When {
    pub(super) machine: String,
    pub(super) relative: String,
    pub(super) absolute: String,
}

impl When {
    pub(super) fn new(context: &Context, unix_s: u64) -> Self {
        Self {
            machine: machine_time(unix_s),
            relative: context.language.relative(unix_s, context.unix_s),
            absolute: context.language.moment(unix_s),
        }
    }
}

/// Something that is or was done.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) tone: Tone,
    pub(super) running: bool,
    pub(super) progress: String,
    pub(super) trouble: Option<String>,
    pub(super) remedy: Option<String>,
    pub(super) by: String,
    pub(super) since: When,
    pub(super) took: Option<String>,
    pub(super) steps: Vec<StepView>,
    /// Steps that need nothing more.
    pub(super) behind: usize,
}

/// A step of it.
#[derive(Debug, Clone)]
pub(super) struct StepView {
    pub(super) title: String,
    pub(super) tone: Tone,
    pub(super) standing: String,
    pub(super) now: bool,
}

impl Work {
    pub(super) fn new(context: &Context, operation: &Operation) -> Self {
        let t = context.language;
        let trouble = match &operation.progress {
            Progress::Failed(trouble) => Some(trouble),
            Progress::Doing { .. } | Progress::Done => None,
        };
        let steps = operation.steps();
        Self {
            id: operation.id.0,
            title: t.task(&operation.task, &context.snapshot),
            tone: Tone::of_work(&operation.progress),
            running: operation.is_running(),
            progress: t.progress(operation),
            trouble: trouble.map(|trouble| t.trouble(trouble)),
            remedy: trouble.map(|trouble| t.remedy(trouble)),
            by: operation.by.clone(),
            since: When::new(context, operation.since_s),
            took: operation.until_s.map(|until_s| t.duration(until_s.saturating_sub(operation.since_s))),
            behind: steps.iter().filter(|(_, standing, _)| *standing == Standing::Done).count(),
            steps: steps.iter().map(|(step, standing, _)| StepView::new(t, *step, *standing)).collect(),
        }
    }
}

impl StepView {
    fn new(t: Language, step: Step, standing: Standing) -> Self {
        let tone = match standing {
            Standing::Done => Tone::Good,
            Standing::Now => Tone::Moving,
            Standing::ToCome | Standing::LeftOut => Tone::Off,
            Standing::Failed => Tone::Bad,
        };
        let now = standing == Standing::Now;
        Self { title: t.step(step), tone, standing: t.standing(standing), now }
    }
}

/// One service in a list.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) tone: Tone,
    pub(super) state: String,
    pub(super) why: Option<String>,
    pub(super) switch: Switch,
    pub(super) addresses: Vec<Address>,
}

/// The switch of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switch {
    /// How it stands.
    pub(super) on: bool,
    /// Whether it can be moved now.
    pub(super) free: bool,
}

impl Card {
    pub(super) fn new(context: &Context, report: &ServiceReport) -> Self {
        let t = context.language;
        let busy = report.operation.as_ref().filter(|it| it.is_running());
        Self {
            name: report.service.name.to_string(),
            title: t.service_title(report),
            summary: t.service_summary(report),
            tone: Tone::of(report),
            state: busy.map_or_else(|| t.state(report), |operation| t.progress(operation)),
            why: explain(t, report),
            switch: Switch {
                // One that ended badly was wanted: what is offered is to switch it off.
                on: matches!(report.state, State::Running | State::Starting | State::Failed),
                free: busy.is_none()
                    && !matches!(report.state, State::Missing | State::Unknown | State::Stopping),
            },
            addresses: if report.state == State::Running {
                addresses(context, &report.service)
            } else {
                Vec::new()
            },
        }
    }
}

/// Why a service is not as one would wish; of one that is, nothing.
pub(super) fn explain(t: Language, report: &ServiceReport) -> Option<String> {
    let failed = report.operation.as_ref().filter(|_| report.needs_attention());
    match failed.map(|operation| &operation.progress) {
        Some(Progress::Failed(trouble)) => Some(format!("{} {}", t.trouble(trouble), t.remedy(trouble))),
        _ => t.report(report),
    }
}

/// A field to type into.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) value: String,
    pub(super) error: Option<String>,
    pub(super) kind: &'static str,
    pub(super) complete: &'static str,
    pub(super) limit: usize,
    pub(super) optional: bool,
    /// The element that lists what is often typed.
    pub(super) list: &'static str,
    /// Whether it is a number.
    pub(super) digits: bool,
}

impl Field {
    /// A line of text.
    pub(super) fn text(t: Language, form: &Form, name: &'static str, label: &str) -> Self {
        Self {
            name,
            label: t.say(label),
            value: form.value(name).to_owned(),
            error: form.wrong.get(name).map(|wrong| t.wrong(wrong)),
            kind: "text",
            complete: "off",
            limit: 200,
            ..Self::default()
        }
    }

    /// A password: never shown again.
    pub(super) fn password(t: Language, form: &Form, name: &'static str, label: &str) -> Self {
        let complete = if name == "again" || label == "field-new-password" {
            "new-password"
        } else {
            "current-password"
        };
        Self {
            kind: "password",
            complete,
            value: String::new(),
            limit: 256,
            ..Self::text(t, form, name, label)
        }
    }

    pub(super) fn hint(self, hint: String) -> Self {
        Self { hint, ..self }
    }

    pub(super) fn complete(self, complete: &'static str) -> Self {
        Self { complete, ..self }
    }

    pub(super) fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    pub(super) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(super) fn list(self, list: &'static str) -> Self {
        Self { list, ..self }
    }

    pub(super) fn digits(self) -> Self {
        Self { digits: true, ..self }
    }

    pub(super) fn or(self, value: &str) -> Self {
        let value = if self.value.is_empty() { value.to_owned() } else { self.value };
        Self { value, ..self }
    }
}

/// Words of the system, without characters that hide or reorder what stands around them.
pub(super) fn system_words(words: &str) -> String {
    Text::from(words.to_owned()).to_string()
}

/// What is wrong with the whole of a form.
pub(super) fn refusal(t: Language, form: &Form) -> Option<String> {
    form.refusal.as_ref().map(|refusal| t.refusal(refusal))
}

/// The same on a page with more than its form: that there are marked fields, too, which may be far below.
pub(super) fn summary(t: Language, form: &Form) -> Option<String> {
    let marked = (!form.wrong.is_empty()).then(|| t.say("refusal-fields"));
    refusal(t, form).or(marked)
}
