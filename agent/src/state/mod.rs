//! Door to what survives a restart: the node's identity, its certificate, the claim code, its documents.
//!
//! Each file is written whole or not at all. A damaged one is an error and is left as it is: a node that silently
//! made itself a new key would be a stranger to its community.

use std::path::Path;

use anyhow::{Context, bail};
use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData, SanType,
    SigningKey,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

mod claim;
pub mod document;
mod file;
#[cfg(fuzzing)]
pub mod fuzz;

pub use claim::{claim_code, forget_claim_code, new_claim_code, preset_claim_code, preset_invitation};

/// The key that the node is known by: made on first start, kept for ever.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// The same key, for what members sign.
    pub fn for_community(&self) -> anyhow::Result<nuvol_community::identity::NodeKey> {
        let key = nuvol_community::identity::NodeKey::from_pkcs8(&self.0.serialize_der());
        key.map_err(|error| anyhow::anyhow!("the node's key: {error}"))
    }

    /// The public half, 32 bytes as hex digits: the name of the node among nodes.
    pub fn public(&self) -> String {
        hex(self.0.public_key_raw())
    }
}

/// Reads `<dir>/node.key`, or makes it where there is none.
pub fn node_key(dir: &Path) -> anyhow::Result<NodeKey> {
    let path = dir.join("node.key");
    if let Some(text) = file::read(&path)? {
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(&text, &PKCS_ED25519).with_context(|| {
            format!(
                "`{}` is damaged; put back a copy, or move it aside to become a new node with a new key",
                path.display()
            )
        })?;
        return Ok(NodeKey(key));
    }
    let key = KeyPair::generate_for(&PKCS_ED25519).context("making the node's key")?;
    file::write(&path, &key.serialize_pem(), 0o600)?;
    Ok(NodeKey(key))
}

/// The node's own certificate and its key.
pub struct Certificate {
    /// Key and certificate as PEM, one after the other.
    pub pem: String,
    /// SHA-256 of the certificate as browsers show it: `AB:CD:…`.
    pub fingerprint: String,
}

/// Reads `<dir>/tls.pem`, or makes it for a node of this name. Key and certificate share one file, so that
/// neither can be there without the other. The key stays for ever; the certificate is made anew where it is for
/// another name or another node key, by which other nodes know that it is this node's ([`bond`]).
pub fn certificate(dir: &Path, name: &str, node: &NodeKey) -> anyhow::Result<Certificate> {
    let path = dir.join("tls.pem");
    let damaged = || format!("`{}` is damaged; move it aside to get a new certificate", path.display());
    let key = match file::read(&path)? {
        None => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making the key for HTTPS")?,
        Some(pem) => {
            if !pem.contains("-----END PRIVATE KEY-----")
                || !pem.trim_end().ends_with("-----END CERTIFICATE-----")
            {
                bail!(damaged());
            }
            let key =
                KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_ECDSA_P256_SHA256).with_context(damaged)?;
            let der = CertificateDer::from_pem_slice(pem.as_bytes()).with_context(damaged)?;
            let has = |text: &str| der.windows(text.len()).any(|part| part == text.as_bytes());
            if has(&bond(node, &key)?) && has(&format!("{name}.local")) {
                let fingerprint = fingerprint(&der);
                return Ok(Certificate { pem, fingerprint });
            }
            key
        }
    };
    let names = [name.to_owned(), format!("{name}.local"), "localhost".to_owned()];
    let mut params = CertificateParams::new(names).with_context(|| format!("`{name}` in a certificate"))?;
    params.subject_alt_names.push(SanType::URI(bond(node, &key)?.try_into()?));
    params.distinguished_name.push(DnType::CommonName, name);
    // Fixed: on first start the clock of a small board may still say 1970. Both fit the older time format.
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let certificate = params.self_signed(&key).context("signing the node's own certificate")?;
    let pem = key.serialize_pem() + &certificate.pem();
    file::write(&path, &pem, 0o600)?;
    Ok(Certificate { pem, fingerprint: fingerprint(certificate.der()) })
}

/// Writes the certificate's fingerprint where the console reads it.
pub fn show_fingerprint(dir: &Path, fingerprint: &str) -> anyhow::Result<()> {
    file::write(&dir.join("fingerprint"), &format!("{fingerprint}\n"), 0o644)
}

/// What ties the certificate to the node: a URI in it with the node's public key and that key's signature of the
/// certificate's public key, both in hexadecimal digits.
fn bond(node: &NodeKey, key: &KeyPair) -> anyhow::Result<String> {
    let mut message = b"nuvol: the key of this node's certificate\n".to_vec();
    message.extend(key.subject_public_key_info());
    let signature = node.0.sign(&message).context("signing with the node's key")?;
    Ok(format!("urn:nuvol:{}:{}", node.public(), hex(&signature)))
}

fn fingerprint(der: &[u8]) -> String {
    let digest = Sha256::digest(der);
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
