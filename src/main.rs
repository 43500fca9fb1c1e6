//! `nuvol`: see `nuvol help`.

fn main() {}
