//! `nuvolctl`: runs a node from another machine, by its API and nothing else.
//!
//! A node has no certificate that others vouch for, so it is known by its fingerprint: given, or shown and accepted
//! once ([`trust`]), and kept with the token ([`store`]).

use clap::{CommandFactory, Parser};

mod address;
mod args;
mod client;
mod prompt;
mod store;
mod table;
mod trust;
mod verbs;

use args::{Cli, Verb};

/// Why it did not work.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// The node said no.
    #[error("{message}{}", listed(.fields))]
    Refused {
        /// HTTP status.
        status: u16,
        /// For people.
        message: String,
        /// What is wrong with each field.
        fields: Vec<(String, String)>,
    },
    /// What was typed cannot be.
    #[error("{0}")]
    Input(String),
    /// It is not the node that it should be.
    #[error("{0}")]
    Stranger(String),
    /// This machine lacks something.
    #[error("{0}")]
    Environment(String),
    /// There is no way to the node.
    #[error("{0}")]
    Unreachable(String),
    /// The node tried and could not.
    #[error("{0}")]
    Failed(String),
}

fn listed(fields: &[(String, String)]) -> String {
    fields.iter().map(|(name, wrong)| format!("\n  {name}: {wrong}")).collect()
}

impl Trouble {
    /// The documented exit code, the same as `nuvol`'s: 1 failed, 3 input invalid, 4 refused for safety,
    /// 6 environment lacks something, 7 network. 2, usage, comes from the parser.
    fn code(&self) -> u8 {
        match self {
            Self::Refused { status: 400 | 422, .. } | Self::Input(_) => 3,
            Self::Refused { .. } | Self::Failed(_) => 1,
            Self::Stranger(_) => 4,
            Self::Environment(_) => 6,
            Self::Unreachable(_) => 7,
        }
    }
}

type Outcome<T = ()> = Result<T, Trouble>;

/// Runs the program and returns its exit code.
pub fn run() -> u8 {
    let cli = Cli::parse();
    if let Verb::Completions { shell } = &cli.verb {
        clap_complete::generate(*shell, &mut Cli::command(), "nuvolctl", &mut std::io::stdout());
        return 0;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(verbs::run(&cli)),
        Err(error) => Err(Trouble::Environment(error.to_string())),
    };
    match outcome {
        Ok(()) => 0,
        Err(trouble) => {
            eprintln!("error: {}", table::harmless(&trouble.to_string(), true));
            trouble.code()
        }
    }
}

/// What ci/fuzz reaches: what is typed, and what a node says.
#[cfg(fuzzing)]
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(address) = text.parse::<address::Address>() {
        assert_eq!(address.authority().parse(), Ok(address));
    }
    drop(text.parse::<trust::Fingerprint>());
    assert!(!table::harmless(&text, false).chars().any(char::is_control));
    assert!(client::segment(&text).is_ascii());
}

#[cfg(test)]
mod tests;
