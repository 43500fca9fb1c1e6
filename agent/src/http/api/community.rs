//! The community: members, invitations, what is offered.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nuvol_community::join::REQUEST_LIMIT_BYTES;
use nuvol_community::object::Role;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, Body, Failed, Named, Signed, bad_query, failed};
use crate::http::acts::community as acts;
use crate::http::language::Language;
use crate::http::session::Visit;
use crate::node::command::{Command, Refusal, Reply};
use crate::node::community::CommunityAct;
use crate::node::rights::Right;

pub(super) mod foreign;
mod told;

use told::{Community, Offers};

/// The community, its members, and how far this node is with joining.
#[utoipa::path(get, path = "/community", tag = "community",
    responses((status = 200, body = Community), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn community(visit: Visit) -> Answer<Json<Community>> {
    visit.need(Right::Look)?;
    Ok(Json(Community::of(&visit)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// Words that title, owner, type or TXT must have.
    q: Option<String>,
    /// The type (`_http._tcp`).
    r#type: Option<String>,
}

/// What members offer; what is out of reach comes last.
#[utoipa::path(get, path = "/community/services", tag = "community", params(Search),
    responses((status = 200, body = Offers), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn offers(
    Signed(visit): Signed,
    query: Result<Query<Search>, axum::extract::rejection::QueryRejection>,
) -> Answer<Json<Offers>> {
    visit.need(Right::See)?;
    let Search { q, r#type } = match query {
        Ok(Query(search)) => search,
        Err(rejection) => return Err(bad_query(rejection.body_text())),
    };
    Ok(Json(Offers::of(&visit, q.as_deref().unwrap_or_default(), r#type.as_deref().unwrap_or_default())))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCommunity {
    /// What it is called.
    #[schema(max_length = 63)]
    name: String,
}

/// Founds a community.
#[utoipa::path(post, path = "/community", tag = "community", request_body = NewCommunity,
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 415, body = Failed),
        (status = 422, body = Failed), (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn found(
    Signed(mut visit): Signed,
    Body(NewCommunity { name }): Body<NewCommunity>,
) -> Answer<StatusCode> {
    let done = acts::found(&mut visit, &name).await;
    visit.empty(done)
}

/// Leaves the community.
#[utoipa::path(delete, path = "/community", tag = "community",
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 409, body = Failed), (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn leave(mut visit: Visit) -> Answer<StatusCode> {
    let done = acts::simply(&mut visit, CommunityAct::Leave).await;
    visit.empty(done)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinCommunity {
    /// The invitation, `nuvol:…`.
    #[schema(max_length = 2000)]
    invitation: String,
}

/// Takes up an invitation; how it goes stands in `GET /community`.
#[utoipa::path(post, path = "/community/join", tag = "community", request_body = JoinCommunity,
    responses((status = 202), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 415, body = Failed),
        (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn join(
    Signed(mut visit): Signed,
    Body(JoinCommunity { invitation }): Body<JoinCommunity>,
) -> Answer<StatusCode> {
    let done = acts::join(&mut visit, &invitation).await;
    visit.empty(done).map(|_| StatusCode::ACCEPTED)
}

/// Stops trying to join.
#[utoipa::path(delete, path = "/community/join", tag = "community",
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn stop_joining(mut visit: Visit) -> Answer<StatusCode> {
    let done = acts::simply(&mut visit, CommunityAct::StopJoining).await;
    visit.empty(done)
}

/// What a member may do.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Rank {
    Guest,
    #[default]
    Member,
    Steward,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InviteNode {
    /// What those whom it lets in may do.
    role: Rank,
    /// How many nodes it lets in.
    #[schema(minimum = 1, maximum = 500)]
    uses: u32,
    /// For how many days.
    #[schema(minimum = 1, maximum = 90)]
    days: u32,
    /// Whether somebody has to say yes to each.
    approve: bool,
    /// For whom.
    #[schema(max_length = 80)]
    note: String,
}

impl Default for InviteNode {
    fn default() -> Self {
        Self { role: Rank::Member, uses: 1, days: 7, approve: false, note: String::new() }
    }
}

/// An invitation, shown this one time.
#[derive(Serialize, ToSchema)]
pub(super) struct NewInvitation {
    /// The whole of it.
    invitation: String,
}

/// Invites a node.
#[utoipa::path(post, path = "/community/invitations", tag = "community", request_body = InviteNode,
    responses((status = 201, body = NewInvitation), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 415, body = Failed),
        (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn invite_node(
    Signed(mut visit): Signed,
    Body(InviteNode { role, uses, days, approve, note }): Body<InviteNode>,
) -> Answer<(StatusCode, Json<NewInvitation>)> {
    let role = match role {
        Rank::Guest => Role::Guest,
        Rank::Member => Role::Member,
        Rank::Steward => Role::Steward,
    };
    let made = acts::invite(&mut visit, acts::Wish { role, uses, days, approve, note }).await;
    let invitation = made.map_err(|failure| visit.failed(failure))?;
    Ok((StatusCode::CREATED, Json(NewInvitation { invitation })))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/community/invitations/{invitation}", tag = "community",
    params(("invitation" = String, Path)),
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn uninvite_node(mut visit: Visit, Named(invitation): Named) -> Answer<StatusCode> {
    let done = acts::simply(&mut visit, CommunityAct::Uninvite(invitation)).await;
    visit.empty(done)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decide {
    /// Whether it gets in.
    admit: bool,
}

/// Lets a node in that waits, or not.
#[utoipa::path(post, path = "/community/waiting/{node}", tag = "community", params(("node" = String, Path)),
    request_body = Decide,
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 404, body = Failed), (status = 409, body = Failed),
        (status = 415, body = Failed), (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn decide(
    Signed(mut visit): Signed,
    Named(node): Named,
    Body(Decide { admit }): Body<Decide>,
) -> Answer<StatusCode> {
    let done = acts::to_node(&mut visit, &node, |node| CommunityAct::Decide { node, admit }).await;
    visit.empty(done)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Spare {
    /// Whether those whom it let in stay.
    spare: Option<bool>,
}

/// Expels a member.
#[utoipa::path(delete, path = "/community/members/{node}", tag = "community", params(("node" = String, Path), Spare),
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 404, body = Failed), (status = 409, body = Failed),
        (status = 503, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn expel(
    Signed(mut visit): Signed,
    Named(node): Named,
    query: Result<Query<Spare>, axum::extract::rejection::QueryRejection>,
) -> Answer<StatusCode> {
    let spare = match query {
        Ok(Query(Spare { spare })) => spare.unwrap_or(true),
        Err(rejection) => return Err(bad_query(rejection.body_text())),
    };
    let done = acts::to_node(&mut visit, &node, |node| CommunityAct::Expel { node, spare }).await;
    visit.empty(done)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Places {
    /// `host:port` each; IPv6 addresses in brackets.
    places: Vec<String>,
}

/// Where others can call this node from outside its own network.
#[utoipa::path(put, path = "/community/places", tag = "community", request_body = Places,
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 415, body = Failed), (status = 422, body = Failed),
        (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn places(
    Signed(mut visit): Signed,
    Body(Places { places }): Body<Places>,
) -> Answer<StatusCode> {
    let done = acts::set_places(&mut visit, places.iter().map(String::as_str)).await;
    visit.empty(done)
}

/// Who sees a service.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Who {
    Me,
    Household,
    Community,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAudience {
    /// Only who is signed in here, the home network too, or the community too.
    audience: Who,
}

/// Publishes a service, or takes it back.
#[utoipa::path(put, path = "/services/{service}/audience", tag = "services", params(("service" = String, Path)),
    request_body = NewAudience,
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 404, body = Failed), (status = 409, body = Failed),
        (status = 415, body = Failed), (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn publish(
    Signed(mut visit): Signed,
    Named(service): Named,
    Body(NewAudience { audience }): Body<NewAudience>,
) -> Answer<StatusCode> {
    let word = match audience {
        Who::Me => "me",
        Who::Household => "household",
        Who::Community => "community",
    };
    let done = acts::publish(&mut visit, &service, word).await;
    visit.empty(done)
}

/// Another node wants to join: bytes in, bytes out, for programs of nodes alone. Whoever has no invitation of this node
/// hears 404, as if there were no community.
#[utoipa::path(post, path = "/community/knock", tag = "community",
    request_body(content = Vec<u8>, content_type = "application/cbor"),
    responses((status = 200, body = Vec<u8>, content_type = "application/cbor"), (status = 404, body = Failed),
        (status = 413, body = Failed), (status = 415, body = Failed), (status = 429, body = Failed), (status = 503, body = Failed),
        (status = 507, body = Failed)))]
pub(in crate::http) async fn knock(mut visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    let is_cbor = headers.get(header::CONTENT_TYPE).is_some_and(|it| it == "application/cbor");
    if !is_cbor {
        return super::bad_body(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a request to join is `application/cbor`".to_owned(),
        );
    }
    if body.len() > REQUEST_LIMIT_BYTES {
        let message = format!("a request to join has {REQUEST_LIMIT_BYTES} bytes at most");
        return super::bad_body(StatusCode::PAYLOAD_TOO_LARGE, message);
    }
    match visit.ask(Command::Knock(body.to_vec())).await {
        Ok(Reply::Bytes(bytes)) => ([(header::CONTENT_TYPE, "application/cbor")], bytes).into_response(),
        Ok(_) => failed(&Refusal::NoSuch, Language::ENGLISH),
        Err(refusal) => failed(&refusal, Language::ENGLISH),
    }
}
