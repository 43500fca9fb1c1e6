//! What is wrong with the input: each problem with its place, its cause and a way out.

use std::collections::BTreeSet;
use std::fmt;

use crate::spec::Place;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where; `None` when it stands in no file (a name on the command line).
    pub place: Option<Place>,
    /// What is wrong, lower case, things in backticks.
    pub cause: String,
    /// The way out.
    pub remedy: Option<String>,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
    /// Other places that belong to it, each with its words.
    pub related: Vec<(Place, String)>,
}

impl Problem {
    /// A problem at a place.
    pub fn at(place: Place, cause: impl Into<String>) -> Self {
        Self { place: Some(place), ..Self::anywhere(cause) }
    }

    /// A problem that stands in no file.
    pub fn anywhere(cause: impl Into<String>) -> Self {
        Self { place: None, cause: cause.into(), remedy: None, suggestion: None, related: Vec::new() }
    }

    /// The same with a way out.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same with another place that belongs to it.
    #[must_use]
    pub fn related(mut self, place: Place, words: impl Into<String>) -> Self {
        self.related.push((place, words.into()));
        self
    }

    /// The same with the nearest of `known` as suggestion, or else with all of them as the way out
    /// when they are few.
    #[must_use]
    pub fn nearest<'a>(mut self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        const FEW: usize = 24;
        let known: BTreeSet<&str> = known.into_iter().collect();
        if let Some(found) = nearest(name, &known) {
            self.remedy = Some(format!("did you mean `{found}`?"));
            self.suggestion = Some(found.to_owned());
        } else if self.remedy.is_none() && !known.is_empty() && known.len() <= FEW {
            let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            self.remedy = Some(format!("known: {}", all.join(", ")));
        }
        self
    }
}

/// The known name that differs least, if it differs little enough to have been meant.
fn nearest<'a>(name: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    known
        .iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= allowed)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.cause)?;
        self.remedy.iter().try_for_each(|remedy| write!(f, "; {remedy}"))
    }
}

/// Everything that is wrong, in the order of files and lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "problems that nobody reports were not found"]
pub struct Problems(BTreeSet<Problem>);

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.insert(problem);
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// `value` where nothing is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(BTreeSet::from([problem]))
    }
}

/// One line a problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["packages", "services", "summary"].into_iter().collect();
        assert_eq!(nearest("pakages", &known), Some("packages"));
        assert_eq!(nearest("sumary", &known), Some("summary"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
    }
}
