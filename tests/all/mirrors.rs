//! Mirrors that fail in every way, before a small archive of our own: each time the cause is told, the exit
//! code is the right one, nothing is lost, and once the mirror is well again so is the next run.
//!
//! Needs apt-ftparchive, dpkg-deb and gpg, so asked for by `RUN_SLOW_TESTS=1`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::TcpListener;

use crate::common::lab::{Lab, wanted};
use crate::common::mirror::Fault;

#[test]
fn an_index_that_cannot_be_had() {
    if !wanted() {
        return;
    }
    let lab = Lab::new();
    lab.works();
    lab.archive.add("hello", "2", "", "");
    lab.archive.publish("1 hour ago", "next week");
    for (file, fault, words) in [
        ("trixie/InRelease", Fault::Broken, "the mirror has failed or broke off"),
        ("trixie/InRelease", Fault::Altered, "the mirror altered what was signed"),
        ("main/binary-amd64/Packages", Fault::Altered, "the mirror or a proxy gives damaged files"),
        ("main/binary-amd64/Packages", Fault::Cut, "the mirror has failed or broke off"),
        ("Release", Fault::Absent, "there is no such archive at this address"),
        // Without the signature there is Release, but nobody who vouches for it.
        ("InRelease", Fault::Absent, "the mirror has no signature of the archive"),
    ] {
        lab.mirror.fault(file, fault);
        lab.fails(7, &[&format!("likely cause: {words}"), &lab.mirror.url, "--offline"]);
    }
    lab.mirror.mend();
    lab.works();
    assert!(lab.text().contains("\nhello 2 "), "{}", lab.text());
}

#[test]
fn an_index_that_must_not_be_believed() {
    if !wanted() {
        return;
    }
    let lab = Lab::new();
    let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    lab.profile("[hello]", &format!("mirror: \"http://{down}/debian\""));
    lab.fails(7, &["likely cause: the mirror is down or out of reach", &down.to_string()]);

    lab.profile("[hello]", &format!("mirror: \"{}/debian\"", lab.mirror.url));
    lab.archive.publish("2 weeks ago", "1 week ago");
    lab.fails(7, &["likely cause: the mirror is out of date"]);
    // To this machine the archive lives in the future.
    lab.archive.publish("tomorrow", "next week");
    lab.fails(6, &["likely cause: this machine's clock is behind the archive's"]);

    let profile = fs::read_to_string(lab.path("tree/profiles/t.yaml")).unwrap();
    fs::write(lab.path("tree/profiles/t.yaml"), profile.replace("keyring: test.gpg, ", "")).unwrap();
    lab.archive.publish("1 hour ago", "next week");
    lab.fails(7, &["likely cause: the archive is signed by a key that is not known here"]);
    fs::write(lab.path("tree/profiles/t.yaml"), profile).unwrap();
    lab.works();
}

#[test]
fn packages_that_cannot_be_had() {
    if !wanted() {
        return;
    }
    let lab = Lab::new();
    for (fault, words) in [
        (Fault::Absent, "the mirror does not have it (HTTP 404)"),
        (Fault::Altered, "but the archive's index says"),
        (Fault::Cut, "the mirror broke off after "),
    ] {
        lab.mirror.fault("pool/hello", fault);
        lab.fails(7, &["fetching `hello` 1 from http://", words, "--mirror URL"]);
    }
    lab.mirror.fault("pool/hello", Fault::CutOnce);
    lab.works();
}

#[test]
fn a_slow_mirror_is_still_a_mirror() {
    if !wanted() {
        return;
    }
    let lab = Lab::new();
    for file in ["pool/hello", "trixie/InRelease"] {
        lab.mirror.fault(file, Fault::Slow);
        lab.works();
    }
}

#[test]
fn a_snapshot_gives_what_was_there_at_its_time() {
    if !wanted() {
        return;
    }
    let lab = Lab::new();
    lab.archive.publish("2020-01-02", "2020-01-09");
    lab.archive.keep("20200103T000000Z");
    lab.archive.add("hello", "2", "", "");
    lab.archive.publish("2021-01-02", "2021-01-09");
    lab.archive.keep("20210103T000000Z");
    let profile = |mirror: &str, time: &str| lab.profile("[hello]", &format!("{mirror}snapshot: {time}"));

    // A machine's own mirror is no snapshot service.
    profile("", "20200103T000000Z");
    lab.fails(3, &["not of which service", "--mirror URL"]);
    let service = format!("mirror: \"{}\", ", lab.mirror.url);
    // Its age is forgiven, nothing else is.
    lab.mirror.fault("20200103T000000Z/dists/trixie/InRelease", Fault::Altered);
    profile(&service, "20200103T000000Z");
    lab.fails(7, &["likely cause: the mirror altered what was signed"]);
    lab.mirror.mend();
    lab.works();
    let text = lab.text();
    assert!(text.contains("\nhello 1 ") && text.contains("\nepoch 1577923200\n"), "{text}");
    profile(&service, "20210103T000000Z");
    lab.works();
    let text = lab.text();
    assert!(text.contains("\nhello 2 ") && text.contains("\nepoch 1609545600\n"), "{text}");
    // What was fetched of a snapshot holds for ever.
    lab.mirror.fault("", Fault::Broken);
    profile(&service, "20200103T000000Z");
    lab.works();
    assert!(lab.text().contains("\nhello 1 "));
}
