//! Images and disks for tests of flashing.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Size of the images.
pub const IMAGE: u64 = 48 << 20;
/// Where what they hold lies: in the ESP, in the configuration, and twice in the root partition.
pub const HELD: [(u64, usize); 4] =
    [(1 << 20, 3 << 20), (9 << 20, 64 << 10), (13 << 20, 9 << 20), (30 << 20, 5 << 20)];

/// Writes an image in the layout of Nuvol's: with `boot code`, an ESP, the configuration, and a root partition that
/// is full of holes.
pub fn image(path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(IMAGE).unwrap();
    partition(
        path,
        "label: gpt\nlabel-id: 5b8a1d2e-0000-4000-8000-000000000001\n\
         start=2048, size=16384, type=uefi, name=\"esp\"\n\
         start=18432, size=8192, name=\"nuvol-cfg\"\n\
         start=26624, size=69632, name=\"root\"\n",
    );
    file.write_all_at(&noise(7, 440), 0).unwrap();
    for (seed, (at, length)) in HELD.into_iter().enumerate() {
        file.write_all_at(&noise(seed as u64 + 1, length), at).unwrap();
    }
}

/// The same with a file system for the configuration.
pub fn seedable_image(path: &Path) {
    image(path);
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&[0; 64 << 10], CONFIG_AT).unwrap();
    format_config(path);
}

/// Where `NUVOL-CFG` begins on images and disks of these tests.
const CONFIG_AT: u64 = 9 << 20;

/// Makes the file system `NUVOL-CFG` in the file `path`.
pub fn format_config(path: &Path) {
    run("mformat", &["-i", &config_of(path), "-T", "8192", "-v", "NUVOL-CFG", "::"]);
}

/// `NUVOL-CFG` in the file `path`, as mtools name it.
pub fn config_of(path: &Path) -> String {
    format!("{}@@{CONFIG_AT}", path.display())
}

/// Partitions the file or disk at `path` as sfdisk reads it.
pub fn partition(path: &Path, table: &str) {
    let mut sfdisk = Command::new("/usr/sbin/sfdisk");
    sfdisk.args(["--quiet", "--no-reread", "--no-tell-kernel"]).arg(path).stdin(Stdio::piped());
    let mut child = sfdisk.spawn().unwrap();
    child.stdin.take().unwrap().write_all(table.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "sfdisk failed");
}

/// Bytes that nothing compresses, always the same for one seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Packs `path` with zstd, beside it.
pub fn packed(path: &Path) -> PathBuf {
    run("zstd", &["-q", "-f", "-3", path.to_str().unwrap()]);
    PathBuf::from(format!("{}.zst", path.display()))
}

/// Writes the checksums of everything in `folder`.
pub fn sums(folder: &Path) {
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path().to_str().unwrap().to_owned());
    let names: Vec<String> = names.collect();
    let text = run("sha256sum", &names.iter().map(String::as_str).collect::<Vec<_>>());
    fs::write(folder.join("SHA256SUMS"), text.replace(&format!("{}/", folder.display()), "")).unwrap();
}

/// Runs a program, which must succeed; what it printed.
pub fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap_or_else(|err| panic!("`{program}`: {err}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "`{program} {args:?}`: {}", text(&output.stderr));
    text(&output.stdout)
}

/// A loop device, which goes with this value.
pub struct Loop {
    /// Its node.
    pub node: String,
    /// The file behind it.
    pub file: PathBuf,
}

impl Loop {
    /// A loop device of `size` bytes of noise, so that nothing is zero by chance. `None` where there can be none.
    pub fn new(file: &Path, size: u64) -> Option<Self> {
        Self::with(file, size, &[])
    }

    /// The same with more options of losetup.
    pub fn with(file: &Path, size: u64, options: &[&str]) -> Option<Self> {
        let disk = File::create(file).unwrap();
        let noise = noise(99, 1 << 20);
        for at in (0..size).step_by(noise.len()) {
            disk.write_all_at(&noise[..noise.len().min((size - at) as usize)], at).unwrap();
        }
        Self::of(file, options)
    }

    /// A loop device over a file that is there.
    pub fn of(file: &Path, options: &[&str]) -> Option<Self> {
        let mut losetup = Command::new("/usr/sbin/losetup");
        losetup.args(["--show", "--find"]).args(options).arg(file);
        let output = losetup.output().ok()?;
        if !output.status.success() {
            eprintln!("skipped: no loop devices here: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        let node = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Some(Self { node, file: file.to_owned() })
    }

    /// What a person types to have it erased.
    pub fn token(&self) -> &str {
        self.node.trim_start_matches("/dev/")
    }

    /// What is on it.
    pub fn bytes(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        Command::new("/usr/sbin/losetup").args(["--detach", &self.node]).status().ok();
    }
}
