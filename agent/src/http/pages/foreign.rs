//! Services of machines that are no nodes: what this node offers for them.

use askama::Template;

use super::offers::place;
use super::parts::{Field, summary};
use super::{Frame, Page, problems, render, status};
use crate::http::context::{Context, Form};
use crate::http::language::{Language, TYPES};
use crate::node::command::Refusal;
use crate::node::community::{FOREIGN_LIMIT, Foreign};
use crate::node::rights::Right;

#[derive(Template)]
#[template(path = "foreign.html")]
struct ForeignPage {
    frame: Frame,
    refusal: Option<String>,
    /// Whether there is a community to offer anything to.
    community: bool,
    offered: Vec<ForeignView>,
    full: bool,
    title: Field,
    kind: Field,
    host: Field,
    port: Field,
    types: Vec<(&'static str, String)>,
    records: String,
    wrong_records: Vec<String>,
}

struct ForeignView {
    title: String,
    which: String,
    kind: String,
    about: String,
    place: String,
    word: String,
    host: String,
    port: u16,
}

/// What is offered of other machines, and ways to offer more and less; for those who run the node.
pub fn foreign(context: &Context, form: &Form) -> Page {
    if !context.who.may(Right::Node) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let t = context.language;
    let belonging = &context.snapshot.belonging;
    let foreign = &belonging.own.foreign;
    let wrong_records = form.wrong.get("records").map(|wrong| t.wrong(wrong)).unwrap_or_default();
    let field = |name, label| Field::text(t, form, name, label);
    let page = ForeignPage {
        frame: Frame::live(context, "/community/machines"),
        refusal: summary(t, form),
        community: belonging.view.as_ref().is_some_and(|view| view.role.is_some()),
        offered: foreign.iter().map(|it| ForeignView::new(t, it)).collect(),
        full: foreign.len() >= FOREIGN_LIMIT,
        title: field("title", "field-machine-title").hint(t.say("field-machine-title-hint")).limit(63),
        kind: field("type", "field-machine-type")
            .hint(t.say("field-machine-type-hint"))
            .limit(21)
            .list("types"),
        host: field("host", "field-machine-host").hint(t.say("field-machine-host-hint")).limit(253),
        port: field("port", "field-machine-port").limit(5).digits(),
        types: TYPES.iter().map(|kind| (*kind, t.service_type(kind))).collect(),
        records: form.value("records").to_owned(),
        wrong_records: wrong_records.lines().map(str::to_owned).collect(),
    };
    render(status(form), &page)
}

impl ForeignView {
    fn new(t: Language, it: &Foreign) -> Self {
        let place = place(&it.host, it.port);
        let txt = it.txt.iter().map(|(key, value)| format!("{key}={value}"));
        Self {
            title: it.title.clone(),
            which: format!("{}, {place}", it.title),
            kind: t.service_type(&it.kind),
            about: it.zone.iter().cloned().chain(txt).collect::<Vec<_>>().join(" · "),
            place,
            word: it.kind.clone(),
            host: it.host.clone(),
            port: it.port,
        }
    }
}
