//! The node's own key. tinc makes it; the secret half never leaves its folder.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};

use super::store::{self, Store};
use crate::durable;
use crate::mesh::MeshKey;

const FOLDER: &str = "key";
/// Where it is made. Nothing counts there until the folder has its right name.
const ASIDE: &str = "key.new";
const PRIVATE: &str = "rsa_key.priv";
const PUBLIC: &str = "rsa_key.pub";
/// As safe as the 128 bits of the rest (NIST SP 800-57).
const BITS: &str = "3072";

/// Where the secret half is.
pub fn private(store: &Store) -> PathBuf {
    store.folder().join(FOLDER).join(PRIVATE)
}

/// The public half.
pub fn public(store: &Store) -> anyhow::Result<MeshKey> {
    let path = store.folder().join(FOLDER).join(PUBLIC);
    let text = store::read(&path)?.with_context(|| format!("there is no `{}`", path.display()))?;
    MeshKey::from_pem(&text)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("reading `{}`", path.display()))
}

/// Makes it, unless it is there. Power may fail at any moment: both halves are there, or none.
pub fn make(store: &Store) -> anyhow::Result<()> {
    let folder = store.folder().join(FOLDER);
    if folder.try_exists()? {
        return Ok(());
    }
    let aside = store.folder().join(ASIDE);
    store::clear(&aside)?;
    DirBuilder::new().mode(0o700).create(&aside).with_context(|| format!("making `{}`", aside.display()))?;
    draw(&aside)?;
    durable::sync(&aside)?;
    fs::rename(&aside, &folder).with_context(|| format!("naming `{}`", folder.display()))?;
    Ok(durable::sync_parent(&folder)?)
}

/// The next one will be another.
pub fn remove(store: &Store) -> anyhow::Result<()> {
    let aside = store.folder().join(ASIDE);
    store::clear(&aside)?;
    match fs::rename(store.folder().join(FOLDER), &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed.context("putting the key aside")?,
    }
    durable::sync_parent(&aside)?;
    store::clear(&aside)
}

/// Without a terminal, tinc asks nothing; without a name, the public half gets a file of its own.
fn draw(folder: &std::path::Path) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new("tincd").into_std();
    command.arg("--config").arg(folder).arg(format!("--generate-keys={BITS}"));
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().context("starting tincd")?;
    if !status.success() {
        bail!("tincd makes no key ({status})");
    }
    // Whatever umask it had: nobody else reads it.
    let secret = File::open(folder.join(PRIVATE)).context("looking for the key that tincd made")?;
    rustix::fs::fchmod(&secret, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
        .context("closing the key to others")
}
