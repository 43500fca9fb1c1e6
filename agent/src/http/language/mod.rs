//! The languages of the pages: one file each in `agent/languages/`, and the words of the node's types.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

mod amounts;
mod community;
mod refusals;
mod words;
mod work;

pub(super) use amounts::machine_time;
pub(super) use community::TYPES;
pub(super) use words::kind_order;

/// Every language: what browsers call it, and its file. The first is for whoever speaks none of them, and for
/// what the others do not say.
const FILES: [(&str, &str); 3] = [
    ("en", include_str!("../../../languages/en.ftl")),
    ("es", include_str!("../../../languages/es.ftl")),
    ("ca", include_str!("../../../languages/ca.ftl")),
];

static BUNDLES: LazyLock<Vec<FluentBundle<FluentResource>>> =
    LazyLock::new(|| FILES.iter().map(|(code, text)| bundle(code, text)).collect());

/// Stands before the name of a message that no language has. A test looks for it on every page.
pub const MISSING: &str = "⟦missing⟧ ";

/// One of the languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(usize);

/// What stands in a message's place for a value.
pub trait Value {
    /// As Fluent wants it.
    fn value(&self) -> FluentValue<'static>;
}

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(0);

    /// Each of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILES.len()).map(Self)
    }

    /// The language of this code (`ca`).
    pub fn of(code: &str) -> Option<Self> {
        FILES.iter().position(|(known, _)| *known == code).map(Self)
    }

    /// The one that was chosen (a cookie), else the one that the browser asks for (`Accept-Language`).
    pub fn choose(chosen: Option<&str>, accepted: Option<&str>) -> Self {
        chosen.and_then(Self::of).or_else(|| accepted.and_then(Self::accepted)).unwrap_or(Self::ENGLISH)
    }

    /// The best of what a browser accepts (RFC 9110 12.5.4): `ca-ES,ca;q=0.9,en;q=0.5`.
    fn accepted(header: &str) -> Option<Self> {
        let wish = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let code = parts.next()?.split('-').next()?.to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
            let weight = weight.ok().filter(|weight| *weight > 0.0 && *weight <= 1.0)?;
            Some((Self::of(&code)?, weight))
        };
        let mut best: Option<(Self, f32)> = None;
        for (language, weight) in header.split(',').take(32).filter_map(wish) {
            if best.is_none_or(|(_, known)| weight > known) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }

    /// What browsers call it.
    pub fn code(self) -> &'static str {
        FILES.get(self.0).map_or("en", |(code, _)| code)
    }

    /// What those who speak it call it.
    pub fn own_name(self) -> String {
        self.say("language-name")
    }

    /// A message without values.
    pub fn say(self, id: &str) -> String {
        self.fill(id, &[])
    }

    /// A message with one value.
    pub fn with(self, id: &str, name: &str, value: impl Value) -> String {
        self.fill(id, &[(name, value.value())])
    }

    /// A message with two values.
    pub fn both(self, id: &str, one: (&str, &dyn Value), two: (&str, &dyn Value)) -> String {
        self.fill(id, &[(one.0, one.1.value()), (two.0, two.1.value())])
    }

    /// A message with its values.
    pub fn fill(self, id: &str, values: &[(&str, FluentValue<'static>)]) -> String {
        let args: FluentArgs = values.iter().map(|(name, value)| (*name, value.clone())).collect();
        self.found(id, &args)
            .or_else(|| Self::ENGLISH.found(id, &args))
            .unwrap_or_else(|| format!("{MISSING}{id}"))
    }

    /// A text that the image brings in English and that the language's file may have too (`service-…`).
    pub fn own(self, id: &str, brought: &str) -> String {
        self.found(id, &FluentArgs::new()).unwrap_or_else(|| brought.to_owned())
    }

    fn found(self, id: &str, args: &FluentArgs<'_>) -> Option<String> {
        let bundle = BUNDLES.get(self.0)?;
        let pattern = bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(args), &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}

/// A file with a mistake loses the messages that have it: a test finds them.
fn bundle(code: &str, text: &str) -> FluentBundle<FluentResource> {
    let locales = code.parse().into_iter().collect();
    let mut bundle = FluentBundle::new_concurrent(locales);
    // The marks around values are for mixed directions; names that reorder their neighbours come nowhere near.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(read, _)| read);
    bundle.add_resource_overriding(resource);
    bundle
}

impl Value for str {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::String(Cow::Owned(self.to_owned()))
    }
}

impl Value for String {
    fn value(&self) -> FluentValue<'static> {
        self.as_str().value()
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

macro_rules! numbers {
    ($($kind:ty)*) => {$(
        impl Value for $kind {
            fn value(&self) -> FluentValue<'static> {
                FluentValue::from(*self)
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 usize i32 i64);

#[cfg(test)]
mod tests;
