//! Services of machines that are no nodes, which this one vouches for: a disk on the home network, or what a node of an
//! older community cloud offers.

use std::collections::BTreeMap;

use nuvol_community::identity::{NodeId, hash};
use nuvol_community::object::{Record, ServiceType, Txt};
use nuvol_community::text::Line;
use serde::{Deserialize, Serialize};

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

impl Foreign {
    /// What the community is told of it.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn record(&self, me: &NodeId) -> Result<Record, String> {
        let kind = ServiceType::new(&self.kind).map_err(|unfit| unfit.to_string())?;
        let title = Line::new(&self.title).map_err(|unfit| format!("its title: {unfit}"))?;
        let host = Line::new(&self.host).map_err(|unfit| format!("its host: {unfit}"))?;
        let zone = self.zone.as_deref().map(Line::new).transpose();
        let zone = zone.map_err(|unfit| format!("its zone: {unfit}"))?;
        let txt = Txt::new(&self.txt).map_err(|unfit| unfit.to_string())?;
        // Not of the title: whoever mends that means the same service.
        let place = format!("{} {} {}", self.kind, self.host, self.port);
        let digest = hash("nuvol-foreign-1", &[&me.0, place.as_bytes()]);
        let id: [u8; 16] = std::array::from_fn(|at| digest[at]);
        let record = Record { id: id.into(), kind, title, host: Some(host), port: self.port, txt, zone };
        record.check().map_err(|unfit| unfit.to_string())?;
        Ok(record)
    }
}
