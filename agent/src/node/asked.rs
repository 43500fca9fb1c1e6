//! What people and programs ask: who may, whether it fits, and what follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::claim::Code;
use super::command::{Asked, Command, Field, Guess, NewSession, Power, Proof, Refusal, Reply};
use super::operation::{Operation, OperationId, Task};
use super::people::access::{INVITATION_S, Invitation, Purpose, Secret, Session, Token};
use super::people::names::{PasswordHash, PersonName};
use super::people::{INVITATIONS_LIMIT, People, Person, PersonId, Role, TOKENS_LIMIT, Unfit};
use super::rights::{Actor, needs, rights};
use super::service::Service;
use super::{Action, Document, Job, Level, Moment, Node, Ticket};

/// A session's last use is written down when it is this much older, so that looking at pages wears no disk.
const SEEN_EVERY_S: u64 = 60 * 60;
/// Days for which a token may be good.
const TOKEN_DAYS: u32 = 3660;
/// The command, what it needs and from whom are known; this is what came of it.
pub(super) type Outcome = Result<(Reply, Vec<Action>), Refusal>;

impl Node {
    /// Somebody asks for something.
    pub(super) fn hear(&mut self, now: Moment, asked: Asked) -> Vec<Action> {
        let Asked { ticket, actor, from, command } = asked;
        match self.follow(now, ticket, &actor, &from, command) {
            // The answer comes last: when all that belongs to it is done.
            Ok((Reply::Later, actions)) => actions,
            Ok((reply, mut actions)) => {
                actions.push(Action::Answer(ticket, Ok(reply)));
                actions
            }
            Err(refusal) => vec![Action::Answer(ticket, Err(refusal))],
        }
    }

    fn follow(&mut self, now: Moment, ticket: u64, actor: &Actor, from: &str, command: Command) -> Outcome {
        match command {
            Command::Try(guess) => self.may_try(now, from, guess),
            Command::Wrong(guess) => Ok((Reply::Done, self.count_wrong(now, from, &guess))),
            Command::OpenSetup(ticket) => self.open_setup(now, from, ticket),
            Command::CheckSetup(_) if self.is_claimed() => Err(Refusal::Claimed),
            Command::CheckSetup(ticket) if self.claim.is_open(&ticket, now.uptime) => {
                Ok((Reply::Done, Vec::new()))
            }
            Command::CheckSetup(_) => Err(Refusal::NoTicket),
            Command::Claim { ticket, name, password } => self.claim(now, &ticket, name, password),
            Command::SignIn { person, password, session } => {
                self.sign_in(now, from, person, &password, session)
            }
            Command::Accept { invitation, name, password } => {
                self.change(|people| people.accept(&invitation, name, password, now).map(Reply::Person))
            }
            Command::Knock(bytes) => self.knocked(now, ticket, from, bytes),
            command => {
                let person = self.known(now, actor)?;
                self.obey(now, ticket, actor, &person, command)
            }
        }
    }

    /// The person who asks, or for whom a program asks.
    fn known(&self, now: Moment, actor: &Actor) -> Result<Person, Refusal> {
        let people = self.people.as_ref().ok_or(Refusal::SignInFirst)?;
        let person = actor.person().and_then(|id| people.person(id)).ok_or(Refusal::SignInFirst)?;
        if let Actor::Person { session, .. } = actor {
            let mine = |it: &Session| it.id == *session && it.person == person.id && it.is_open(now.unix_s);
            let known = people.sessions.iter().any(mine);
            if !known {
                return Err(Refusal::SignInFirst);
            }
        }
        Ok(person.clone())
    }

