//! Checksums and signatures, which are looked at before the first byte.

use std::fs;
use std::path::Path;

use super::disks::{Loop, image, packed, run, sums};
use super::write::{flash, said};

/// A release of one image, packed, with its checksums and a signature by minisign; the public keys, ours first.
fn release(folder: &Path) -> [String; 2] {
    let raw = folder.join("image.raw");
    image(&raw);
    packed(&raw);
    fs::remove_file(&raw).unwrap();
    sums(folder);
    let keys = folder.parent().unwrap().join("keys");
    fs::create_dir_all(&keys).unwrap();
    let path = |name: &str| keys.join(name).to_str().unwrap().to_owned();
    for name in ["ours", "theirs"] {
        // -W: without a password.
        run(
            "minisign",
            &["-G", "-W", "-p", &path(&format!("{name}.pub")), "-s", &path(&format!("{name}.key"))],
        );
    }
    run("minisign", &["-S", "-s", &path("ours.key"), "-m", folder.join("SHA256SUMS").to_str().unwrap()]);
    [path("ours.pub"), path("theirs.pub")]
}

#[test]
fn what_is_signed_is_written_and_what_is_not_needs_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("release");
    fs::create_dir(&folder).unwrap();
    let [ours, theirs] = release(&folder);
    let Some(disk) = Loop::new(&dir.path().join("disk"), 64 << 20) else { return };
    let before = disk.bytes();
    let with = |more: &[&str]| {
        let args = ["image.raw.zst", &disk.node, "--confirm", disk.token()];
        said(&flash(&folder, &[&args, more].concat()))
    };
    let fails = |more: &[&str], why: &str| {
        let (text, code) = with(more);
        assert!(code == 5 && text.contains(why), "expected `{why}`:\n{text}");
        assert!(disk.bytes() == before, "the disk was written to");
    };
    fails(&[], "there is no key to check the signature with; give the maker's with `--key FILE`");
    fails(&["--key", &theirs], "SHA256SUMS.minisig` is bad");
    fails(&["--key", &theirs, "--allow-unsigned"], "SHA256SUMS.minisig` is bad");

    let signature = folder.join("SHA256SUMS.minisig");
    let (good, sums) = (fs::read_to_string(&signature).unwrap(), folder.join("SHA256SUMS"));
    fs::write(&signature, good.replacen("RU", "RV", 1)).unwrap();
    fails(&["--key", &ours, "--allow-unsigned"], "SHA256SUMS.minisig` is bad");
    fs::remove_file(&signature).unwrap();
    fails(&["--key", &ours], "or take the image as it is with `--allow-unsigned`");
    fs::write(&signature, &good).unwrap();

    // Signed checksums of something else.
    let right = fs::read_to_string(&sums).unwrap();
    fs::write(&sums, right.replace("image", "other")).unwrap();
    fails(&["--key", &ours, "--allow-unsigned"], "SHA256SUMS.minisig` is bad");
    fs::write(&sums, &right).unwrap();

    // A byte of the image, behind its head.
    let packed = folder.join("image.raw.zst");
    let bytes = fs::read(&packed).unwrap();
    let mut wrong = bytes.clone();
    let middle = wrong.len() / 2;
    wrong[middle] ^= 1;
    fs::write(&packed, &wrong).unwrap();
    fails(&["--key", &ours], "`image.raw.zst` is not what `./SHA256SUMS` says; fetch it again");
    fs::write(&packed, &bytes).unwrap();

    let (text, code) = with(&["--key", &ours]);
    assert!(code == 0 && text.contains("checksum and signature are right"), "{text}");
    let line = fs::read_to_string(&ours).unwrap().lines().nth(1).unwrap().to_owned();
    let (text, code) = with(&["--public-key", &line]);
    assert!(code == 0 && text.contains("checksum and signature are right"), "{text}");
    assert_eq!(with(&["--public-key", "nonsense"]).1, 2);
    let (text, code) = with(&["--allow-unsigned"]);
    assert!(code == 0 && text.contains("the checksum is right; the signature was not looked at"), "{text}");
}

#[test]
fn a_wrong_checksum_or_map_never_passes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let raw = folder.join("image.raw");
    image(&raw);
    let Some(disk) = Loop::new(&folder.join("disk"), 64 << 20) else { return };
    let before = disk.bytes();
    let fails = |why: &str| {
        let args = ["image.raw", &disk.node, "--confirm", disk.token(), "--allow-unsigned"];
        let (text, code) = said(&flash(folder, &args));
        assert!(code == 5 && text.contains(why), "expected `{why}`:\n{text}");
        assert!(disk.bytes() == before, "the disk was written to");
    };
    fs::write(folder.join("SHA256SUMS"), format!("{}  image.raw\n", "0".repeat(64))).unwrap();
    fails("`image.raw` is not what `./SHA256SUMS` says; fetch it again");
    fs::remove_file(folder.join("SHA256SUMS")).unwrap();

    // A map of another image of the same size: what it leaves out would be missing.
    let (other, map) = (folder.join("other.raw"), folder.join("image.bmap"));
    fs::write(&other, vec![7; 48 << 20]).unwrap();
    run("bmaptool", &["create", "-o", map.to_str().unwrap(), other.to_str().unwrap()]);
    fails("image.bmap` is not of `image.raw`");
    let text = fs::read_to_string(&map).unwrap();
    fs::write(&map, text.replace("0-12287", "0-12286")).unwrap();
    fails("it is not what its own sum says");
}

#[test]
fn a_release_is_verified_with_its_signature() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("release");
    fs::create_dir(&folder).unwrap();
    let [ours, theirs] = release(&folder);
    let verify = |key: &str| {
        let mut nuvol = std::process::Command::new(env!("CARGO_BIN_EXE_nuvol"));
        nuvol.arg("verify").arg(&folder).args(["--key", key]);
        String::from_utf8(nuvol.output().unwrap().stdout).unwrap()
    };
    // It has no manifest, which is told as ever.
    assert_eq!(verify(&ours), "SHA256SUMS: does not cover manifest.json\n");
    assert!(verify(&theirs).contains("SHA256SUMS.minisig` is bad"), "{}", verify(&theirs));
    fs::remove_file(folder.join("SHA256SUMS.minisig")).unwrap();
    assert!(verify(&ours).contains("SHA256SUMS.minisig: is missing"));
}
