//! Names that are legal because they exist: each type can only be made from text that fits.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $check:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` is not {}", $rule)) }
            }
        }

        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_word(text: &str, extra: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c))
}

name!(
    /// A profile: the name of a file in `profiles/`, without `.yaml`.
    ProfileName, |text| text.len() <= 64 && is_word(text, "-"),
    "a profile name (lower-case letters, digits and `-`, 64 at most)"
);
name!(
    /// An overlay: the name of a folder in `overlays/`.
    OverlayName, |text| text.len() <= 64 && is_word(text, "-"),
    "an overlay name (lower-case letters, digits and `-`, 64 at most)"
);
name!(
    /// A service of the catalogue.
    ServiceName, |text| text.len() <= 64 && is_word(text, "-"),
    "a service name (lower-case letters, digits and `-`, 64 at most)"
);
name!(
    /// A Debian binary package (Debian Policy 5.6.7).
    PackageName, |text| text.len() >= 2 && is_word(text, "+-."),
    "a Debian package name (lower-case letters, digits, `+`, `-` and `.`, two at least)"
);
name!(
    /// The version of a profile's release, as it stands in `out/<profile>/<version>/`.
    Version, |text| text.len() <= 64 && is_word(text, "+-.~"),
    "a version (lower-case letters, digits, `+`, `-`, `.` and `~`, 64 at most)"
);

/// A machine architecture, by its Debian name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// 64-bit PC.
    Amd64,
}

impl Architecture {
    /// The Debian name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
        }
    }
}

/// What a build writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The disk itself, sparse.
    Raw,
    /// The disk for QEMU and KVM, compressed.
    Qcow2,
    /// Live medium for CD and USB stick that holds the disk.
    Iso,
}

impl Format {
    /// Every format, in order.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Qcow2, Self::Iso];

    /// The word that stands in profiles, and the file extension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Iso => "iso",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a format (raw, qcow2, iso)"))
    }
}