    /// What needs a right.
    fn obey(
        &mut self,
        now: Moment,
        ticket: u64,
        actor: &Actor,
        person: &Person,
        command: Command,
    ) -> Outcome {
        if !rights(person.role, actor).contains(&needs(&command)) {
            return Err(Refusal::NotAllowed);
        }
        if matches!(actor, Actor::Program { .. }) && self.makes_owner(&command) {
            return Err(Refusal::NotAllowed);
        }
        match command {
            Command::Seen => self.see(now, actor),
            Command::SignOut => self.end_session(person.id, session_of(actor)),
            Command::EndSession(id) => self.end_session(person.id, &id),
            Command::SetPassword(password) => {
                let stay = Some(session_of(actor));
                self.change(|people| people.set_password(person.id, password, stay).map(|()| Reply::Done))
            }
            Command::MakeToken { id, secret, title, scopes, days } => {
                let until_s = days.map(|days| now.unix_s + u64::from(days.min(TOKEN_DAYS)) * 24 * 60 * 60);
                let person = person.id;
                self.make_token(
                    now,
                    Token { id, secret, person, title, scopes, since_s: now.unix_s, until_s },
                )
            }
            Command::RevokeToken(id) => {
                let mine = |token: &Token| token.id == id && token.person == person.id;
                self.change(|people| drop_one(&mut people.tokens, mine))
            }
            Command::Invite { id, secret, purpose, note } => {
                let until_s = now.unix_s + INVITATION_S;
                let by = person.id;
                self.invite(now, Invitation { id, secret, purpose, by, note, since_s: now.unix_s, until_s })
            }
            Command::Uninvite(id) => {
                self.change(|people| drop_one(&mut people.invitations, |it| it.id == id))
            }
            Command::SetRole(id, role) => {
                self.change(|people| people.set_role(id, role).map(|()| Reply::Done))
            }
            Command::Remove(id) => self.change(|people| people.remove(id).map(|()| Reply::Done)),
            Command::Keep => self.keep(),
            Command::GoBack => Ok((Reply::Done, self.go_back(now, &person.name)?)),
            Command::Logs { service, lines } => {
                self.service(&service)?;
                Ok((Reply::Later, vec![Action::Help(Ticket::Asked(ticket), Job::Logs { service, lines })]))
            }
            Command::Community(act) => self.act_in_community(now, ticket, act),
            command => self.begin_work(now, &person.name, command),
        }
    }

    /// Whether this gives somebody all rights: no program may, else a token for some things would be one for all.
    fn makes_owner(&self, command: &Command) -> bool {
        let is_owner = |id: &PersonId| {
            self.people.as_ref().and_then(|it| it.person(*id)).is_some_and(|it| it.role == Role::Owner)
        };
        match command {
            Command::SetRole(_, Role::Owner) => true,
            Command::Invite { purpose: Purpose::Join { role }, .. } => *role == Role::Owner,
            Command::Invite { purpose: Purpose::Password { person }, .. } => is_owner(person),
            _ => false,
        }
    }

    /// Whether a guess may be made now, and what it is held against.
    fn may_try(&mut self, now: Moment, from: &str, guess: Guess) -> Outcome {
        let wait = |pause: std::time::Duration| Refusal::Wait { seconds: pause.as_secs().max(1) };
        if let Some(pause) = self.guesses.pause(from, now.uptime) {
            return Err(wait(pause));
        }
        let proof = match guess {
            Guess::Claim if self.is_claimed() => return Err(Refusal::Claimed),
            Guess::Claim => Proof::Code(self.claim.code.clone().ok_or(Refusal::NoTicket)?),
            Guess::Invitation => Proof::Nothing,
            Guess::Password(name) => {
                if let Some(pause) = self.account_guesses.pause(&account(&name), now.uptime) {
                    return Err(wait(pause));
                }
                let known = self.people.as_ref().and_then(|people| people.named(&name));
                Proof::Password(known.map(|person| (person.id, person.password.clone())))
            }
        };
        Ok((Reply::Proof(proof), Vec::new()))
    }

