//! What an installation stands on: the tree as another installation left it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::tree::{BUFFER, Tree};
use super::pack::{self, Before};
use super::{in_tree, side_by_side};

/// The kernel notes changes by a clock that ticks this often at least (`CONFIG_HZ` is 100 or more).
const TICK: Duration = Duration::from_millis(10);

/// Lays `tars`, which lie over each other, into the empty folder `folder`, and returns what stands there then.
pub fn lay(folder: &Path, tars: &[PathBuf]) -> anyhow::Result<Before> {
    if tars.is_empty() {
        return Ok(Before::new());
    }
    let tree = Tree::read(tars)?;
    in_tree(folder, || tree.lay_folders())?;
    side_by_side(folder, &tree.portions(), |portion| {
        let mut buffer = vec![0; BUFFER];
        portion.iter().try_for_each(|(path, node)| tree.lay(path, node, &mut buffer))
    })?;
    in_tree(folder, || tree.lay_names())?;
    wait();
    pack::look(folder)
}

/// Waits until any change will have another time than those before.
pub fn wait() {
    std::thread::sleep(2 * TICK);
}
