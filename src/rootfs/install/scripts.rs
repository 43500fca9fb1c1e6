//! Programs of the tree, run in it: packages' scripts and dpkg.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use xshell::{Shell, cmd};

use super::database;
use super::deb::Deb;

/// Says to packages that no service may start (policy-rc.d of invoke-rc.d(8)).
const POLICY: &str = "usr/sbin/policy-rc.d";
/// Comes first in the path of packages' scripts: one initial ram disk is made when all is configured,
/// where they would make several.
const LATER: &str = "run/nuvol/update-initramfs";
const PATH: &str = "/run/nuvol:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NONE: Option<&str> = None;

/// The tree with what programs in it expect: `/proc`, `/sys` and `/dev`.
pub struct Chroot<'a> {
    tree: &'a Path,
    shell: Shell,
    mounts: Vec<PathBuf>,
    epoch: u64,
}

impl<'a> Chroot<'a> {
    /// Lends the sandbox's own to `tree`.
    pub fn enter(tree: &'a Path, epoch: u64) -> anyhow::Result<Self> {
        let mut mounts = Vec::new();
        for name in ["proc", "sys", "dev"] {
            let to = tree.join(name);
            fs::create_dir_all(&to).with_context(|| format!("making `/{name}`"))?;
            let from = Path::new("/").join(name);
            mount(Some(&from), &to, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)
                .with_context(|| format!("lending `/{name}`"))?;
            mounts.push(to);
        }
        for (name, text) in [(POLICY, "#!/bin/sh\nexit 101\n"), (LATER, "#!/bin/sh\nexit 0\n")] {
            let path = tree.join(name);
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, text))
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
                .with_context(|| format!("making `/{name}` for the time of the installation"))?;
        }
        let shell = Shell::new().context("finding the working folder")?;
        Ok(Self { tree, shell, mounts, epoch })
    }

    /// Takes everything back that `enter` lent.
    pub fn leave(self) -> anyhow::Result<()> {
        fs::remove_file(self.tree.join(POLICY)).context("letting services start again")?;
        for path in self.mounts.iter().rev() {
            umount2(path, MntFlags::MNT_DETACH)
                .with_context(|| format!("taking back `{}`", path.display()))?;
        }
        Ok(())
    }

    /// Runs `line` in the tree; what it prints goes where ours goes.
    pub fn run(&self, line: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
        let tree = self.tree;
        let mut command = cmd!(self.shell, "chroot {tree} {line...}")
            .quiet()
            .env("PATH", PATH)
            .env("DEBCONF_NONINTERACTIVE_SEEN", "true")
            .env("SOURCE_DATE_EPOCH", self.epoch.to_string());
        for (key, value) in environment {
            command = command.env(key, value);
        }
        command.run().with_context(|| format!("`{}` failed in the new root file system", line.join(" ")))
    }

    /// Configures packages: those named, or all that are unpacked.
    pub fn configure(&self, packages: &[String]) -> anyhow::Result<()> {
        let mut line = vec!["dpkg", "--force-confold", "--force-unsafe-io", "--configure"];
        if packages.is_empty() {
            line.push("-a");
        }
        line.extend(packages.iter().map(String::as_str));
        self.run(&line, &[])
    }

    /// Configures what all others take for granted, though what it needs itself is not configured.
    pub fn configure_first(&self, package: &str) -> anyhow::Result<()> {
        self.run(
            &["dpkg", "--force-confold", "--force-unsafe-io", "--force-depends", "--configure", package],
            &[],
        )
    }

    /// Makes the initial ram disk of each kernel.
    pub fn initial_ram_disks(&self) -> anyhow::Result<()> {
        fs::remove_dir_all(self.tree.join("run/nuvol")).context("bringing update-initramfs back")?;
        if !self.tree.join("usr/sbin/update-initramfs").exists() {
            return Ok(());
        }
        for entry in fs::read_dir(self.tree.join("usr/lib/modules")).into_iter().flatten() {
            let version = entry.context("reading the kernels")?.file_name().to_string_lossy().into_owned();
            self.run(&["update-initramfs", "-c", "-k", &version], &[])?;
        }
        Ok(())
    }

    /// Tells dpkg that something happened below `path` that `package` wants to hear of.
    pub fn trigger(&self, path: &str, package: &str) -> anyhow::Result<()> {
        self.run(&["dpkg-trigger", "--no-await", &format!("--by-package={package}"), path], &[])
    }

    /// Runs the `preinst` of `deb` as dpkg does before it unpacks a new package.
    pub fn preinst(&self, deb: &Deb) -> anyhow::Result<()> {
        let inside = Path::new(database::FOLDER).join("tmp.ci");
        let folder = self.tree.join(inside.strip_prefix("/").unwrap_or(&inside));
        fs::create_dir_all(&folder).context("making a place for scripts")?;
        // debconf finds the package's name there.
        fs::write(folder.join("control"), format!("Package: {}\n", deb.name()))
            .context("writing a control file")?;
        for member in &deb.members {
            let path = folder.join(&member.name);
            fs::write(&path, &member.bytes)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(member.mode)))
                .with_context(|| format!("writing `{}`", path.display()))?;
        }
        let architecture = deb.control.get("Architecture").unwrap_or("all");
        let environment = [
            ("DPKG_MAINTSCRIPT_PACKAGE", deb.name()),
            ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"),
            ("DPKG_MAINTSCRIPT_ARCH", architecture),
            ("DPKG_MAINTSCRIPT_NAME", "preinst"),
            ("DPKG_MAINTSCRIPT_DEBUG", "0"),
            ("DPKG_ADMINDIR", database::FOLDER),
            ("DPKG_ROOT", ""),
        ];
        let script = inside.join("preinst").display().to_string();
        self.run(&[&script, "install"], &environment).with_context(|| format!("preparing {}", deb.name()))?;
        fs::remove_dir_all(&folder).context("removing the place for scripts")
    }
}
