//! Every byte of the shelf, read and compared. What is damaged is taken off, and made or fetched again when
//! somebody needs it.

use std::fs;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::{Key, Look, RECIPE, State, Store, hex};

/// What a look at the whole shelf found.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Verified {
    /// Entries that are as they were made.
    pub entries: usize,
    /// Packages that are what their names say.
    pub packages: usize,
    /// What was damaged and is gone.
    pub damaged: Vec<Damage>,
}

/// Something that was damaged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// The entry or package.
    pub name: String,
    /// What was wrong with it.
    pub wrong: String,
}

impl Store {
    /// Reads all entries and packages and removes those that are damaged. `on_bytes` hears how many bytes the
    /// next one takes.
    pub fn verify(&self, on_bytes: &dyn Fn(u64)) -> anyhow::Result<Verified> {
        let mut verified = Verified::default();
        for entry in self.entries()? {
            on_bytes(entry.bytes);
            let key = Key(entry.name);
            // It has nothing to read yet.
            if self.state(&key, Look::Glance) == State::Known {
                continue;
            }
            let Some(wrong) = self.damage(&key) else {
                verified.entries += 1;
                continue;
            };
            self.discard(&key)?;
            verified.damaged.push(Damage { name: key.0, wrong });
        }
        let mut digests = Vec::new();
        for file in fs::read_dir(self.packages()).context("reading the shelf")? {
            let file = file.context("reading the shelf")?;
            digests.extend(file.file_name().to_string_lossy().strip_suffix(".deb").map(str::to_owned));
        }
        let all = digests.iter().map(String::as_str).collect();
        let damaged = self.drop_damaged(&all)?;
        verified.packages = digests.len() - damaged.len();
        let wrong = |digest| Damage { name: format!("{digest}.deb"), wrong: "it has other bytes".to_owned() };
        verified.damaged.extend(damaged.into_iter().map(wrong));
        Ok(verified)
    }

    fn damage(&self, key: &Key) -> Option<String> {
        match self.state(key, Look::Read) {
            State::Damaged(wrong) => return Some(wrong),
            State::Known | State::Absent => return None,
            State::Whole => {}
        }
        // Seal and files may have been replaced together; the key is the hash of the recipe.
        let recipe = fs::read(self.entry(key).join(RECIPE)).unwrap_or_default();
        (!key.0.ends_with(&hex(&Sha256::digest(recipe)))).then(|| format!("`{RECIPE}` is another entry's"))
    }
}