    /// One wrong guess more. A code that was guessed at too often is replaced by a new one, where the node has
    /// drawn it.
    fn count_wrong(&mut self, now: Moment, from: &str, guess: &Guess) -> Vec<Action> {
        let too_many = self.guesses.wrong(from, now.uptime);
        if let Guess::Password(name) = guess {
            self.account_guesses.wrong(&account(name), now.uptime);
        }
        if !too_many {
            return Vec::new();
        }
        let mut actions = vec![Action::Log(Level::Warning, format!("too many wrong guesses from {from}"))];
        if *guess == Guess::Claim && matches!(self.claim.code, Some(Code::Shown(_))) {
            self.claim.code = None;
            actions.push(Action::DrawClaimCode);
        }
        actions
    }

    fn open_setup(&mut self, now: Moment, from: &str, ticket: Secret) -> Outcome {
        if self.is_claimed() || !self.restored {
            return Err(Refusal::Claimed);
        }
        self.guesses.right(from);
        self.claim.open(ticket, now.uptime);
        Ok((Reply::Done, Vec::new()))
    }

    /// The node gets its owner. From here on it has one, whatever else happens.
    fn claim(&mut self, now: Moment, ticket: &Secret, name: PersonName, password: PasswordHash) -> Outcome {
        if self.is_claimed() || !self.restored {
            return Err(Refusal::Claimed);
        }
        if !self.claim.is_open(ticket, now.uptime) {
            return Err(Refusal::NoTicket);
        }
        let line = Action::Log(Level::Info, format!("claimed by {}", &*name));
        // Where the list of people was damaged, this begins a new one.
        let before = self.people.get_or_insert_default().clone();
        let outcome = self.change(|people| people.admit(name, Role::Owner, password, now).map(Reply::Person));
        if outcome.is_err() {
            self.people = Some(before);
        }
        let (reply, mut actions) = outcome?;
        self.claim = super::Claim::default();
        self.problems.retain(|problem| problem.effect != super::Effect::PeopleLost);
        actions.extend([line, Action::ForgetClaimCode]);
        Ok((reply, actions))
    }

    fn sign_in(
        &mut self,
        now: Moment,
        from: &str,
        person: PersonId,
        password: &PasswordHash,
        session: NewSession,
    ) -> Outcome {
        self.guesses.right(from);
        self.change(|people| {
            let known = people.person(person).filter(|known| known.password == *password);
            known.ok_or(Unfit::Gone)?;
            people.begin(session.of(person, now.unix_s));
            Ok(Reply::Person(person))
        })
    }

    /// Changes the list of people, or leaves it as it is.
    fn change(&mut self, change: impl FnOnce(&mut People) -> Result<Reply, Unfit>) -> Outcome {
        let people = self.people.as_mut().ok_or(Refusal::SignInFirst)?;
        let mut changed = (**people).clone();
        let reply = change(&mut changed).map_err(Refusal::from)?;
        *people = Arc::new(changed.clone());
        Ok((reply, vec![Action::Save(Document::People(changed))]))
    }

    fn see(&mut self, now: Moment, actor: &Actor) -> Outcome {
        let (id, unix_s) = (session_of(actor).to_owned(), now.unix_s);
        let stale = |people: &&mut Arc<People>| {
            people.sessions.iter().any(|it| it.id == id && it.seen_s + SEEN_EVERY_S <= unix_s)
        };
        if self.people.as_mut().filter(stale).is_none() {
            return Ok((Reply::Done, Vec::new()));
        }
        self.change(|people| {
            let session = people.sessions.iter_mut().find(|it| it.id == id).ok_or(Unfit::Gone)?;
            session.seen_s = unix_s;
            Ok(Reply::Done)
        })
    }

    fn end_session(&mut self, person: PersonId, id: &str) -> Outcome {
        self.change(|people| drop_one(&mut people.sessions, |it| it.id == id && it.person == person))
    }

    fn make_token(&mut self, now: Moment, token: Token) -> Outcome {
        self.change(|people| {
            people.tokens.retain(|it| it.is_open(now.unix_s));
            if people.tokens.iter().filter(|it| it.person == token.person).count() >= TOKENS_LIMIT {
                return Err(Unfit::Full);
            }
            people.tokens.push(token);
            Ok(Reply::Done)
        })
    }

