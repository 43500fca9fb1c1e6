//! Sizes as people write them: `512M`, `4G`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const UNITS: [(char, u64); 4] = [('T', 1 << 40), ('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

/// A number of bytes, written with a binary unit: `4G` is 4 × 1024³ bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ByteSize(u64);

impl ByteSize {
    /// A size of `mib` mebibytes.
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The size in bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size (a whole number and K, M, G or T, as in `4G`)");
        let split = |(unit, factor)| text.strip_suffix(unit).map(|number: &str| (number, factor));
        let (number, factor) = UNITS.into_iter().find_map(split).ok_or_else(wrong)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(factor).filter(|bytes| *bytes > 0).map(Self).ok_or_else(wrong)
    }
}

impl TryFrom<String> for ByteSize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> String {
        size.to_string()
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS.into_iter().find(|(_, factor)| self.0.is_multiple_of(*factor)).unwrap_or(('K', 1 << 10));
        write!(f, "{}{unit}", self.0.div_ceil(factor))
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn a_size_reads_and_writes_the_same() {
        for text in ["1K", "512M", "4G", "2T"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        assert_eq!("1024M".parse::<ByteSize>().unwrap().to_string(), "1G");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "4", "G", "4g", "-1G", "0M", "1.5G", "99999999999T", "4GG", "+4G"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
