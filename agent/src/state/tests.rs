use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{certificate, claim_code, forget_claim_code, new_claim_code, node_key, preset_claim_code};

fn text_of(path: &Path) -> String {
    let mut text = String::new();
    File::open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn mode_of(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_node_keeps_its_key_and_two_nodes_have_two() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = node_key(one.path()).unwrap().public();
    assert_eq!(first.len(), 64);
    assert_eq!(node_key(one.path()).unwrap().public(), first);
    assert_ne!(node_key(two.path()).unwrap().public(), first);
    assert_eq!(mode_of(&one.path().join("node.key")), 0o600);
}

#[test]
fn a_damaged_key_is_an_error_at_every_length_and_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    node_key(dir.path()).unwrap();
    let path = dir.path().join("node.key");
    let whole = text_of(&path);
    let end = whole.find("-----END").unwrap();
    for length in 0..end {
        File::create(&path).unwrap().write_all(&whole.as_bytes()[..length]).unwrap();
        let error =
            node_key(dir.path()).err().unwrap_or_else(|| panic!("{length} bytes were taken for a key"));
        assert!(error.to_string().contains("node.key` is damaged; put back a copy, or move"), "{error}");
        assert_eq!(text_of(&path), whole[..length]);
    }
    // One digit changed: private and public half no longer fit.
    let other = if whole.as_bytes()[end - 20] == b'A' { "B" } else { "A" };
    let mut changed = whole.clone();
    changed.replace_range(end - 20..end - 19, other);
    File::create(&path).unwrap().write_all(changed.as_bytes()).unwrap();
    assert!(node_key(dir.path()).is_err());
}

#[test]
fn a_key_that_was_being_written_when_the_power_failed_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    File::create(dir.path().join("node.new")).unwrap().write_all(b"-----BEGIN PRIV").unwrap();
    let key = node_key(dir.path()).unwrap().public();
    assert_eq!(node_key(dir.path()).unwrap().public(), key);
}

#[test]
fn the_certificate_is_made_anew_for_another_name_and_its_key_stays() {
    let dir = tempfile::tempdir().unwrap();
    let key = node_key(dir.path()).unwrap();
    let first = certificate(dir.path(), "nuvol-1a2b3c4d", &key).unwrap();
    assert_eq!(first.fingerprint.len(), 32 * 3 - 1);
    assert_eq!(certificate(dir.path(), "nuvol-1a2b3c4d", &key).unwrap().pem, first.pem);
    let other = certificate(dir.path(), "another-name", &key).unwrap();
    assert_ne!(other.fingerprint, first.fingerprint);
    let end = "-----END PRIVATE KEY-----";
    assert_eq!(other.pem.split(end).next(), first.pem.split(end).next());
    let path = dir.path().join("tls.pem");
    assert_eq!(mode_of(&path), 0o600);
    File::create(&path).unwrap().write_all(&first.pem.as_bytes()[..first.pem.len() - 40]).unwrap();
    let error = certificate(dir.path(), "nuvol-1a2b3c4d", &key).err().unwrap().to_string();
    assert!(error.contains("tls.pem` is damaged; move it aside"), "{error}");
}

#[test]
fn the_claim_code_outlives_the_agent_but_not_the_boot() {
    let run = tempfile::tempdir().unwrap();
    assert_eq!(claim_code(run.path()).unwrap(), None);
    let code = new_claim_code(run.path()).unwrap();
    assert_eq!(claim_code(run.path()).unwrap().as_ref(), Some(&code));
    let path = run.path().join("claim-code");
    assert_eq!((text_of(&path), mode_of(&path)), (format!("{code}\n"), 0o644));
    assert_ne!(new_claim_code(run.path()).unwrap(), code);
    File::create(&path).unwrap().write_all(b"K7QF").unwrap();
    assert_eq!(claim_code(run.path()).unwrap(), None);
    forget_claim_code(run.path()).unwrap();
    forget_claim_code(run.path()).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_code_that_was_set_before_boot_is_a_hash_or_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hash");
    assert_eq!(preset_claim_code(&path).unwrap(), None);
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA";
    File::create(&path).unwrap().write_all(format!("{hash}\n").as_bytes()).unwrap();
    assert_eq!(preset_claim_code(&path).unwrap().as_deref(), Some(hash));
    for bad in ["", "K7QF-93MX", "$argon2id$ two words", &format!("$argon2id${}", "a".repeat(600))] {
        File::create(&path).unwrap().write_all(bad.as_bytes()).unwrap();
        assert!(preset_claim_code(&path).is_err(), "{bad:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let error = node_key(Path::new("/proc/nowhere")).err().unwrap();
    assert_eq!(error.to_string(), "writing `/proc/nowhere/node.key`");
}
