//! The inside of the sandbox: builds a root from a tree's `/usr` and `/etc`, the folders that
//! were lent, a private `/tmp`, `/dev` and `/proc`, and runs one program in it.
//!
//! `pivot_root` instead of `chroot`: after a chroot the kernel refuses a further user
//! namespace, and nothing of the host stays reachable.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// What is to be entered. Made by `Sandbox`, read by the hidden verbs that work inside.
#[derive(Debug, clap::Args)]
pub struct Inside {
    /// The tree whose programs run: the tools root, or `/` for the host's own.
    #[arg(long)]
    pub root: PathBuf,
    /// An empty folder to build the new root on (the mount is private).
    #[arg(long)]
    pub mountpoint: PathBuf,
    /// Files and folders that are there for reading: each by its path on the host, and the one in here.
    #[arg(long, num_args = 2)]
    pub read: Vec<PathBuf>,
    /// Files and folders that may be written, in the same way.
    #[arg(long, num_args = 2)]
    pub write: Vec<PathBuf>,
    /// Working folder.
    #[arg(long)]
    pub folder: PathBuf,
    /// What runs programs of another architecture.
    #[arg(long)]
    pub emulator: Option<PathBuf>,
}

/// A program and where it runs: the hidden verb `enter`.
#[derive(Debug, clap::Args)]
pub struct Enter {
    /// The place.
    #[command(flatten)]
    pub inside: Inside,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub program: Vec<OsString>,
}

const NONE: Option<&str> = None;

/// Becomes `args.program` inside the new root. Returns only on failure.
pub fn enter(args: &Enter) -> anyhow::Result<()> {
    go_inside(&args.inside)?;
    let Some((program, rest)) = args.program.split_first() else { anyhow::bail!("no program to run") };
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the sandbox becomes the program"
    )]
    let err = std::process::Command::new(program).args(rest).exec();
    Err(err).with_context(|| format!("starting `{}` in the sandbox", program.to_string_lossy()))
}

/// Builds the new root and moves this process into it. Must be the first process of its own mount
/// and pid namespaces.
pub fn go_inside(args: &Inside) -> anyhow::Result<()> {
    let new = args.mountpoint.as_path();
    mount(Some("tmpfs"), new, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=0755,size=90%"))
        .with_context(|| format!("mounting the sandbox on `{}`", new.display()))?;
    tree(&args.root, new)?;
    devices(new)?;
    system(new)?;
    for (lent, read_only) in [(&args.read, true), (&args.write, false)] {
        lent.chunks_exact(2).try_for_each(|it| lend(&it[0], &it[1], new, read_only))?;
    }
    pivot(new, &args.folder)?;
    if let Some(emulator) = &args.emulator {
        super::emulation::begin(emulator)?;
    }
    forget_syncs()
}

/// The programs: `/usr` and `/etc` of `root` for reading, and the links of a merged `/usr`.
fn tree(root: &Path, new: &Path) -> anyhow::Result<()> {
    for name in ["usr", "etc", "bin", "sbin", "lib", "lib64", "lib32", "libx32"] {
        let (from, to) = (root.join(name), new.join(name));
        match fs::read_link(&from) {
            Ok(target) => symlink(target, &to).with_context(|| format!("linking `{name}`"))?,
            Err(_) if from.is_dir() => bind(&from, &to, true)?,
            Err(_) => {}
        }
    }
    for name in ["tmp", "var/tmp", "var/lib/dpkg", "var/cache", "run/lock", "root", "proc", "sys", "dev"] {
        fs::create_dir_all(new.join(name)).with_context(|| format!("making `{name}` in the sandbox"))?;
    }
    fs::write(new.join("var/lib/dpkg/status"), "").context("making an empty package database")
}

/// A `/dev` with the nodes that every program expects and nothing else.
fn devices(new: &Path) -> anyhow::Result<()> {
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        bind(&Path::new("/dev").join(name), &new.join("dev").join(name), false)?;
    }
    for name in ["pts", "shm"] {
        fs::create_dir(new.join("dev").join(name)).with_context(|| format!("making `/dev/{name}`"))?;
    }
    let links = [("/proc/self/fd", "fd"), ("fd/0", "stdin"), ("fd/1", "stdout"), ("fd/2", "stderr")];
    for (target, name) in links {
        symlink(target, new.join("dev").join(name)).with_context(|| format!("linking `/dev/{name}`"))?;
    }
    let options = Some("newinstance,ptmxmode=0666,mode=620");
    mount(Some("devpts"), &new.join("dev/pts"), Some("devpts"), MsFlags::MS_NOSUID, options)
        .context("mounting `/dev/pts`")?;
    symlink("pts/ptmx", new.join("dev/ptmx")).context("linking `/dev/ptmx`")
}

