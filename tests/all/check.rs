//! What `nuvol check`, `nuvol plan` and `nuvol schema` print, whole, for trees with every kind of mistake.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the program under test is run as a user would")]

use std::process::Command;

use crate::common::assert_golden;

/// Runs `nuvol`, and compares all that it said with a golden transcript.
fn check(name: &str, arguments: &[&str]) {
    let mut nuvol = Command::new(env!("CARGO_BIN_EXE_nuvol"));
    // An empty shelf: nothing is known of the archive.
    nuvol.args(arguments).env("NO_COLOR", "1").env("NUVOL_CACHE", env!("CARGO_TARGET_TMPDIR"));
    let output = nuvol.output().unwrap();
    let mut transcript = format!("$ nuvol {}\n", arguments.join(" "));
    transcript.push_str(&String::from_utf8(output.stdout).unwrap());
    let messages = String::from_utf8(output.stderr).unwrap();
    if !messages.is_empty() {
        transcript.push_str(&format!("--- messages\n{messages}"));
    }
    transcript.push_str(&format!("--- exit {}\n", output.status.code().unwrap()));
    assert_golden(&format!("tests/golden/transcripts/{name}.txt"), &transcript);
}

#[test]
fn a_tree_without_mistakes() {
    check("good", &["check", "--tree", "tests/trees/good"]);
}

#[test]
fn mistakes_in_the_text_of_a_profile() {
    check("keys", &["check", "--tree", "tests/trees/keys"]);
}

#[test]
fn mistakes_of_inheritance() {
    check("inherit", &["check", "--tree", "tests/trees/inherit"]);
}

#[test]
fn mistakes_in_the_catalogue() {
    check("catalogue", &["check", "--tree", "tests/trees/catalogue"]);
}

#[test]
fn mistakes_in_overlays() {
    check("overlays", &["check", "--tree", "tests/trees/overlays"]);
}

#[test]
fn only_the_profile_that_was_named_is_checked() {
    check("named", &["check", "--tree", "tests/trees/inherit", "less"]);
}

#[test]
fn a_profile_that_is_not_there() {
    check("absent", &["check", "--tree", "tests/trees/good", "nod", "No"]);
}

#[test]
fn a_folder_that_is_no_tree() {
    check("no-tree", &["check", "--tree", "tests/golden"]);
}

#[test]
fn problems_for_programs() {
    check("json", &["check", "--tree", "tests/trees/inherit", "less", "--format", "json"]);
}

#[test]
fn problems_for_a_forge() {
    check("github", &["check", "--tree", "tests/trees/catalogue", "--format", "github"]);
}

#[test]
fn the_plan_of_a_profile() {
    check("plan", &["plan", "--tree", "tests/trees/good", "node"]);
}

#[test]
fn the_plan_of_a_profile_with_mistakes() {
    check("plan-wrong", &["plan", "--tree", "tests/trees/inherit", "lost"]);
}

#[test]
fn where_everything_came_from() {
    check("origins", &["plan", "--tree", "tests/trees/good", "node", "--origin"]);
}

#[test]
fn where_one_value_came_from() {
    check("origin", &["plan", "--tree", "tests/trees/good", "node", "--origin", "variables.community"]);
}

#[test]
fn where_one_value_came_from_for_programs() {
    check(
        "origin-json",
        &["plan", "--tree", "tests/trees/good", "node", "--json", "--origin", "packages.syncthing"],
    );
}

#[test]
fn where_an_unknown_value_came_from() {
    check("origin-unknown", &["plan", "--tree", "tests/trees/good", "node", "--origin", "packges"]);
}

#[test]
fn the_jobs_of_a_pipeline() {
    check("matrix", &["plan", "--matrix", "--tree", "tests/trees/good"]);
    check("matrix-gitlab", &["plan", "--matrix=gitlab", "--tree", "tests/trees/good", "node"]);
    check("matrix-wrong", &["plan", "--matrix", "--tree", "tests/trees/inherit"]);
}

#[test]
fn the_schemas_for_editors() {
    for kind in ["profile", "packages", "overlay", "seed"] {
        check(&format!("schema-{kind}"), &["schema", kind]);
    }
}
