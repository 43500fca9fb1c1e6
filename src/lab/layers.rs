//! What nodes are made of: the unpacked container image, and over it programs that were just built.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use xshell::cmd;

use super::state::State;
use crate::host::Host;

/// How the format's files end.
const ENDING: &str = ".lxc.tar.zst";
/// Where the package puts each of the agent's programs.
const PROGRAMS: [(&str, &str); 4] = [
    ("nuvol-agent", "usr/bin"),
    ("nuvolctl", "usr/bin"),
    ("nuvol-helper", "usr/lib/nuvol"),
    ("nuvol-config", "usr/lib/nuvol"),
];
/// Overlays whose files are laid over too: they change together with the agent.
const OVERLAYS: [&str; 2] = ["tinc", "avahi"];

/// The container image in the folder of a release, or `path` itself.
pub fn archive(path: &Path) -> anyhow::Result<PathBuf> {
    if !path.is_dir() {
        ensure!(path.to_string_lossy().ends_with(ENDING), "`{}` does not end in {ENDING}", path.display());
        return Ok(path.to_owned());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("reading `{}`", path.display()))? {
        let file = entry.with_context(|| format!("reading `{}`", path.display()))?.path();
        if file.to_string_lossy().ends_with(ENDING) {
            found.push(file);
        }
    }
    match found.pop() {
        Some(file) if found.is_empty() => Ok(file),
        Some(_) => bail!("`{}` has more than one container image: name one", path.display()),
        None => bail!("`{}` has no container image: build the release with --format lxc", path.display()),
    }
}

/// Unpacks `archive` unless that was done before.
pub fn unpack(host: &Host, state: &State, archive: &Path) -> anyhow::Result<()> {
    let reading = || format!("reading `{}`", archive.display());
    let file = fs::metadata(archive).with_context(reading)?;
    let changed = file.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let mark = format!("{} {} {:?}\n", archive.display(), file.len(), changed);
    let (root, new, note) = (state.root(), state.file("root.new"), state.file("root.of"));
    if root.is_dir() && fs::read_to_string(&note).is_ok_and(|text| text == mark) {
        return Ok(());
    }
    for old in [&root, &new] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("removing `{}`", old.display()))?;
        }
    }
    fs::create_dir_all(&new).with_context(|| format!("making `{}`", new.display()))?;
    let tar =
        cmd!(host.shell(), "tar --directory {new} --numeric-owner --xattrs --xattrs-include=* -xpf - rootfs");
    host.feed(tar, &|pipe| {
        let mut packed = zstd::Decoder::new(File::open(archive)?)?;
        std::io::copy(&mut packed, pipe)?;
        Ok(())
    })?;
    fs::rename(new.join("rootfs"), &root).context("moving the nodes' file system to its place")?;
    fs::remove_dir_all(&new).with_context(|| format!("removing `{}`", new.display()))?;
    fs::write(note, mark).context("noting what was unpacked")
}

/// Lays what `programs` has of the agent over all nodes, with the units of its package and of a few overlays in
/// `tree`. Without programs the layer is empty.
pub fn add(state: &State, programs: Option<&Path>, tree: Option<&Path>) -> anyhow::Result<()> {
    let added = state.added();
    if added.exists() {
        fs::remove_dir_all(&added).with_context(|| format!("removing `{}`", added.display()))?;
    }
    fs::create_dir_all(&added).with_context(|| format!("making `{}`", added.display()))?;
    let Some(programs) = programs else { return Ok(()) };
    let mut any = false;
    for (name, folder) in PROGRAMS {
        let from = programs.join(name);
        if from.is_file() {
            copy(&from, &added.join(folder).join(name))?;
            any = true;
        }
    }
    ensure!(any, "`{}` has no program of the agent", programs.display());
    let Some(tree) = tree else { return Ok(()) };
    let overlays =
        OVERLAYS.iter().flat_map(|it| ["install", "files"].map(|part| format!("overlays/{it}/{part}")));
    for part in overlays.chain(["agent/package/root".to_owned()]) {
        let from = tree.join(part);
        if from.is_dir() {
            copy_all(&from, &added)?;
        }
    }
    enable(&added)
}

/// Files of a folder, except those that are rendered first.
fn copy_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("reading `{}`", from.display()))? {
        let path = entry.with_context(|| format!("reading `{}`", from.display()))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_all(&path, &target)?;
        } else if path.extension().is_none_or(|it| it != "tera") {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let what = || format!("copying `{}`", from.display());
    fs::create_dir_all(to.parent().unwrap_or(to)).with_context(what)?;
    fs::copy(from, to).map(|_| ()).with_context(what)
}

/// Units of the agent that start with the machine, as its package's presets have it: new ones too.
fn enable(added: &Path) -> anyhow::Result<()> {
    let (units, etc) = (added.join("usr/lib/systemd/system"), added.join("etc/systemd/system"));
    let Ok(entries) = fs::read_dir(&units) else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let Some(name) = path.file_name().and_then(|it| it.to_str()).filter(|it| it.starts_with("nuvol-"))
        else {
            continue;
        };
        // Folders are parts of other units.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for target in text.lines().filter_map(|line| line.strip_prefix("WantedBy=")) {
            for target in target.split_whitespace() {
                let wants = etc.join(format!("{target}.wants"));
                fs::create_dir_all(&wants).with_context(|| format!("making `{}`", wants.display()))?;
                symlink(format!("/usr/lib/systemd/system/{name}"), wants.join(name))
                    .with_context(|| format!("enabling `{name}`"))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{State, add, archive};

    #[test]
    fn a_release_has_one_container_image() {
        let dir = tempfile::tempdir().unwrap();
        assert!(archive(dir.path()).unwrap_err().to_string().contains("--format lxc"));
        std::fs::write(dir.path().join("a.lxc.tar.zst"), "").unwrap();
        assert_eq!(archive(dir.path()).unwrap(), dir.path().join("a.lxc.tar.zst"));
        std::fs::write(dir.path().join("b.lxc.tar.zst"), "").unwrap();
        assert!(archive(dir.path()).unwrap_err().to_string().contains("more than one"));
    }

    #[test]
    fn fresh_programs_and_units_come_over_and_start() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::make(&dir.path().join("state")).unwrap();
        let (built, tree) = (dir.path().join("built"), dir.path().join("tree"));
        let units = tree.join("agent/package/root/usr/lib/systemd/system");
        for folder in [&built, &units] {
            std::fs::create_dir_all(folder).unwrap();
        }
        assert!(add(&state, Some(&built), Some(&tree)).is_err(), "nothing was built");
        std::fs::write(built.join("nuvol-helper"), "new").unwrap();
        std::fs::write(units.join("nuvol-a.socket"), "[Install]\nWantedBy=sockets.target\n").unwrap();
        std::fs::write(units.join("nuvol-b.service"), "[Service]\n").unwrap();
        add(&state, Some(&built), Some(&tree)).unwrap();
        let has = |path: &str| state.added().join(path).symlink_metadata().is_ok();
        assert!(has("usr/lib/nuvol/nuvol-helper") && !has("usr/bin/nuvol-agent"));
        assert!(has("etc/systemd/system/sockets.target.wants/nuvol-a.socket"));
        assert!(has("usr/lib/systemd/system/nuvol-b.service"));
        add(&state, None, None).unwrap();
        assert!(!has("usr"));
    }
}
