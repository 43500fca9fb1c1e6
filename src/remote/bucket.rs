//! A shared cache in a bucket of an S3-compatible store.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use anyhow::Context as _;
use rusty_s3::{Credentials, S3Action as _, UrlStyle};

use super::Place;

/// How long a signed address may be used; only the beginning of a transfer has to fall into it.
const VALID: Duration = Duration::from_secs(900);

pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: Option<Credentials>,
    prefix: String,
    agent: ureq::Agent,
}

impl Bucket {
    /// The bucket of `BUCKET/PREFIX`, where the usual variables say.
    pub fn open(address: &str, variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let (name, prefix) = address.split_once('/').unwrap_or((address, ""));
        anyhow::ensure!(!name.is_empty(), "`s3://{address}` names no bucket; write `s3://bucket/prefix`");
        let prefix = prefix.trim_matches('/');
        anyhow::ensure!(
            prefix.split('/').all(|it| it != "." && it != ".."),
            "a prefix with `.` or `..` cannot be addressed"
        );
        let variable = |name: &str| variable(name).filter(|it| !it.trim().is_empty());
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let given = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
        // Stores of one's own seldom have a name for each bucket; at Amazon a name with dots fits no certificate.
        let style =
            if given.is_some() || name.contains('.') { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let endpoint = given.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let url = endpoint.parse().with_context(|| format!("`{endpoint}` is no address of an S3 store"))?;
        let bucket = rusty_s3::Bucket::new(url, style, name.to_owned(), region)
            .with_context(|| format!("`{name}` at `{endpoint}` is no bucket"))?;
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket, credentials: credentials(&variable), prefix, agent: agent() })
    }
}

/// Without a key the store is asked as anybody may ask it.
fn credentials(variable: &dyn Fn(&str) -> Option<String>) -> Option<Credentials> {
    let (key, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(match variable("AWS_SESSION_TOKEN") {
        Some(token) => Credentials::new_with_token(key, secret, token),
        None => Credentials::new(key, secret),
    })
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)))
        .timeout_per_write(Some(Duration::from_secs(60)))
        .user_agent(concat!("nuvol/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

impl Place for Bucket {
    fn get(&self, name: &str) -> anyhow::Result<Option<Box<dyn Read>>> {
        let name = format!("{}{name}", self.prefix);
        let url = self.bucket.get_object(self.credentials.as_ref(), &name).sign(VALID);
        match self.agent.get(url.as_str()).call() {
            Ok(answer) => Ok(Some(Box::new(answer.into_body().into_reader()))),
            Err(ureq::Error::StatusCode(404)) => Ok(None),
            // The error may quote the address, and with it the signature.
            Err(err) => Err(plain(&err)).with_context(|| format!("asking for `{name}`")),
        }
    }

    fn put(&self, name: &str, file: &File) -> anyhow::Result<()> {
        let name = format!("{}{name}", self.prefix);
        let url = self.bucket.put_object(self.credentials.as_ref(), &name).sign(VALID);
        let sent = self.agent.put(url.as_str()).send(file);
        sent.map_err(|err| plain(&err)).with_context(|| format!("putting `{name}`"))?;
        Ok(())
    }
}

fn plain(err: &ureq::Error) -> anyhow::Error {
    match err {
        ureq::Error::StatusCode(403) => {
            anyhow::anyhow!("the store refuses (403); are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY right?")
        }
        ureq::Error::BadUri(_) => anyhow::anyhow!("the store's address cannot be used"),
        err => anyhow::anyhow!("{err}"),
    }
}
