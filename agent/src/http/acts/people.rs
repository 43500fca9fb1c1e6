//! What makes a secret that is shown once: invitations and tokens.

use std::collections::BTreeSet;

use super::Failure;
use crate::http::context::Wrong;
use crate::http::secret::{digest, draw, draw_id};
use crate::http::session::Visit;
use crate::node::command::Command;
use crate::node::people::access::{Purpose, Scope};
use crate::node::people::names::Unfitting;
use crate::node::service::Text;

/// Letters of a note or a title.
const NOTE_LIMIT: usize = 80;
/// Days for which a token may be good: ten years.
const DAYS_LIMIT: u32 = 3660;

/// Makes an invitation; what comes back is the path of its link.
pub(in crate::http) async fn invite(visit: &Visit, purpose: Purpose, note: &str) -> Result<String, Failure> {
    let note = short("note", note)?;
    let secret = draw()?;
    let invite = Command::Invite { id: draw_id()?, secret: digest(&secret), purpose, note };
    visit.ask(invite).await?;
    Ok(format!("/join/{secret}"))
}

/// Makes a token for a program; what comes back is the token.
pub(in crate::http) async fn make_token(
    visit: &Visit,
    title: &str,
    scopes: BTreeSet<Scope>,
    days: Option<u32>,
) -> Result<String, Failure> {
    let title = short("title", title)?;
    if title.is_empty() {
        return Err(Failure::field("title", Wrong::Unfitting(Unfitting::Empty)));
    }
    if scopes.is_empty() {
        return Err(Failure::field("scopes", Wrong::NothingChosen));
    }
    // Refused, not cut to what fits: who asked for longer would not know.
    if days.is_some_and(|days| !(1..=DAYS_LIMIT).contains(&days)) {
        return Err(Failure::field("days", Wrong::NothingChosen));
    }
    let secret = draw()?;
    visit.ask(Command::MakeToken { id: draw_id()?, secret: digest(&secret), title, scopes, days }).await?;
    Ok(secret)
}

fn short(field: &str, typed: &str) -> Result<Text, Failure> {
    // As typed, with letters that will be dropped: so says the document of the API.
    if typed.chars().count() > NOTE_LIMIT {
        return Err(Failure::field(field, Wrong::Unfitting(Unfitting::TooLong { limit: NOTE_LIMIT })));
    }
    Ok(Text::from(typed.trim().to_owned()))
}
