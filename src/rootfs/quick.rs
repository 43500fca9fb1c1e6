//! Packages in a form that unpacks fast. Debian compresses with xz, made for downloading once: decoding it
//! takes longer than everything else that unpacking does. Before a package is installed for the first time it
//! is compressed again with zstd, for a fifth more bytes and a tenth of the time; the shelf keeps that.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::install::decoded;
use super::resolve::Package;
use crate::report::Unit;
use crate::store::{Found, Key, Store, side_by_side};
use crate::workshop::Workshop;

const FILE: &str = "package.deb";
const STAGE: &str = "package";
/// Higher levels take much longer and save little.
const LEVEL: i32 = 3;

#[derive(Serialize)]
struct QuickRecipe<'a> {
    /// Raised when the same package would be written in another way.
    version: u32,
    sha256: &'a str,
}

/// The quick form of each of `packages`, which are on the shelf. The bytes of every package are compared with
/// its digest in each build, whether or not its quick form is there.
pub fn quick(shop: &Workshop, packages: &[Package]) -> anyhow::Result<Vec<PathBuf>> {
    let bar = shop.report.bar("unpack", packages.len() as u64, Unit::Steps);
    let store = &shop.store;
    let found = side_by_side(packages, |package| {
        let path = quick_one(store, package);
        bar.inc(1);
        path.with_context(|| format!("reading the package `{}`", package.name))
    });
    bar.finish_and_clear();
    found
}

fn quick_one(store: &Store, package: &Package) -> anyhow::Result<PathBuf> {
    let original = store.whole_package(&package.sha256)?;
    let recipe = serde_json::to_vec(&QuickRecipe { version: 1, sha256: &package.sha256 })?;
    let make = |dir: &Path| {
        recompress(&original, &dir.join(FILE)).context("compressing it again")?;
        Ok(Found::Made)
    };
    let got = store.get_or_make(&Key::of(STAGE, &recipe), &recipe, false, make)?;
    Ok(got.path.join(FILE))
}

/// Writes the package `from` with other compression to `to`. Each part carries a checksum of its contents.
fn recompress(from: &Path, to: &Path) -> anyhow::Result<()> {
    let folder = to.parent().context("a package lies in a folder")?;
    let mut parts = ar::Archive::new(BufReader::with_capacity(256 << 10, File::open(from)?));
    let mut deb = ar::Builder::new(BufWriter::new(File::create(to)?));
    while let Some(part) = parts.next_entry() {
        let part = part?;
        let name = String::from_utf8_lossy(part.header().identifier()).trim_end_matches('/').to_owned();
        let Some((stem, kind)) = name.split_once(".tar") else {
            let header = part.header().clone();
            deb.append(&header, part)?;
            continue;
        };
        // An ar says how long a part is before the part itself.
        let mut zstd = zstd::Encoder::new(tempfile::tempfile_in(folder)?, LEVEL)?;
        zstd.include_checksum(true)?;
        std::io::copy(&mut decoded(part, kind)?, &mut zstd)?;
        let mut file = zstd.finish()?;
        let header = ar::Header::new(format!("{stem}.tar.zst").into_bytes(), file.stream_position()?);
        file.rewind()?;
        deb.append(&header, file)?;
    }
    Ok(deb.into_inner()?.flush()?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::super::install::Deb;
    use super::recompress;

    #[test]
    fn a_package_is_the_same_in_its_quick_form() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a.deb"), dir.path().join("b.deb"));
        let tar = |name: &str, text: &str| {
            let mut tar = tar::Builder::new(liblzma::write::XzEncoder::new(Vec::new(), 1));
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(7);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
            tar.into_inner().unwrap().finish().unwrap()
        };
        let mut deb = ar::Builder::new(File::create(&from).unwrap());
        let parts = [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.xz", tar("./control", "Package: a\n")),
            ("data.tar.xz", tar("./etc/a", "text")),
        ];
        for (name, bytes) in parts {
            let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
            deb.append(&header, bytes.as_slice()).unwrap();
        }
        drop(deb);

        recompress(&from, &to).unwrap();
        let deb = Deb::open(&to).unwrap();
        assert_eq!(deb.name(), "a");
        let mut found = Vec::new();
        deb.data(|tar| {
            for entry in tar.entries()? {
                let mut entry = entry?;
                let mut text = String::new();
                std::io::Read::read_to_string(&mut entry, &mut text)?;
                found.push((entry.path()?.display().to_string(), entry.header().mtime()?, text));
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [("etc/a".to_owned(), 7, "text".to_owned())]);

        let mut bytes = std::fs::read(&to).unwrap();
        let middle = bytes.len() - 20;
        bytes[middle] ^= 1;
        std::fs::write(&to, bytes).unwrap();
        let damaged = Deb::open(&to).and_then(|deb| deb.data(|tar| Ok(tar.entries()?.count()).map(|_| ())));
        assert!(damaged.is_err());
    }
}
