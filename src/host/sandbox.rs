//! Running a program in a tree that is not the host's: private mounts and processes, no
//! network unless asked for, nothing visible but what is lent.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Cmd, Shell, cmd};

/// A place to run programs in. Values, until `command` makes them a command.
#[derive(Debug, Clone)]
pub struct Sandbox {
    root: PathBuf,
    mountpoint: PathBuf,
    read: Vec<Lent>,
    write: Vec<Lent>,
    folder: PathBuf,
    network: bool,
    emulator: Option<PathBuf>,
}

/// A file or folder of the host, and where it is in the sandbox.
#[derive(Debug, Clone)]
struct Lent {
    from: PathBuf,
    to: PathBuf,
}

impl Sandbox {
    /// A sandbox with the programs of `root`, built on the empty folder `mountpoint`.
    pub fn new(root: &Path, mountpoint: &Path) -> Self {
        Self {
            root: root.to_owned(),
            mountpoint: mountpoint.to_owned(),
            read: Vec::new(),
            write: Vec::new(),
            folder: PathBuf::from("/"),
            network: false,
            emulator: None,
        }
    }

    /// Lends `path` for reading, at its own path.
    #[must_use]
    pub fn read(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.read_as(&path, &path)
    }

    /// Lends `from` for reading, at `to`.
    #[must_use]
    pub fn read_as(mut self, from: &Path, to: impl AsRef<Path>) -> Self {
        self.read.push(Lent { from: from.to_owned(), to: to.as_ref().to_owned() });
        self
    }

    /// Lends `path` for writing, at its own path; the program starts in it if it is a folder.
    #[must_use]
    pub fn write(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.write_as(&path, &path)
    }

    /// Lends `from` for writing, at `to`; the program starts in it if it is a folder.
    #[must_use]
    pub fn write_as(mut self, from: &Path, to: impl AsRef<Path>) -> Self {
        let to = to.as_ref().to_owned();
        if from.is_dir() {
            self.folder.clone_from(&to);
        }
        self.write.push(Lent { from: from.to_owned(), to });
        self
    }

    /// Gives the program the host's network, and what it needs to look names up.
    #[must_use]
    pub fn with_network(mut self) -> Self {
        self.network = true;
        self
    }

    /// Runs programs of another architecture by `emulator`, a static `qemu-<machine>`.
    #[must_use]
    pub fn emulate(mut self, emulator: &Path) -> Self {
        self.emulator = Some(emulator.to_owned());
        self
    }

    /// The command that runs `program` in here.
    pub fn command<'sh>(
        &self,
        shell: &'sh Shell,
        program: &str,
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> anyhow::Result<Cmd<'sh>> {
        let words = ["--".into(), program.into()].into_iter().chain(args.into_iter().map(Into::into));
        self.call(shell, "enter", words)
    }

    /// The command that does the hidden verb `verb` of our own in here: no file of ours need be
    /// visible, nor fit the tree's libraries.
    pub fn call<'sh>(
        &self,
        shell: &'sh Shell,
        verb: &str,
        args: impl IntoIterator<Item = OsString>,
    ) -> anyhow::Result<Cmd<'sh>> {
        let own = std::env::current_exe().context("finding our own program")?;
        let mut line: Vec<OsString> = words(["--pdeathsig", "KILL", "unshare"]);
        line.extend(self.namespaces());
        line.extend(["--".into(), own.into_os_string(), verb.into()]);
        for (flag, path) in
            [("--root", &self.root), ("--mountpoint", &self.mountpoint), ("--folder", &self.folder)]
        {
            line.extend([flag.into(), path.into()]);
        }
        // What it takes to look names up, and to know who answers.
        let names = ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"];
        let network = names.into_iter().map(Path::new).filter(|path| {
            self.network && self.root != Path::new("/") && path.exists() && inside(&self.root, path).exists()
        });
        let network = network.map(|path| Lent { from: path.to_owned(), to: path.to_owned() });
        // At a short path without colons: the kernel takes at most 127 characters, and parts words at colons.
        let short = |path: &Path| Path::new("/run").join(path.file_name().unwrap_or_default());
        let emulator = self.emulator.iter().map(|it| Lent { from: it.clone(), to: short(it) });
        for Lent { from, to } in self.read.iter().cloned().chain(network).chain(emulator) {
            line.extend(["--read".into(), from.into(), to.into()]);
        }
        for Lent { from, to } in &self.write {
            line.extend(["--write".into(), from.into(), to.into()]);
        }
        if let Some(path) = &self.emulator {
            line.extend(["--emulator".into(), short(path).into()]);
        }
        line.extend(args);
        // The program must not outlive us, even if we are killed: setpriv asks the kernel to
        // kill unshare with us, and unshare takes the whole pid namespace along.
        Ok(cmd!(shell, "setpriv {line...}"))
    }

    fn namespaces(&self) -> Vec<OsString> {
        let mut flags = words(["--mount", "--propagation", "private", "--pid", "--ipc", "--uts"]);
        flags.extend(words(["--fork", "--kill-child"]));
        if !nix::unistd::geteuid().is_root() {
            flags.extend(words(["--user", "--map-root-user", "--map-auto"]));
        }
        if !self.network {
            flags.extend(words(["--net"]));
        }
        flags
    }
}

fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.map(OsString::from).to_vec()
}
