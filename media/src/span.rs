//! Stretches of an image or a disk in bytes, and lists of them.

use std::fmt;
use std::fs::File;

use serde::Serialize;

/// The bytes `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// The first byte.
    pub from: u64,
    /// The byte behind the last one.
    pub to: u64,
}

impl Span {
    /// The bytes `from..to`.
    pub fn new(from: u64, to: u64) -> Self {
        Self { from, to: to.max(from) }
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.to - self.from
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// What it shares with `other`.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes at offset {}", self.length(), self.from)
    }
}

/// How many bytes they have together.
pub fn length(spans: &[Span]) -> u64 {
    spans.iter().map(Span::length).sum()
}

/// `spans` in order, those that touch or overlap as one, and those with a gap of less than `gap` bytes too.
pub fn joined(mut spans: Vec<Span>, gap: u64) -> Vec<Span> {
    spans.retain(|it| !it.is_empty());
    spans.sort_unstable();
    let mut found: Vec<Span> = Vec::new();
    for span in spans {
        match found.last_mut() {
            Some(last) if span.from <= last.to || span.from - last.to < gap => last.to = last.to.max(span.to),
            _ => found.push(span),
        }
    }
    found
}

/// What of `spans` is not in `holes`; both in order and without overlap.
pub fn without(spans: &[Span], holes: &[Span]) -> Vec<Span> {
    let mut found = Vec::new();
    for span in spans {
        let mut from = span.from;
        for hole in holes.iter().filter_map(|hole| hole.and(span)) {
            if hole.from > from {
                found.push(Span::new(from, hole.from));
            }
            from = hole.to;
        }
        if from < span.to {
            found.push(Span::new(from, span.to));
        }
    }
    found
}

/// What of `spans` is also in `others`; both in order and without overlap.
pub fn within(spans: &[Span], others: &[Span]) -> Vec<Span> {
    spans.iter().flat_map(|span| others.iter().filter_map(|other| span.and(other))).collect()
}

/// Where a file has data between bytes `at` and `end`, as `from..to`; between lie holes. Reading a hole makes the
/// kernel fill pages with zeros, which takes longer than hashing them.
pub fn spans(file: &File, mut at: u64, end: u64) -> anyhow::Result<Vec<(u64, u64)>> {
    use rustix::fs::SeekFrom::{Data, Hole};
    let mut found = Vec::new();
    while at < end {
        let from = match rustix::fs::seek(file, Data(at)) {
            Ok(from) if from >= end => break,
            Ok(from) => from,
            // Only a hole is left.
            Err(rustix::io::Errno::NXIO) => break,
            Err(err) => return Err(err.into()),
        };
        at = rustix::fs::seek(file, Hole(from))?.min(end);
        found.push((from, at));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop};
    use proptest::{prop_assert_eq, proptest};

    use super::{Span, joined, length, within, without};

    fn bytes(spans: &[Span]) -> Vec<u64> {
        spans.iter().flat_map(|it| it.from..it.to).collect()
    }

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        prop::collection::vec((0..40_u64, 0..12_u64), 0..6)
            .prop_map(|it| it.into_iter().map(|(from, length)| Span::new(from, from + length)).collect())
    }

    proptest! {
        #[test]
        fn lists_of_spans_are_sets_of_bytes(one in spans(), other in spans()) {
            let (one, other) = (joined(one, 0), joined(other, 0));
            let (left, right) = (bytes(&one), bytes(&other));
            prop_assert_eq!(length(&one), left.len() as u64);
            let less: Vec<u64> = left.iter().copied().filter(|it| !right.contains(it)).collect();
            prop_assert_eq!(bytes(&without(&one, &other)), less);
            let both: Vec<u64> = left.iter().copied().filter(|it| right.contains(it)).collect();
            prop_assert_eq!(bytes(&within(&one, &other)), both);
        }
    }

    #[test]
    fn small_gaps_are_filled() {
        let spans = vec![Span::new(10, 20), Span::new(0, 5), Span::new(23, 30)];
        assert_eq!(joined(spans.clone(), 4), [Span::new(0, 5), Span::new(10, 30)]);
        assert_eq!(joined(spans, 6), [Span::new(0, 30)]);
    }
}
