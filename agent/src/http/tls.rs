//! HTTPS with the node's own certificate.

use std::sync::Arc;

use anyhow::Context;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// What makes a TLS connection of a TCP connection; `pem` holds the key and the certificate.
pub fn acceptor(pem: &str) -> anyhow::Result<TlsAcceptor> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).context("reading the key for HTTPS")?;
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .context("reading the certificate for HTTPS")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("`tls.pem` is damaged; move it aside to get a new certificate")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
