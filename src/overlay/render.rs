//! Templates to text: strict, every variable that nobody sets is a problem with its place.
//!
//! The only file that names the template crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tera::{Context, ErrorKind, ReportError, Tera};

use crate::spec::{Place, Problem, Problems, Source, Span};

/// More different variables that nobody sets than one template will hold.
const MOST_PROBLEMS: usize = 32;

/// Renders a template with `variables`; `None` where it could not be.
pub(super) fn template(
    source: &Arc<Source>,
    variables: &BTreeMap<String, serde_json::Value>,
    problems: &mut Problems,
) -> Option<String> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&str>::new());
    if let Err(error) = tera.add_raw_template(&source.name, &source.text) {
        problems.push(problem(source, &error, variables));
        return None;
    }
    let mut context = Context::new();
    for (name, value) in variables {
        context.insert(name.clone(), value);
    }
    // The engine stops at the first unknown variable: note it, give it a value, go on to the next.
    for round in 0..MOST_PROBLEMS {
        let error = match tera.render(&source.name, &context) {
            Ok(text) => return (round == 0).then_some(text),
            Err(error) => error,
        };
        let missing = report(&error).and_then(|report| missing_variable(report)).map(str::to_owned);
        match missing {
            Some(name) => {
                problems.push(problem(source, &error, variables));
                context.insert(name, "");
            }
            // After the first round this may come from the value we made up.
            None if round == 0 => {
                problems.push(problem(source, &error, variables));
                return None;
            }
            None => return None,
        }
    }
    None
}

fn report(error: &tera::Error) -> Option<&ReportError> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => Some(report),
        _ => None,
    }
}

/// The name in the engine's words about a variable that it does not know.
fn missing_variable(report: &ReportError) -> Option<&str> {
    report.message().strip_prefix("Variable `")?.split_once("` is not defined").map(|(name, _)| name)
}

fn problem(
    source: &Arc<Source>,
    error: &tera::Error,
    variables: &BTreeMap<String, serde_json::Value>,
) -> Problem {
    let Some(report) = report(error) else {
        let place = Place { source: Arc::clone(source), span: Span::START };
        return Problem::at(place, format!("this template cannot be used: {error}"));
    };
    let place = Place { source: Arc::clone(source), span: span(report.span()) };
    if let Some(name) = missing_variable(report) {
        let problem = Problem::at(place, format!("nobody sets the variable `{name}`"))
            .remedy("set it under `variables` in a profile");
        return problem.nearest(name, variables.keys().map(String::as_str));
    }
    if let Some((name, _)) =
        report.message().strip_prefix("Field `").and_then(|rest| rest.split_once("` is not defined"))
    {
        return Problem::at(place, format!("there is no field `{name}`"));
    }
    let message = report.message();
    let mut words = message.chars();
    let lower: String = words.next().into_iter().flat_map(char::to_lowercase).chain(words).collect();
    Problem::at(place, format!("in this template: {}", lower.trim_end_matches('.')))
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
