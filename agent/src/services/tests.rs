use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::read;
use crate::node::Effect;

const SYNCTHING: &str = "\
name: syncthing
title: Syncthing
summary: Keep folders in step
role: storage
units: [syncthing@nuvol.service]
start: on-demand
ports:
- {name: sync, port: 22000, protocol: tcp, scope: mesh}
announce: {type: _syncthing._tcp, port: sync}
probe: {kind: syncthing, port: sync}
data: [/var/lib/syncthing]
a-key-of-tomorrow: 1
";

fn put(path: &Path, text: &str) {
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Reads a catalogue of these files and gives the names of its services and the causes of its problems.
fn check(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("services");
    std::fs::create_dir(&dir).unwrap();
    put(&home.path().join("image.yaml"), "profile: home\nversion: \"0.1.0\"\nsummary: A node\n");
    files.iter().for_each(|(name, text)| put(&dir.join(name), text));
    let found = read(&dir);
    let prefix = format!("{}/", dir.display());
    let causes = found.problems.iter().map(|problem| problem.cause.replace(&prefix, ""));
    (found.catalogue.services.keys().cloned().collect(), causes.collect())
}

#[test]
fn a_service_of_the_image_is_read_with_keys_that_are_not_known_yet() {
    let (names, causes) =
        check(&[("syncthing.yaml", SYNCTHING), ("notes.txt", "not a service"), (".x.yaml", "")]);
    assert_eq!((names, causes), (vec!["syncthing".to_owned()], vec![]));
}

#[test]
fn a_bad_file_is_named_with_line_and_column_and_the_others_are_read() {
    let cases = [
        ("port: 22000", "port: 0", "bad.yaml:8:16: invalid value: integer `0`, expected a nonzero u16"),
        (
            "on-demand",
            "sometimes",
            "bad.yaml:6:8: unknown variant `sometimes`, expected one of always, on-demand",
        ),
        ("units: [syncthing@nuvol.service]", "units: []", "bad.yaml:5:8: a service needs at least one unit"),
        ("syncthing@nuvol.service", "../evil", "bad.yaml:5:9: `../evil` is not the name of a systemd unit"),
        ("role: storage\n", "", "bad.yaml:11:1: missing field `role`"),
        (
            "role: storage\n",
            "role: a\nrole: b\n",
            "bad.yaml:5:1: duplicate mapping key `role` is not allowed here",
        ),
        ("role: storage", "role: [", "bad.yaml:4:7: expected string scalar"),
    ];
    for (good, bad, expected) in cases {
        let text = SYNCTHING.replace(good, bad).replace("name: syncthing", "name: bad");
        let (names, causes) = check(&[("bad.yaml", &text), ("syncthing.yaml", SYNCTHING)]);
        assert_eq!(names, ["syncthing"], "{bad}");
        assert_eq!(causes, [expected], "{bad}");
    }
}

#[test]
fn no_two_files_can_claim_one_service() {
    let (names, causes) = check(&[("other.yaml", SYNCTHING), ("syncthing.yaml", SYNCTHING)]);
    assert_eq!(names, ["syncthing"]);
    assert_eq!(
        causes,
        ["other.yaml:1:7: the service is called `syncthing`, so its file must be `syncthing.yaml`"]
    );
}

#[test]
fn a_huge_file_is_refused() {
    let huge = format!("{SYNCTHING}# {}\n", "x".repeat(70_000));
    let (names, causes) = check(&[("syncthing.yaml", &huge)]);
    assert_eq!((names.len(), causes.len()), (0, 1));
    assert!(causes[0].ends_with("it is larger than 65536 bytes"), "{causes:?}");
}

#[test]
fn an_image_without_catalogue_says_so() {
    let home = tempfile::tempdir().unwrap();
    let found = read(&home.path().join("services"));
    let effects: Vec<_> = found.problems.into_iter().map(|problem| problem.effect).collect();
    assert_eq!(effects, [Effect::ImageUnknown, Effect::ServicesUnknown]);
}
