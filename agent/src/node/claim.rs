//! How a new node gets its owner: whoever reads the code off its screen, or set it before boot, opens the setup.

use std::fmt;
use std::time::Duration;

use super::people::access::Secret;
use super::people::names::PasswordHash;

/// After the code one has so long to give a name and a password; then the code is asked for again.
const TICKET_TIME: Duration = Duration::from_secs(30 * 60);
/// Browsers that may be in the setup at one time.
const TICKETS: usize = 8;

/// The code that opens the setup.
#[derive(Clone, PartialEq, Eq)]
pub enum Code {
    /// Drawn by the node and shown on its screen.
    Shown(String),
    /// Set before boot; only its hash is here.
    Preset(PasswordHash),
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shown(_) => "Shown",
            Self::Preset(_) => "Preset",
        })
    }
}

/// The way to becoming the owner, as long as there is none.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    /// What has to be guessed; none while it is being drawn, or where it could not be.
    pub code: Option<Code>,
    tickets: Vec<(Secret, Duration)>,
}

impl Claim {
    /// The code was right: whoever has this secret may go on.
    pub fn open(&mut self, ticket: Secret, now: Duration) {
        self.tickets.retain(|(_, until)| now < *until);
        if self.tickets.len() >= TICKETS {
            self.tickets.remove(0);
        }
        self.tickets.push((ticket, now + TICKET_TIME));
    }

    /// Whether this secret may go on.
    pub fn is_open(&self, ticket: &Secret, now: Duration) -> bool {
        self.tickets.iter().any(|(known, until)| known == ticket && now < *until)
    }
}
