//! Before something is made, a look at what its recipe names: trees of many files are whole, and what is only known
//! gets its bytes.

use std::collections::BTreeSet;

use super::Workshop;
use crate::store::{Key, Look, State};

/// An entry, by which the keys of others were found, cannot be had after all: the build starts over, and makes it.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is lost, and was not made again")]
pub struct Lost(String);

impl Lost {
    pub(super) fn new(key: &Key) -> Self {
        Self(key.as_str().to_owned())
    }
}

impl Workshop {
    /// Sees to it that whatever `names` is on the shelf, whole and with its bytes. Fails with [`Lost`] if that
    /// cannot be.
    pub fn ready(&self, names: &impl serde::Serialize) -> anyhow::Result<()> {
        self.ready_for(&serde_json::to_string(names)?)
    }

    pub(super) fn ready_for(&self, text: &str) -> anyhow::Result<()> {
        self.walk(text)?;
        self.bring(text)
    }

    /// Whether the build is to start over because of `err`. Every time there is an entry less to lose.
    pub fn starts_over(&self, err: &anyhow::Error) -> bool {
        err.is::<Lost>()
    }

    /// Looks once at every file of the entries that `text` names; at a glance only their own folders were seen.
    fn walk(&self, text: &str) -> anyhow::Result<()> {
        let named: BTreeSet<Key> = {
            let mut glanced = super::held(&self.glanced);
            let (named, others) =
                std::mem::take(&mut *glanced).into_iter().partition(|it| text.contains(it.as_str()));
            *glanced = others;
            named
        };
        for key in named {
            if let State::Damaged(why) = self.store.state(&key, Look::Walk) {
                self.report.note(&format!("stage `{}` was damaged on the shelf: {why}", key.stage()));
                self.store.discard(&key)?;
                return Err(Lost::new(&key).into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::Serialize;

    use super::Lost;
    use crate::host::Host;
    use crate::report::{Report, Voice};
    use crate::store::Store;
    use crate::workshop::{Recipe, Workshop};

    #[derive(Serialize)]
    struct Tools;

    impl Recipe for Tools {
        const STAGE: &'static str = "tools";
        const VERSION: u32 = 1;

        fn make(&self, _: &Workshop, dir: &Path) -> anyhow::Result<()> {
            fs::create_dir(dir.join("root"))?;
            Ok(fs::write(dir.join("root/tool"), "tool")?)
        }
    }

    #[derive(Serialize)]
    struct Work {
        tools: String,
        number: u32,
    }

    impl Recipe for Work {
        const STAGE: &'static str = "work";
        const VERSION: u32 = 1;

        fn make(&self, _: &Workshop, _: &Path) -> anyhow::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_tree_is_looked_at_before_it_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let shop = || {
            let store = Store::open(dir.path()).unwrap();
            Workshop::new(Host::new(store.logs()).unwrap(), store, Report::new(Voice::Json))
        };
        let work = |shop: &Workshop, number| {
            let entry = shop.make(&Tools)?;
            let tools = entry.file_name().unwrap().to_string_lossy().into_owned();
            shop.make(&Work { tools, number }).map(|_| entry)
        };
        let entry = work(&shop(), 1).unwrap();
        fs::remove_file(entry.join("root/tool")).unwrap();
        // What was made with it before is as good as ever.
        work(&shop(), 1).unwrap();
        let shop = shop();
        let err = work(&shop, 2).unwrap_err();
        assert!(err.is::<Lost>() && shop.starts_over(&err));
        work(&shop, 2).unwrap();
        assert!(entry.join("root/tool").exists());
    }
}
