//! What is remembered of nodes: their fingerprints and our tokens, in a file that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::trust::{Fingerprint, Pin, Seen};
use super::{Outcome, Trouble};

/// A node that we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Where it is.
    pub node: String,
    /// Of its certificate.
    pub fingerprint: String,
    /// Of the certificate's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Our token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Nodes {
    #[serde(default)]
    nodes: Vec<Known>,
}

/// The file and what is in it.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    nodes: Vec<Known>,
}

impl Store {
    /// Reads the file at `path`, or the one in the user's folder of settings.
    pub fn open(path: Option<&PathBuf>) -> Outcome<Self> {
        let path = path.cloned().or_else(default_path);
        let none = || Trouble::Environment("there is no home folder; give --config".to_owned());
        let path = path.ok_or_else(none)?;
        let wrong =
            |why: &dyn std::fmt::Display| Trouble::Environment(format!("`{}`: {why}", path.display()));
        let mut text = String::new();
        match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(&error)),
            Ok(mut file) => {
                let mode = file.metadata().map_err(|error| wrong(&error))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(wrong(&"others can read it, and it has tokens in it; chmod 600 it"));
                }
                file.read_to_string(&mut text).map_err(|error| wrong(&error))?;
            }
        }
        let Nodes { nodes } = toml::from_str(&text).map_err(|error| wrong(&error))?;
        Ok(Self { path, nodes })
    }

    /// The node of this address.
    pub fn find(&self, address: &Address) -> Option<&Known> {
        self.nodes.iter().find(|it| it.node == address.authority())
    }

    /// The one node that there is.
    pub fn only(&self) -> Option<&Known> {
        self.nodes.first().filter(|_| self.nodes.len() == 1)
    }

    /// Whether any is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Remembers a node, with a token where there is a new one.
    pub fn remember(&mut self, address: &Address, seen: Seen, token: Option<String>) -> Outcome {
        let node = address.authority();
        let old = self.find(address).cloned();
        let token = token.or_else(|| old.as_ref().and_then(|it| it.token.clone()));
        let (fingerprint, key) = (seen.certificate.to_string(), Some(seen.key.to_string()));
        let known = Known { node: node.clone(), fingerprint, key, token };
        if old.as_ref() == Some(&known) {
            return Ok(());
        }
        self.nodes.retain(|it| it.node != node);
        self.nodes.push(known);
        self.nodes.sort_by(|a, b| a.node.cmp(&b.node));
        self.write()
            .map_err(|error| Trouble::Environment(format!("writing `{}`: {error}", self.path.display())))
    }

    fn write(&self) -> std::io::Result<()> {
        let text = toml::to_string(&Nodes { nodes: self.nodes.clone() }).map_err(std::io::Error::other)?;
        if let Some(folder) = self.path.parent().filter(|it| !it.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let aside = self.path.with_extension(format!("new-{}", std::process::id()));
        // Secret from its first moment.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let done = written.and_then(|()| fs::rename(&aside, &self.path));
        done.inspect_err(|_| drop(fs::remove_file(&aside)))
    }
}

impl Known {
    /// How the node is known.
    pub fn pin(&self) -> Pin {
        let read = |text: &str| text.parse::<Fingerprint>().ok();
        Pin { certificate: read(&self.fingerprint), key: self.key.as_deref().and_then(read) }
    }
}

fn default_path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("nuvolctl/nodes.toml"))
}
