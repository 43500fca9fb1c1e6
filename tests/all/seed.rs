//! `nuvol seed` on images and disks, looked at by mtools, sfdisk, sgdisk and xorriso, which know nothing of us.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the program under test is run as a user would")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const START: u64 = 66 << 20;
const SIZE: u64 = 16 << 20;

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).env("MTOOLS_SKIP_CHECK", "1").output();
    output.unwrap_or_else(|error| panic!("{program}: {error}; ci/setup test installs it"))
}

/// What a program prints, which must end well.
fn told(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Runs `nuvol seed`; returns its exit code and all that it said.
fn seed(arguments: &[&str]) -> (i32, String) {
    let mut nuvol = Command::new(env!("CARGO_BIN_EXE_nuvol"));
    let output = nuvol.arg("seed").args(arguments).env("NO_COLOR", "1").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn shell(script: &str) {
    told("sh", &["-euc", script]);
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// A disk with the partitions of ours: BIOS, ESP, NUVOL-CFG, root.
fn disk(folder: &Path) -> PathBuf {
    let path = folder.join("disk.raw");
    let shown = show(&path);
    shell(&format!(
        "truncate -s 100M {shown}\n\
         printf 'label: gpt\\nstart=1MiB,size=1MiB\\nsize=64MiB,type=uefi\\nstart=66MiB,size=16MiB,name=\"nuvol-cfg\"\\n\
         size=8MiB\\n' | sfdisk --quiet {shown}\n\
         mformat -i {shown}@@2M -T 131072 -v ESP ::\n\
         mformat -i {shown}@@66M -T 32768 -v NUVOL-CFG ::"
    ));
    path
}

/// What stands outside of NUVOL-CFG.
fn rest(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes.drain(START as usize..(START + SIZE) as usize);
    bytes
}

fn inside(path: &Path, offset: u64, name: &str) -> String {
    told("mtype", &["-i", &format!("{}@@{offset}", show(path)), &format!("::{name}")])
}

const GOOD: &str = "version = 1\nname = \"ana\" # hers\n\n[[network]]\naddresses = [\"10.0.2.15/24\"]\n";

#[test]
fn a_disk_is_seeded_and_nothing_else_of_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, config) = (disk(dir.path()), dir.path().join("ana.toml"));
    fs::write(&config, GOOD).unwrap();
    let before = rest(&disk);
    let (code, said) = seed(&[&show(&disk), "--config", &show(&config)]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(inside(&disk, START, "nuvol.toml"), GOOD);
    // A code comes in later, and the rest stays as it was written.
    let (code, said) = seed(&[&show(&disk), "--claim-code"]);
    let drawn = said.lines().find_map(|line| line.strip_prefix("claim code: ")).unwrap();
    assert!(code == 0 && nuvol_seed::claim::is_code(drawn), "{said}");
    let text = inside(&disk, START, "nuvol.toml");
    let (hash, others): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("claim-code-hash"));
    assert_eq!(others, GOOD.lines().collect::<Vec<_>>());
    assert!(hash[0].contains("$argon2id$") && !text.contains(drawn), "{text}");
    assert!(rest(&disk) == before, "bytes outside of NUVOL-CFG changed");
    told("sfdisk", &["--verify", &show(&disk)]);
    let found = told("minfo", &["-i", &format!("{}@@{START}", show(&disk)), "::"]);
    assert!(found.contains("NUVOL-CFG"), "{found}");

    // What the node writes beside it is shown.
    let result = dir.path().join("nuvol-result.json");
    fs::write(
        &result,
        r#"{"version":1,"nuvol":"0.1.0","sha256":null,"keys":{"name":{"state":"applied"}},"problems":[]}"#,
    )
    .unwrap();
    told("mcopy", &["-i", &format!("{}@@{START}", show(&disk)), &show(&result), "::"]);
    let (code, said) = seed(&[&show(&disk), "--show"]);
    assert!(code == 0 && said.contains("# hers") && said.contains("name: applied"), "{said}");
}

#[test]
fn a_mistake_is_told_with_its_place_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path());
    let before = fs::read(&disk).unwrap();
    let broken = "tests/trees/seed/broken.toml";
    for arguments in [&[&show(&disk), "--config", broken, "--claim-code"][..], &["--check", broken]] {
        let (code, said) = seed(arguments);
        assert_eq!(code, 3, "{said}");
        for place in ["2:8", "3:1", "6:9", "9:14"] {
            assert!(said.contains(&format!("broken.toml:{place}")), "{place}: {said}");
        }
        assert!(!said.contains("claim code:"), "{said}");
    }
    assert!(fs::read(&disk).unwrap() == before, "the image was touched");
}

