//! A tree, a shelf, an archive and a mirror for tests that run `nuvol` against them.

use std::fs;
use std::process::{Command, Stdio};

use super::archive::Archive;
use super::mirror::Mirror;

/// Whether slow tests were asked for.
pub fn wanted() -> bool {
    std::env::var("RUN_SLOW_TESTS").is_ok_and(|value| value == "1")
}

/// A tree, a shelf, an archive and its mirror.
pub struct Lab {
    dir: tempfile::TempDir,
    /// The archive.
    pub archive: Archive,
    /// Its mirror.
    pub mirror: Mirror,
}

/// How a run ended: exit code, standard output, standard error.
pub type Ended = (i32, String, String);

impl Lab {
    /// With a package `hello` and a profile `t` that has it.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::new(dir.path());
        archive.add("hello", "1", "", "");
        archive.publish("yesterday", "next week");
        let mirror = Mirror::of(archive.folder());
        let lab = Self { dir, archive, mirror };
        fs::create_dir_all(lab.path("tree/profiles")).unwrap();
        fs::create_dir(lab.path("tree/keys")).unwrap();
        fs::write(lab.path("tree/keys/test.gpg"), lab.archive.keyring()).unwrap();
        lab.profile("[hello]", &format!("mirror: \"{}/debian\"", lab.mirror.url));
        lab
    }

    /// A path of the lab.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the profile.
    pub fn profile(&self, packages: &str, archive: &str) {
        let text = format!(
            "summary: T\nversion: 1\nformats: [raw]\npackages: {packages}\n\
             archive: {{ keyring: test.gpg, {archive} }}\n"
        );
        fs::write(self.path("tree/profiles/t.yaml"), text).unwrap();
    }

    /// Runs `nuvol` to its end.
    pub fn nuvol(&self, args: &[&str]) -> Ended {
        let mut nuvol = Command::new(env!("CARGO_BIN_EXE_nuvol"));
        nuvol.args(args).arg("--tree").arg(self.path("tree")).env("NUVOL_CACHE", self.path("shelf"));
        let out = nuvol.stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
    }

    /// Locks the profile, whatever its lock was.
    pub fn lock(&self) -> Ended {
        self.nuvol(&["lock", "t", "--update"])
    }

    /// The lock.
    pub fn text(&self) -> String {
        fs::read_to_string(self.path("tree/profiles/t.lock")).unwrap_or_default()
    }

    /// Expects `lock` to fail with `code` and all of `words`, and to leave the lock as it was.
    pub fn fails(&self, code: i32, words: &[&str]) {
        let before = self.text();
        let (found, out, err) = self.lock();
        assert_eq!(found, code, "{out}{err}");
        for words in words {
            assert!(err.contains(words), "expected `{words}` in: {err}");
        }
        assert_eq!(before, self.text());
    }

    /// Expects `lock` to work.
    pub fn works(&self) {
        let (code, out, err) = self.lock();
        assert_eq!(code, 0, "{out}{err}");
    }
}
