//! `nuvol cache`: what the shelf holds, and making room on it.

use std::path::Path;

use super::build::What;
use super::{Common, cache_explain};
use crate::report::Unit;
use crate::spec::ByteSize;
use crate::store::{Entry, Freed, Verified};
use crate::workshop::Workshop;

/// Look at the shelf of finished work, or clear it
#[derive(Debug, clap::Args)]
pub struct Cache {
    #[command(subcommand)]
    verb: CacheVerb,
}

#[derive(Debug, clap::Subcommand)]
enum CacheVerb {
    /// List entries with their size, those used last at the end
    List,
    /// Remove what was not used for the longest time, until the rest is no larger than this
    Gc {
        /// How much may stay
        #[arg(long, value_name = "SIZE", default_value = "10G")]
        keep: ByteSize,
    },
    /// Say for each stage of a build whether it would be reused, and if not, what changed
    ///
    /// Makes nothing and asks nobody: the archive is the one that was last asked.
    Explain(What),
    /// Read every byte and remove what is damaged; it is made or fetched again when it is needed
    Verify,
    /// Remove everything
    Clear,
}

/// Lists what is on the shelf, or makes room.
pub fn run(common: &Common, args: &Cache) -> anyhow::Result<u8> {
    let shop = common.workshop()?;
    match &args.verb {
        CacheVerb::List => {
            let entries = shop.store.entries()?;
            if common.json {
                println!("{}", serde_json::to_string_pretty(&entries)?);
            } else {
                entries.iter().for_each(|entry| println!("{}", line(entry)));
            }
        }
        CacheVerb::Gc { keep } => tell(common, shop.store.collect(keep.bytes())?),
        CacheVerb::Explain(what) => cache_explain::run(common, shop, what)?,
        CacheVerb::Verify => verify(common, &shop)?,
        CacheVerb::Clear => tell(common, shop.store.collect(0)?),
    }
    Ok(0)
}

/// Fails if something was damaged, although it is gone by then: a shelf or disk that damages things needs a look.
fn verify(common: &Common, shop: &Workshop) -> anyhow::Result<()> {
    let bytes = shop.store.entries()?.iter().map(|it| it.bytes).sum();
    let bar = shop.report.bar("verify", bytes, Unit::Bytes);
    let verified = shop.store.verify(&|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    let Verified { entries, packages, damaged } = &verified;
    if common.json {
        println!("{}", serde_json::json!(verified));
    } else {
        damaged.iter().for_each(|it| println!("{}: {}; removed", it.name, it.wrong));
        println!("{entries} entries and {packages} packages are whole");
    }
    anyhow::ensure!(
        damaged.is_empty(),
        "{} things were damaged and are removed; what is needed of them is made or fetched again",
        damaged.len()
    );
    Ok(())
}

fn tell(common: &Common, freed: Freed) {
    if common.json {
        println!("{}", serde_json::json!(freed));
    } else {
        let Freed { things, bytes, left } = freed;
        println!("removed {things} things, {} MiB; {} MiB stay", bytes >> 20, left >> 20);
    }
}

fn line(entry: &Entry) -> String {
    let name = Path::new(&entry.name).display().to_string();
    format!("{:>7} MiB  {}", entry.bytes >> 20, &name[..name.len().min(28)])
}
