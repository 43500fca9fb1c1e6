//! The installation of packages into an empty tree: our own threads unpack, dpkg itself configures.
//!
//! mmdebstrap does the same with apt and dpkg alone and takes twice as long; `ci/reference` compares
//! the two trees file by file.

mod below;
mod database;
mod deb;
mod pack;
mod perl;
mod scripts;
mod unpack;
mod waves;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use database::Interests;
pub use deb::{Deb, decoded, verify};
use scripts::Chroot;
use unpack::{Ground, Placed};
use waves::{Facts, Wave, needs_of, waves};

/// What is to be installed, as the process in the sandbox reads it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// The packages; their bytes were checked.
    pub debs: Vec<PathBuf>,
    /// Those that are asked for by name; the others are marked as automatically installed.
    pub wanted: Vec<String>,
    /// The machine's architecture.
    pub architecture: String,
    /// What is there already: tars that lie over each other, the lowest first.
    pub below: Vec<PathBuf>,
    /// Laid down before the packages' scripts run.
    pub install: PathBuf,
    /// Runs at the end with the tree as its argument.
    pub finish: PathBuf,
    /// Seconds since 1970: the time of everything that is made.
    pub epoch: u64,
    /// Where the finished tree goes, as a tar; over what is below, just what differs from that.
    pub out: PathBuf,
    /// What is printed when all is done: nothing that a package's script could say.
    pub done: String,
}

/// The machine's id while packages are configured, so that none is drawn at random. No image has it.
pub const MACHINE_ID: &str = "6e75766f6c206275696c6473206f6e65";

/// What is printed when the tar is there and begins to grow.
pub const PACKING: &str = "Packing";

/// Files below these have a part in the initial ram disk.
const INITRD: [&str; 6] = [
    "/etc/initramfs-tools/",
    "/etc/modprobe.d/",
    "/usr/lib/firmware/",
    "/usr/lib/modprobe.d/",
    "/usr/lib/modules/",
    "/usr/share/initramfs-tools/",
];

/// Does one job after the other in the same tree, as they come by standard input: each stands on what the one
/// before left. Runs as root of a sandbox with private mounts.
pub fn inside() -> anyhow::Result<()> {
    let tree = Path::new("/tree");
    fs::create_dir(tree).context("making the tree")?;
    let began = fs::metadata(tree).and_then(|it| it.modified()).context("reading the clock")?;
    let began = began.duration_since(std::time::UNIX_EPOCH).map_or(0, |it| it.as_secs());
    // Every package stays open while it waits for its wave.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).context("reading the limit of open files")?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("raising the limit of open files")?;
    let mut before = None;
    for line in jobs()?.lines() {
        let job: Job = serde_json::from_str(&line.context("reading the job")?).context("reading the job")?;
        let debs = open(&job)?;
        let stands = before.take().map_or_else(|| below::lay(tree, &job.below), Ok)?;
        let (ground, hooks) = (Ground::default(), Mutex::default());
        Installation { job: &job, tree, debs: &debs, ground, hooks }.run()?;
        let out = File::create(&job.out).context("making the tar")?;
        println!("{PACKING}");
        before = Some(pack::pack(tree, out, &pack::Times { epoch: job.epoch, began }, &stands)?);
        below::wait();
        println!("{}", job.done);
    }
    Ok(())
}

/// Our standard input, which programs that we start must not read.
fn jobs() -> anyhow::Result<BufReader<File>> {
    let what = "taking over the standard input";
    let jobs = std::io::stdin().as_fd().try_clone_to_owned().context(what)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null").context(what)?).context(what)?;
    Ok(BufReader::new(File::from(jobs)))
}

struct Installation<'a> {
    job: &'a Job,
    tree: &'a Path,
    debs: &'a [Deb],
    ground: Ground,
    /// Packages that have a part in the initial ram disk.
    hooks: Mutex<BTreeSet<usize>>,
}

