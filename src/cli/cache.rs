//! `nuvol cache`: what the shelf holds, and making room on it.

use std::path::Path;

use super::Common;
use crate::store::Entry;

/// Look at the shelf of finished work, or clear it
#[derive(Debug, clap::Args)]
pub struct Cache {
    #[command(subcommand)]
    verb: CacheVerb,
}

#[derive(Debug, clap::Subcommand)]
enum CacheVerb {
    /// List entries with their size, the newest last
    List,
    /// Remove every entry and package that no build is working on
    Clear,
}

/// Lists or clears the shelf.
pub fn run(common: &Common, args: &Cache) -> anyhow::Result<u8> {
    let shop = common.workshop()?;
    match args.verb {
        CacheVerb::List => {
            let entries = shop.store.entries()?;
            if common.json {
                println!("{}", serde_json::to_string_pretty(&entries)?);
            } else {
                entries.iter().for_each(|entry| println!("{}", line(entry)));
            }
        }
        CacheVerb::Clear => shop.store.clear()?,
    }
    Ok(0)
}

fn line(entry: &Entry) -> String {
    let name = Path::new(&entry.name).display().to_string();
    format!("{:>7} MiB  {}", entry.bytes >> 20, &name[..name.len().min(28)])
}
