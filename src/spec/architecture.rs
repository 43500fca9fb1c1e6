//! Machine architectures, and entries of lists that count for one of them alone.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A machine architecture, by its Debian name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// 64-bit PC.
    #[default]
    Amd64,
    /// 64-bit ARM, started by UEFI.
    Arm64,
}

impl Architecture {
    /// Every architecture, in order.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// The Debian name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The machine's name in GNU triplets, and for QEMU.
    pub fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// What names of its UEFI programs end with (UEFI specification, section 3.5.1.1).
    pub fn efi_mark(self) -> &'static str {
        match self {
            Self::Amd64 => "x64",
            Self::Arm64 => "aa64",
        }
    }

    /// That of this program, whose tools run on this machine.
    pub fn of_host() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::Amd64 }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not an architecture (amd64, arm64)"))
    }
}

/// An entry of a list that may count for one architecture alone, in the words of Debian's own lists:
/// `amd64-microcode [amd64]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[serde(bound(deserialize = "T: FromStr<Err = String>", serialize = "T: Clone + fmt::Display"))]
#[schemars(with = "String", rename = "Only{T}")]
pub struct Only<T> {
    /// The entry.
    pub value: T,
    /// Where it counts; `None` means everywhere.
    pub on: Option<Architecture>,
}

impl<T: FromStr<Err = String>> FromStr for Only<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((value, rest)) = text.split_once(" [") else {
            return Ok(Self { value: text.parse()?, on: None });
        };
        let name = rest.strip_suffix(']').ok_or_else(|| format!("`{text}` lacks a `]` at its end"))?;
        Ok(Self { value: value.trim_end().parse()?, on: Some(name.parse()?) })
    }
}

impl<T: FromStr<Err = String>> TryFrom<String> for Only<T> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl<T: fmt::Display> fmt::Display for Only<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.on {
            Some(on) => write!(f, "{} [{on}]", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

impl<T: Clone + fmt::Display> From<Only<T>> for String {
    fn from(only: Only<T>) -> Self {
        only.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Architecture, Only};
    use crate::spec::PackageName;

    #[test]
    fn an_entry_says_where_it_counts() {
        let read = |text: &str| text.parse::<Only<PackageName>>();
        assert_eq!(read("curl").unwrap().on, None);
        let one = read("amd64-microcode [amd64]").unwrap();
        assert_eq!((one.value.as_str(), one.on), ("amd64-microcode", Some(Architecture::Amd64)));
        assert_eq!(one.to_string(), "amd64-microcode [amd64]");
    }

    #[test]
    fn an_unknown_architecture_is_told_with_the_known_ones() {
        let wrong = |text: &str| text.parse::<Only<PackageName>>().unwrap_err();
        assert_eq!(wrong("curl [i386]"), "`i386` is not an architecture (amd64, arm64)");
        assert_eq!(wrong("curl [amd64"), "`curl [amd64` lacks a `]` at its end");
        assert!(wrong("Curl [amd64]").contains("is not a Debian package name"));
    }
}