impl Installation<'_> {
    fn run(&self) -> anyhow::Result<()> {
        let facts: Vec<Facts> = self.debs.iter().map(facts).collect();
        let mut interests = Interests::default();
        let (chroot, mut configured) = if self.job.below.is_empty() {
            self.begin(&facts, &mut interests)?
        } else {
            self.go_on(&mut interests)?
        };
        let has_hooks = std::thread::scope(|scope| {
            let mut indexing = None;
            for Wave { needs, packages } in waves(&facts) {
                let packages: Vec<usize> =
                    packages.into_iter().filter(|it| !configured.contains(it)).collect();
                self.configure(&chroot, &needs, &mut configured)?;
                self.prepare(&chroot, &packages)?;
                let touched = self.unpack(&packages, &mut interests)?;
                self.tell(&chroot, &interests, &configured, &touched)?;
                // A processor waits while scripts run. What fails now is told when it is done in its place.
                if indexing.is_none() && self.job.below.is_empty() && chroot.has_modules() {
                    indexing = Some(scope.spawn(|| chroot.index_modules().ok()));
                }
            }
            // What the initial ram disk is made from first: it is made beside the rest.
            let hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let has_hooks = !hooks.is_empty();
            self.configure(&chroot, &needs_of(&facts, hooks), &mut configured)?;
            Self::configure_rest(&chroot, has_hooks)?;
            anyhow::Ok(has_hooks)
        })?;
        if !has_hooks {
            chroot.initial_ram_disks_if_called()?;
        }
        self.mark_automatic()?;
        self.finish()?;
        chroot.leave()
    }

    /// All that is unpacked, and beside it what takes long and depends on the tree alone.
    fn configure_rest(chroot: &Chroot<'_>, has_hooks: bool) -> anyhow::Result<()> {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let beside = scope.spawn(|| if has_hooks { chroot.initial_ram_disks() } else { anyhow::Ok(()) });
            let certificates = scope.spawn(|| chroot.certificates_early(&done));
            let configured = chroot.configure(&[]);
            done.store(true, Ordering::Relaxed);
            configured?;
            chroot.end()?;
            [beside, certificates].into_iter().try_for_each(|thread| {
                thread.join().unwrap_or_else(|_| anyhow::bail!("a thread of the installation panicked"))
            })
        })
    }

    /// The essential packages, in an empty tree. Without them no script can run, so theirs come after.
    fn begin(
        &self,
        facts: &[Facts],
        interests: &mut Interests,
    ) -> anyhow::Result<(Chroot<'_>, BTreeSet<usize>)> {
        in_tree(self.tree, database::create)?;
        let first = waves(facts).into_iter().next().context("there are no packages to install")?.packages;
        let touched = self.unpack(&first, interests)?;
        self.lay_install_part()?;
        in_tree(self.tree, || {
            fs::write("/etc/machine-id", format!("{MACHINE_ID}\n")).context("naming the machine")
        })?;
        let chroot = Chroot::enter(self.tree, self.job.epoch)?;
        self.prepare(&chroot, &first)?;
        chroot.configure_first("base-passwd")?;
        chroot.configure_first("base-files")?;
        chroot.configure(&[])?;
        let configured = first.into_iter().collect();
        self.tell(&chroot, interests, &configured, &touched)?;
        Ok((chroot, configured))
    }

    /// A tree that has packages already.
    fn go_on(&self, interests: &mut Interests) -> anyhow::Result<(Chroot<'_>, BTreeSet<usize>)> {
        let installed = in_tree(self.tree, || {
            let diversions = unpack::diversions()?;
            let lists = self.debs.iter().map(database::list).collect::<anyhow::Result<Vec<_>>>()?;
            let lists = lists.iter().enumerate().filter_map(|(index, list)| Some((index, list.as_ref()?)));
            let mut installed = BTreeSet::new();
            for (index, list) in lists {
                self.ground.know(&self.debs[index], index, list, &diversions);
                interests.add(&self.debs[index]);
                installed.insert(index);
            }
            Ok(installed)
        })?;
        self.lay_install_part()?;
        Ok((Chroot::enter(self.tree, self.job.epoch)?, installed))
    }

    fn configure(
        &self,
        chroot: &Chroot<'_>,
        needs: &BTreeSet<usize>,
        configured: &mut BTreeSet<usize>,
    ) -> anyhow::Result<()> {
        let open = needs.iter().filter(|index| configured.insert(**index));
        let names: Vec<String> = open.map(|index| self.debs[*index].qualified()).collect();
        if names.is_empty() { Ok(()) } else { chroot.configure(&names) }
    }

    /// Tells configured packages about new files that they want to hear of; dpkg would have, while
    /// it unpacked. Packages that are not configured yet find the files when they are.
    fn tell(
        &self,
        chroot: &Chroot<'_>,
        interests: &Interests,
        configured: &BTreeSet<usize>,
        touched: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let configured: BTreeSet<String> =
            configured.iter().map(|index| self.debs[*index].qualified()).collect();
        let heard = |path: &str| {
            let below = format!("{path}/");
            let mut from = touched.range(below.clone()..);
            touched.contains(path) || from.next().is_some_and(|it| it.starts_with(&below))
        };
        for (path, package) in interests.touched(|it| configured.contains(it), heard) {
            chroot.trigger(path, package)?;
        }
        Ok(())
    }

    fn prepare(&self, chroot: &Chroot<'_>, wave: &[usize]) -> anyhow::Result<()> {
        wave.iter()
            .map(|index| &self.debs[*index])
            .filter(|it| it.has("preinst"))
            .try_for_each(|it| chroot.preinst(it))
    }

    /// Places the packages of `wave` and returns every path that they touched.
    fn unpack(&self, wave: &[usize], interests: &mut Interests) -> anyhow::Result<BTreeSet<String>> {
        if wave.is_empty() {
            return Ok(BTreeSet::new());
        }
        let diversions = in_tree(self.tree, unpack::diversions)?;
        let mut order = wave.to_vec();
        // The links of the merged /usr first, then the largest, so that no thread is left with one.
        order.sort_by_key(|index| {
            (self.debs[*index].name() != "base-files", std::cmp::Reverse(self.debs[*index].size))
        });
        let (links, rest) =
            order.split_at(order.first().map_or(0, |it| usize::from(self.debs[*it].name() == "base-files")));
        let placed = Mutex::new(BTreeMap::new());
        let place = |index: &usize| {
            println!("Unpacking {}", self.debs[*index].name());
            let one = self.ground.place(self.debs, *index, &diversions)?;
            if one.paths.iter().any(|path| INITRD.iter().any(|it| path.starts_with(it))) {
                self.hooks.lock().unwrap_or_else(PoisonError::into_inner).insert(*index);
            }
            placed.lock().unwrap_or_else(PoisonError::into_inner).insert(*index, one);
            Ok(())
        };
        side_by_side(self.tree, links, place)?;
        side_by_side(self.tree, rest, place)?;
        let mut placed: BTreeMap<usize, Placed> = placed.into_inner().unwrap_or_else(PoisonError::into_inner);
        in_tree(self.tree, || {
            self.ground.settle(&mut placed)?;
            let mut paragraphs = Vec::new();
            for (index, one) in &placed {
                let deb = &self.debs[*index];
                database::describe(deb, &(one.paths.join("\n") + "\n"))?;
                interests.add(deb);
                paragraphs.push(database::status(deb));
            }
            interests.write()?;
            database::add(&paragraphs)?;
            // Essential programs need an awk before mawk has registered as one.
            let awk = Path::new("/usr/bin/awk");
            if Path::new("/usr/bin/mawk").exists() && !awk.is_symlink() {
                symlink("mawk", awk).context("making awk")?;
            }
            Ok(())
        })?;
        Ok(placed.into_values().flat_map(|it| it.paths).collect())
    }

    /// The overlays' files that packages must find when they are configured.
    fn lay_install_part(&self) -> anyhow::Result<()> {
        let file = File::open(&self.job.install).context("opening the install parts")?;
        in_tree(self.tree, || {
            let mut archive = tar::Archive::new(file);
            archive.set_preserve_permissions(true);
            archive.set_preserve_ownerships(true);
            archive.unpack("/").context("laying the install parts")
        })
    }

    /// apt removes what came along by itself when nothing needs it any more.
    fn mark_automatic(&self) -> anyhow::Result<()> {
        let mut text = String::new();
        for deb in self.debs.iter().filter(|it| !self.job.wanted.iter().any(|name| name == it.name())) {
            if deb.control.get("Essential") != Some("yes") {
                let (name, architecture) = (deb.name(), &self.job.architecture);
                text += &format!("Package: {name}\nArchitecture: {architecture}\nAuto-Installed: 1\n\n");
            }
        }
        let folder = self.tree.join("var/lib/apt");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("extended_states"), text))
            .context("marking packages as automatically installed")
    }

    fn finish(&self) -> anyhow::Result<()> {
        let shell = xshell::Shell::new().context("finding the working folder")?;
        let (finish, tree) = (&self.job.finish, self.tree);
        xshell::cmd!(shell, "{finish} {tree}").quiet().run().context("finishing the root file system")
    }
}

