//! Calls the agent of another node, outside the mesh.
//!
//! The certificate at the other end is looked at by nobody: what is sent tells no secret, and the answer is signed by
//! the key that the invitation names.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use nuvol_community::join::ANSWER_LIMIT_BYTES;
use nuvol_community::object::Endpoint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
const TALK_TIMEOUT: Duration = Duration::from_secs(30);
const PATH: &str = "/api/v1/community/knock";

/// What came of a call.
#[derive(Debug)]
pub(super) enum Called {
    /// The other node's answer.
    Answer(Vec<u8>),
    /// It does not know the invitation, or has no community.
    Unknown,
}

/// Hands a request to join to the node at an endpoint.
pub(super) async fn knock(endpoint: &Endpoint, request: Vec<u8>) -> anyhow::Result<Called> {
    let place = (endpoint.host.as_str(), endpoint.port);
    let connect = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(place));
    let stream = connect.await.context("no answer")??;
    tokio::time::timeout(TALK_TIMEOUT, talk(stream, request)).await.context("no answer")?
}

async fn talk(stream: TcpStream, request: Vec<u8>) -> anyhow::Result<Called> {
    // By its name a node would have to be asked who it is; `localhost` it always is.
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(config()?).connect(name, stream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(PATH)
        .header("host", "localhost")
        .header("content-type", "application/cbor")
        .body(Full::new(Bytes::from(request)))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_LIMIT_BYTES).collect().await;
    connection.abort();
    match status {
        StatusCode::OK => match body {
            Ok(body) => Ok(Called::Answer(body.to_bytes().to_vec())),
            Err(error) => bail!("the answer broke off: {error}"),
        },
        StatusCode::NOT_FOUND => Ok(Called::Unknown),
        status => bail!("it answers {status}"),
    }
}

fn config() -> anyhow::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let anybody = Arc::new(Anybody(provider.clone()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(anybody)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Takes any certificate whose key the other end has.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
