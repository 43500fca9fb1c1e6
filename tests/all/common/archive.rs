//! A Debian archive of a handful of tiny packages, made and signed here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the builder asks of every archive: essential packages, apt, and its own tools.
const USUAL: [&str; 17] = [
    "essential",
    "apt",
    "mmdebstrap",
    "debian-archive-keyring",
    "e2fsprogs",
    "libarchive13t64",
    "dosfstools",
    "mtools",
    "fdisk",
    "grub-common",
    "squashfs-tools",
    "xorriso",
    "qemu-utils",
    "zstd",
    "cpio",
    "tar",
    "udev",
];

/// The archive's folder, and the key that signs it.
pub struct Archive {
    folder: PathBuf,
    home: PathBuf,
}

impl Archive {
    /// An archive below `folder` with the packages that every build asks for, not yet published.
    pub fn new(folder: &Path) -> Self {
        let made = Self { folder: folder.join("archive"), home: folder.join("gnupg") };
        fs::create_dir_all(made.folder.join("debian/pool")).unwrap();
        fs::create_dir_all(made.folder.join("debian-security")).unwrap();
        fs::create_dir(&made.home).unwrap();
        run(Command::new("chmod").arg("700").arg(&made.home));
        run(made.gpg().args(["--quick-generate-key", "archive@test", "ed25519", "sign", "never"]));
        for name in USUAL {
            made.add(name, "1", if name == "essential" { "Essential: yes\n" } else { "" }, "");
        }
        made
    }

    /// What is to be served.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The public key.
    pub fn keyring(&self) -> Vec<u8> {
        self.gpg().arg("--export").output().unwrap().stdout
    }

    /// Adds a package; `fields` are further lines of its control file.
    pub fn add(&self, name: &str, version: &str, fields: &str, changelog: &str) {
        let build = self.home.join("build");
        let doc = build.join("usr/share/doc").join(name);
        fs::create_dir_all(build.join("DEBIAN")).unwrap();
        fs::create_dir_all(&doc).unwrap();
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@test>\nDescription: T\n{fields}"
        );
        fs::write(build.join("DEBIAN/control"), control).unwrap();
        fs::write(doc.join("changelog.Debian"), changelog).unwrap();
        run(Command::new("gzip").args(["-9n"]).arg(doc.join("changelog.Debian")));
        let deb = self.folder.join(format!("debian/pool/{name}_{version}_all.deb"));
        run(Command::new("dpkg-deb").args(["--root-owner-group", "-Znone", "--build"]).arg(&build).arg(deb));
        fs::remove_dir_all(build).unwrap();
    }

    /// Writes and signs the index of what is there now, as of `date`, valid until `until` (as `date -d` takes
    /// them).
    pub fn publish(&self, date: &str, until: &str) {
        let packages = Command::new("apt-ftparchive")
            .args(["packages", "pool"])
            .current_dir(self.folder.join("debian"))
            .output()
            .unwrap();
        assert!(packages.status.success());
        self.release("debian", "trixie", &packages.stdout, date, until);
        self.release("debian", "trixie-updates", b"", date, until);
        self.release("debian-security", "trixie-security", b"", date, until);
    }

    /// Keeps what is published now as a snapshot service does, at the moment `time`.
    pub fn keep(&self, time: &str) {
        for part in ["debian", "debian-security"] {
            let kept = self.folder.join("archive").join(part);
            fs::create_dir_all(&kept).unwrap();
            run(Command::new("cp").arg("-a").arg(self.folder.join(part)).arg(kept.join(time)));
        }
    }

    fn release(&self, part: &str, suite: &str, packages: &[u8], date: &str, until: &str) {
        let dists = self.folder.join(part).join("dists").join(suite);
        for component in ["main", "contrib", "non-free-firmware"] {
            let folder = dists.join(component).join("binary-amd64");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Packages"), if component == "main" { packages } else { b"" }).unwrap();
        }
        for file in ["Release", "InRelease"] {
            fs::remove_file(dists.join(file)).ok();
        }
        let field = |name: &str, value: &str| format!("APT::FTPArchive::Release::{name}={value}");
        let mut made = Command::new("apt-ftparchive");
        for (name, value) in [
            ("Suite", suite),
            ("Codename", suite),
            ("Date", &rfc2822(date)),
            ("Architectures", "amd64"),
            ("Components", "main contrib non-free-firmware"),
        ] {
            made.args(["-o", &field(name, value)]);
        }
        let made = made.args(["release", "."]).current_dir(&dists).output().unwrap();
        assert!(made.status.success());
        // The one field that apt-ftparchive cannot be told.
        let text = format!("Valid-Until: {}\n{}", rfc2822(until), String::from_utf8(made.stdout).unwrap());
        fs::write(dists.join("Release"), text).unwrap();
        self.sign(&dists);
    }

    fn sign(&self, dists: &Path) {
        run(self.gpg().args(["--clearsign", "--output", "InRelease", "Release"]).current_dir(dists));
    }

    fn gpg(&self) -> Command {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(&self.home);
        gpg.args(["--batch", "--yes", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"]);
        gpg
    }
}

/// gpg's helper ends when its folder goes, but not at once.
impl Drop for Archive {
    fn drop(&mut self) {
        Command::new("gpgconf").arg("--homedir").arg(&self.home).args(["--kill", "all"]).status().ok();
    }
}

fn rfc2822(date: &str) -> String {
    let out = Command::new("date").args(["-u", "-d", date, "+%a, %d %b %Y %H:%M:%S UTC"]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?} failed");
}
