//! What makes a secret that is shown once: invitations and tokens.

use std::collections::BTreeSet;

use super::{Check, Failure};
use crate::http::context::Wrong;
use crate::http::secret::{digest, draw, draw_id};
use crate::http::session::Visit;
use crate::node::command::{Command, Field, Refusal};
use crate::node::people::access::{Purpose, Scope};
use crate::node::people::names::Unfitting;
use crate::node::service::Text;
use crate::node::setting::number;

/// Letters of a note or a title.
const NOTE_LIMIT: usize = 80;
/// Days for which a token may be good: ten years.
const DAYS_LIMIT: i64 = 3660;

/// Makes an invitation; what comes back is the path of its link.
pub(in crate::http) async fn invite(
    visit: &mut Visit,
    purpose: Purpose,
    note: &str,
) -> Result<String, Failure> {
    let note = short(note).map_err(|wrong| Failure::field("note", wrong.into()))?;
    let secret = draw()?;
    let invite = Command::Invite { id: draw_id()?, secret: digest(&secret), purpose, note };
    visit.ask(invite).await?;
    Ok(format!("/join/{secret}"))
}

/// Makes a token for a program, good for so many days as somebody typed them; nothing means for ever. What comes back
/// is the token.
pub(in crate::http) async fn make_token(
    visit: &mut Visit,
    title: &str,
    scopes: BTreeSet<Scope>,
    days: &str,
) -> Result<String, Failure> {
    let mut check = Check::default();
    let title = check.take("title", named(title));
    if scopes.is_empty() {
        check.take::<(), _>("scopes", Err(Wrong::NothingChosen));
    }
    // Refused, not cut to what fits: who asked for longer would not know.
    let days = if days.trim().is_empty() { Ok(None) } else { number(days, 1, DAYS_LIMIT).map(Some) };
    let days = check.take("days", days.map_err(|wrong| Wrong::Field(Field::Setting(wrong))));
    check.end()?;
    let title = title.ok_or(Refusal::NoSuch)?;
    let days = days.flatten().and_then(|days| u32::try_from(days).ok());
    let secret = draw()?;
    visit.ask(Command::MakeToken { id: draw_id()?, secret: digest(&secret), title, scopes, days }).await?;
    Ok(secret)
}

fn named(typed: &str) -> Result<Text, Unfitting> {
    let title = short(typed)?;
    if title.is_empty() { Err(Unfitting::Empty) } else { Ok(title) }
}

fn short(typed: &str) -> Result<Text, Unfitting> {
    // As typed, with letters that will be dropped: so says the document of the API.
    if typed.chars().count() > NOTE_LIMIT {
        return Err(Unfitting::TooLong { limit: NOTE_LIMIT });
    }
    Ok(Text::from(typed.trim().to_owned()))
}
