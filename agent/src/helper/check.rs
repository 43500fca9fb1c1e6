//! What a request may say: nothing here touches the system.

use std::collections::BTreeMap;

use super::protocol::{LINES_LIMIT, Request};
use crate::mesh;
use crate::node::Catalogue;
use crate::node::service::Service;
use crate::node::setting::Value;

/// The service of this name, or why there is none. The name is looked up and used for nothing else, so there is
/// none that could mean a path or a unit.
pub fn service<'a>(catalogue: &'a Catalogue, name: &str) -> Result<&'a Service, String> {
    catalogue.services.get(name).ok_or_else(|| {
        let name: String = name.chars().take(64).flat_map(char::escape_default).collect();
        format!("this node has no service `{name}`")
    })
}

/// The values that `settings` mean for `service`, by the settings' names. All of them count or none.
pub fn settings(
    service: &Service,
    settings: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, String> {
    if settings.is_empty() {
        return Err("there is nothing to set".to_owned());
    }
    let mut values = BTreeMap::new();
    for (name, text) in settings {
        let known = service.settings.iter().find(|setting| *setting.name == **name);
        let setting = known.ok_or_else(|| {
            let name: String = name.chars().take(64).flat_map(char::escape_default).collect();
            format!("service `{}` has no setting `{name}`", &*service.name)
        })?;
        let value = setting.check(text).map_err(|wrong| format!("setting `{name}`: {wrong}"))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// How many lines of a journal.
pub fn lines(lines: u16) -> Result<u16, String> {
    if (1..=LINES_LIMIT).contains(&lines) {
        Ok(lines)
    } else {
        Err(format!("{lines} lines cannot be asked for, only 1 to {LINES_LIMIT}"))
    }
}

/// A name that a machine may have (RFC 1123): one label, as other machines write it too.
pub fn host_name(name: &str) -> Result<&str, String> {
    let legal = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        // An address, or the machine itself, wherever it is written.
        && !name.bytes().all(|byte| byte.is_ascii_digit())
        && name != "localhost";
    if legal {
        Ok(name)
    } else {
        let name: String = name.chars().take(64).flat_map(char::escape_default).collect();
        Err(format!("`{name}` is not a name for a machine (lower-case letters, digits and `-`, 63 at most)"))
    }
}

/// Looks through a whole request before anything is done.
pub fn request(catalogue: &Catalogue, request: &Request) -> Result<(), String> {
    match request {
        Request::Switch { service: name, .. }
        | Request::Restart { service: name }
        | Request::Settings { service: name }
        | Request::Usage { service: name } => service(catalogue, name).map(drop),
        Request::Configure { service: name, settings: given } => {
            settings(service(catalogue, name)?, given).map(drop)
        }
        Request::Logs { service: name, lines: count } => {
            service(catalogue, name)?;
            lines(*count).map(drop)
        }
        Request::Rename { name } => host_name(name).map(drop),
        Request::Firewall | Request::Power { .. } => Ok(()),
        Request::MeshKey | Request::MeshLeave | Request::MeshStatus => {
            service(catalogue, super::mesh::SERVICE).map(drop)
        }
        Request::MeshApply { own, peers } => {
            service(catalogue, super::mesh::SERVICE)?;
            mesh::check(own, peers)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{host_name, lines, request};
    use crate::helper::protocol::Request;
    use crate::node::Catalogue;
    use crate::node::service::Service;

    fn catalogue() -> Catalogue {
        let json = r#"{"name": "radio", "title": "R", "summary": "S", "role": "streaming",
            "units": ["radio.service"], "start": "on-demand", "settings": [
                {"name": "title", "title": "T", "kind": "text", "default": "x", "max-length": 5},
                {"name": "guests", "title": "G", "kind": "number", "default": 5, "min": 1, "max": 9}]}"#;
        let radio: Service = serde_json::from_str(json).unwrap();
        Catalogue { services: [("radio".to_owned(), radio)].into(), ..Catalogue::default() }
    }

    #[test]
    fn only_services_of_the_image_are_served() {
        let catalogue = catalogue();
        assert_eq!(request(&catalogue, &Request::Restart { service: "radio".into() }), Ok(()));
        let hostile = [
            "",
            "Radio",
            "radio ",
            "radio\n",
            "radio\0",
            "../radio",
            "radio.service",
            "ssh.service",
            "radio/../x",
            "*",
            "\u{202e}radio",
        ];
        for name in hostile {
            let name = name.to_owned();
            let all = [
                Request::Switch { service: name.clone(), on: true },
                Request::Restart { service: name.clone() },
                Request::Configure { service: name.clone(), settings: [("title".into(), "a".into())].into() },
                Request::Settings { service: name.clone() },
                Request::Logs { service: name.clone(), lines: 1 },
                Request::Usage { service: name.clone() },
            ];
            for asked in all {
                let why = request(&catalogue, &asked).unwrap_err();
                assert!(why.starts_with("this node has no service `"), "{why}");
                assert!(why.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{why:?}");
            }
        }
        let long = request(&catalogue, &Request::Restart { service: "a".repeat(10_000) }).unwrap_err();
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn one_bad_setting_spoils_all() {
        let catalogue = catalogue();
        let set = |pairs: &[(&str, &str)]| {
            let settings =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            request(&catalogue, &Request::Configure { service: "radio".into(), settings })
        };
        assert_eq!(set(&[("title", "Hello"), ("guests", "9")]), Ok(()));
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[], "there is nothing to set"),
            (&[("title", "a"), ("guests", "10")], "setting `guests`: it is more than 9"),
            (
                &[("title", "a\nExecStart=/bin/sh")],
                "setting `title`: it has line ends or other characters that do not show",
            ),
            (&[("title", "a\0")], "setting `title`: it has line ends or other characters that do not show"),
            (&[("../x", "a")], "service `radio` has no setting `../x`"),
            (&[("LD_PRELOAD", "a")], "service `radio` has no setting `LD_PRELOAD`"),
        ];
        for (pairs, why) in cases {
            assert_eq!(set(pairs).unwrap_err(), why);
        }
    }

    #[test]
    fn a_name_is_one_label() {
        for good in ["a", "node-1", "1a", &"x".repeat(63)] {
            assert!(host_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in
            ["", "-a", "a-", "a.b", "a b", "a\n", "a\0", "A", "ä", "123", "localhost", "../a", "a;b", &long]
        {
            assert!(host_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lines_have_a_limit() {
        assert_eq!([lines(1), lines(500)], [Ok(1), Ok(500)]);
        assert!(lines(0).is_err() && lines(501).is_err());
    }
}
