//! `nuvol schema`: JSON Schemas for editors, made from the types that read the files.

use std::io::Write as _;

use schemars::schema_for;
use serde_json::{Value, json};

use crate::overlay::OverlaySpec;
use crate::spec::{Catalog, Profile};

/// Print the JSON Schema of a kind of file, for editors
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// The kind of file
    #[arg(value_enum)]
    pub kind: Kind,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// profiles/*.yaml
    Profile,
    /// packages.yaml
    Packages,
    /// overlays/*/overlay.yaml
    Overlay,
    /// nuvol.toml, for `nuvol seed`
    Seed,
}

/// Prints a schema; returns the exit code.
pub fn run(args: &Schema) -> anyhow::Result<u8> {
    let schema = match args.kind {
        Kind::Profile => schema_for!(Profile),
        Kind::Packages => schema_for!(Catalog),
        Kind::Overlay => schema_for!(OverlaySpec),
        Kind::Seed => schema_for!(nuvol_seed::Config),
    };
    let mut schema = schema.to_value();
    without_null(&mut schema);
    writeln!(std::io::stdout(), "{schema:#}")?;
    Ok(0)
}

/// A key that may be left out is not one that may be `null`: our reader refuses that.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|word| word != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(kinds)) = map.get_mut("anyOf") {
                kinds.retain(|kind| *kind != json!({ "type": "null" }));
                if let [Value::Object(only)] = kinds.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(list) => list.iter_mut().for_each(without_null),
        _ => {}
    }
}
