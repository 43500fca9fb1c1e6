//! People: who they are, and who is invited.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Body, Failed, Named, Signed, failed};
use crate::http::acts;
use crate::http::session::Visit;
use crate::node::command::{Command, Refusal};
use crate::node::people::access::{self, Purpose};
use crate::node::people::{PersonId, Role};
use crate::node::rights::Right;

#[derive(Serialize, ToSchema)]
pub(super) struct People {
    people: Vec<Person>,
}

#[derive(Serialize, ToSchema)]
struct Person {
    id: u32,
    name: String,
    #[schema(value_type = String)]
    role: Role,
    /// Unix time at which the account was made.
    since_s: u64,
}

/// Everybody with an account.
#[utoipa::path(get, path = "/people", tag = "people",
    responses((status = 200, body = People), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn people(visit: Visit) -> Answer<Json<People>> {
    visit.need(Right::Look)?;
    let all = visit.context.snapshot.people.people.iter().map(|person| Person {
        id: person.id.0,
        name: person.name.to_string(),
        role: person.role,
        since_s: person.since_s,
    });
    Ok(Json(People { people: all.collect() }))
}

/// What is no number names nobody either.
#[expect(clippy::result_large_err, reason = "the refusal is the answer")]
fn id(visit: &Visit, text: &str) -> Result<PersonId, axum::response::Response> {
    let id = text.parse().map(PersonId);
    id.map_err(|_| match visit.need(Right::People) {
        Ok(()) => failed(&Refusal::NoSuch, visit.context.language),
        Err(refusal) => refusal,
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    /// The role they get.
    role: RoleWord,
}

/// A role.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RoleWord {
    Guest,
    Member,
    Owner,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Guest => Self::Guest,
            RoleWord::Member => Self::Member,
            RoleWord::Owner => Self::Owner,
        }
    }
}

/// Gives somebody another role.
#[utoipa::path(put, path = "/people/{person}", tag = "people", params(("person" = u32, Path)), request_body = NewRole,
    responses((status = 204), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 404, body = Failed), (status = 409, body = Failed),
        (status = 415, body = Failed), (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn set_role(
    Signed(mut visit): Signed,
    Named(person): Named,
    Body(NewRole { role }): Body<NewRole>,
) -> Answer<StatusCode> {
    let person = id(&visit, &person)?;
    visit.done(Command::SetRole(person, role.into())).await
}

/// Removes somebody, with all their ways in.
#[utoipa::path(delete, path = "/people/{person}", tag = "people", params(("person" = u32, Path)),
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 409, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn remove(mut visit: Visit, Named(person): Named) -> Answer<StatusCode> {
    let person = id(&visit, &person)?;
    visit.done(Command::Remove(person)).await
}

/// A link that is shown this one time.
#[derive(Serialize, ToSchema)]
pub(super) struct Link {
    /// Its path on this node.
    path: String,
}

/// Makes a link by which somebody gives themselves a new password.
#[utoipa::path(post, path = "/people/{person}/reset", tag = "people", params(("person" = u32, Path)),
    responses((status = 201, body = Link), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 409, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn reset(
    mut visit: Visit,
    Named(person): Named,
) -> Answer<(StatusCode, Json<Link>)> {
    let purpose = Purpose::Password { person: id(&visit, &person)? };
    let path =
        acts::people::invite(&mut visit, purpose, "").await.map_err(|failure| visit.failed(failure))?;
    Ok((StatusCode::CREATED, Json(Link { path })))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Invitations {
    invitations: Vec<Invitation>,
}

#[derive(Serialize, ToSchema)]
struct Invitation {
    id: String,
    /// What it is for: `kind` is `join` (with `role`) or `password` (with `person`).
    #[schema(value_type = Object)]
    purpose: Purpose,
    note: String,
    since_s: u64,
    until_s: u64,
}

impl From<&access::Invitation> for Invitation {
    fn from(it: &access::Invitation) -> Self {
        Self {
            id: it.id.clone(),
            purpose: it.purpose,
            note: it.note.to_string(),
            since_s: it.since_s,
            until_s: it.until_s,
        }
    }
}

/// Invitations that nobody has taken up yet.
#[utoipa::path(get, path = "/invitations", tag = "people",
    responses((status = 200, body = Invitations), (status = 401, body = Failed), (status = 403, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn invitations(visit: Visit) -> Answer<Json<Invitations>> {
    visit.need(Right::People)?;
    let open = |it: &&access::Invitation| it.is_open(visit.context.unix_s);
    let all = visit.context.snapshot.people.invitations.iter().filter(open).map(Invitation::from);
    Ok(Json(Invitations { invitations: all.collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    /// The role of the one who takes it up.
    role: RoleWord,
    /// For whom.
    #[serde(default)]
    #[schema(max_length = 80)]
    note: String,
}

/// Invites somebody.
#[utoipa::path(post, path = "/invitations", tag = "people", request_body = Invite,
    responses((status = 201, body = Link), (status = 400, body = Failed), (status = 401, body = Failed),
        (status = 403, body = Failed), (status = 409, body = Failed), (status = 415, body = Failed),
        (status = 422, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn invite(
    Signed(mut visit): Signed,
    Body(Invite { role, note }): Body<Invite>,
) -> Answer<(StatusCode, Json<Link>)> {
    let purpose = Purpose::Join { role: role.into() };
    let path =
        acts::people::invite(&mut visit, purpose, &note).await.map_err(|failure| visit.failed(failure))?;
    Ok((StatusCode::CREATED, Json(Link { path })))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/invitations/{invitation}", tag = "people", params(("invitation" = String, Path)),
    responses((status = 204), (status = 401, body = Failed), (status = 403, body = Failed),
        (status = 404, body = Failed), (status = 507, body = Failed)),
    security(("token" = []), ("session" = [])))]
pub(in crate::http) async fn uninvite(mut visit: Visit, Named(invitation): Named) -> Answer<StatusCode> {
    visit.done(Command::Uninvite(invitation)).await
}
