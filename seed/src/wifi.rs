//! `[wifi]`: the wireless network to join.

use toml::Spanned;
use toml::de::DeValue;

use crate::config::Wifi;
use crate::fields::{Fields, Finder};

pub(crate) const KEYS: [&str; 3] = ["ssid", "password", "country"];

pub(crate) fn read(finder: &mut Finder<'_>, value: &Spanned<DeValue<'_>>) -> Option<Wifi> {
    let fields = Fields::of(finder, "wifi", value, &KEYS)?;
    let ssid = fields.required(finder, "ssid");
    let password = fields.text(finder, "password");
    let country = fields.required(finder, "country");
    if let Some(ssid) = ssid.as_ref().filter(|ssid| ssid.value.is_empty() || ssid.value.len() > 32) {
        let cause =
            format!("the name of a wireless network has 1 to 32 bytes, this one has {}", ssid.value.len());
        finder.wrong(&ssid.range, cause);
    }
    if let Some(password) = password.as_ref().filter(|password| !is_password(password.value)) {
        finder
            .wrong(&password.range, "no wireless network has such a password")
            .mend("it has 8 to 63 letters, digits or signs of ASCII, or 64 hexadecimal digits");
    }
    let is_country = |text: &str| text.len() == 2 && text.bytes().all(|it| it.is_ascii_uppercase());
    if let Some(country) = country.as_ref().filter(|country| !is_country(country.value)) {
        finder
            .wrong(&country.range, format!("`{}` is no country code", country.value))
            .mend("write its two capital letters, such as `ES`: they say which channels may be used");
    }
    Some(Wifi {
        ssid: ssid?.value.to_owned(),
        password: password.map(|it| it.value.to_owned()),
        country: country?.value.to_owned(),
    })
}

/// IEEE 802.11: a passphrase, or the key itself.
fn is_password(text: &str) -> bool {
    match text.len() {
        8..=63 => text.bytes().all(|it| (32..=126).contains(&it)),
        64 => text.bytes().all(|it| it.is_ascii_hexdigit()),
        _ => false,
    }
}
