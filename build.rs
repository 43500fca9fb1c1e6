//! Packs what comes with `nuvol` into tars, which keep symbolic links and executable bits and nothing else of
//! the files' metadata: the tree (profiles, catalogue, overlays), and the agent's source.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const TREE: [&str; 3] = ["overlays", "packages.yaml", "profiles"];
/// What cargo needs to compile the agent: of the other packages, that they are there.
const AGENT: [&str; 16] = [
    "Cargo.lock",
    "Cargo.toml",
    "agent/Cargo.toml",
    "agent/assets",
    "agent/fuzz/Cargo.toml",
    "agent/languages",
    "agent/src",
    "agent/templates",
    "community/Cargo.toml",
    "community/src",
    "install/Cargo.toml",
    "install/src",
    "media/Cargo.toml",
    "media/src",
    "seed/Cargo.toml",
    "seed/src",
];
const EMPTY: [&str; 2] = ["agent/fuzz/src/lib.rs", "src/lib.rs"];

fn main() -> io::Result<()> {
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    pack(&out.join("tree.tar"), &TREE)?.finish()?;
    let mut agent = pack(&out.join("agent.tar"), &AGENT)?;
    for path in EMPTY {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(0);
        agent.append_data(&mut header, path, io::empty())?;
    }
    agent.finish()
}

fn pack(to: &Path, parts: &[&str]) -> io::Result<tar::Builder<fs::File>> {
    let mut archive = tar::Builder::new(fs::File::create(to)?);
    for part in parts {
        println!("cargo::rerun-if-changed={part}");
        if Path::new(part).exists() {
            add(&mut archive, part)?;
        }
    }
    Ok(archive)
}

fn add(archive: &mut tar::Builder<fs::File>, path: &str) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        let entries: io::Result<Vec<_>> = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect();
        let mut names = entries?;
        names.sort();
        return names.iter().try_for_each(|name| match name.to_str() {
            Some(name) if name.ends_with('~') || name.ends_with(".swp") || name.starts_with(".#") => Ok(()),
            Some(name) => add(archive, &format!("{path}/{name}")),
            None => Err(io::Error::other(format!("the name of a file in `{path}` is not UTF-8"))),
        });
    }
    let mut header = tar::Header::new_gnu();
    header.set_mtime(0);
    if metadata.is_symlink() {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        return archive.append_link(&mut header, path, fs::read_link(path)?);
    }
    let bytes = fs::read(path)?;
    header.set_mode(if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 });
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, path, bytes.as_slice())
}
