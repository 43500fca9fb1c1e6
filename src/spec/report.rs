//! Problems as text: for people, for programs, for the pages of a forge.
//!
//! The only file that names the crate which draws source lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::spec::{Place, Problem, Problems, Source, Span};

/// Whether output may be coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// A terminal that shows colours.
    Yes,
    /// Anything else.
    No,
}

/// For people: each problem with its source line and the way out.
pub fn human(problems: &Problems, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Yes => Renderer::styled(),
        Colour::No => Renderer::plain(),
    };
    let drawn = problems.iter().map(|problem| renderer.render(&drawing(problem)));
    drawn.map(|drawn| format!("{}\n\n", without_padding(&drawn))).collect()
}

/// A stretch of a file, and the words beside it.
type Mark<'a> = (Span, Option<&'a str>);

fn drawing(problem: &Problem) -> Vec<Group<'_>> {
    let title = Level::ERROR.primary_title(visible(&problem.cause));
    let mut group = Group::with_title(title);
    if let Some(place) = &problem.place {
        // Of each file one picture, the file of the problem itself first.
        let mut pictures: BTreeMap<(bool, &Arc<Source>), Vec<Mark<'_>>> = BTreeMap::new();
        pictures.entry((false, &place.source)).or_default().push((place.span, None));
        for (other, words) in &problem.related {
            let key = (other.source != place.source, &other.source);
            pictures.entry(key).or_default().push((other.span, Some(words)));
        }
        for ((_, source), marks) in pictures {
            group = match source.text.is_empty() {
                true if *source == place.source => group.element(Origin::path(source.name.as_str())),
                true => group.elements(marks.iter().filter_map(|(_, words)| {
                    words.map(|words| Level::NOTE.message(format!("{words}: {}", source.name)))
                })),
                false => group.element(picture(source, &marks)),
            };
        }
    }
    let mut groups = vec![group];
    if let Some(remedy) = &problem.remedy {
        groups.push(Group::with_title(Level::HELP.secondary_title(visible(remedy))));
    }
    groups
}

fn picture<'a>(source: &'a Source, marks: &[Mark<'a>]) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let snippet = Snippet::source(source.text.as_str()).path(source.name.as_str());
    let annotations = marks.iter().map(|(span, words)| {
        let kind = if words.is_none() { AnnotationKind::Primary } else { AnnotationKind::Context };
        kind.span(bytes(&source.text, *span)).label(*words)
    });
    snippet.annotations(annotations)
}

/// Where a span lies in the text.
fn bytes(text: &str, span: Span) -> std::ops::Range<usize> {
    let before: usize =
        text.split_inclusive('\n').take(span.line.saturating_sub(1) as usize).map(str::len).sum();
    let line = text[before..].split('\n').next().unwrap_or_default();
    let offset = |characters: u32| {
        line.char_indices().nth(characters as usize).map_or(line.len(), |(offset, _)| offset)
    };
    let start = before + offset(span.column.saturating_sub(1));
    start..(before + offset((span.column - 1).saturating_add(span.length))).max(start)
}

/// The drawing without blanks at line ends.
fn without_padding(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A file's control characters must not reach a terminal.
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() && c != '\n' { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// For the pages of a forge: one `::error` line a problem, as GitHub's runners read it.
pub fn github(problems: &Problems) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let line = |problem: &Problem| {
        let place = problem.place.as_ref().map_or_else(String::new, |place| {
            let Span { line, column, .. } = place.span;
            format!(" file={},line={line},col={column}", property(&place.source.name))
        });
        let remedy = problem.remedy.as_ref().map_or_else(String::new, |remedy| format!("\nhelp: {remedy}"));
        format!("::error{place}::{}\n", escape(&visible(&format!("{}{remedy}", problem.cause))))
    };
    problems.iter().map(line).collect()
}

/// A problem for programs.
#[derive(Debug, Serialize)]
pub struct Item<'a> {
    #[serde(flatten)]
    place: Option<ItemPlace<'a>>,
    cause: &'a str,
    remedy: Option<&'a str>,
    suggestion: Option<&'a str>,
    related: Vec<ItemRelated<'a>>,
}

#[derive(Debug, Serialize)]
struct ItemPlace<'a> {
    file: &'a str,
    #[serde(flatten)]
    span: Span,
    source_line: &'a str,
}

#[derive(Debug, Serialize)]
struct ItemRelated<'a> {
    #[serde(flatten)]
    place: ItemPlace<'a>,
    words: &'a str,
}

/// For programs.
pub fn items(problems: &Problems) -> Vec<Item<'_>> {
    fn at(place: &Place) -> ItemPlace<'_> {
        ItemPlace {
            file: &place.source.name,
            span: place.span,
            source_line: place.source.line(place.span.line),
        }
    }
    fn item(problem: &Problem) -> Item<'_> {
        let Problem { place, cause, remedy, suggestion, related } = problem;
        Item {
            place: place.as_ref().map(at),
            cause,
            remedy: remedy.as_deref(),
            suggestion: suggestion.as_deref(),
            related: related.iter().map(|(place, words)| ItemRelated { place: at(place), words }).collect(),
        }
    }
    problems.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::{bytes, visible};
    use crate::spec::Span;

    #[test]
    fn a_span_counts_characters_and_stays_in_its_line() {
        let text = "ä: ö\nx\n";
        assert_eq!(&text[bytes(text, Span { line: 1, column: 4, length: 1 })], "ö");
        assert_eq!(&text[bytes(text, Span { line: 1, column: 4, length: 9 })], "ö");
        assert_eq!(&text[bytes(text, Span { line: 2, column: 1, length: 1 })], "x");
        assert_eq!(&text[bytes(text, Span { line: 9, column: 3, length: 1 })], "");
    }

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
    }
}
