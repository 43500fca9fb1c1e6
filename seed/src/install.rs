//! `[install]`: which disk the installer on the ISO takes without asking, and what becomes of what is on it.
//!
//! It is no setting of a node, and counts where the ISO was started from alone.

use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::edit::quoted;
use crate::fields::{At, Fields, Finder};
use crate::problem::Problem;

pub(crate) const KEYS: [&str; 8] =
    ["serial", "vendor", "model", "transport", "min-size", "max-size", "existing", "then"];
/// So many of the first ones say which disk it is.
const FILTERS: usize = 6;
const TRANSPORTS: [&str; 6] = ["usb", "sata", "nvme", "mmc", "virtio", "scsi"];
/// As Nuvol counts everywhere, and as it is printed on disks.
const UNITS: [(&str, u64); 8] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
];

/// Install without asking. All that is said of the disk must be true of one disk alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Install {
    /// The disk's whole serial number.
    pub serial: Option<String>,
    /// A part of its maker's name or of its model.
    pub vendor: Option<String>,
    /// A part of its model.
    pub model: Option<String>,
    /// How it is connected: `usb`, `sata`, `nvme`, `mmc`, `virtio` or `scsi`.
    pub transport: Option<String>,
    /// Its least size: `100G`, or `100GB` as makers of disks count.
    pub min_size: Option<Bytes>,
    /// Its greatest size.
    pub max_size: Option<Bytes>,
    /// What becomes of what is on it. Unless said, a disk that holds anything is left alone.
    pub existing: Option<Existing>,
    /// What the machine does afterwards: `poweroff` unless said.
    pub then: Option<Then>,
}

/// A size in bytes, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
pub struct Bytes(pub u64);

/// What becomes of what is on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Existing {
    /// The data partition of the node that is on it stays.
    Preserve,
    /// All goes.
    Overwrite,
}

/// What the machine does when it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// It is switched off.
    #[default]
    Poweroff,
    /// It starts from the disk, if the medium is out or comes later.
    Reboot,
}

/// The word of the file.
impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poweroff => "poweroff",
            Self::Reboot => "reboot",
        })
    }
}

pub(crate) fn read(finder: &mut Finder<'_>, value: &Spanned<DeValue<'_>>) -> Option<Install> {
    let before = finder.problems.len();
    let fields = Fields::of(finder, "install", value, &KEYS)?;
    let [serial, vendor, model] = ["serial", "vendor", "model"].map(|key| named(finder, &fields, key));
    let transport = fields.text(finder, "transport").map(|it| {
        word(finder, &it, &TRANSPORTS.map(|it| (it, it)));
        it.value.to_owned()
    });
    let [min_size, max_size] = ["min-size", "max-size"].map(|key| size(finder, &fields, key));
    let existing = fields.text(finder, "existing").and_then(|it| {
        word(finder, &it, &[("preserve", Existing::Preserve), ("overwrite", Existing::Overwrite)])
    });
    let then = fields
        .text(finder, "then")
        .and_then(|it| word(finder, &it, &[("poweroff", Then::Poweroff), ("reboot", Then::Reboot)]));
    if KEYS[..FILTERS].iter().all(|key| fields.value(key).is_none()) {
        finder
            .wrong(&fields.range, "nothing says which disk it is")
            .mend("add `serial`, `vendor`, `model`, `transport`, `min-size` or `max-size`");
    }
    // Half of what was meant may be another disk.
    (finder.problems.len() == before).then_some(Install {
        serial,
        vendor,
        model,
        transport,
        min_size,
        max_size,
        existing,
        then,
    })
}

/// A text that must not be empty: nothing is a part of every name.
fn named(finder: &mut Finder<'_>, fields: &Fields<'_, '_>, key: &str) -> Option<String> {
    let text = fields.text(finder, key)?;
    if text.value.trim().is_empty() {
        finder.wrong(&text.range, format!("`{key}` is empty")).mend("leave it out if it does not matter");
    }
    Some(text.value.to_owned())
}

/// One of the words that are known.
fn word<T: Copy>(finder: &mut Finder<'_>, text: &At<&str>, known: &[(&str, T)]) -> Option<T> {
    let found = known.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<String> = known.iter().map(|(word, _)| format!("`{word}`")).collect();
        finder
            .wrong(&text.range, format!("nobody knows the word `{}`", text.value))
            .mend(format!("write {}", words.join(" or ")));
    }
    found
}

