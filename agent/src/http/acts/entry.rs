//! Ways in: claiming the node, signing in, taking up an invitation, a new password.

use super::{Check, Failure};
use crate::http::context::Wrong;
use crate::http::password::is_equal;
use crate::http::secret::{digest, draw, draw_id};
use crate::http::session::Visit;
use crate::node::claim::Code;
use crate::node::command::{Command, Guess, NewSession, Proof, Refusal, Reply};
use crate::node::people::Unfit;
use crate::node::people::access::Purpose;
use crate::node::people::names::{PasswordHash, PersonName, Unfitting, check_password};
use crate::node::service::Text;

/// Letters of the drawn code that people might type otherwise: lower case, blanks, without the dash.
pub(in crate::http) fn tidy_code(typed: &str) -> String {
    let letters: Vec<char> =
        typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    match letters.len() {
        8 => letters[..4].iter().chain(&['-']).chain(&letters[4..]).collect(),
        _ => letters.into_iter().collect(),
    }
}

/// Tries the claim code. What comes back opens the setup.
pub(in crate::http) async fn open_setup(visit: &mut Visit, code: &str) -> Result<String, Failure> {
    let _guess = visit.handle.hasher.guess().await;
    let right = match visit.ask(Command::Try(Guess::Claim)).await? {
        Reply::Proof(Proof::Code(Code::Shown(known))) => is_equal(&known, &tidy_code(code)),
        Reply::Proof(Proof::Code(Code::Preset(hash))) => {
            visit.handle.hasher.is_right(code.trim().to_owned(), Some(hash)).await?
        }
        _ => false,
    };
    if !right {
        visit.ask(Command::Wrong(Guess::Claim)).await?;
        return Err(Failure::field("code", Wrong::Code));
    }
    let secret = draw()?;
    visit.ask(Command::OpenSetup(digest(&secret))).await?;
    Ok(secret)
}

/// Whether this secret opens the setup.
pub(in crate::http) async fn is_setup_open(visit: &mut Visit, secret: &str) -> bool {
    visit.ask(Command::CheckSetup(digest(secret))).await.is_ok()
}

/// Makes the visitor the owner.
pub(in crate::http) async fn claim(
    visit: &mut Visit,
    setup: &str,
    typed: &NewPerson<'_>,
) -> Result<(), Failure> {
    // First: nobody without the code makes the node compute.
    visit.ask(Command::CheckSetup(digest(setup))).await?;
    let (name, password) = typed.check(visit)?;
    let hash = visit.handle.hasher.hash(password).await?;
    visit.ask(Command::Claim { ticket: digest(setup), name, password: hash }).await?;
    Ok(())
}

/// A name and a password, as somebody typed them.
pub(in crate::http) struct NewPerson<'a> {
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// The password once more; programs need not say it twice.
    pub again: Option<&'a str>,
}

impl NewPerson<'_> {
    fn check(&self, visit: &Visit) -> Result<(PersonName, String), Failure> {
        let mut check = Check::default();
        let name = check.take("name", PersonName::new(self.name));
        let password =
            check.take("password", check_password(self.password, self.name, &visit.context.snapshot.name));
        if password.is_some() && self.again.is_some_and(|again| again != self.password) {
            check.take::<(), _>("again", Err(Unfitting::Different));
        }
        check.end()?;
        Ok((name.ok_or(Refusal::NoSuch)?, self.password.to_owned()))
    }
}

/// Signs in. What comes back is the session's secret.
pub(in crate::http) async fn sign_in(
    visit: &mut Visit,
    name: &str,
    password: &str,
) -> Result<String, Failure> {
    // A name that cannot be is as wrong as one that nobody has, and takes as long.
    let name = PersonName::new(name).ok();
    let _guess = visit.handle.hasher.guess().await;
    let guess = name.map_or(Guess::Invitation, Guess::Password);
    let known = match visit.ask(Command::Try(guess.clone())).await? {
        Reply::Proof(Proof::Password(known)) => known,
        _ => None,
    };
    let hash = known.as_ref().map(|(_, hash)| hash.clone());
    let right = visit.handle.hasher.is_right(password.to_owned(), hash).await?;
    let Some((person, hash)) = known.filter(|_| right) else {
        visit.ask(Command::Wrong(guess)).await?;
        return Err(Failure::field("password", Wrong::Password));
    };
    let secret = draw()?;
    let session = NewSession {
        id: draw_id()?,
        secret: digest(&secret),
        from: visit.peer.from.to_string(),
        browser: Text::from(visit.browser.clone()),
    };
    visit.ask(Command::SignIn { person, password: hash, session }).await?;
    Ok(secret)
}

/// Looks at an invitation. A wrong guess counts.
pub(in crate::http) async fn invitation(visit: &mut Visit, secret: &str) -> Result<Purpose, Failure> {
    let _guess = visit.handle.hasher.guess().await;
    visit.ask(Command::Try(Guess::Invitation)).await?;
    let people = &visit.context.snapshot.people;
    if let Some(found) = people.invitation(&digest(secret), visit.context.unix_s) {
        return Ok(found.purpose);
    }
    visit.ask(Command::Wrong(Guess::Invitation)).await?;
    Err(Refusal::NoSuch.into())
}

/// Takes up an invitation.
pub(in crate::http) async fn join(
    visit: &mut Visit,
    secret: &str,
    typed: NewPerson<'_>,
) -> Result<(), Failure> {
    let purpose = invitation(visit, secret).await?;
    // For a new password the name is known, whatever was typed.
    let people = &visit.context.snapshot.people;
    let person = match purpose {
        Purpose::Password { person } => people.person(person),
        Purpose::Join { .. } => None,
    };
    let given = person.map_or(typed.name, |person| &person.name);
    let (name, password) = NewPerson { name: given, ..typed }.check(visit)?;
    let hash = visit.handle.hasher.hash(password).await?;
    let accept = Command::Accept { invitation: digest(secret), name, password: hash };
    visit.ask(accept).await.map_err(name_taken)?;
    Ok(())
}

fn name_taken(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Unfit(Unfit::NameTaken) => Failure::field("name", Wrong::NameTaken),
        refusal => refusal.into(),
    }
}

/// Another password for whoever is signed in, who has to know the old one.
pub(in crate::http) async fn set_password(
    visit: &mut Visit,
    old: &str,
    new: &str,
    again: Option<&str>,
) -> Result<(), Failure> {
    let person = visit.context.who.person.clone().ok_or(Refusal::SignInFirst)?;
    let _guess = visit.handle.hasher.guess().await;
    let guess = Guess::Password(person.name.clone());
    let Reply::Proof(Proof::Password(Some((_, hash)))) = visit.ask(Command::Try(guess.clone())).await? else {
        return Err(Refusal::SignInFirst.into());
    };
    let typed = NewPerson { name: &person.name, password: new, again };
    let checked = typed.check(visit);
    if !visit.handle.hasher.is_right(old.to_owned(), Some(hash)).await? {
        visit.ask(Command::Wrong(guess)).await?;
        return Err(Failure::field("old", Wrong::OldPassword));
    }
    let (_, password) = checked?;
    let hash: PasswordHash = visit.handle.hasher.hash(password).await?;
    visit.ask(Command::SetPassword(hash)).await?;
    Ok(())
}
