//! Asks once more before something that cannot be taken back, and names the thing.

use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Page, render};
use crate::http::context::Context;
use crate::node::command::Power;

/// What somebody is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Remove a person.
    Remove {
        /// Their name.
        name: String,
    },
    /// Expel a member.
    Expel {
        /// What it is called.
        name: String,
    },
    /// Leave the community.
    Leave {
        /// What it is called.
        community: String,
    },
    /// Give up one's own role of owner.
    OwnRole,
    /// Restart or switch off the node.
    Power(Power),
    /// Switch off a service by which one may be reaching the node.
    SwitchOff {
        /// Its name in the catalogue.
        service: String,
    },
}

/// A question with its answer's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sure {
    /// What is about to be done.
    pub question: Question,
    /// Where the answer is sent, with `sure=yes`.
    pub action: String,
    /// What was sent before, sent again.
    pub values: Vec<(String, String)>,
    /// Where to go instead.
    pub back: String,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm<'a> {
    frame: Frame,
    title: String,
    text: String,
    button: String,
    sure: &'a Sure,
}

/// Asks whether somebody is sure.
pub fn confirm(context: &Context, sure: &Sure) -> Page {
    let t = context.language;
    let (title, text, button) = match &sure.question {
        Question::Remove { name } => (
            t.with("confirm-remove", "name", name),
            t.with("confirm-remove-text", "name", name),
            t.with("confirm-remove-button", "name", name),
        ),
        Question::Expel { name } => (
            t.with("confirm-expel", "name", name),
            t.with("confirm-expel-text", "name", name),
            t.with("community-expel-button", "name", name),
        ),
        Question::Leave { community } => (
            t.with("confirm-leave", "community", community),
            t.say("community-leave-text"),
            t.say("community-leave-button"),
        ),
        Question::OwnRole => {
            (t.say("confirm-own-role"), t.say("confirm-own-role-text"), t.say("confirm-own-role-button"))
        }
        Question::Power(power) => {
            let node = &context.snapshot.name;
            match power {
                Power::Reboot => (
                    t.with("confirm-reboot", "node", node),
                    t.say("confirm-reboot-text"),
                    t.say("power-reboot"),
                ),
                Power::Off => {
                    (t.with("confirm-off", "node", node), t.say("confirm-off-text"), t.say("power-off"))
                }
            }
        }
        Question::SwitchOff { service } => {
            let report = context.snapshot.services.iter().find(|report| *report.service.name == **service);
            let title = report.map_or_else(|| service.clone(), |report| t.service_title(report));
            let mut text = t.with("confirm-switch-off-text", "service", &title);
            if report.is_some_and(|report| report.service.is_way_in()) {
                text = format!("{text} {}", t.say("confirm-switch-off-trial"));
            }
            (
                t.with("confirm-switch-off", "service", &title),
                text,
                t.with("confirm-switch-off-button", "service", &title),
            )
        }
    };
    render(StatusCode::OK, &Confirm { frame: Frame::new(context, &sure.back), title, text, button, sure })
}
