//! What is typed for the community.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

/// What can be done in the community.
#[derive(Debug, Subcommand)]
pub enum CommunityAct {
    /// Found one
    Found {
        /// What it is called
        name: String,
    },
    /// Take up an invitation
    Join {
        /// File with the invitation, or `-` for the next line of standard input; else it is asked for
        #[arg(long, value_name = "FILE")]
        invitation_file: Option<PathBuf>,
    },
    /// Stop trying to join
    StopJoining,
    /// Leave it
    Leave,
    /// Make an invitation for another node; it is shown this one time
    Invite {
        /// What those whom it lets in may do
        #[arg(long, value_enum, default_value = "member")]
        role: Rank,
        /// How many nodes it lets in
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// For how many days
        #[arg(long, default_value_t = 7)]
        days: u32,
        /// Ask before each is let in
        #[arg(long)]
        approve: bool,
        /// For whom, in your words
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take an invitation back
    Uninvite {
        /// Its id
        id: String,
    },
    /// Let a node in that waits
    Admit {
        /// Its key, or its name
        #[arg(value_name = "NODE")]
        member: String,
    },
    /// Turn a node away that waits
    Decline {
        /// Its key, or its name
        #[arg(value_name = "NODE")]
        member: String,
    },
    /// Expel a member
    Expel {
        /// Its key, or its name
        #[arg(value_name = "NODE")]
        member: String,
        /// And all whom it has let in
        #[arg(long)]
        with_invited: bool,
    },
    /// What members offer
    Offers {
        /// Words that it must have
        words: Vec<String>,
        /// Its type, such as `_http._tcp`
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
    },
    /// Say who sees a service
    Publish {
        /// Its name in the catalogue
        service: String,
        /// Who
        audience: Audience,
    },
    /// Show the services of other machines that this node offers
    Foreign,
    /// Offer services of other machines, in the fields of Cloudy's records: these and no others
    Import {
        /// File with a JSON array of them, or `-` for standard input; `[]` offers none
        file: PathBuf,
    },
    /// Print what members offer in the fields of Cloudy's records
    Export,
    /// Say where others can call this node from outside its own network
    Places {
        /// `HOST:PORT` each; none takes back what was said
        places: Vec<String>,
    },
}

/// What a member may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Rank {
    /// Uses and offers services
    Guest,
    /// Invites others too
    Member,
    /// Expels others too
    Steward,
}

/// Who sees a service.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Audience {
    /// Whoever is signed in
    Me,
    /// The home network too
    Household,
    /// The community too
    Community,
}
