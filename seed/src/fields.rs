//! A table of the file, read key by key: every mistake becomes a problem, and reading goes on.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::Section;
use crate::problem::{Problem, Scope, Span};

/// Collects what is wrong with a text.
pub(crate) struct Finder<'a> {
    pub text: &'a str,
    pub problems: Vec<Problem>,
    /// The setting that is being read.
    pub scope: Scope,
}

/// A value and its bytes in the file.
pub(crate) struct At<T> {
    pub value: T,
    pub range: Range<usize>,
}

impl Finder<'_> {
    /// Notes a problem and gives it for a remedy.
    pub fn wrong(&mut self, range: &Range<usize>, cause: impl Into<String>) -> &mut Problem {
        self.wrong_in(self.scope, range, cause)
    }

    pub fn wrong_in(&mut self, scope: Scope, range: &Range<usize>, cause: impl Into<String>) -> &mut Problem {
        let span = Span::of(self.text, range);
        self.problems.push(Problem { span, scope, cause: cause.into(), remedy: None });
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}

impl Problem {
    pub(crate) fn mend(&mut self, remedy: impl Into<String>) {
        self.remedy = Some(remedy.into());
    }
}

/// What people call a value of this kind.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A table with the keys that it may have.
pub(crate) struct Fields<'t, 'i> {
    table: &'t DeTable<'i>,
    /// Where the table begins.
    pub range: Range<usize>,
}

impl<'t, 'i> Fields<'t, 'i> {
    /// The table `value`; every key of it that is not in `known` is a problem.
    pub fn of(
        finder: &mut Finder<'_>,
        what: &str,
        value: &'t Spanned<DeValue<'i>>,
        known: &[&str],
    ) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            let cause = format!("`{what}` is {}, it must be a table", kind(value.get_ref()));
            finder.wrong(&value.span(), cause).mend(format!("write a line `[{what}]` and its keys below it"));
            return None;
        };
        let fields = Self { table, range: value.span() };
        fields.known(finder, known);
        Some(fields)
    }

    /// The whole document; unknown keys spoil nothing but themselves.
    pub fn document(table: &'t DeTable<'i>) -> Self {
        Self { table, range: 0..1 }
    }

    /// Every key that is not in `known` is a problem.
    pub fn known(&self, finder: &mut Finder<'_>, known: &[&str]) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                finder
                    .wrong(&key.span(), format!("nobody knows the key `{name}`"))
                    .mend(nearest(name, known));
            }
        }
    }

    pub fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table.get(key)
    }

    pub fn text(&self, finder: &mut Finder<'_>, key: &str) -> Option<At<&'t str>> {
        text(finder, key, self.value(key)?)
    }

    /// A text that must be there.
    pub fn required(&self, finder: &mut Finder<'_>, key: &str) -> Option<At<&'t str>> {
        if self.value(key).is_none() {
            finder
                .wrong(&self.range, format!("`{key}` is missing"))
                .mend(format!("add a line `{key} = \"…\"`"));
        }
        self.text(finder, key)
    }

    pub fn flag(&self, finder: &mut Finder<'_>, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        let cause = format!("`{key}` is {}, it must be true or false", kind(value.get_ref()));
        finder.wrong(&value.span(), cause).mend(format!("write `{key} = true` or `{key} = false`"));
        None
    }

    /// A list of texts; empty where there is none.
    pub fn texts(&self, finder: &mut Finder<'_>, key: &str) -> Vec<At<&'t str>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            let cause = format!("`{key}` is {}, it must be a list", kind(value.get_ref()));
            finder.wrong(&value.span(), cause).mend(format!("write `{key} = [\"…\"]`"));
            return Vec::new();
        };
        list.iter().filter_map(|entry| text(finder, key, entry)).collect()
    }
}

fn text<'t>(finder: &mut Finder<'_>, key: &str, value: &'t Spanned<DeValue<'_>>) -> Option<At<&'t str>> {
    let range = value.span();
    if let DeValue::String(text) = value.get_ref() {
        return Some(At { value: text.as_ref(), range });
    }
    let cause = format!("`{key}` holds {}, it must be a text", kind(value.get_ref()));
    finder.wrong(&range, cause).mend("write it in quotes");
    None
}

/// The known name that was probably meant, or all of them.
fn nearest(name: &str, known: &[&str]) -> String {
    let allowed = (name.chars().count() / 3).max(1);
    let near = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min();
    match near {
        Some((_, found)) => format!("did you mean `{found}`?"),
        None => {
            let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("known: {}", all.join(", "))
        }
    }
}

impl From<Section> for Scope {
    fn from(section: Section) -> Self {
        Self::Section(section)
    }
}
