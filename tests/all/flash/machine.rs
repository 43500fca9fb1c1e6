//! Recorded machines of `tests/machines/`, laid out as folders.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Lays the machine `name` out below `root`; `README.md` there tells of the form.
pub fn lay(name: &str, root: &Path) {
    // The crates beside ours have tests of recorded machines too.
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|it| it.join("tests/machines"));
    let folder = folders.into_iter().find(|it| it.is_dir()).unwrap();
    let text = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
    let (mut folder, mut file) = (root.to_owned(), PathBuf::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(path) = line.strip_prefix("@ /") {
            folder = root.join(path);
        } else if let Some(more) = line.strip_prefix("    ") {
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, format!("{text}{more}\n")).unwrap();
        } else if let Some((path, target)) = line.split_once(" -> ") {
            fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            symlink(target, folder.join(path)).unwrap();
        } else if let Some((path, text)) = line.split_once(" =") {
            file = folder.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text.strip_prefix(' ').unwrap_or(text)).unwrap();
        } else {
            panic!("`{line}` is no line of a recorded machine");
        }
    }
}
