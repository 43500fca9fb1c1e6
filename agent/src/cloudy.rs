//! Records as Cloudy's nodes told each other of their services (`avahi-ps`): one-letter fields, all of them text, in a
//! JSON array. A tag of its Serf holds the same, packed: `base64 -d | bunzip2` unpacks it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a service without a key and value of its own says.
const PLAIN_KEY: &str = "txt";

/// Offers as the API tells them, as Cloudy's records. `community` stands for the micro-cloud where an offer has no zone.
pub fn export(offers: &[Value], community: &str) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let record = |it: &Value| {
        let kind = text(&it["type"]);
        let kind = kind.trim_start_matches('_').split('.').next().unwrap_or_default();
        let txt = it["txt"].as_object().into_iter().flatten();
        let txt: Vec<_> = txt.map(|(key, value)| format!("{key}={}", text(value))).collect();
        json!({
            "s": kind,
            // Its command line took no blanks.
            "d": text(&it["title"]).replace(' ', "_"),
            "m": text(&it["owner_name"]),
            "i": text(&it["host"]),
            "p": it["port"].to_string(),
            "e": it["zone"].as_str().unwrap_or(community),
            "t": txt.join("&"),
        })
    };
    Value::Array(offers.iter().map(record).collect())
}

/// Cloudy's records, as the API takes services of other machines.
///
/// # Errors
///
/// Says which records are wrong, all of them.
pub fn import(records: &str) -> Result<Vec<Value>, String> {
    let records: Vec<Value> =
        serde_json::from_str(records).map_err(|error| format!("this is no JSON array: {error}"))?;
    let (mut services, mut wrong) = (Vec::new(), Vec::new());
    for (place, record) in records.iter().enumerate() {
        match service(record) {
            Ok(service) => services.push(service),
            Err(why) => wrong.push(format!("record {}: {why}", place + 1)),
        }
    }
    if wrong.is_empty() { Ok(services) } else { Err(wrong.join("\n")) }
}

fn service(record: &Value) -> Result<Value, String> {
    let text = |key: &str| match &record[key] {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let needed = |key: &str, what: &str| {
        let text = text(key);
        if text.is_empty() { Err(format!("`{key}`, {what}, is missing")) } else { Ok(text) }
    };
    let (kind, host, port) =
        (needed("s", "its type")?, needed("i", "its address")?, needed("p", "its port")?);
    let port: u16 = port.parse().map_err(|_| format!("`p`: `{port}` is no port"))?;
    let title = text("d").replace('_', " ");
    let title = if title.trim().is_empty() { kind.clone() } else { title.trim().to_owned() };
    let zone = Some(text("e")).filter(|it| !it.is_empty());
    Ok(json!({
        "type": format!("_{}._tcp", kind.trim_start_matches('_').to_lowercase()),
        "title": title, "host": host, "port": port, "txt": txt(&text("t")), "zone": zone,
    }))
}

fn txt(text: &str) -> BTreeMap<&str, &str> {
    let parts = text.split('&').filter(|it| !it.is_empty());
    parts.map(|it| it.split_once('=').unwrap_or((PLAIN_KEY, it))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{export, import};

    #[test]
    fn records_of_cloudy_are_read_and_what_is_wrong_with_them_is_told_at_once() {
        let records = r#"[{"s": "tahoe-lafs", "d": "Grid_of_the_valley", "m": "casa", "i": "10.1.2.3", "p": "8228",
            "e": "guifi", "t": "abcdef"}, {"s": "syncthing", "i": "10.1.2.4", "p": 22000, "t": "id=X&v=1"}]"#;
        let services = import(records).unwrap();
        assert_eq!(
            services[0],
            json!({"type": "_tahoe-lafs._tcp", "title": "Grid of the valley", "host": "10.1.2.3", "port": 8228,
                "txt": {"txt": "abcdef"}, "zone": "guifi"})
        );
        assert_eq!(services[1]["txt"], json!({"id": "X", "v": "1"}));
        assert_eq!(services[1]["title"], "syncthing");
        let wrong =
            import(r#"[{"s": "x", "p": "1"}, {"s": "x", "i": "10.1.2.3", "p": "99999"}]"#).unwrap_err();
        assert_eq!(wrong, "record 1: `i`, its address, is missing\nrecord 2: `p`: `99999` is no port");
        assert!(import("{").unwrap_err().starts_with("this is no JSON array: "), "{:?}", import("{"));
    }

    #[test]
    fn what_is_exported_is_read_again() {
        let offers = [json!({"type": "_http._tcp", "title": "Photo album", "owner_name": "attic",
            "host": "fd00::1", "port": 80, "txt": {"path": "/a", "x": ""}, "zone": null})];
        let records = export(&offers, "Valley");
        assert_eq!(
            records,
            json!([{"s": "http", "d": "Photo_album", "m": "attic", "i": "fd00::1", "p": "80", "e": "Valley",
                "t": "path=/a&x="}])
        );
        let again = import(&records.to_string()).unwrap();
        assert_eq!(
            again,
            [json!({"type": "_http._tcp", "title": "Photo album", "host": "fd00::1", "port": 80,
                "txt": {"path": "/a", "x": ""}, "zone": "Valley"})]
        );
    }
}