#[test]
fn what_cannot_be_seeded_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, head: &[u8]| {
        let path = dir.path().join(name);
        let file = File::create(&path).unwrap();
        file.set_len(4 << 20).unwrap();
        file.write_all_at(head, 0).unwrap();
        show(&path)
    };
    for (path, cause) in [
        (file("a.qcow2", b"QFI\xfb"), "a qcow2 image"),
        (file("a.zst", &[0x28, 0xb5, 0x2f, 0xfd]), "compressed (zstd)"),
        (file("a.raw", b"nothing"), "no partition NUVOL-CFG"),
        (show(dir.path()), "no image and no disk"),
        (show(&dir.path().join("not-there")), "opening"),
    ] {
        let (code, said) = seed(&[&path, "--claim-code"]);
        assert!(code == 1 && said.contains(cause), "{code} {said}");
    }
    assert!(!dir.path().join("not-there").exists());
    assert_eq!(seed(&[]).0, 2);
    let (code, said) = seed(&[&file("b.raw", b"")]);
    assert!(code == 1 && said.contains("--config"), "{said}");
}

#[test]
fn an_iso_keeps_its_table_and_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| show(&dir.path().join(name));
    fs::create_dir(dir.path().join("medium")).unwrap();
    fs::write(dir.path().join("medium/file"), "content\n").unwrap();
    fs::write(dir.path().join("ana.toml"), GOOD).unwrap();
    // As src/image/iso.rs does it.
    shell(&format!(
        "truncate -s 8M {efi}\nmformat -i {efi} -v NUVOL-EFI ::\ntruncate -s 4M {cfg}\nmformat -i {cfg} -v NUVOL-CFG ::\n\
         xorriso -as mkisofs -quiet -o {iso} -V NUVOL -J -r -partition_offset 16 \
         -append_partition 2 C12A7328-F81F-11D2-BA4B-00A0C93EC93B {efi} \
         -append_partition 3 EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 {cfg} -appended_part_as_gpt \
         -e --interval:appended_partition_2:all:: -no-emul-boot {medium}",
        efi = at("efi.img"),
        cfg = at("cfg.img"),
        iso = at("live.iso"),
        medium = at("medium"),
    ));
    let (code, said) = seed(&[&at("live.iso"), "--config", &at("ana.toml")]);
    assert_eq!(code, 0, "{said}");
    let verdict = told("sgdisk", &["--verify", &at("live.iso")]);
    assert!(verdict.contains("No problems found"), "{verdict}");
    let table = told("sfdisk", &["--json", &at("live.iso")]);
    let table: serde_json::Value = serde_json::from_str(&table).unwrap();
    let parts = table["partitiontable"]["partitions"].as_array().unwrap();
    let of_data =
        |it: &&serde_json::Value| it["type"] == "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7" && it["size"] == 8192;
    let start = parts.iter().find(of_data).unwrap()["start"].as_u64().unwrap() * 512;
    assert_eq!(inside(&dir.path().join("live.iso"), start, "nuvol.toml"), GOOD);
    let files =
        told("xorriso", &["-indev", &at("live.iso"), "-osirrox", "on", "-extract", "/file", &at("out")]);
    assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap(), "content\n", "{files}");
}

/// The first example of the manual is valid, and has all that there is.
#[test]
fn the_manual_tells_the_truth() {
    let manual = fs::read_to_string("docs/formats.md").unwrap();
    let example = manual.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let read = nuvol_seed::read(example);
    assert_eq!(read.problems, []);
    assert!(
        nuvol_seed::Section::ALL.into_iter().all(|section| read.config.has(section)),
        "{:?}",
        read.config
    );
}
