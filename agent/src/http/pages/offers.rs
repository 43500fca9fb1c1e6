//! What members offer, as lists of pages show it and as Cloudy's records tell it.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::opens;
use super::community::{state, tone};
use crate::cloudy;
use crate::http::context::Context;
use crate::node::community::{Offer, View, hex};

/// A service that a member offers.
pub(super) struct OfferView {
    /// Its title, with its owner's name where several offer what is called so.
    pub(super) heading: String,
    /// What tells it apart from all others of the list.
    pub(super) which: String,
    pub(super) kind: String,
    pub(super) owner: String,
    pub(super) owner_name: String,
    pub(super) tone: &'static str,
    pub(super) state: String,
    pub(super) txt: String,
    pub(super) place: String,
    pub(super) link: Option<String>,
}

/// Those of the offers whose owner is known.
pub(super) fn offers(context: &Context, view: &View, found: Vec<&Offer>) -> Vec<OfferView> {
    let mut offers: Vec<_> = found.into_iter().filter_map(|it| offer(context, view, it)).collect();
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for it in &offers {
        owners.entry(it.heading.clone()).or_default().insert(it.owner.clone());
        *named.entry(it.which.clone()).or_default() += 1;
    }
    for it in &mut offers {
        if owners.get(&it.heading).is_some_and(|owners| owners.len() > 1) {
            it.heading.clone_from(&it.which);
        }
        if named.get(&it.which).is_some_and(|many| *many > 1) {
            it.which = format!("{}, {}", it.which, it.place);
        }
    }
    offers
}

fn offer(context: &Context, view: &View, it: &Offer) -> Option<OfferView> {
    let t = context.language;
    let owner = view.member(&it.owner)?;
    let place = place(&view.place(it)?, it.port);
    // Nothing of what the owner wrote gets into a link but a path.
    let path = it.txt.get("path").filter(|it| it.starts_with('/') && it.bytes().all(is_plain));
    let link = opens(it.kind.as_str()).map(|scheme| format!("{scheme}://{place}{}", path.unwrap_or("/")));
    Some(OfferView {
        heading: it.title.to_string(),
        which: t.both("offer-of", ("title", &it.title.as_str()), ("owner", &owner.name.as_str())),
        kind: t.service_type(it.kind.as_str()),
        owner: hex(&it.owner.0),
        owner_name: owner.name.to_string(),
        tone: tone(owner.liveness),
        state: state(context, owner.liveness),
        txt: it.txt.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" · "),
        place,
        link,
    })
}

/// A host and a port in one, as links have them.
pub(super) fn place(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What a path of a link may have, beside letters and digits of ASCII.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte)
}

/// All offers in the fields of Cloudy's records, as a file of JSON.
pub fn cloudy_records(context: &Context) -> String {
    let offer = |view: &View, it: &Offer| {
        let owner = view.member(&it.owner)?;
        Some(cloudy::Offer {
            r#type: it.kind.as_str().to_owned(),
            title: it.title.to_string(),
            owner_name: owner.name.to_string(),
            host: view.place(it)?,
            port: it.port,
            txt: it.txt.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            zone: it.zone.as_ref().map(ToString::to_string),
        })
    };
    let Some(view) = context.snapshot.belonging.view.as_deref() else { return "[]\n".to_owned() };
    let offers = view.search("", "").into_iter().filter_map(|it| offer(view, it));
    format!("{:#}\n", cloudy::export(offers, view.name.as_str()))
}
