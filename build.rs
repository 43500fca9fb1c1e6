//! Packs the tree that comes with `nuvol` (profiles, catalogue, overlays) into one tar, which keeps
//! symbolic links and executable bits. Nothing else of the files' metadata goes in.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const PARTS: [&str; 3] = ["overlays", "packages.yaml", "profiles"];

fn main() -> io::Result<()> {
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    let mut archive = tar::Builder::new(fs::File::create(out.join("tree.tar"))?);
    for part in PARTS {
        println!("cargo::rerun-if-changed={part}");
        if Path::new(part).exists() {
            add(&mut archive, part)?;
        }
    }
    archive.finish()
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
