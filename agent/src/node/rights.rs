//! Who may do what: the one table.

use std::collections::BTreeSet;

use super::command::Command;
use super::community::CommunityAct;
use super::people::access::Scope;
use super::people::{PersonId, Role};

/// Who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody unknown.
    Visitor,
    /// A person who is signed in, with the session that they use.
    Person {
        /// Who.
        person: PersonId,
        /// Their session.
        session: String,
    },
    /// A program with an API token.
    Program {
        /// Who made the token.
        person: PersonId,
        /// What it may do.
        scopes: BTreeSet<Scope>,
    },
}

impl Actor {
    /// Whom the actor acts for.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Visitor => None,
            Self::Person { person, .. } | Self::Program { person, .. } => Some(*person),
        }
    }
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// See which services run and where they are.
    See,
    /// See everything about the node.
    Look,
    /// Switch services, set them up, read their logs.
    Services,
    /// Invite and remove people.
    People,
    /// Rename, restart and switch off the node.
    Node,
    /// Change what belongs to oneself: password, sessions, tokens. Programs never may.
    Own,
}

/// Everything that this role may do, by this way of asking.
pub fn rights(role: Role, actor: &Actor) -> BTreeSet<Right> {
    let of_role: &[Right] = match role {
        Role::Guest => &[Right::See, Right::Own],
        Role::Member => &[Right::See, Right::Look, Right::Own],
        Role::Owner => &[Right::See, Right::Look, Right::Services, Right::People, Right::Node, Right::Own],
    };
    let scoped = |right: &&Right| match (actor, right) {
        (Actor::Visitor, _) | (Actor::Program { .. }, Right::Own) => false,
        (Actor::Person { .. }, _) => true,
        (Actor::Program { scopes, .. }, Right::See | Right::Look) => scopes.contains(&Scope::Read),
        (Actor::Program { scopes, .. }, Right::Services) => scopes.contains(&Scope::Services),
        (Actor::Program { scopes, .. }, Right::People) => scopes.contains(&Scope::People),
        (Actor::Program { scopes, .. }, Right::Node) => scopes.contains(&Scope::Node),
    };
    of_role.iter().filter(scoped).copied().collect()
}

/// The right that a command needs.
pub(super) fn needs(command: &Command) -> Right {
    match command {
        Command::Seen
        | Command::SignOut
        | Command::EndSession(_)
        | Command::SetPassword(_)
        | Command::MakeToken { .. }
        | Command::RevokeToken(_) => Right::Own,
        Command::Invite { .. } | Command::Uninvite(_) | Command::SetRole(..) | Command::Remove(_) => {
            Right::People
        }
        Command::Switch { .. }
        | Command::Restart { .. }
        | Command::Configure { .. }
        | Command::Logs { .. }
        | Command::Community(CommunityAct::Publish { .. }) => Right::Services,
        _ => Right::Node,
    }
}
