//! One question to a node and its answer, over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Address;
use super::trust::{Pin, Seen, Verifier};
use super::{Outcome, Trouble};

/// No answer of a node is larger.
const ANSWER_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// How the node knows who asks.
#[derive(Debug, Clone)]
pub enum Auth {
    /// It does not.
    Nobody,
    /// By an API token.
    Token(String),
    /// By the cookie of a session.
    Session(String),
}

/// Asks one node.
#[derive(Debug, Clone)]
pub struct Client {
    /// Where it is.
    pub address: Address,
    /// How it is known.
    pub pin: Pin,
    /// How we are known.
    pub auth: Auth,
    /// How long to wait for it.
    pub patience: Duration,
}

/// What came back: nothing is `null`.
#[derive(Debug)]
pub struct Answer {
    /// The JSON.
    pub body: Value,
    /// The cookie that it sets, without its attributes.
    pub cookie: Option<String>,
}

impl Client {
    /// What the node shows, without asking it for anything.
    pub async fn look(&self) -> Outcome<Seen> {
        let verifier = self.verifier();
        // Refused by the verifier, which is what we want: only what it has seen counts.
        let connected = self.connect(&verifier).await;
        verifier.seen().ok_or(()).or_else(|()| {
            connected
                .map(|_| ())
                .and(Err(Trouble::Unreachable(format!("{}: it shows no certificate", self.address))))
        })
    }

    /// Asks, and takes anything but a 2xx for a no.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Answer> {
        let asked = timeout(self.patience, self.exchange(method, path, body)).await;
        let away =
            || Trouble::Unreachable(format!("{}: no answer in {} s", self.address, self.patience.as_secs()));
        asked.unwrap_or_else(|_| Err(away()))
    }

    /// Looks something up.
    pub async fn get(&self, path: &str) -> Outcome<Value> {
        Ok(self.ask(Method::GET, path, None).await?.body)
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Answer> {
        let broken = |error: hyper::Error| Trouble::Unreachable(format!("{}: {error}", self.address));
        let stream = self.connect(&self.verifier()).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with its connection, and says the same as the answer that does not come.
        tokio::spawn(async move { connection.await.ok() });
        let request = self.request(method, path, body)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        self.read(response).await
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Request<Full<Bytes>>> {
        let agent = concat!("nuvolctl/", env!("CARGO_PKG_VERSION"));
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        request = request.header(HOST, self.address.authority()).header(USER_AGENT, agent);
        request = match &self.auth {
            Auth::Nobody => request,
            Auth::Token(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            Auth::Session(cookie) => request.header(COOKIE, cookie),
        };
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let wrong = |error| Trouble::Input(format!("this cannot be asked: {error}"));
        request.body(Full::new(Bytes::from(bytes))).map_err(wrong)
    }

    async fn read(&self, response: Response<hyper::body::Incoming>) -> Outcome<Answer> {
        let status = response.status();
        let cookie = response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|text| text.split(';').next()).map(str::to_owned);
        let body = Limited::new(response.into_body(), ANSWER_LIMIT_BYTES).collect().await;
        let body =
            body.map_err(|error| Trouble::Unreachable(format!("{}: {error}", self.address)))?.to_bytes();
        if status.is_success() {
            let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
            let body =
                body.map_err(|error| Trouble::Failed(format!("{}: not JSON: {error}", self.address)))?;
            return Ok(Answer { body, cookie });
        }
        Err(refused(status.as_u16(), &body))
    }

    fn verifier(&self) -> Arc<Verifier> {
        Arc::new(Verifier::new(self.pin, Arc::new(rustls::crypto::ring::default_provider())))
    }

    async fn connect(&self, verifier: &Arc<Verifier>) -> Outcome<TlsStream<TcpStream>> {
        let Address { host, port } = &self.address;
        let away = |error: &dyn std::fmt::Display| Trouble::Unreachable(format!("{}: {error}", self.address));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Trouble::Environment(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(host.clone()).map_err(|error| Trouble::Input(error.to_string()))?;
        let connecting = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            TlsConnector::from(Arc::new(config)).connect(name, stream).await
        };
        let connected = timeout(self.patience, connecting).await.map_err(|_| away(&"it does not answer"))?;
        connected.map_err(|error| match verifier.seen() {
            Some(seen) if !self.is_pinned(seen) => self.stranger(seen),
            _ => away(&error),
        })
    }

    /// Whether this is the node.
    pub fn is_pinned(&self, seen: Seen) -> bool {
        self.pin.certificate == Some(seen.certificate) || self.pin.key == Some(seen.key)
    }

    fn stranger(&self, seen: Seen) -> Trouble {
        let known = self.pin.certificate.map_or("unknown".to_owned(), |it| it.to_string());
        Trouble::Stranger(format!(
            "{} shows another certificate than it should; nothing was sent to it\n  known: {known}\n  shown: {}\n\
             where the node was set up anew, compare with the fingerprint on its screen and run `nuvolctl login` again",
            self.address, seen.certificate
        ))
    }
}

fn refused(status: u16, body: &[u8]) -> Trouble {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = || String::from_utf8_lossy(body).trim().chars().take(300).collect();
    let message = told["message"].as_str().map_or_else(said, str::to_owned);
    let fields = told["fields"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, wrong)| (name.clone(), wrong.as_str().unwrap_or_default().to_owned()));
    Trouble::Refused { status, message: format!("{message} ({status})"), fields: fields.collect() }
}

/// A word of a path, whatever is in it.
pub fn segment(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
