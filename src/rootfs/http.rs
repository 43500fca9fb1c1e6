//! How mirrors are talked to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// How long a mirror is waited for, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the next bytes come. There is no limit to the whole: a slow mirror is still a mirror.
    pub stall: Duration,
    /// Before the second try; before each further one twice as long.
    pub pause: Duration,
    /// Tries in a row that bring nothing.
    pub tries: u32,
}

impl Patience {
    /// A mirror's bad minute is waited out, a dead one is told of within two.
    pub const ORDINARY: Self = Self {
        connect: Duration::from_secs(15),
        stall: Duration::from_secs(30),
        pause: Duration::from_secs(1),
        tries: 4,
    };
}

/// Asks mirrors, and looks each of them up once.
pub fn agent(patience: Patience) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.stall))
        .timeout_per_read(Some(patience.stall))
        .user_agent(concat!("nuvol/", env!("CARGO_PKG_VERSION")))
        .build();
    ureq::Agent::with_parts(config, DefaultConnector::default(), LookUpOnce::default())
}

/// Looks each host up once and one at a time: several hundred look-ups side by side cost some
/// name servers' answers, and each lost one costs 5 s.
#[derive(Debug, Default)]
struct LookUpOnce {
    known: Mutex<BTreeMap<String, Vec<SocketAddr>>>,
    inner: DefaultResolver,
}

impl Resolver for LookUpOnce {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(&host) {
            let found = self.inner.resolve(uri, config, timeout)?;
            known.insert(host.clone(), found.iter().copied().collect());
        }
        let mut addresses = self.empty();
        known.get(&host).into_iter().flatten().for_each(|address| addresses.push(*address));
        Ok(addresses)
    }
}

/// Seconds since 1970. Only to see whether what a mirror gave is still valid, never in what is built.
pub fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "validity ends by the clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs())
}
