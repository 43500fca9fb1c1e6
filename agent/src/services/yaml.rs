//! YAML text to a value, with errors that say where: the only file that names the YAML crate.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_yaml::{Spanned, UserMessageFormatter};

use crate::node::Image;

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use crate::node::service::{Name, Text};

        #[derive(Deserialize)]
        struct Keys {
            profile: Name,
            version: Text,
        }
        let Keys { profile, version } = Keys::deserialize(deserializer)?;
        Ok(Self { profile: profile.to_string(), version: version.to_string() })
    }
}

/// The value in `text`, or `file:line:column: what is wrong`.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let Some(at) = error.location() else { return format!("{}: {error}", path.display()) };
        let (line, column) = (at.line(), at.column());
        let cause = error.render_with_formatter(&UserMessageFormatter);
        // The place stands in front, where editors look for it.
        let cause = cause.strip_suffix(&format!(" at line {line}, column {column}")).unwrap_or(&cause);
        format!("{}:{line}:{column}: {cause}", path.display())
    })
}

/// Where the value of `name:` stands, as `file:line:column`.
pub(super) fn place_of_name(path: &Path, text: &str) -> String {
    #[derive(Deserialize)]
    struct Head {
        name: Spanned<String>,
    }
    match serde_yaml::from_str::<Head>(text) {
        Ok(Head { name }) => {
            format!("{}:{}:{}", path.display(), name.referenced.line(), name.referenced.column())
        }
        Err(_) => path.display().to_string(),
    }
}
