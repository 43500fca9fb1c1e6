//! Where a member can be called from outside the mesh.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An address or a name of the DNS, and a port. What one member says of itself, others would call: never an address
/// that means the caller itself, or many at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Endpoint {
    host: String,
    port: NonZeroU16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    host: String,
    port: u16,
}

impl Endpoint {
    /// The endpoint of this host and port, or why there is none.
    pub fn new(host: &str, port: u16) -> Result<Self, String> {
        let shown = || host.chars().take(64).flat_map(char::escape_default).collect::<String>();
        let port = NonZeroU16::new(port).ok_or("an endpoint has no port 0")?;
        let fit = match host.parse::<IpAddr>() {
            Ok(address) => is_somebody(address),
            Err(_) => is_name(host),
        };
        if fit {
            Ok(Self { host: host.to_owned(), port })
        } else {
            Err(format!("`{}` cannot be called", shown()))
        }
    }

    /// The address, where it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Address or name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port.get()
    }
}

/// As in tinc's own files: host, blank, port.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.host, self.port)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.split_once(' ').ok_or("an endpoint is a host and a port")?;
        Self::new(host, port.parse().map_err(|_| "the port of an endpoint is a number up to 65535")?)
    }
}

impl TryFrom<Raw> for Endpoint {
    type Error = String;

    fn try_from(Raw { host, port }: Raw) -> Result<Self, String> {
        Self::new(&host, port)
    }
}

impl From<Endpoint> for Raw {
    fn from(Endpoint { host, port }: Endpoint) -> Self {
        Self { host, port: port.get() }
    }
}

/// Whether one machine, and another one, may have this address.
fn is_somebody(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.octets()[0] == 0 || v4.is_loopback() || v4.is_multicast() || v4.is_broadcast())
        }
        // A link-local one means nothing without its interface, which is another one at each caller.
        IpAddr::V6(v6) => {
            !(v6.is_unspecified() || v6.is_loopback() || v6.is_multicast() || v6.is_unicast_link_local())
        }
    }
}

/// Labels of letters, digits and inner hyphens (RFC 1123). The last is no number, so that no address is spelt
/// otherwise, and there are two at least: what has one is this machine's own business (`localhost`).
fn is_name(text: &str) -> bool {
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && it.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !last.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn an_endpoint_is_somebody_else() {
        for good in [
            "192.168.1.7",
            "203.0.113.9",
            "2001:db8::1",
            "fd00::1",
            "home.example",
            "a-1.b.c2",
            "Ana.Example",
        ] {
            let endpoint = Endpoint::new(good, 655).unwrap();
            assert_eq!(endpoint.to_string(), format!("{good} 655"));
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint.clone()));
            let json = serde_json::to_string(&endpoint).unwrap();
            assert_eq!(serde_json::from_str::<Endpoint>(&json).unwrap(), endpoint);
        }
        let bad = [
            "",
            "localhost",
            "x.localhost",
            "nas",
            "127.0.0.1",
            "127.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "ff02::1",
            "fe80::1",
            "fe80::1%eth0",
            "[::2]",
            "1.2.3",
            "0x7f.1",
            "a..b",
            ".a.b",
            "a.b.",
            "-a.b",
            "a-.b",
            "a b.c",
            "a.b\nConnectTo = x",
            "a.b\0",
            "a.b 1",
            "ä.b",
            "a.b#",
            "a_b.c",
        ];
        for host in bad {
            assert!(Endpoint::new(host, 655).is_err(), "{host:?}");
        }
        assert!(Endpoint::new("home.example", 0).is_err());
        assert!(Endpoint::new(&format!("{}.b", "a".repeat(64)), 1).is_err());
        assert!(serde_json::from_str::<Endpoint>(r#"{"host":"home.example","port":0}"#).is_err());
        assert!(serde_json::from_str::<Endpoint>(r#"{"host":"::1","port":1}"#).is_err());
    }
}