fn size(finder: &mut Finder<'_>, fields: &Fields<'_, '_>, key: &str) -> Option<Bytes> {
    let text = fields.text(finder, key)?;
    let bytes = bytes(text.value);
    if bytes.is_none() {
        finder.wrong(&text.range, format!("`{}` is no size", text.value)).mend(
            "write a whole number and K, M, G or T, as in `100G`; `100GB` counts as makers of disks do",
        );
    }
    bytes.map(Bytes)
}

fn bytes(text: &str) -> Option<u64> {
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    let digits = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(factor)
}

impl Install {
    /// The same said by words of a kernel line: each a key of the table and its value. What is wrong is told with the
    /// key that it is in.
    pub fn of_words(words: &[(String, String)]) -> Result<Self, Vec<String>> {
        let lines: String =
            words.iter().map(|(key, value)| format!("{} = {}\n", quoted(key), quoted(value))).collect();
        let read = crate::read(&format!("version = {}\n[install]\n{lines}", crate::VERSION));
        let told = |problem: &Problem| {
            let key = (problem.span.line as usize).checked_sub(3).and_then(|at| words.get(at));
            let place = key.map(|(key, _)| format!("`nuvol.install.{key}`: ")).unwrap_or_default();
            let remedy = problem.remedy.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
            format!("{place}{}{remedy}", problem.cause)
        };
        match read.config.install.filter(|_| read.problems.is_empty()) {
            Some(install) => Ok(install),
            None => Err(read.problems.iter().map(told).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Existing, Install, Then, bytes};

    fn problems(table: &str) -> Vec<String> {
        let read = crate::read(&format!("version = 1\nname = \"ana\"\n[install]\n{table}"));
        assert_eq!(read.config.name.as_deref(), Some("ana"), "it spoils no setting");
        assert!(read.config.install.is_none());
        read.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_disk_is_described() {
        let read = crate::read(
            "version = 1\n[install]\nserial = \"S649\"\nmin-size = \"64GB\"\nexisting = \"preserve\"\nthen = \"reboot\"\n",
        );
        assert_eq!(read.problems, []);
        let expected = Install {
            serial: Some("S649".into()),
            min_size: Some(Bytes(64_000_000_000)),
            existing: Some(Existing::Preserve),
            then: Some(Then::Reboot),
            ..Install::default()
        };
        assert_eq!(read.config.install, Some(expected));
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once() {
        assert_eq!(
            problems("existing = \"keep\"\nserial = \"\"\nmin-size = \"big\"\ntransport = \"pata\"\n"),
            [
                "4:12: nobody knows the word `keep`; write `preserve` or `overwrite`",
                "5:10: `serial` is empty; leave it out if it does not matter",
                "6:12: `big` is no size; write a whole number and K, M, G or T, as in `100G`; `100GB` counts as makers \
                 of disks do",
                "7:13: nobody knows the word `pata`; write `usb` or `sata` or `nvme` or `mmc` or `virtio` or `scsi`",
            ]
        );
        let nothing = problems("then = \"reboot\"\n");
        assert!(nothing[0].contains("nothing says which disk it is"), "{nothing:?}");
        let unknown = problems("serail = \"x\"\n");
        assert!(unknown.iter().any(|it| it.contains("did you mean `serial`?")), "{unknown:?}");
    }

    #[test]
    fn sizes_count_in_both_ways() {
        let all = [("8G", Some(8 << 30)), ("8GB", Some(8_000_000_000)), ("1T", Some(1 << 40))];
        for (text, expected) in all {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for text in ["", "G", "8", "+8G", "-8G", "8 G", "8g", "99999999999T"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn a_kernel_line_says_the_same() {
        let word = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let install =
            Install::of_words(&[word("vendor", "WD \"Green\""), word("existing", "overwrite")]).unwrap();
        assert_eq!(install.vendor.as_deref(), Some("WD \"Green\""));
        assert_eq!(install.existing, Some(Existing::Overwrite));
        let wrong = Install::of_words(&[word("serial", "x"), word("then", "dance"), word("disk", "first")])
            .unwrap_err();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("`nuvol.install.then`: nobody knows the word `dance`"), "{wrong:?}");
        assert!(wrong[1].starts_with("`nuvol.install.disk`: nobody knows the key `disk`"), "{wrong:?}");
        assert!(!Install::of_words(&[]).unwrap_err().is_empty());
    }
}
