//! The community: what is typed becomes what the heart is asked.

use nuvol_community::identity::NodeId;
use nuvol_community::object::{Endpoint, Role};
use nuvol_community::text::Name;

use super::{Check, Failure};
use crate::http::context::Wrong;
use crate::http::session::Visit;
use crate::node::command::{Command, Field, Refusal, Reply};
use crate::node::community::{Audience, CommunityAct, DAYS_LIMIT, USES_LIMIT};
use crate::node::people::names::Unfitting;
use crate::node::service::Text;
use crate::node::setting::number;

/// Letters of a note.
const NOTE_LIMIT: usize = 80;
/// The most places that a node tells by which it is called from outside.
const PLACES_LIMIT: usize = 3;
/// Where nodes call each other's agents.
const HTTPS_PORT: u16 = 443;

/// An invitation as somebody wants it.
#[derive(Debug, Clone)]
pub(in crate::http) struct Wish {
    /// What those whom it lets in may do.
    pub(in crate::http) role: Role,
    /// How many it lets in.
    pub(in crate::http) uses: u32,
    /// For how many days.
    pub(in crate::http) days: u32,
    /// Whether somebody has to say yes to each.
    pub(in crate::http) approve: bool,
    /// For whom, in words.
    pub(in crate::http) note: String,
}

pub(super) async fn act(visit: &mut Visit, act: CommunityAct) -> Result<Reply, Failure> {
    Ok(visit.ask(Command::Community(act)).await?)
}

/// Founds a community of this name.
pub(in crate::http) async fn found(visit: &mut Visit, name: &str) -> Result<(), Failure> {
    let name =
        Name::new(name.trim()).map_err(|unfit| Failure::field("name", Wrong::Unfitting(unfit.into())))?;
    act(visit, CommunityAct::Found { name }).await.map(drop)
}

/// Takes up an invitation.
pub(in crate::http) async fn join(visit: &mut Visit, invitation: &str) -> Result<(), Failure> {
    match act(visit, CommunityAct::Join { invitation: invitation.to_owned() }).await {
        // It is what was typed that does not fit.
        Err(Failure::Refused(refusal @ (Refusal::Invitation(_) | Refusal::Expired))) => {
            Err(Failure::field("invitation", Wrong::Refused(Box::new(refusal))))
        }
        other => other.map(drop),
    }
}

/// Makes an invitation; what comes back is its text, which is shown this one time.
pub(in crate::http) async fn invite(visit: &mut Visit, wish: Wish) -> Result<String, Failure> {
    let mut check = Check::default();
    let in_range = |value: u32, limit: u32| {
        let fits = number(&value.to_string(), 1, i64::from(limit))
            .map_err(|wrong| Wrong::Field(Field::Setting(wrong)));
        fits.map(|_| value)
    };
    let uses = check.take("uses", in_range(wish.uses, USES_LIMIT));
    let days = check.take("days", in_range(wish.days, DAYS_LIMIT));
    let long = wish.note.chars().count() > NOTE_LIMIT;
    let note = if long {
        Err(Wrong::Unfitting(Unfitting::TooLong { limit: NOTE_LIMIT }))
    } else {
        Ok(Text::from(wish.note.trim().to_owned()))
    };
    let note = check.take("note", note);
    check.end()?;
    let (Some(uses), Some(days), Some(note)) = (uses, days, note) else { return Err(Refusal::NoSuch.into()) };
    let mut secret = [0; 16];
    getrandom::fill(&mut secret)?;
    // By this the visitor's browser has just reached the node. A short name means something at home alone.
    let host = visit.context.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    let port = visit.context.port.unwrap_or(HTTPS_PORT);
    let here =
        Endpoint::new(&host, port).filter(|_| !is_loopback && (host.contains('.') || host.contains(':')));
    let here = here.filter(|it| !it.host.as_str().ends_with(".local"));
    let (role, approve, endpoints) = (wish.role, wish.approve, here.into_iter().collect());
    match act(visit, CommunityAct::Invite { secret, role, uses, days, approve, note, endpoints }).await? {
        Reply::Invitation(text) => Ok(text),
        _ => Err(Refusal::NoSuch.into()),
    }
}

/// Who sees a service: `me`, `household`, `community`.
pub(in crate::http) async fn publish(
    visit: &mut Visit,
    service: &str,
    audience: &str,
) -> Result<(), Failure> {
    let audience = match audience {
        "me" => None,
        "household" => Some(Audience::Household),
        "community" => Some(Audience::Community),
        _ => return Err(Failure::field("audience", Wrong::NothingChosen)),
    };
    act(visit, CommunityAct::Publish { service: service.to_owned(), audience }).await.map(drop)
}

/// Where others can call this node from outside, one place a line.
pub(in crate::http) async fn set_places<'a>(
    visit: &mut Visit,
    places: impl Iterator<Item = &'a str>,
) -> Result<(), Failure> {
    let mut endpoints = Vec::new();
    for place in places.map(str::trim).filter(|it| !it.is_empty()) {
        match Endpoint::parse(&place.to_lowercase()) {
            Some(endpoint) => endpoints.push(endpoint),
            None => return Err(Failure::field("places", Wrong::Place(place.chars().take(80).collect()))),
        }
    }
    if endpoints.len() > PLACES_LIMIT {
        return Err(Failure::field("places", Wrong::TooMany { limit: PLACES_LIMIT }));
    }
    act(visit, CommunityAct::SetPublic(endpoints)).await.map(drop)
}

/// Does something to a member or to somebody who wants to be one, named by the hexadecimal digits of its key.
pub(in crate::http) async fn to_node(
    visit: &mut Visit,
    node: &str,
    what: impl FnOnce(NodeId) -> CommunityAct,
) -> Result<(), Failure> {
    let node = node_of(node).ok_or(Refusal::NoSuch)?;
    act(visit, what(node)).await.map(drop)
}

/// What needs no more than to be asked.
pub(in crate::http) async fn simply(visit: &mut Visit, what: CommunityAct) -> Result<(), Failure> {
    act(visit, what).await.map(drop)
}

/// The node of these hexadecimal digits.
pub(in crate::http) fn node_of(digits: &str) -> Option<NodeId> {
    let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes()).ok()?;
    Some(NodeId(bytes.try_into().ok()?))
}
