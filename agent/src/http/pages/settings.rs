//! Settings of the node as a whole, and what it is made of.

use askama::Template;

use super::parts::refusal;
use super::{Frame, Page, problems, render, status};
use crate::http::AGENT_VERSION;
use crate::http::context::{Context, Form};
use crate::node::command::Refusal;
use crate::node::rights::Right;

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings<'a> {
    frame: Frame,
    refusal: Option<String>,
    may_power: bool,
    image: String,
    agent: &'static str,
    uptime: String,
    fingerprint: &'a str,
}

/// Language, name, power, versions, licences.
pub fn settings(context: &Context, form: &Form) -> Page {
    let (t, image) = (context.language, &context.snapshot.image);
    if !context.who.may(Right::Look) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let page = Settings {
        frame: Frame::new(context, "/settings"),
        refusal: refusal(t, form),
        may_power: context.who.may(Right::Node),
        image: format!("{} {}", image.profile, image.version),
        agent: AGENT_VERSION,
        uptime: t.duration(context.uptime.as_secs()),
        fingerprint: &context.fingerprint,
    };
    render(status(form), &page)
}
