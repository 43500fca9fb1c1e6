//! `SHA256SUMS`: files and their checksums, as sha256sum(1) writes them.

use std::collections::BTreeMap;

/// The file's name.
pub const SUMS: &str = "SHA256SUMS";
/// The signature of it by minisign, which is made after all else by whoever has the key.
pub const SIGNATURE: &str = "SHA256SUMS.minisig";

/// What such a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// sha256 in hexadecimal digits by the file's name.
    pub digests: BTreeMap<String, String>,
    /// Numbers of lines that say nothing, from 1.
    pub unclear: Vec<usize>,
}

impl Sums {
    /// What `text` says.
    pub fn parse(text: &str) -> Self {
        let mut sums = Self::default();
        for (number, line) in text.lines().enumerate() {
            match line.split_once("  ").filter(|(_, name)| is_plain(name)) {
                Some((digest, name)) => {
                    sums.digests.insert(name.to_owned(), digest.to_owned());
                }
                None => sums.unclear.push(number + 1),
            }
        }
        sums
    }
}

/// A name, and nothing that would lead out of the folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != "." && name != ".."
}
