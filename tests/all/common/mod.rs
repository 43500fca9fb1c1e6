//! What several tests use. Golden files: what a program printed once, was looked at by a person, and must print again.
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "tests start programs as people do")]

pub mod archive;
pub mod lab;
pub mod mirror;

use std::fs;
use std::path::Path;

/// Compares with the golden file; `UPDATE_GOLDEN=1` writes it anew, for the diff to be looked at.
pub fn assert_golden(path: &str, text: &str) {
    let path = Path::new(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        return;
    }
    let golden = fs::read_to_string(path).unwrap_or_default();
    let first = golden.lines().zip(text.lines()).position(|(golden, now)| golden != now);
    let line = first.unwrap_or_else(|| golden.lines().count().min(text.lines().count())) + 1;
    assert!(
        golden == text,
        "{}:{line} differs; if it should, run again with UPDATE_GOLDEN=1 and look at the diff\n\n{text}",
        path.display()
    );
}
