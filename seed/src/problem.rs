//! What is wrong with a configuration: each problem with its place, its cause and a way out.

use std::fmt;
use std::ops::Range;

use crate::config::Section;

/// A stretch of one line. Lines and columns count from 1, columns and lengths in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Characters, at least 1; what goes over several lines counts to the end of its first one.
    pub length: u32,
}

impl Span {
    /// The very start of a file.
    pub const START: Self = Self { line: 1, column: 1, length: 1 };

    /// Where the bytes `range` of `text` stand.
    pub(crate) fn of(text: &str, range: &Range<usize>) -> Self {
        let start = floor(text, range.start);
        let end = floor(text, range.end.max(range.start));
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let here = text[start..end].lines().next().unwrap_or_default();
        Self {
            line: count(before.matches('\n').count() + 1),
            column: count(text[line_start..start].chars().count() + 1),
            length: count(here.chars().count().max(1)),
        }
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What a problem spoils.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The whole file: nothing of it counts.
    File,
    /// A key that nobody knows: all others count.
    Unknown,
    /// One setting: all others count.
    Section(Section),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub span: Span,
    /// What it spoils.
    pub scope: Scope,
    /// What is wrong, lower case, things in backticks.
    pub cause: String,
    /// The way out.
    pub remedy: Option<String>,
}

/// `12:5: cause; remedy`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.span.line, self.span.column, self.cause)?;
        self.remedy.iter().try_for_each(|remedy| write!(f, "; {remedy}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_span_counts_characters() {
        let text = "ñu = 1\nwifi = \"é\"\n";
        assert_eq!(Span::of(text, &(0..3)), Span { line: 1, column: 1, length: 2 });
        let at = text.find("\"é").unwrap();
        assert_eq!(Span::of(text, &(at..at + 4)), Span { line: 2, column: 8, length: 3 });
        assert_eq!(Span::of(text, &(400..500)), Span { line: 3, column: 1, length: 1 });
        assert_eq!(Span::of("", &(0..0)), Span::START);
    }
}
