//! The command line: one verb a file.

pub mod check;
pub mod plan;
pub mod schema;
