//! A medium's image, disks to install on, and the installer as the live system starts it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::disks::{IMAGE, Loop, config_of, format_config, partition, run, seedable_image};

/// Size in bytes of the disks of one test: what is sold as 8 GB, and no other disk of this machine has it.
pub const fn size(test: u64) -> u64 {
    8_123_456_512 + test * 2_048_000
}

/// Words of a kernel line that describe the disks of one test and no other.
pub fn words(test: u64) -> String {
    let least = size(test) / 1_000_000;
    format!("nuvol.install.min-size={least}MB nuvol.install.max-size={}MB", least + 1)
}

/// Where a node's data begin on them.
pub const DATA: u64 = 100 << 20;
/// Where the image has its configuration.
const CONFIG: (u64, u64) = (9 << 20, 13 << 20);

/// What lies in the live system: the image and its map.
pub struct Medium {
    dir: tempfile::TempDir,
}

impl Medium {
    /// An image with a configuration partition that can be written, and its map by bmap-tools.
    pub fn new() -> Self {
        let medium = Self { dir: tempfile::tempdir().unwrap() };
        let raw = medium.at("disk.raw");
        seedable_image(&raw);
        File::options().write(true).open(&raw).unwrap().write_all_at(&[0x55, 0xaa], 510).unwrap();
        let map = medium.at("disk.raw.bmap");
        run("bmaptool", &["--quiet", "create", "-o", map.to_str().unwrap(), raw.to_str().unwrap()]);
        medium
    }

    /// The file `name` beside the image.
    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The installer with the words `line` of the kernel and the configuration `config`.
    pub fn installer(&self, line: &str, config: Option<&str>) -> Command {
        fs::write(self.at("cmdline"), line).unwrap();
        let mut installer = Command::new(env!("CARGO_BIN_EXE_nuvol-install"));
        installer.args(["--loops", "--no-power"]);
        for (flag, name) in [
            ("--image", "disk.raw"),
            ("--kernel-line", "cmdline"),
            ("--config", "nuvol.toml"),
            ("--busy", "busy"),
        ] {
            installer.arg(flag).arg(self.at(name));
        }
        match config {
            Some(text) => fs::write(self.at("nuvol.toml"), text).unwrap(),
            None => drop(fs::remove_file(self.at("nuvol.toml"))),
        }
        installer.stdin(Stdio::null());
        installer
    }

    /// Installs without asking. No console is touched; all that it said, and whether it went well.
    pub fn unattended(&self, line: &str, config: Option<&str>) -> (String, bool) {
        let mut installer = self.installer(line, config);
        let output = installer.args(["--at-boot", "--console", "/dev/nuvol-no-console"]).output().unwrap();
        said(&output)
    }

    /// Fails unless `disk` holds the image, `nuvol.toml` aside.
    pub fn check(&self, disk: &Loop) {
        let (image, disk) = (File::open(self.at("disk.raw")).unwrap(), File::open(&disk.file).unwrap());
        let mib = 1 << 20;
        for (from, to) in [(mib, CONFIG.0), (CONFIG.1, IMAGE - mib)] {
            let [wanted, found] = [&image, &disk].map(|file| {
                let mut bytes = vec![0; (to - from) as usize];
                file.read_exact_at(&mut bytes, from).unwrap();
                bytes
            });
            assert!(wanted == found, "bytes {from} to {to} differ");
        }
        let mut first = [0; 512];
        disk.read_exact_at(&mut first, 0).unwrap();
        assert!(first.ends_with(&[0x55, 0xaa]), "it does not boot");
    }
}

/// All that a program said, and whether it ended well.
pub fn said(output: &Output) -> (String, bool) {
    let text = String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap();
    (text, output.status.success())
}

/// An empty disk of `size` bytes. `None` where there are no loop devices.
pub fn disk(file: &Path, size: u64) -> Option<Loop> {
    File::create(file).unwrap().set_len(size).unwrap();
    Loop::of(file, &[])
}

/// Makes `disk` one that an older node called `eva` was on, with data from `data` on.
pub fn older_node(disk: &Loop, data: u64) {
    let table = format!(
        "label: gpt\nstart=2048, size=16384, type=uefi, name=\"esp\"\nstart=18432, size=8192, name=\"nuvol-cfg\"\n\
         5: start={}, size=65536, name=\"nuvol-data\"\n",
        data / 512
    );
    partition(Path::new(&disk.node), &table);
    format_config(&disk.file);
    let config = disk.file.with_extension("toml");
    fs::write(&config, "version = 1\nname = \"eva\"\n").unwrap();
    run("mcopy", &["-i", &config_of(&disk.file), config.to_str().unwrap(), "::nuvol.toml"]);
    let node = File::options().write(true).open(&disk.node).unwrap();
    node.write_all_at(&[7; 4096], data).unwrap();
    node.sync_all().unwrap();
}

/// Whether the data of `older_node` are still there.
pub fn has_data(disk: &Loop, data: u64) -> bool {
    let mut bytes = [0; 4096];
    File::open(&disk.file).unwrap().read_exact_at(&mut bytes, data).unwrap();
    let table = run("sfdisk", &["--dump", &disk.node]);
    bytes == [7; 4096] && table.contains("name=\"nuvol-data\"")
}

/// What `nuvol.toml` on `disk` says.
pub fn config(disk: &Loop) -> String {
    run("mtype", &["-i", &config_of(&disk.file), "::nuvol.toml"])
}
