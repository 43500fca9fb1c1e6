//! A service that a member offers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::content::is_dns_name;
use crate::text::Line;

/// The most bytes of all keys and values of a record's TXT together.
const TXT_LIMIT_BYTES: usize = 512;

/// A service, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Record {
    /// Names the service for as long as its node offers it.
    #[n(0)]
    pub id: ByteArray<16>,
    /// What it speaks.
    #[n(1)]
    pub kind: ServiceType,
    /// What its owner calls it.
    #[n(2)]
    pub title: Line<63>,
    /// Where it is, where that is not the owner's own address on the mesh: an address, or a name of the DNS.
    #[n(3)]
    pub host: Option<Line<253>>,
    /// Its port.
    #[n(4)]
    pub port: u16,
    /// What programs want to know (RFC 6763, section 6).
    #[n(5)]
    pub txt: Txt,
    /// The part of the community that it is meant for (a town, a valley); empty for all.
    #[n(6)]
    pub zone: Option<Line<63>>,
}

/// A DNS-SD type: `_http._tcp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceType(String);

/// Keys and values, 512 bytes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txt(BTreeMap<Line<63>, String>);

/// Why something is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitRecord {
    /// Not `_name._tcp` or `_name._udp`.
    #[error("`{0}` is no type of a service, such as `_http._tcp`")]
    Type(String),
    /// Nothing listens on port 0.
    #[error("there is no port 0")]
    Port,
    /// Neither an address nor a name.
    #[error("`{0}` is neither an address nor a name of the DNS")]
    Host(String),
    /// Too long, or with characters that do not show.
    #[error("TXT: {0}")]
    Txt(String),
}

impl ServiceType {
    /// The type of this name (RFC 6335, section 5.1).
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn new(text: &str) -> Result<Self, UnfitRecord> {
        let name = text
            .strip_prefix('_')
            .and_then(|it| it.strip_suffix("._tcp").or_else(|| it.strip_suffix("._udp")));
        let fit = name.is_some_and(|name| {
            (1..=15).contains(&name.len())
                && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
                && !name.starts_with('-')
                && !name.ends_with('-')
                && name.bytes().any(|it| it.is_ascii_lowercase())
        });
        if fit { Ok(Self(text.to_owned())) } else { Err(UnfitRecord::Type(text.chars().take(40).collect())) }
    }

    /// `_http._tcp`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `http`.
    pub fn name(&self) -> &str {
        self.0.trim_start_matches('_').split('.').next().unwrap_or_default()
    }

    /// Whether it is spoken over UDP.
    pub fn is_udp(&self) -> bool {
        self.0.ends_with("._udp")
    }
}

impl Txt {
    /// These keys and values.
    ///
    /// # Errors
    ///
    /// Where they are too many, or a key is not of printable ASCII without `=`.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, UnfitRecord> {
        let mut txt = BTreeMap::new();
        let mut bytes = 0;
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref());
            bytes += key.len() + value.len() + 2;
            if bytes > TXT_LIMIT_BYTES {
                return Err(UnfitRecord::Txt(format!("more than {TXT_LIMIT_BYTES} bytes")));
            }
            if !key.bytes().all(|it| it.is_ascii_graphic() && it != b'=') {
                return Err(UnfitRecord::Txt("a key that is not of printable ASCII without `=`".to_owned()));
            }
            let name = Line::new(key).map_err(|unfit| UnfitRecord::Txt(format!("a key: {unfit}")))?;
            if !value.is_empty() {
                Line::<TXT_LIMIT_BYTES>::new(value)
                    .map_err(|unfit| UnfitRecord::Txt(format!("`{name}`: {unfit}")))?;
            }
            if txt.insert(name, value.to_owned()).is_some() {
                return Err(UnfitRecord::Txt(format!("`{key}` comes twice")));
            }
        }
        Ok(Self(txt))
    }

    /// Keys and values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(it, value)| (it == key).then_some(value))
    }
}

impl Record {
    /// What the form alone does not hold.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn check(&self) -> Result<(), UnfitRecord> {
        if self.port == 0 {
            return Err(UnfitRecord::Port);
        }
        match &self.host {
            Some(host) if host.as_str().parse::<IpAddr>().is_err() && !is_dns_name(host.as_str()) => {
                Err(UnfitRecord::Host(host.to_string()))
            }
            _ => Ok(()),
        }
    }
}

impl<C> Encode<C> for ServiceType {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ServiceType {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(d.str()?).map_err(|unfit| minicbor::decode::Error::message(unfit.to_string()))
    }
}

impl<C> Encode<C> for Txt {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(self.0.len() as u64)?;
        for (key, value) in self.iter() {
            e.str(key)?.str(value)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Txt {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let pairs: Result<Vec<(&str, &str)>, _> = d.map_iter()?.collect();
        Self::new(pairs?).map_err(|unfit| minicbor::decode::Error::message(unfit.to_string()))
    }
}
