//! Door to what survives a restart: the node's identity, its certificate, the claim code.
//!
//! Each file is written whole or not at all. A damaged one is an error and is left as it is: a node that silently
//! made itself a new key would be a stranger to its community.

use std::path::Path;

use anyhow::{Context, bail};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

mod claim;
mod durable;

pub use claim::claim_code;

/// The key that the node is known by: made on first start, kept for ever.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// The public half, 32 bytes as hex digits: the name of the node among nodes.
    pub fn public(&self) -> String {
        self.0.public_key_raw().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Reads `<dir>/node.key`, or makes it where there is none.
pub fn node_key(dir: &Path) -> anyhow::Result<NodeKey> {
    let path = dir.join("node.key");
    if let Some(text) = durable::read(&path)? {
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(&text, &PKCS_ED25519).with_context(|| {
            format!(
                "`{}` is damaged; put back a copy, or move it aside to become a new node with a new key",
                path.display()
            )
        })?;
        return Ok(NodeKey(key));
    }
    let key = KeyPair::generate_for(&PKCS_ED25519).context("making the node's key")?;
    durable::write(&path, &key.serialize_pem(), 0o600)?;
    Ok(NodeKey(key))
}

/// The node's own certificate and its key, as PEM.
pub struct Certificate {
    /// Key and certificate, one after the other.
    pub pem: String,
}

/// Reads `<dir>/tls.pem`, or makes it for a node of this name. Key and certificate share one file, so that
/// neither can be there without the other.
pub fn certificate(dir: &Path, name: &str) -> anyhow::Result<Certificate> {
    let path = dir.join("tls.pem");
    if let Some(pem) = durable::read(&path)? {
        if !pem.contains("-----END PRIVATE KEY-----")
            || !pem.trim_end().ends_with("-----END CERTIFICATE-----")
        {
            bail!("`{}` is damaged; move it aside to get a new certificate", path.display());
        }
        return Ok(Certificate { pem });
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making the key for HTTPS")?;
    let names = [name.to_owned(), format!("{name}.local"), "localhost".to_owned()];
    let mut params = CertificateParams::new(names).with_context(|| format!("`{name}` in a certificate"))?;
    params.distinguished_name.push(DnType::CommonName, name);
    // Fixed: on first start the clock of a small board may still say 1970. Both fit the older time format.
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let certificate = params.self_signed(&key).context("signing the node's own certificate")?;
    let pem = key.serialize_pem() + &certificate.pem();
    durable::write(&path, &pem, 0o600)?;
    Ok(Certificate { pem })
}

#[cfg(test)]
mod tests;