fn open(job: &Job) -> anyhow::Result<Vec<Deb>> {
    let opened = Mutex::new(BTreeMap::new());
    let numbers: Vec<usize> = (0..job.debs.len()).collect();
    side_by_side(Path::new("/"), &numbers, |index| {
        let deb = Deb::open(&job.debs[*index])?;
        opened.lock().unwrap_or_else(PoisonError::into_inner).insert(deb.qualified(), deb);
        Ok(())
    })?;
    Ok(opened.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect())
}

fn facts(deb: &Deb) -> Facts {
    let provides = deb.control.relations("Provides").into_iter().flatten();
    let pre_depends = deb.control.relations("Pre-Depends");
    Facts {
        names: std::iter::once(deb.name().to_owned()).chain(provides).collect(),
        essential: deb.control.get("Essential") == Some("yes"),
        depends: deb.control.relations("Depends").into_iter().chain(pre_depends.clone()).collect(),
        pre_depends,
        has_preinst: deb.has("preinst"),
    }
}

/// Runs `work` in a thread whose root is `tree`, so that no link can lead out of it.
fn in_tree<T: Send>(tree: &Path, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            change_root(tree)?;
            work()
        });
        thread.join().unwrap_or_else(|_| anyhow::bail!("a thread of the installation panicked"))
    })
}

/// Does `work` for each of `items` in threads whose root is `tree`, as many as there are processors.
fn side_by_side<I: Sync>(
    tree: &Path,
    items: &[I],
    work: impl Fn(&I) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let run = || -> anyhow::Result<()> {
        change_root(tree)?;
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(err) = work(item) {
                next.store(items.len(), Ordering::Relaxed);
                return Err(err);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let panicked = || anyhow::anyhow!("a thread of the installation panicked");
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| panicked())?)
    })
}

fn change_root(tree: &Path) -> anyhow::Result<()> {
    unshare(CloneFlags::CLONE_FS).context("giving a thread a root of its own")?;
    nix::unistd::chroot(tree).context("entering the tree")?;
    std::env::set_current_dir("/").context("entering the tree")
}
