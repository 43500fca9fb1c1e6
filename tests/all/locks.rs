//! Locks before a small archive of our own: one package is updated alone, and what changes is told.
//!
//! Needs apt-ftparchive, dpkg-deb and gpg, so asked for by `RUN_SLOW_TESTS=1`.

#![allow(clippy::unwrap_used)]

use crate::common::lab::{Lab, wanted};

/// A lab whose archive has newer packages than its lock.
fn outdated() -> Lab {
    let lab = Lab::new();
    lab.archive.add("libhello", "1", "", "");
    lab.archive.add("other", "1", "", "");
    lab.archive.publish("yesterday", "next week");
    let profile = std::fs::read_to_string(lab.path("tree/profiles/t.yaml")).unwrap();
    let profile = profile.replace("[hello]", "[hello, libhello, other]");
    std::fs::write(lab.path("tree/profiles/t.yaml"), profile).unwrap();
    lab.works();

    let changelog = "hello (2) trixie-security; urgency=high\n\n  * Mind the length.\n    (CVE-2026-12345)\n\n -- T\n\n\
                     hello (1) trixie; urgency=low\n\n  * Begin.\n\n -- T\n";
    lab.archive.add("hello", "2", "Depends: libhello (>= 2), fresh\n", changelog);
    lab.archive.add("libhello", "2", "", "");
    lab.archive.add("fresh", "1", "", "");
    lab.archive.add("other", "2", "Conflicts: libhello\n", "");
    lab.archive.publish("1 hour ago", "next week");
    lab
}

/// Names and versions of what is installed.
fn installed(lab: &Lab) -> Vec<String> {
    let text = lab.text();
    let lines =
        text.lines().skip_while(|line| *line != "packages amd64").skip(1).take_while(|it| !it.is_empty());
    lines.map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_package_is_updated_alone_and_its_news_are_told() {
    if !wanted() {
        return;
    }
    let lab = outdated();
    let before = ["apt 1", "essential 1", "hello 1", "libhello 1", "other 1"];
    assert_eq!(installed(&lab), before);
    // What would change is told, but only `--update` changes it.
    let profile = std::fs::read_to_string(lab.path("tree/profiles/t.yaml")).unwrap();
    std::fs::write(lab.path("tree/profiles/t.yaml"), profile.replace(", other]", "]")).unwrap();
    let (code, out, err) = lab.nuvol(&["lock", "t"]);
    assert_eq!((code, installed(&lab)), (1, before.map(str::to_owned).to_vec()), "{err}");
    assert!(out.contains("- other 1\n") && err.contains("`nuvol lock t --update` replaces it"), "{out}{err}");

    let (code, out, err) = lab.nuvol(&["lock", "t", "--update", "--package", "hello"]);
    assert_eq!(code, 0, "{err}");
    let told = "+ fresh 1\n  hello 1 -> 2\n  libhello 1 -> 2\n\n\
                hello 1 -> 2\n  2 (high) CVE-2026-12345\n    Mind the length. (CVE-2026-12345)\n\nlibhello 1 -> 2\n";
    assert_eq!(out, told);
    assert_eq!(installed(&lab), ["apt 1", "essential 1", "fresh 1", "hello 2", "libhello 2", "other 1"]);
}

#[test]
fn what_cannot_be_updated_alone_is_refused() {
    if !wanted() {
        return;
    }
    let lab = outdated();
    let before = lab.text();
    let (code, _, err) = lab.nuvol(&["lock", "t", "--update", "--package", "helo"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("did you mean `hello`?"), "{err}");
    // It would take another package out.
    let (code, _, err) = lab.nuvol(&["lock", "t", "--update", "--package", "other"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("without `--package` changes all"), "{err}");
    assert_eq!(lab.text(), before);

    let (code, out, err) = lab.nuvol(&["lock", "t", "--update", "--package", "hello", "--json"]);
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["news"][0]["entries"][0]["flaws"][0], "CVE-2026-12345");
    assert_eq!(told["changes"][0]["lists"][0], "amd64");
}
