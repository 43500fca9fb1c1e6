//! Templates to text: strict, every variable that nobody sets is a problem with its place.
//!
//! The only file that names the template crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use tera::{Context, ErrorKind, ReportError, Tera};

use crate::spec::{Place, Problem, Problems, Source, Span};

/// What templates may name.
pub(super) type Variables = BTreeMap<String, serde_json::Value>;

/// Renders a template with `variables`; `None` where it could not be.
pub(super) fn template(
    source: &Arc<Source>,
    variables: &Variables,
    problems: &mut Problems,
) -> Option<String> {
    let tera = engine(source, problems)?;
    let mut context = Context::new();
    for (name, value) in variables {
        context.insert(name.clone(), value);
    }
    // The engine itself takes an unknown variable in a condition for `false`: so all names are looked at.
    let unknown: BTreeSet<String> =
        names(&tera, source).into_iter().filter(|name| !variables.contains_key(name)).collect();
    for name in &unknown {
        let problem = Problem::at(first_use(source, name), format!("nobody sets the variable `{name}`"))
            .remedy("set it under `variables` in a profile");
        problems.push(problem.nearest(name, variables.keys().map(String::as_str)));
        context.insert(name.clone(), "");
    }
    match tera.render(&source.name, &context) {
        Ok(text) => unknown.is_empty().then_some(text),
        Err(error) => {
            if !is_about(&error, source, &unknown) {
                problems.push(problem(source, &error));
            }
            None
        }
    }
}

/// The variables that a template names; none if it cannot be read.
pub(super) fn variables_of(source: &Arc<Source>) -> BTreeSet<String> {
    engine(source, &mut Problems::default()).map(|tera| names(&tera, source)).unwrap_or_default()
}

fn names(tera: &Tera, source: &Source) -> BTreeSet<String> {
    let names = tera.get_template_variables(&source.name);
    names.into_iter().flatten().map(str::to_owned).collect()
}

/// Where a template names a variable first: a whole word within `{{ }}` or `{% %}`, no field of another.
fn first_use(source: &Arc<Source>, name: &str) -> Place {
    let text = &source.text;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let found = text.match_indices(name).map(|(start, _)| start).find(|start| {
        let (before, after) = (&text[..*start], &text[start + name.len()..]);
        let opened = [before.rfind("{{"), before.rfind("{%")].into_iter().flatten().max();
        let closed = [before.rfind("}}"), before.rfind("%}")].into_iter().flatten().max();
        opened > closed && !before.ends_with(|c: char| is_word(c) || c == '.') && !after.starts_with(is_word)
    });
    let before = &text[..found.unwrap_or(0)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let span = Span {
        line: before.matches('\n').count() as u32 + 1,
        column: before[line_start..].chars().count() as u32 + 1,
        length: name.chars().count() as u32,
    };
    Place { source: Arc::clone(source), span }
}

/// Whether an error may come from the values that were made up for unknown variables.
fn is_about(error: &tera::Error, source: &Source, unknown: &BTreeSet<String>) -> bool {
    let root = report(error).filter(|report| unknown_field(report).is_some());
    let root = root.and_then(|report| expression_root(source, report.span()));
    root.map_or(!unknown.is_empty(), |root| unknown.contains(root))
}

/// `disk` of the `disk.root_uuid` that a span points into.
fn expression_root<'s>(source: &'s Source, span: &tera::Span) -> Option<&'s str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = source.text.get(..span.range.start)?;
    let start = before.rfind(|c: char| !is_word(c) && c != '.').map_or(0, |end| end + 1);
    source.text[start..].split(|c: char| !is_word(c)).next()
}

/// Notes what is wrong with a template whatever its variables are.
pub(super) fn check_template(source: &Arc<Source>, problems: &mut Problems) {
    engine(source, problems);
}

fn engine(source: &Arc<Source>, problems: &mut Problems) -> Option<Tera> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&str>::new());
    match tera.add_raw_template(&source.name, &source.text) {
        Ok(()) => Some(tera),
        Err(error) => {
            problems.push(problem(source, &error));
            None
        }
    }
}

fn report(error: &tera::Error) -> Option<&ReportError> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => Some(report),
        _ => None,
    }
}

/// The name in the engine's words about a field that it does not know, and the fields that it knows.
fn unknown_field(report: &ReportError) -> Option<(&str, Vec<&str>)> {
    let (name, rest) = report.message().strip_prefix("Field `")?.split_once("` is not defined.")?;
    let known = rest.trim().strip_prefix("Available fields: ").map(|known| known.split(", ").collect());
    Some((name, known.unwrap_or_default()))
}

fn problem(source: &Arc<Source>, error: &tera::Error) -> Problem {
    let place = |span| Place { source: Arc::clone(source), span };
    let Some(report) = report(error) else {
        return Problem::at(place(Span::START), format!("this template cannot be used: {error}"));
    };
    let place = place(span(report.span()));
    if let Some((name, known)) = unknown_field(report) {
        return Problem::at(place, format!("there is no field `{name}`")).nearest(name, known);
    }
    let message = report.message().trim_end_matches('.');
    let mut words = message.chars();
    let lower: String = words.next().into_iter().flat_map(char::to_lowercase).chain(words).collect();
    let problem = Problem::at(place, format!("this template is wrong: {lower}"));
    if message == "Unexpected end of input" {
        return problem.remedy("close every `{{` and `{%`, and end every `if` and `for`");
    }
    problem
}

fn span(span: &tera::Span) -> Span {
    let length =
        if span.end_line == span.start_line { span.end_col.saturating_sub(span.start_col) } else { 1 };
    Span { line: span.start_line as u32, column: span.start_col as u32 + 1, length: length.max(1) as u32 }
}

/// A value for templates.
pub(super) fn value(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
