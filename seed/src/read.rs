//! `nuvol.toml` to values: everything that is wrong with it at once.

use toml::de::{DeTable, DeValue};

use crate::config::{Config, Section};
use crate::fields::{At, Fields, Finder};
use crate::problem::{Problem, Scope, Span};
use crate::{claim, install, network, ssh, timezone, wifi};

/// The version of the format that this program reads.
pub const VERSION: u32 = 1;

const KEYS: [&str; 9] =
    ["version", "name", "timezone", "claim-code-hash", "invite", "ssh", "network", "wifi", "install"];
const LONGEST_NAME: usize = 63;
const LONGEST_INVITE: usize = 4096;

/// What a text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// What is valid of it: a setting with a problem is not in it.
    pub config: Config,
    /// All that is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

impl Read {
    /// Whether nothing of the file counts.
    pub fn is_void(&self) -> bool {
        self.problems.iter().any(|problem| problem.scope == Scope::File)
    }

    /// Whether `section` is written, but not as it must be.
    pub fn is_refused(&self, section: Section) -> bool {
        self.problems.iter().any(|problem| problem.scope == Scope::Section(section))
    }
}

/// Reads the bytes of a whole file. It never fails: what is wrong is told in the problems.
pub fn read_bytes(bytes: &[u8]) -> Read {
    match std::str::from_utf8(bytes) {
        Ok(text) => read(text),
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let problem = Problem {
                span: Span::of(&good, &(good.len()..good.len())),
                scope: Scope::File,
                cause: "these are not letters in UTF-8".to_owned(),
                remedy: Some("save the file as UTF-8".to_owned()),
            };
            Read { config: Config::default(), problems: vec![problem] }
        }
    }
}

/// Reads a whole file. It never fails: what is wrong is told in the problems.
pub fn read(text: &str) -> Read {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut finder = Finder { text, problems: Vec::new(), scope: Scope::File };
    for error in &errors {
        let range = error.span().unwrap_or(0..0);
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        finder.wrong(&range, format!("this cannot be read as TOML: {message}"));
    }
    // What a broken text may have meant is a guess.
    let mut config = Config::default();
    if errors.is_empty() {
        config = document(&mut finder, &table);
    }
    let mut problems = finder.problems;
    problems.sort();
    problems.dedup();
    let mut read = Read { config: Config::default(), problems };
    if !read.is_void() {
        read.config = without_refused(config, &read);
    }
    read
}

fn document(finder: &mut Finder<'_>, table: &toml::Spanned<DeTable<'_>>) -> Config {
    let fields = Fields::document(table.get_ref());
    version(finder, &fields);
    finder.scope = Scope::Unknown;
    fields.known(finder, &KEYS);
    let mut config = Config { version: VERSION, ..Config::default() };
    // No setting of the node: what is wrong with it spoils nothing else.
    config.install = fields.value("install").and_then(|value| install::read(finder, value));
    finder.scope = Section::Name.into();
    config.name = fields.text(finder, "name").map(|name| check_name(finder, &name));
    finder.scope = Section::Timezone.into();
    config.timezone = fields.text(finder, "timezone").map(|zone| timezone::check(finder, &zone));
    finder.scope = Section::ClaimCodeHash.into();
    config.claim_code_hash = fields.text(finder, "claim-code-hash").map(|hash| {
        if let Err((cause, remedy)) = claim::check_hash(hash.value) {
            finder.wrong(&hash.range, cause).mend(remedy);
        }
        hash.value.to_owned()
    });
    finder.scope = Section::Invite.into();
    config.invite = fields.text(finder, "invite").map(|invite| check_invite(finder, &invite));
    finder.scope = Section::Ssh.into();
    config.ssh = fields.value("ssh").and_then(|value| ssh::read(finder, value));
    finder.scope = Section::Network.into();
    config.network = fields.value("network").map(|value| network::read(finder, value)).unwrap_or_default();
    finder.scope = Section::Wifi.into();
    config.wifi = fields.value("wifi").and_then(|value| wifi::read(finder, value));
    config
}

/// What a file of another version means is anybody's guess, so it spoils all.
fn version(finder: &mut Finder<'_>, fields: &Fields<'_, '_>) {
    let remedy = format!("write `version = {VERSION}` in its first line");
    let Some(value) = fields.value("version") else {
        finder.wrong(&(0..0), "the file does not say its `version`").mend(remedy);
        return;
    };
    match value.get_ref() {
        DeValue::Integer(number) if number.as_str() == "1" && number.radix() == 10 => {}
        DeValue::Integer(number) => {
            let cause = format!("version {number} of this file is not known here");
            finder.wrong(&value.span(), cause).mend(format!("{remedy}, or use a Nuvol that knows it"));
        }
        _ => finder.wrong(&value.span(), "`version` must be a number").mend(remedy),
    }
}

fn check_name(finder: &mut Finder<'_>, name: &At<&str>) -> String {
    let good = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    let text = name.value;
    let cause = if text.is_empty() || text.len() > LONGEST_NAME {
        format!("a name has 1 to {LONGEST_NAME} letters, `{text}` has {}", text.chars().count())
    } else if text == "localhost" {
        "every machine calls itself `localhost`".to_owned()
    } else if !text.bytes().all(good) || text.starts_with('-') || text.ends_with('-') {
        format!("`{text}` is no name that networks know")
    } else {
        return text.to_owned();
    };
    let problem = finder.wrong(&name.range, cause);
    problem.mend("use lower-case letters a to z, digits, and hyphens between them");
    text.to_owned()
}

fn check_invite(finder: &mut Finder<'_>, invite: &At<&str>) -> String {
    let text = invite.value;
    let is_one = text.strip_prefix("nuvol:").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
    });
    if text.len() > LONGEST_INVITE {
        finder.wrong(&invite.range, format!("an invitation has at most {LONGEST_INVITE} letters"));
    } else if !is_one {
        finder.wrong(&invite.range, "this is no invitation").mend("copy all of it: `nuvol:…`");
    }
    text.to_owned()
}

fn without_refused(mut config: Config, read: &Read) -> Config {
    for section in Section::ALL.into_iter().filter(|section| read.is_refused(*section)) {
        match section {
            Section::Name => config.name = None,
            Section::Timezone => config.timezone = None,
            Section::ClaimCodeHash => config.claim_code_hash = None,
            Section::Invite => config.invite = None,
            Section::Ssh => config.ssh = None,
            Section::Network => config.network.clear(),
            Section::Wifi => config.wifi = None,
        }
    }
    config
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