fn system(new: &Path) -> anyhow::Result<()> {
    mount(Some("proc"), &new.join("proc"), Some("proc"), MsFlags::empty(), NONE)
        .context("mounting `/proc`")?;
    let recursive = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some("/sys"), &new.join("sys"), NONE, recursive, NONE).context("mounting `/sys`")
}

/// `from` of the host at `to` in the new root: mostly the same path, so that no argument needs translation.
fn lend(from: &Path, to: &Path, new: &Path, read_only: bool) -> anyhow::Result<()> {
    let inside = to.strip_prefix("/").with_context(|| format!("`{}` is not absolute", to.display()))?;
    bind(from, &new.join(inside), read_only)
}

fn bind(from: &Path, to: &Path, read_only: bool) -> anyhow::Result<()> {
    let what = || format!("lending `{}` to the sandbox", from.display());
    if from.is_dir() {
        fs::create_dir_all(to).with_context(what)?;
    } else {
        fs::create_dir_all(to.parent().unwrap_or(to)).with_context(what)?;
        if !to.exists() {
            fs::write(to, "").with_context(what)?;
        }
    }
    mount(Some(from), to, NONE, MsFlags::MS_BIND, NONE).with_context(what)?;
    if read_only {
        // In a user namespace the flags of the mount below are locked: they must be said again.
        let kept = statvfs(to).with_context(what)?.flags();
        let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        for (has, flag) in [
            (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
            (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
            (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
            (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
            (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
        ] {
            if kept.contains(has) {
                flags |= flag;
            }
        }
        mount(NONE, to, NONE, flags, NONE).with_context(what)?;
    }
    Ok(())
}

/// From here on nothing waits for the disk: what programs in here make is worth keeping only when
/// they are done, and then the shelf sees to it. dpkg alone asks for some thousand syncs a root file
/// system; mkosi answers them in the same way.
fn forget_syncs() -> anyhow::Result<()> {
    let calls = [
        libc::SYS_fsync,
        libc::SYS_fdatasync,
        libc::SYS_sync,
        libc::SYS_syncfs,
        libc::SYS_sync_file_range,
        libc::SYS_msync,
    ];
    let done = SeccompAction::Errno(0);
    let arch = std::env::consts::ARCH.try_into().context("filtering system calls on this processor")?;
    let filter = SeccompFilter::new(calls.map(|it| (it, vec![])).into(), SeccompAction::Allow, done, arch)
        .context("making a filter of system calls")?;
    let program: BpfProgram = filter.try_into().context("making a filter of system calls")?;
    seccompiler::apply_filter(&program).context("filtering system calls")
}

fn pivot(new: &Path, folder: &Path) -> anyhow::Result<()> {
    let old = new.join(".old");
    fs::create_dir(&old).context("making the place of the old root")?;
    nix::unistd::pivot_root(new, &old).context("changing the root")?;
    std::env::set_current_dir("/").context("entering the new root")?;
    umount2("/.old", MntFlags::MNT_DETACH).context("leaving the old root")?;
    fs::remove_dir("/.old").context("removing the place of the old root")?;
    std::env::set_current_dir(folder).with_context(|| format!("entering `{}`", folder.display()))
}
