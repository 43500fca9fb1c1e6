//! `nuvol cache`: what the shelf holds, and making room on it.

use std::path::Path;

use super::Common;
use crate::spec::ByteSize;
use crate::store::{Entry, Freed};

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
        CacheVerb::Clear => tell(common, shop.store.collect(0)?),
    }
    Ok(0)
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
