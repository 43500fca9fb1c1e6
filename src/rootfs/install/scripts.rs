//! Programs of the tree, run in it: packages' scripts and dpkg.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use xshell::{Shell, cmd};

use super::database;
use super::deb::Deb;
use super::perl::Perl;

/// Says to packages that no service may start (policy-rc.d of invoke-rc.d(8)).
const POLICY: &str = "usr/sbin/policy-rc.d";
/// Comes first in the path of packages' scripts: programs there only note that they were called. What
/// they make depends on the tree alone, so each is run once, when the tree is ready for it, while scripts
/// would run some of them several times and one after the other.
const LATER: &str = "run/nuvol";
const CALLED: &str = "run/nuvol-called";
/// Before the initial ram disk, which takes up what they make.
const BEFORE_INITRD: [&[&str]; 1] = [&["systemd-hwdb", "--usr", "update"]];
/// At the end.
const AT_END: [&[&str]; 1] = [&["locale-gen"]];
/// Beside packages' scripts, and again at the end if they have changed what it reads.
const CERTIFICATES: [&str; 2] = ["update-ca-certificates", "--fresh"];
const CERTIFICATES_READ: [&str; 4] = [
    "etc/ca-certificates.conf",
    "etc/ca-certificates/update.d",
    "usr/share/ca-certificates",
    "usr/local/share/ca-certificates",
];
/// Programs there are told of new certificates; they may belong to packages that are not configured yet.
const CERTIFICATE_HOOKS: &str = "etc/ca-certificates/update.d";
/// Where it puts them: a bundle, and links.
const CERTIFICATES_MADE: &str = "etc/ssl/certs";
const CERTIFICATE_BUNDLE: &str = "ca-certificates.crt";
/// A node draws its own keys when it starts for the first time; none may come from the build.
const SSH_KEYGEN: &str = r#"#!/bin/sh
case " $* " in
*" /etc/ssh/ssh_host_"*) exit 0 ;;
esac
exec /usr/bin/ssh-keygen "$@"
"#;
/// For each kernel.
const FOR_KERNELS: [&str; 2] = ["depmod", "update-initramfs"];
/// What the index of a kernel's modules is made from.
const MODULES_READ: [&str; 3] = ["usr/lib/modules", "usr/lib/depmod.d", "etc/depmod.d"];
/// They tell when things happened or where files lay, and the same packages should give the same bytes. No image
/// has them.
const TELL_TALES: [&str; 3] =
    ["var/cache/ldconfig/aux-cache", "var/log/alternatives.log", "var/log/dpkg.log"];
const PATH: &str = "/run/nuvol:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NONE: Option<&str> = None;

/// The tree with what programs in it expect: `/proc`, `/sys` and `/dev`.
pub struct Chroot<'a> {
    tree: &'a Path,
    mounts: Vec<PathBuf>,
    epoch: u64,
    /// What the certificates' program read and left when it last ran.
    certificates: Mutex<Option<[Vec<Seen>; 2]>>,
    /// What the index of the kernels' modules was last made from.
    indexed: Mutex<Option<Vec<Seen>>>,
    perl: Option<Perl>,
}

