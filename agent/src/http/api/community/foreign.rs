//! Services of other machines that this node offers.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::{Answer, Body, Failed, Signed};
use crate::http::acts::foreign as acts;
use crate::node::community::Foreign;
use crate::node::rights::Right;

/// A service of a machine that is no node.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ForeignService {
    /// Its type, such as `_http._tcp`.
    r#type: String,
    #[schema(max_length = 63)]
    title: String,
    /// An address, or a name of the DNS.
    #[schema(max_length = 253)]
    host: String,
    #[schema(minimum = 1)]
    port: u16,
    /// What programs want to know; 512 bytes at most.
    #[serde(default)]
    txt: BTreeMap<String, String>,
    /// The part of the community that it is meant for.
    #[serde(default)]
    #[schema(max_length = 63)]
    zone: Option<String>,
}

/// All of them.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ForeignServices {
    #[schema(max_items = 200)]
    services: Vec<ForeignService>,
}

/// The services of other machines that this node offers to the community.
#[utoipa::path(get, path = "/community/foreign", tag = "community",
    responses((status = 200, body = ForeignServices), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn foreign(Signed(visit): Signed) -> Answer<Json<ForeignServices>> {
    visit.need(Right::See)?;
    let services = visit.context.snapshot.belonging.own.foreign.iter();
    let services = services.cloned().map(|Foreign { kind, title, host, port, txt, zone }| ForeignService {
        r#type: kind,
        title,
        host,
        port,
        txt,
        zone,
    });
    Ok(Json(ForeignServices { services: services.collect() }))
}

/// Offers services of other machines to the community: these, and no others.
#[utoipa::path(put, path = "/community/foreign", tag = "community", request_body = ForeignServices,
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 413, body = Failed),
        (status = 415, body = Failed), (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn set_foreign(
    Signed(mut visit): Signed,
    Body(ForeignServices { services }): Body<ForeignServices>,
) -> Answer<StatusCode> {
    let services = services.into_iter().map(|ForeignService { r#type, title, host, port, txt, zone }| {
        Foreign { kind: r#type, title, host, port, txt, zone }
    });
    let done = acts::set(&mut visit, services.collect()).await;
    visit.empty(done)
}
