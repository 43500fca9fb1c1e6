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
name!(
    /// A set of packages in the catalogue, named `@set` in profiles.
    SetName, |text| text.len() <= 64 && is_word(text, "-"),
    "a set name (lower-case letters, digits and `-`, 64 at most)"
);
name!(
    /// A variable for templates.
    VariableName, |text| is_word(text, "_") && !text.starts_with(|c: char| c.is_ascii_digit()),
    "a variable name (lower-case letters, digits and `_`, a letter first)"
);
name!(
    /// A host name, in which `{id}` stands for the node's own id.
    HostName, is_host_name,
    "a host name (letters, digits, `-` and `{id}`, 63 at most)"
);
name!(
    /// A systemd unit, with its suffix.
    UnitName, is_unit_name,
    "a systemd unit (a name and a suffix, as in `syncthing@nuvol.service`)"
);
name!(
    /// An absolute path in the image, without `.`, `..` or doubled slashes.
    ImagePath, is_image_path,
    "a path of the image (absolute, without `.`, `..`, `//` or a slash at the end)"
);
name!(
    /// A word: the name of a port or a kind of probe.
    Word, |text| text.len() <= 64 && is_word(text, "-"),
    "a word (lower-case letters, digits and `-`, 64 at most)"
);
name!(
    /// A DNS-SD service type (RFC 6763, section 7).
    DnsSdType, is_dns_sd_type,
    "a DNS-SD service type (as in `_http._tcp`: 15 letters, digits or `-` at most, then `_tcp` or `_udp`)"
);
name!(
    /// One word of the kernel's command line.
    KernelArgument, |text| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"'),
    "a word of a kernel command line (visible ASCII without blanks and quotes)"
);

name!(
    /// The address of a mirror, or of a snapshot service.
    MirrorUrl, is_mirror_url,
    "the address of a mirror (`http://`, `https://` or `file:/`, without blanks, quotes and brackets)"
);
name!(
    /// A file of `keys/` with the public keys that sign an archive.
    KeyringName, |text| text.len() <= 64 && is_word(text, "-.") && (text.ends_with(".gpg") || text.ends_with(".asc")),
    "the name of a keyring (lower-case letters, digits, `-` and `.`, ending in `.gpg`, or in `.asc` if it is text)"
);
name!(
    /// A moment of a snapshot service, in UTC.
    SnapshotTime, is_snapshot_time,
    "a moment of a snapshot service (as in `20261101T000000Z`)"
);

fn is_mirror_url(text: &str) -> bool {
    let rest = ["http://", "https://", "file:/"].iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic() && !"\"'[]<>".contains(c))
    })
}

fn is_snapshot_time(text: &str) -> bool {
    let shape = text.bytes().map(|it| if it.is_ascii_digit() { b'0' } else { it });
    shape.eq(*b"00000000T000000Z")
}

fn is_host_name(text: &str) -> bool {
    let name = text.replace("{id}", "00000000");
    name.len() <= 63
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_unit_name(text: &str) -> bool {
    const SUFFIXES: [&str; 10] =
        ["service", "socket", "timer", "mount", "automount", "swap", "target", "path", "slice", "scope"];
    text.len() <= 255
        && text.rsplit_once('.').is_some_and(|(name, suffix)| {
            !name.is_empty()
                && !name.starts_with('@')
                && SUFFIXES.contains(&suffix)
                && name.chars().all(|c| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c))
        })
}

fn is_image_path(text: &str) -> bool {
    text.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && !rest.chars().any(char::is_control)
    })
}

fn is_dns_sd_type(text: &str) -> bool {
    text.strip_prefix('_').and_then(|rest| rest.rsplit_once("._")).is_some_and(|(name, protocol)| {
        (1..=15).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && matches!(protocol, "tcp" | "udp")
    })
}

/// What stands in a list of packages: a package, or a set of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum PackageRef {
    /// A Debian package.
    Package(PackageName),
    /// `@set`.
    Set(SetName),
}

impl FromStr for PackageRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            Some(set) => set.parse().map(Self::Set),
            None => text.parse().map(Self::Package),
        }
    }
}

impl TryFrom<String> for PackageRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PackageRef> for String {
    fn from(reference: PackageRef) -> String {
        reference.to_string()
    }
}

impl fmt::Display for PackageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(name) => write!(f, "{name}"),
            Self::Set(name) => write!(f, "@{name}"),
        }
    }
}