/// A file and its size, and the time of its last change in seconds and nanoseconds.
type Seen = (PathBuf, u64, i64, i64);

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
        let note = |name: &str| format!("#!/bin/sh\n: >/{CALLED}/{name}\n");
        let mut programs = vec![(POLICY.to_owned(), "#!/bin/sh\nexit 101\n".to_owned())];
        let later = BEFORE_INITRD.iter().chain(&AT_END).map(|line| line[0]).chain(FOR_KERNELS);
        let later = later.chain([CERTIFICATES[0]]);
        programs.extend(later.map(|name| (format!("{LATER}/{name}"), note(name))));
        programs.push((format!("{LATER}/ssh-keygen"), SSH_KEYGEN.to_owned()));
        fs::create_dir_all(tree.join(LATER))
            .and_then(|()| fs::create_dir_all(tree.join(CALLED)))
            .context("making programs for the time of the installation")?;
        for (name, text) in programs {
            let path = tree.join(&name);
            fs::write(&path, text)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
                .with_context(|| format!("making `/{name}` for the time of the installation"))?;
        }
        let perl = Perl::start(tree, LATER)?;
        Ok(Self { tree, mounts, epoch, certificates: Mutex::default(), indexed: Mutex::default(), perl })
    }

    /// Takes everything back that `enter` lent.
    pub fn leave(self) -> anyhow::Result<()> {
        self.perl.map_or(Ok(()), Perl::end)?;
        fs::remove_file(self.tree.join(POLICY)).context("letting services start again")?;
        for name in [LATER, CALLED] {
            fs::remove_dir_all(self.tree.join(name)).with_context(|| format!("removing `/{name}`"))?;
        }
        for path in TELL_TALES.map(|name| self.tree.join(name)).iter().filter(|it| it.exists()) {
            fs::remove_file(path).with_context(|| format!("removing `{}`", path.display()))?;
        }
        for path in self.mounts.iter().rev() {
            umount2(path, MntFlags::MNT_DETACH)
                .with_context(|| format!("taking back `{}`", path.display()))?;
        }
        Ok(())
    }

    /// Runs `line` in the tree; what it prints goes where ours goes.
    pub fn run(&self, line: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
        let tree = self.tree;
        let shell = Shell::new().context("finding the working folder")?;
        let mut command = cmd!(shell, "chroot {tree} {line...}")
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

    /// Whether the index of a kernel's modules can be made.
    pub fn has_modules(&self) -> bool {
        self.tree.join("usr/sbin/depmod").exists() && self.tree.join(MODULES_READ[0]).exists()
    }

    /// Indexes each kernel's modules, unless all is as it was when that was last done.
    pub fn index_modules(&self) -> anyhow::Result<()> {
        if !self.has_modules() {
            return Ok(());
        }
        let mut indexed = self.indexed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = self.see(&MODULES_READ)?;
        // Not the index itself, nor what scripts leave beside it.
        let counts = |name: &str| name.contains(".ko") || name.ends_with(".conf");
        read.retain(|(path, ..)| path.file_name().is_some_and(|it| counts(&it.to_string_lossy())));
        if indexed.as_ref() != Some(&read) {
            self.kernels()?.iter().try_for_each(|version| self.really(&["depmod", version]))?;
            *indexed = Some(read);
        }
        Ok(())
    }

    fn kernels(&self) -> anyhow::Result<Vec<String>> {
        let entries = fs::read_dir(self.tree.join(MODULES_READ[0])).into_iter().flatten();
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect::<std::io::Result<_>>().context("reading the kernels")
    }

    /// Does for each kernel what its scripts asked for: the index of its modules and the initial ram disk.
    pub fn initial_ram_disks(&self) -> anyhow::Result<()> {
        self.catch_up(&BEFORE_INITRD)?;
        self.index_modules()?;
        for version in self.kernels()? {
            if self.tree.join("usr/sbin/update-initramfs").exists() {
                let there = self.tree.join("boot").join(format!("initrd.img-{version}")).exists();
                self.really(&["update-initramfs", if there { "-u" } else { "-c" }, "-k", &version])?;
            }
        }
        Ok(())
    }

    /// The same if a script asked for it.
    pub fn initial_ram_disks_if_called(&self) -> anyhow::Result<()> {
        let called = FOR_KERNELS.iter().any(|name| self.called(name));
        if called { self.initial_ram_disks() } else { self.catch_up(&BEFORE_INITRD) }
    }

    /// Collects the certificates as soon as a script asks for that, if no hook wants to be told of them. Ends
    /// when all are `done`.
    pub fn certificates_early(&self, done: &AtomicBool) -> anyhow::Result<()> {
        while !self.called(CERTIFICATES[0]) {
            if done.load(Ordering::Relaxed) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let hooks = fs::read_dir(self.tree.join(CERTIFICATE_HOOKS)).into_iter().flatten();
        if hooks.count() == 0 { self.certificates() } else { Ok(()) }
    }

    fn certificates(&self) -> anyhow::Result<()> {
        let mut last = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.called(CERTIFICATES[0]) {
            return Ok(());
        }
        fs::remove_file(self.tree.join(CALLED).join(CERTIFICATES[0])).context("reading what was put off")?;
        let read = self.see(&CERTIFICATES_READ)?;
        let made = self.see(&[CERTIFICATES_MADE])?;
        // A certificate of somebody else's may have come while the program ran: then it must see that too.
        let is_bundle = |path: &Path| path.ends_with(CERTIFICATE_BUNDLE);
        let alone = !made.iter().any(|(path, ..)| path.is_file() && !path.is_symlink() && !is_bundle(path));
        if !alone || last.as_ref() != Some(&[read.clone(), made]) {
            self.really(&CERTIFICATES)?;
            *last = Some([read, self.see(&[CERTIFICATES_MADE])?]);
        }
        Ok(())
    }

    fn called(&self, program: &str) -> bool {
        self.tree.join(CALLED).join(program).exists()
    }

    fn see(&self, paths: &[&str]) -> anyhow::Result<Vec<Seen>> {
        let mut found = Vec::new();
        for path in paths {
            see(&self.tree.join(path), &mut found).with_context(|| format!("reading `/{path}`"))?;
        }
        Ok(found)
    }

    /// Runs what scripts called and was put off to the end.
    pub fn end(&self) -> anyhow::Result<()> {
        self.certificates()?;
        self.catch_up(&AT_END)
    }

    fn catch_up(&self, lines: &[&[&str]]) -> anyhow::Result<()> {
        let called = lines.iter().filter(|line| self.called(line[0]));
        called.into_iter().try_for_each(|line| self.really(line))
    }

    /// Runs a program itself, not the one that only takes notes.
    fn really(&self, line: &[&str]) -> anyhow::Result<()> {
        let path = PATH.split_once(':').map_or(PATH, |(_, path)| path);
        self.run(line, &[("PATH", path)])
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

/// Adds `path` and all below it, in order.
fn see(path: &Path, found: &mut Vec<Seen>) -> std::io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    found.push((path.to_owned(), metadata.len(), metadata.ctime(), metadata.ctime_nsec()));
    if metadata.is_dir() {
        let mut below = fs::read_dir(path)?.map(|it| Ok(it?.path())).collect::<std::io::Result<Vec<_>>>()?;
        below.sort();
        below.iter().try_for_each(|path| see(path, found))?;
    }
    Ok(())
}
