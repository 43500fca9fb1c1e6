//! Where a node is: a name or an address, and perhaps a port.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use rustls::pki_types::ServerName;

const HTTPS_PORT: u16 = 443;

/// Where a node is, as its owner typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{}` is not a node (nuvol.local, 192.0.2.7, [fe80::1]:443)", text.escape_debug());
        let bare = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
        let (host, port) = match bare.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
            None => match bare.split_once(':') {
                Some((_, rest)) if rest.contains(':') => (bare, None),
                Some((host, port)) => (host, Some(port)),
                None => (bare, None),
            },
        };
        let port = port.map_or(Ok(HTTPS_PORT), |port| port.parse().map_err(|_| wrong()))?;
        let host = host.to_ascii_lowercase();
        if ServerName::try_from(host.as_str()).is_err() || port == 0 {
            return Err(wrong());
        }
        Ok(Self { host, port })
    }
}

impl Address {
    /// As it stands in a `Host` header and in a link.
    pub fn authority(&self) -> String {
        let host = match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        };
        if self.port == HTTPS_PORT { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}
