//! The map in docs/ARCHITECTURE.md, held by a test: which module may name which.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// What each module may name, itself aside, in the order of the flow.
const MAY_USE: &[(&str, &[&str])] = &[
    ("spec", &[]),
    ("plan", &["spec"]),
    ("overlay", &["plan", "spec"]),
    ("host", &[]),
    ("store", &[]),
    ("report", &["store"]),
    ("remote", &["store"]),
    ("workshop", &["host", "store", "report", "remote"]),
    ("rootfs", &["overlay", "plan", "spec", "host", "store", "report", "remote", "workshop"]),
    ("disk", &["rootfs", "overlay", "plan", "spec", "host", "store", "report", "remote", "workshop"]),
    (
        "image",
        &["disk", "rootfs", "overlay", "plan", "spec", "host", "store", "report", "remote", "workshop"],
    ),
    (
        "release",
        &[
            "image", "disk", "rootfs", "overlay", "plan", "spec", "host", "store", "report", "remote",
            "workshop",
        ],
    ),
    ("vm", &["host", "spec"]),
    ("lab", &["host"]),
    ("media", &["store"]),
];

/// These stand above the stages and may name all of them.
const ABOVE: [&str; 4] = ["pipeline", "cli", "main", "lib"];

/// One crate, one file: changing the crate is changing one file.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("serde_yaml::", &["src/spec/yaml.rs"]),
    // Overlays of whoever writes profiles, with their errors; and one template of our own.
    ("tera::", &["src/overlay/render.rs", "src/image/ova.rs"]),
    ("annotate_snippets::", &["src/spec/report.rs"]),
    ("crc32c::", &["src/disk/ext4/bytes.rs"]),
];

const MOST_LINES: usize = 400;

#[test]
fn modules_name_only_what_the_map_allows() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let Some((module, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module_of(&file)) else {
            continue;
        };
        for used in text.split("crate::").skip(1).map(first_word) {
            if used != *module && !allowed.contains(&used) {
                wrong.push(format!("{file}: `{module}` must not name `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "see docs/ARCHITECTURE.md\n{}", wrong.join("\n"));
}

#[test]
fn every_module_is_on_the_map() {
    for (file, _) in sources("src") {
        let module = module_of(&file);
        let known = ABOVE.contains(&module) || MAY_USE.iter().any(|(name, _)| *name == module);
        assert!(
            known,
            "{file}: `{module}` is not on the map (docs/ARCHITECTURE.md, tests/all/architecture.rs)"
        );
    }
}

#[test]
fn a_crate_stays_in_its_file() {
    for (file, text) in sources("src") {
        for (krate, homes) in ONLY_IN {
            let at_home = homes.contains(&file.as_str());
            assert!(at_home || !text.contains(krate), "{file}: `{krate}` belongs in {}", homes.join(", "));
        }
    }
}

#[test]
fn a_file_can_be_read_in_one_sitting() {
    for (file, text) in
        ["src", "agent/src", "install/src", "media/src", "seed/src"].into_iter().flat_map(sources)
    {
        let lines = text.split("#[cfg(test)]\nmod tests").next().unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{file} has {lines} lines: split it by what it is about");
    }
}

/// `spec` of `src/spec/yaml.rs` and of `src/spec.rs`.
fn module_of(file: &str) -> &str {
    let path = file.strip_prefix("src/").unwrap();
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn first_word(rest: &str) -> &str {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    &rest[..end]
}

fn sources(dir: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(dir), &mut found);
    found.sort();
    found
}
