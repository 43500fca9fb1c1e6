//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::address::Address;
use super::trust::Fingerprint;

mod community;

pub use community::{Audience, CommunityAct, Rank};

/// Runs a Nuvol node from another machine
///
/// Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 usage,
/// 3 what was typed cannot be, 4 the node shows another certificate than it should, 6 this machine lacks something,
/// 7 network.
#[derive(Debug, Parser)]
#[command(name = "nuvolctl", version)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
pub struct Common {
    /// The node [default: the only one that is known]
    #[arg(long, global = true, value_name = "HOST[:PORT]", env = "NUVOLCTL_NODE")]
    pub node: Option<Address>,
    /// The node's fingerprint, as its screen shows it; else it is shown and asked for once
    #[arg(long, global = true, value_name = "AB:CD:…")]
    pub fingerprint: Option<Fingerprint>,
    /// File with an API token, or `-` for standard input [default: the one of `nuvolctl login`]
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// What is remembered of nodes [default: nuvolctl/nodes.toml in the folder of settings]
    #[arg(long, global = true, value_name = "FILE", env = "NUVOLCTL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print JSON, as the node's API gives it
    #[arg(long, global = true)]
    pub json: bool,
    /// Begin, and do not wait for the end
    #[arg(long, global = true)]
    pub no_wait: bool,
    /// Seconds to wait for an answer
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make an owner of a new node, by the code on its screen
    Claim(Claim),
    /// Take up an invitation, or a link for a new password, and keep a token
    Join(Join),
    /// Get a token from a node and keep it
    Login(Login),
    /// Change one's own password; everywhere else one is signed out, and tokens end
    Password(Password),
    /// Who one is on the node, by the token
    Account,
    /// Whether the node's agent is well; needs no token, and fails where it is not
    Health,
    /// How the node is
    Status,
    /// The node's services
    Services,
    /// One service, or something done with it
    Service {
        /// Its name
        name: String,
        /// What to do with it
        #[command(subcommand)]
        act: Option<ServiceAct>,
    },
    /// People and invitations, or something done with them
    People {
        /// What to do
        #[command(subcommand)]
        act: Option<PeopleAct>,
    },
    /// The community and its members, or something done in it
    Community {
        /// What to do
        #[command(subcommand)]
        act: Option<CommunityAct>,
    },
    /// One's own tokens; signs in for it
    Tokens {
        /// Who signs in
        #[command(flatten)]
        who: Who,
        /// What to do
        #[command(subcommand)]
        act: Option<TokenAct>,
    },
    /// Where one is signed in; signs in for it
    Sessions {
        /// Who signs in
        #[command(flatten)]
        who: Who,
        /// What to do
        #[command(subcommand)]
        act: Option<SessionAct>,
    },
    /// What is being done and was done lately, or one of it step by step
    Operations {
        /// Number of one
        id: Option<u32>,
    },
    /// The node, or something done with it
    Node {
        /// What to do
        #[command(subcommand)]
        act: Option<NodeAct>,
    },
    /// Print a report for whoever helps; it names nobody
    Report,
    /// Print what a shell completes
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Who signs in.
#[derive(Debug, Args)]
pub struct Who {
    /// One's name on the node; else it is asked for
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// File with the password, or `-` for the next line of standard input; else it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Takes up an invitation.
#[derive(Debug, Args)]
pub struct Join {
    /// Whoever is invited; with a link for a new password the node knows their name
    #[command(flatten)]
    pub who: Who,
    /// File with the link, or `-` for the next line of standard input; else it is asked for
    #[arg(long, value_name = "FILE")]
    pub link_file: Option<PathBuf>,
}

/// Changes a password.
#[derive(Debug, Args)]
pub struct Password {
    /// Whose, with the present password
    #[command(flatten)]
    pub who: Who,
    /// File with the new password, or `-` for the next line of standard input; else it is asked for
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}

/// Makes an owner.
#[derive(Debug, Args)]
pub struct Claim {
    /// The new owner
    #[command(flatten)]
    pub who: Who,
    /// File with the code, or `-` for the next line of standard input; else it is asked for
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}

/// Gets a token. With `--token-file` that one is kept.
#[derive(Debug, Args)]
pub struct Login {
    /// Who signs in
    #[command(flatten)]
    pub who: Who,
    /// What the token may do [default: everything]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SCOPE,…")]
    pub scopes: Vec<Scope>,
    /// For how many days [default: for ever]
    #[arg(long)]
    pub days: Option<u32>,
    /// What the token is called in lists
    #[arg(long, default_value = "nuvolctl")]
    pub title: String,
}

/// What a token may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Scope {
    /// Look at everything that its person may see
    Read,
    /// Switch services and set them up
    Services,
    /// Invite and remove people
    People,
    /// Rename, restart and switch off the node
    Node,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Role {
    /// Sees which services run and opens them
    Guest,
    /// Sees everything, changes nothing
    Member,
    /// Runs the node
    Owner,
}

/// What can be done with a service.
#[derive(Debug, Subcommand)]
pub enum ServiceAct {
    /// Switch it on, now and after the next boot
    On,
    /// Switch it off, now and after the next boot
    Off,
    /// Stop and start it
    Restart,
    /// The last lines that it wrote
    Log {
        /// So many
        #[arg(long, default_value = "100", value_parser = clap::value_parser!(u16).range(1..=500))]
        lines: u16,
    },
    /// Give it other settings
    Set {
        /// Each setting's new value
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = pair)]
        settings: Vec<(String, String)>,
    },
}

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub enum PeopleAct {
    /// Make a link by which somebody new comes in
    Invite {
        /// What they will be allowed to do
        #[arg(long, value_enum, default_value = "member")]
        role: Role,
        /// For whom, in your words
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take an invitation back
    Uninvite {
        /// Its id
        id: String,
    },
    /// Give somebody another role
    Role {
        /// Their name or number
        person: String,
        /// What they may do from now on
        role: Role,
    },
    /// Make a link by which somebody gets a new password
    Reset {
        /// Their name or number
        person: String,
    },
    /// Remove somebody, with all their ways in
    Remove {
        /// Their name or number
        person: String,
    },
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenAct {
    /// Make one; it is shown this one time
    Make {
        /// What it is for
        title: String,
        /// What it may do
        #[arg(long, value_enum, value_delimiter = ',', required = true, value_name = "SCOPE,…")]
        scopes: Vec<Scope>,
        /// For how many days [default: for ever]
        #[arg(long)]
        days: Option<u32>,
    },
    /// Take one back
    Revoke {
        /// Its id
        id: String,
    },
}

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionAct {
    /// Sign out there
    End {
        /// Its id
        id: String,
    },
}

/// What can be done with the node.
#[derive(Debug, Subcommand)]
pub enum NodeAct {
    /// Give it another name, for two minutes at first: keep it under the new name
    Rename {
        /// The new name
        name: String,
    },
    /// Keep the change that is on trial
    Keep,
    /// Undo the change that is on trial
    Back,
    /// Start it anew
    Reboot,
    /// Switch it off
    Off,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a setting is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
