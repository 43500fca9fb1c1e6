//! Services of other machines: what is typed or sent becomes what the heart is asked.

use std::collections::{BTreeMap, BTreeSet};

use nuvol_community::identity::NodeId;

use super::Failure;
use super::community::act;
use crate::cloudy::{self, FIELDS, Fault};
use crate::http::context::{Wrong, WrongRecord};
use crate::http::session::Visit;
use crate::node::command::Refusal;
use crate::node::community::{CommunityAct, FOREIGN_LIMIT, Foreign, Misfit, Misfits};
use crate::node::people::names::Unfitting;

/// Offers these, and no others.
pub(in crate::http) async fn set(visit: &mut Visit, services: Vec<Foreign>) -> Result<(), Failure> {
    if services.len() > FOREIGN_LIMIT {
        return Err(Failure::field("services", Wrong::TooMany { limit: FOREIGN_LIMIT }));
    }
    let misfits = misfits(&services).flat_map(|(place, misfits)| {
        let name = move |part| format!("services[{place}].{part}");
        misfits.into_iter().map(move |(part, misfit)| (name(part), Wrong::Misfit(misfit)))
    });
    // What does not fit at all is said rather than that it is there twice.
    let again = again(&services).map(|place| (format!("services[{place}].port"), Wrong::Offered));
    let wrong: BTreeMap<String, Wrong> = again.chain(misfits).collect();
    if !wrong.is_empty() {
        return Err(Failure::Wrong(wrong));
    }
    act(visit, CommunityAct::SetForeign(services)).await.map(drop)
}

/// Offers one more.
pub(in crate::http) async fn offer(visit: &mut Visit, service: Foreign) -> Result<(), Failure> {
    if let Err(misfits) = check(&service) {
        let wrong = misfits.into_iter().map(|(part, misfit)| (part.to_owned(), Wrong::Misfit(misfit)));
        return Err(Failure::Wrong(wrong.collect()));
    }
    match act(visit, CommunityAct::OfferForeign(service)).await {
        // One machine has one service of a type at a port.
        Err(Failure::Refused(Refusal::Already)) => Err(Failure::field("port", Wrong::Offered)),
        other => other.map(drop),
    }
}

/// Offers one no longer.
pub(in crate::http) async fn withdraw(
    visit: &mut Visit,
    kind: &str,
    host: &str,
    port: u16,
) -> Result<(), Failure> {
    let (kind, host) = (kind.to_owned(), host.to_owned());
    act(visit, CommunityAct::WithdrawForeign { kind, host, port }).await.map(drop)
}

/// Offers what stands in Cloudy's records, and no others.
pub(in crate::http) async fn import(visit: &mut Visit, records: &str) -> Result<(), Failure> {
    let wrong = |wrong| Failure::field("records", wrong);
    let services = cloudy::import(records)
        .map_err(|faults| wrong(Wrong::Records(faults.into_iter().map(fault).collect())))?;
    if services.len() > FOREIGN_LIMIT {
        return Err(wrong(Wrong::TooMany { limit: FOREIGN_LIMIT }));
    }
    let services: Vec<Foreign> = services
        .into_iter()
        .map(|cloudy::Service { r#type, title, host, port, txt, zone }| Foreign {
            kind: r#type,
            title,
            host,
            port,
            txt,
            zone,
        })
        .collect();
    let of_record = |(place, misfits): (usize, Misfits)| {
        misfits.into_iter().filter_map(move |(part, misfit)| {
            let (field, _) = FIELDS.iter().find(|(_, known)| *known == part)?;
            Some(WrongRecord::Field { record: place + 1, field, why: Box::new(Wrong::Misfit(misfit)) })
        })
    };
    let unfit: Vec<WrongRecord> = misfits(&services).flat_map(of_record).collect();
    if !unfit.is_empty() {
        return Err(wrong(Wrong::Records(unfit)));
    }
    // A community's records of old name the same service more than once, as each of its programs heard of it.
    let twice: BTreeSet<usize> = again(&services).collect();
    let once = services.into_iter().enumerate().filter(|(place, _)| !twice.contains(place));
    set(visit, once.map(|(_, it)| it).collect()).await
}

/// The places in the list of those that stand before in it already.
fn again(services: &[Foreign]) -> impl Iterator<Item = usize> {
    let mut seen = BTreeSet::new();
    let place = |it: &Foreign| (it.kind.clone(), it.host.clone(), it.port);
    services.iter().enumerate().filter_map(move |(at, it)| (!seen.insert(place(it))).then_some(at))
}

/// The place in the list, and what does not fit there.
fn misfits(services: &[Foreign]) -> impl Iterator<Item = (usize, Misfits)> {
    services.iter().enumerate().filter_map(|(place, it)| Some((place, check(it).err()?)))
}

/// Whose it is does not matter to that.
fn check(service: &Foreign) -> Result<(), Misfits> {
    service.record(&NodeId([0; 32])).map(drop)
}

fn fault(fault: Fault) -> WrongRecord {
    match fault {
        Fault::NoArray { line, column, .. } => WrongRecord::NoArray { line, column },
        Fault::Missing { record, field } => {
            WrongRecord::Field { record, field, why: Box::new(Wrong::Unfitting(Unfitting::Empty)) }
        }
        Fault::NoPort { record, .. } => {
            WrongRecord::Field { record, field: "p", why: Box::new(Wrong::Misfit(Misfit::Port)) }
        }
    }
}
