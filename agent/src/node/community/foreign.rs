//! Services of machines that are no nodes, which this one vouches for: a disk on the home network, or what a node of an
//! older community cloud offers.

use std::collections::BTreeMap;

use nuvol_community::identity::{NodeId, hash};
use nuvol_community::object::{Endpoint, Record, ServiceType, Txt, UnfitRecord};
use nuvol_community::text::{Line, Unfit};
use serde::{Deserialize, Serialize};

use super::Community;
use crate::node::command::{Refusal, Reply};

/// The most of them, so that a node's own services always find room.
pub const FOREIGN_LIMIT: usize = 200;

/// A service of another machine, as its owner wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Foreign {
    /// Its type (`_http._tcp`).
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// Where it is: an address, or a name of the DNS.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What programs want to know.
    pub txt: BTreeMap<String, String>,
    /// The part of the community that it is meant for; all, where there is none.
    pub zone: Option<String>,
}

/// Why a part of it cannot be told to the community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// No type of DNS-SD.
    Type,
    /// No line of text that shows as what it is.
    Line(Unfit),
    /// Neither an address nor a name of the DNS.
    Host,
    /// Nothing listens on port 0.
    Port,
    /// Too much of what programs want to know, or not in the form of it.
    Txt(UnfitRecord),
}

/// All that does not fit, by the name that the API gives the part.
pub type Misfits = BTreeMap<&'static str, Misfit>;

impl Foreign {
    /// What the community is told of it.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, all of it.
    pub fn record(&self, me: &NodeId) -> Result<Record, Misfits> {
        let mut misfits = Misfits::new();
        let mut note = |part, misfit| drop(misfits.insert(part, misfit));
        let kind = ServiceType::new(&self.kind).map_err(|_| note("type", Misfit::Type));
        let title = Line::new(&self.title).map_err(|unfit| note("title", Misfit::Line(unfit)));
        let host = Line::new(&self.host).map_err(|unfit| note("host", Misfit::Line(unfit)));
        // Of any port, so that a host is not blamed for its port.
        if host.is_ok() && Endpoint::new(&self.host, 1).is_none() {
            note("host", Misfit::Host);
        }
        if self.port == 0 {
            note("port", Misfit::Port);
        }
        let zone = self.zone.as_deref().map(Line::new).transpose();
        let zone = zone.map_err(|unfit| note("zone", Misfit::Line(unfit)));
        let txt = Txt::new(&self.txt).map_err(|unfit| note("txt", Misfit::Txt(unfit)));
        let (Ok(kind), Ok(title), Ok(host), Ok(zone), Ok(txt)) = (kind, title, host, zone, txt) else {
            return Err(misfits);
        };
        if !misfits.is_empty() {
            return Err(misfits);
        }
        // Not of the title: whoever mends that means the same service.
        let place = format!("{} {} {}", self.kind, self.host, self.port);
        let digest = hash("nuvol-foreign-1", &[&me.0, place.as_bytes()]);
        let id: [u8; 16] = std::array::from_fn(|at| digest[at]);
        Ok(Record { id: id.into(), kind, title, host: Some(host), port: self.port, txt, zone })
    }

    /// Whether it is what is offered there, whatever it is called.
    pub fn is_at(&self, kind: &str, host: &str, port: u16) -> bool {
        (self.kind.as_str(), self.host.as_str(), self.port) == (kind, host, port)
    }
}

impl Community {
    /// Offers one more.
    pub(super) fn offer(&mut self, foreign: Foreign) -> Result<Reply, Refusal> {
        if self.foreign.iter().any(|it| it.is_at(&foreign.kind, &foreign.host, foreign.port)) {
            return Err(Refusal::Already);
        }
        if self.foreign.len() >= FOREIGN_LIMIT {
            return Err(Refusal::Full);
        }
        self.foreign.push(foreign);
        Ok(Reply::Done)
    }

    /// Offers one no longer.
    pub(super) fn withdraw(&mut self, kind: &str, host: &str, port: u16) -> Result<Reply, Refusal> {
        let before = self.foreign.len();
        self.foreign.retain(|it| !it.is_at(kind, host, port));
        if self.foreign.len() == before { Err(Refusal::NoSuch) } else { Ok(Reply::Done) }
    }
}
