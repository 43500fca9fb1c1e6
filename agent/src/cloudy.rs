//! Records as Cloudy's nodes told each other of their services (`avahi-ps`): one-letter fields, all of them text, in a
//! JSON array. A tag of its Serf holds the same, packed: `base64 -d | bunzip2` unpacks it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a service without a key and value of its own says.
const PLAIN_KEY: &str = "txt";

/// What somebody offers, in the API's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Offer {
    pub(crate) r#type: String,
    pub(crate) title: String,
    pub(crate) owner_name: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) txt: BTreeMap<String, String>,
    pub(crate) zone: Option<String>,
}

/// A service of another machine, as the API takes it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Service {
    pub(crate) r#type: String,
    pub(crate) title: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) txt: BTreeMap<String, String>,
    pub(crate) zone: Option<String>,
}

/// The fields of a record that are read, each with the part of a [`Service`] that is made of it.
pub(crate) const FIELDS: [(&str, &str); 6] =
    [("s", "type"), ("d", "title"), ("i", "host"), ("p", "port"), ("t", "txt"), ("e", "zone")];

/// What is wrong with somebody's records. They are counted from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It cannot be read from there on.
    #[error("this is no JSON array: {why}")]
    NoArray { line: usize, column: usize, why: String },
    /// There is nothing in it.
    #[error("record {record}: `{field}`, its {}, is missing", part(.field))]
    Missing { record: usize, field: &'static str },
    /// Nothing listens there.
    #[error("record {record}: `p`: `{port}` is no port")]
    NoPort { record: usize, port: String },
}

fn part(field: &str) -> &'static str {
    FIELDS.iter().find(|(known, _)| *known == field).map_or("", |(_, part)| part)
}

/// Offers as Cloudy's records. `community` stands for the micro-cloud where an offer has no zone.
pub(crate) fn export(offers: impl IntoIterator<Item = Offer>, community: &str) -> Value {
    let record = |it: Offer| {
        let txt: Vec<_> = it.txt.iter().map(|(key, value)| format!("{key}={value}")).collect();
        json!({
            "s": it.r#type.trim_start_matches('_').split('.').next().unwrap_or_default(),
            // Its command line took no blanks.
            "d": it.title.replace(' ', "_"),
            "m": it.owner_name,
            "i": it.host,
            "p": it.port.to_string(),
            "e": it.zone.as_deref().unwrap_or(community),
            "t": txt.join("&"),
        })
    };
    offers.into_iter().map(record).collect()
}

/// Cloudy's records as services of other machines.
///
/// # Errors
///
/// Says what is wrong with them, all of it.
pub(crate) fn import(records: &str) -> Result<Vec<Service>, Vec<Fault>> {
    // Some editors begin a file with a mark of their own.
    let records = records.trim_start_matches('\u{feff}');
    let no_array = |error: serde_json::Error| {
        vec![Fault::NoArray { line: error.line(), column: error.column(), why: error.to_string() }]
    };
    let records: Vec<Value> = serde_json::from_str(records).map_err(no_array)?;
    let mut faults = Vec::new();
    let read = |(place, record)| service(place + 1, record, &mut faults);
    let services = records.iter().enumerate().filter_map(read).collect();
    if faults.is_empty() { Ok(services) } else { Err(faults) }
}

fn service(number: usize, record: &Value, faults: &mut Vec<Fault>) -> Option<Service> {
    let text = |key: &str| match &record[key] {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let [kind, host, port] = ["s", "i", "p"].map(|field| {
        let text = text(field);
        if text.is_empty() {
            faults.push(Fault::Missing { record: number, field });
        }
        Some(text).filter(|it| !it.is_empty())
    });
    let number_of = |port: String| match port.parse() {
        Ok(port) => Some(port),
        Err(_) => {
            faults.push(Fault::NoPort { record: number, port: port.chars().take(20).collect() });
            None
        }
    };
    let port: Option<u16> = port.and_then(number_of);
    let (kind, host, port) = (kind?, host?, port?);
    let title = text("d").replace('_', " ");
    Some(Service {
        r#type: format!("_{}._tcp", kind.trim_start_matches('_').to_lowercase()),
        title: if title.trim().is_empty() { kind } else { title.trim().to_owned() },
        host,
        port,
        txt: txt(&text("t")),
        zone: Some(text("e")).filter(|it| !it.is_empty()),
    })
}

fn txt(text: &str) -> BTreeMap<String, String> {
    let parts = text.split('&').filter(|it| !it.is_empty());
    let parts = parts.map(|it| it.split_once('=').unwrap_or((PLAIN_KEY, it)));
    parts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Offer, Service, export, import};

    fn service(value: serde_json::Value) -> Service {
        let Offer { r#type, title, host, port, txt, zone, .. } = serde_json::from_value(value).unwrap();
        Service { r#type, title, host, port, txt, zone }
    }

    fn faults(records: &str) -> Vec<String> {
        import(records).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn records_of_cloudy_are_read_and_what_is_wrong_with_them_is_told_at_once() {
        let records = r#"[{"s": "tahoe-lafs", "d": "Grid_of_the_valley", "m": "casa", "i": "10.1.2.3", "p": "8228",
            "e": "guifi", "t": "abcdef"}, {"s": "syncthing", "i": "10.1.2.4", "p": 22000, "t": "id=X&v=1"}]"#;
        let services = import(records).unwrap();
        assert_eq!(
            services[0],
            service(
                json!({"type": "_tahoe-lafs._tcp", "title": "Grid of the valley", "host": "10.1.2.3", "port": 8228,
                "txt": {"txt": "abcdef"}, "zone": "guifi"})
            )
        );
        assert_eq!(
            services[1].txt,
            [("id", "X"), ("v", "1")].map(|(key, value)| (key.into(), value.into())).into()
        );
        assert_eq!(services[1].title, "syncthing");
        assert_eq!(
            faults(r#"[{"p": "1"}, {"s": "x", "i": "10.1.2.3", "p": "99999"}, 7]"#),
            [
                "record 1: `s`, its type, is missing",
                "record 1: `i`, its host, is missing",
                "record 2: `p`: `99999` is no port",
                "record 3: `s`, its type, is missing",
                "record 3: `i`, its host, is missing",
                "record 3: `p`, its port, is missing",
            ]
        );
        assert!(faults("{")[0].starts_with("this is no JSON array: "), "{:?}", faults("{"));
        assert_eq!(import("\u{feff}[]"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_exported_is_read_again() {
        let offer = json!({"type": "_http._tcp", "title": "Photo album", "owner_name": "attic", "own": true,
            "host": "fd00::1", "port": 80, "txt": {"path": "/a", "x": ""}, "zone": null});
        let offer: Option<Offer> = serde_json::from_value(offer).unwrap();
        let records = export(offer, "Valley");
        assert_eq!(
            records,
            json!([{"s": "http", "d": "Photo_album", "m": "attic", "i": "fd00::1", "p": "80", "e": "Valley",
                "t": "path=/a&x="}])
        );
        let again = import(&records.to_string()).unwrap();
        assert_eq!(
            again,
            [service(json!({"type": "_http._tcp", "title": "Photo album", "host": "fd00::1", "port": 80,
                "txt": {"path": "/a", "x": ""}, "zone": "Valley"}))]
        );
    }
}
