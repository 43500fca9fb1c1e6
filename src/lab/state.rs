//! The folder of a lab: what is unpacked once, and what other shells must know.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::plan::Plan;

/// The folder.
#[derive(Debug, Clone)]
pub struct State(PathBuf);

impl State {
    /// The state in `dir`, which is made if need be.
    pub fn make(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("making `{}`", dir.display()))?;
        let dir = dir.canonicalize().with_context(|| format!("finding `{}`", dir.display()))?;
        // The lab has a /run of its own, and options of overlayfs are parted by these.
        ensure!(!dir.starts_with("/run"), "a lab cannot lie below /run; choose another --dir");
        let text = dir.to_string_lossy();
        ensure!(!text.contains([',', ':', '\\']), "`{text}` has a comma or a colon; choose another --dir");
        Ok(Self(dir))
    }

    /// The state in `dir` of a lab that runs.
    pub fn of_running(dir: &Path) -> anyhow::Result<Self> {
        let none = || format!("no lab runs in `{}`; start one with nuvol lab start", dir.display());
        let state = Self(dir.canonicalize().with_context(none)?);
        let free = File::open(state.lock()).is_ok_and(|file| file.try_lock().is_err());
        ensure!(free && state.pid().is_ok(), none());
        Ok(state)
    }

    /// Keeps every other lab out for as long as the file is open.
    pub fn take(&self) -> anyhow::Result<File> {
        let path = self.lock();
        let file = File::create(&path).with_context(|| format!("making `{}`", path.display()))?;
        ensure!(file.try_lock().is_ok(), "a lab runs in `{}` already", self.0.display());
        fs::remove_file(self.file("pid")).ok();
        Ok(file)
    }

    /// Writes down which nodes there are.
    pub fn set_plan(&self, plan: &Plan) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(plan).context("writing the plan")?;
        fs::write(self.file("plan.json"), text).context("writing the plan")
    }

    /// Which nodes there are.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let text = fs::read_to_string(self.file("plan.json")).context("reading the plan of the lab")?;
        serde_json::from_str(&text).context("reading the plan of the lab")
    }

    /// The first process of the lab, by its number outside.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let text = fs::read_to_string(self.file("pid")).context("the lab has not begun yet")?;
        text.trim().parse().context("reading which process the lab is")
    }

    /// Writes down which process the lab is.
    pub fn set_pid(&self, pid: &str) -> anyhow::Result<()> {
        let new = self.file("pid.new");
        fs::write(&new, pid).and_then(|()| fs::rename(&new, self.file("pid"))).context("noting the process")
    }

    /// The unpacked file system of all nodes.
    pub fn root(&self) -> PathBuf {
        self.file("root")
    }

    /// What lies over it in all nodes: programs just built.
    pub fn added(&self) -> PathBuf {
        self.file("added")
    }

    /// Where the nodes' own data are, in memory, seen from inside alone.
    pub fn memory(&self) -> PathBuf {
        self.file("memory")
    }

    /// What systemd-nspawn said of a node.
    pub fn log(&self, node: &str) -> PathBuf {
        self.file(&format!("{node}.log"))
    }

    /// There while a node is off.
    pub fn off(&self, node: &str) -> PathBuf {
        self.file(&format!("{node}.off"))
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn lock(&self) -> PathBuf {
        self.file("in-use")
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn one_lab_a_folder_and_none_that_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::make(dir.path()).unwrap();
        assert!(State::of_running(dir.path()).is_err());
        let held = state.take().unwrap();
        assert!(state.take().unwrap_err().to_string().contains("already"));
        assert!(State::of_running(dir.path()).is_err(), "it has not begun");
        state.set_pid("1").unwrap();
        State::of_running(dir.path()).unwrap();
        drop(held);
        assert!(State::of_running(dir.path()).is_err());
    }
}