    fn invite(&mut self, now: Moment, invitation: Invitation) -> Outcome {
        self.change(|people| {
            // What has run out takes no room from what is needed.
            people.invitations.retain(|it| it.is_open(now.unix_s));
            if let Purpose::Password { person } = invitation.purpose {
                people.person(person).ok_or(Unfit::Gone)?;
            }
            if people.invitations.len() >= INVITATIONS_LIMIT {
                return Err(Unfit::Full);
            }
            people.invitations.push(invitation);
            Ok(Reply::Done)
        })
    }

    fn service(&self, name: &str) -> Result<&Service, Refusal> {
        self.catalogue.services.get(name).ok_or(Refusal::NoSuch)
    }

    /// What takes a while becomes an operation.
    fn begin_work(&mut self, now: Moment, by: &str, command: Command) -> Outcome {
        let (task, job) = match command {
            Command::Switch { service, on } => {
                if self.service(&service)?.is_way_in() && !on {
                    return self.switch_off_way_in(now, by, &service);
                }
                let name = service.clone();
                let task = if on { Task::SwitchOn { service } } else { Task::SwitchOff { service } };
                (task, Job::Switch { service: name, on })
            }
            Command::Restart { service } => {
                self.service(&service)?;
                (Task::Restart { service: service.clone() }, Job::Restart { service })
            }
            Command::Configure { service, settings } => {
                check_settings(self.service(&service)?, &settings)?;
                (Task::Configure { service: service.clone() }, Job::Configure { service, settings })
            }
            Command::Rename { name } => return self.rename(now, by, name),
            Command::Power(Power::Reboot) => (Task::Reboot, Job::Reboot),
            Command::Power(Power::Off) => (Task::PowerOff, Job::PowerOff),
            _ => return Err(Refusal::NoSuch),
        };
        let (id, actions) = self.start(now, by, task, job)?;
        Ok((Reply::Started(id), actions))
    }

    /// One piece of work at a time on each service, and on the node.
    pub(super) fn start(
        &mut self,
        now: Moment,
        by: &str,
        task: Task,
        job: Job,
    ) -> Result<(OperationId, Vec<Action>), Refusal> {
        let same = |it: &&Operation| it.task.service() == task.service();
        if let Some(busy) = self.operations.running().find(same) {
            return Err(Refusal::Busy(busy.id));
        }
        let operations = Arc::make_mut(&mut self.operations);
        // Not the job: it carries the values of settings, and some of them are secrets.
        let line = format!("{by} asks: {task:?}");
        let id = operations.begin(task, by, now.unix_s);
        let actions = vec![
            Action::Save(Document::Operations(operations.clone())),
            Action::Log(Level::Info, line),
            Action::Help(Ticket::Operation(id), job),
        ];
        Ok((id, actions))
    }
}

fn session_of(actor: &Actor) -> &str {
    match actor {
        Actor::Person { session, .. } => session,
        Actor::Visitor | Actor::Program { .. } => "",
    }
}

fn account(name: &PersonName) -> String {
    name.key()
}

fn drop_one<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> Result<Reply, Unfit> {
    let place = list.iter().position(is_it).ok_or(Unfit::Gone)?;
    list.remove(place);
    Ok(Reply::Done)
}

fn check_settings(service: &Service, settings: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let wrong: BTreeMap<String, Field> = settings
        .iter()
        .filter_map(|(name, text)| {
            let known = service.settings.iter().find(|setting| *setting.name == **name);
            let field = match known {
                None => Field::Unknown,
                Some(setting) => Field::Setting(setting.check(text).err()?),
            };
            Some((name.clone(), field))
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::Fields(wrong)) }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Gone => Self::NoSuch,
            Unfit::Full => Self::Full,
            other => Self::Unfit(other),
        }
    }
}
