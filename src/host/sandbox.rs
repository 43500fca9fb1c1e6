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
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    folder: PathBuf,
    network: bool,
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
        }
    }

    /// Lends `path` for reading, at its own path.
    #[must_use]
    pub fn read(mut self, path: impl Into<PathBuf>) -> Self {
        self.read.push(path.into());
        self
    }

    /// Lends `path` for writing, at its own path; the program starts in it if it is a folder.
    #[must_use]
    pub fn write(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        if path.is_dir() {
            self.folder.clone_from(&path);
        }
        self.write.push(path);
        self
    }

    /// Gives the program the host's network, and what it needs to look names up.
    #[must_use]
    pub fn with_network(mut self) -> Self {
        self.network = true;
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
        let names = ["/etc/resolv.conf", "/etc/hosts"].map(PathBuf::from);
        let network =
            names.iter().filter(|path| self.network && self.root != Path::new("/") && path.exists());
        for path in self.read.iter().chain(network) {
            line.extend(["--read".into(), path.into()]);
        }
        for path in &self.write {
            line.extend(["--write".into(), path.into()]);
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

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.map(OsString::from).to_vec()
}
