//! Reading a finished release again: whether it is what it says it is, and where two of them differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::disk::{first_byte, first_difference};
use crate::overlay::Overlay;
use crate::spec::Architecture;
use crate::store::{SIGNATURE, SUMS, Sums, sha256_file};

const MANIFEST: &str = "manifest.json";

/// What a release says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Statement {
    schema: u32,
    /// The profile that it was built from.
    pub profile: String,
    /// The profile's version.
    pub version: String,
    /// The machine that it is for.
    pub architecture: String,
    /// The program that built it.
    pub builder: String,
    /// Hash of all that the root file system is made from.
    pub rootfs: String,
    /// Its images.
    pub images: Vec<StatedImage>,
}

/// What a release says of one image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StatedImage {
    /// The file's name.
    pub file: String,
    /// The format's name.
    pub format: String,
    /// sha256 in hexadecimal digits.
    pub sha256: String,
}

impl Statement {
    /// The statement of the release in `folder`.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(MANIFEST);
        let what = || format!("reading `{}`: is `{}` a release?", path.display(), folder.display());
        let found: Self = serde_json::from_slice(&fs::read(&path).with_context(what)?).with_context(what)?;
        anyhow::ensure!(
            found.schema == 1,
            "`{}` has schema {}, known here is 1",
            path.display(),
            found.schema
        );
        Ok(found)
    }
}

/// The one lock of the release in `folder`.
pub fn lock_of(folder: &Path) -> anyhow::Result<PathBuf> {
    let names = names(folder)?;
    let mut locks = names.iter().filter(|name| name.ends_with(".lock"));
    match (locks.next(), locks.next()) {
        (Some(lock), None) => Ok(folder.join(lock)),
        _ => anyhow::bail!("`{}` must have one lock", folder.display()),
    }
}

/// Everything in `folder` that is not as `SHA256SUMS` and the manifest say, a line each; nothing if all is well.
pub fn problems(folder: &Path) -> anyhow::Result<Vec<String>> {
    let path = folder.join(SUMS);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("reading `{}`: is `{}` a release?", path.display(), folder.display()))?;
    let mut found = Vec::new();
    let Sums { digests: sums, unclear } = Sums::parse(&text);
    found.extend(unclear.iter().map(|line| format!("{SUMS}: line {line} is no checksum")));
    let names = names(folder)?;
    for (name, digest) in &sums {
        if !names.contains(name) {
            found.push(format!("{name}: is missing"));
        } else if sha256_file(&folder.join(name))? != *digest {
            found.push(format!("{name}: is not what {SUMS} says"));
        }
    }
    // The checksums cannot name their own signature.
    let known = |name: &String| name == SUMS || name == SIGNATURE || sums.contains_key(name);
    found.extend(names.iter().filter(|name| !known(name)).map(|name| format!("{name}: is not in {SUMS}")));
    if sums.contains_key(MANIFEST) && names.contains(MANIFEST) {
        found.extend(contradictions(&Statement::read(folder)?, &sums));
    } else {
        found.push(format!("{SUMS}: does not cover {MANIFEST}"));
    }
    Ok(found)
}

/// Where the manifest and the checksums say different things.
fn contradictions(statement: &Statement, sums: &BTreeMap<String, String>) -> Vec<String> {
    let differs = |image: &&StatedImage| sums.get(&image.file) != Some(&image.sha256);
    let line = |image: &StatedImage| format!("{}: {MANIFEST} and {SUMS} say different things", image.file);
    statement.images.iter().filter(differs).map(line).collect()
}

fn names(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let what = || format!("reading `{}`", folder.display());
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry.with_context(what)?.file_name().to_string_lossy().into_owned())
    };
    fs::read_dir(folder).with_context(what)?.map(name).collect()
}

/// What one release has otherwise than another of the same profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The stage that first made something else.
    pub stage: String,
    /// Where it shows: a path of the root file system, or a byte of the image.
    pub place: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "first different stage: {}; first difference: {}", self.stage, self.place)
    }
}

/// The first stage at which the release in `rebuilt` differs from the one in `folder`, if it does; `overlay` is
/// what was laid over the packages.
pub fn deviation(
    folder: &Path,
    rebuilt: &Path,
    overlay: &Overlay,
    architecture: Architecture,
) -> anyhow::Result<Option<Deviation>> {
    let (one, other) = (Statement::read(folder)?, Statement::read(rebuilt)?);
    let counterpart = |image: &StatedImage| other.images.iter().find(|it| it.format == image.format);
    let Some((image, second)) = one.images.iter().find_map(|image| {
        let second = counterpart(image)?;
        (image.sha256 != second.sha256).then_some((image, second))
    }) else {
        return Ok(None);
    };
    let (first, second) = (folder.join(&image.file), rebuilt.join(&second.file));
    let place = match image.format.as_str() {
        "raw" => first_difference(&first, &second, architecture)?.map(|it| it.to_string()),
        _ => first_byte(&first, &second)?.map(|it| format!("byte {it} of {}", image.file)),
    };
    let place = place.context("two images have different digests and the same bytes")?;
    let path = place.split_once(" /").map(|(_, path)| path);
    let stage = match (one.rootfs == other.rootfs, path) {
        (true, _) if image.format == "raw" => "disk",
        (true, _) => &image.format,
        (false, Some(path)) if overlay.files.contains_key(path) => "layer",
        (false, _) => "install",
    };
    Ok(Some(Deviation { stage: stage.to_owned(), place }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{MANIFEST, deviation, problems};
    use crate::disk::made_up;
    use crate::overlay::{Content, Entry, Overlay};
    use crate::spec::Architecture;
    use crate::store::{SUMS, sha256_file};

    /// Describes the image `x.raw` in `folder` as a release; it was made from the root file system `rootfs`.
    fn describe(folder: &Path, rootfs: &str, digest: &str) {
        let manifest = serde_json::json!({
            "schema": 1, "profile": "x", "version": "1", "architecture": "amd64", "builder": "b", "rootfs": rootfs,
            "images": [{ "file": "x.raw", "format": "raw", "sha256": digest }],
        });
        fs::write(folder.join(MANIFEST), manifest.to_string()).unwrap();
        let of_manifest = sha256_file(&folder.join(MANIFEST)).unwrap();
        fs::write(folder.join(SUMS), format!("{digest}  x.raw\n{of_manifest}  {MANIFEST}\n")).unwrap();
    }

    fn release(folder: &Path) {
        fs::write(folder.join("x.raw"), "disk").unwrap();
        describe(folder, "00", &sha256_file(&folder.join("x.raw")).unwrap());
    }

    #[test]
    fn a_whole_release_has_no_problems() {
        let dir = tempfile::tempdir().unwrap();
        release(dir.path());
        assert!(problems(dir.path()).unwrap().is_empty());
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        release(dir.path());
        let path = dir.path().join(SUMS);
        let text = fs::read_to_string(&path).unwrap().replacen(|c: char| c.is_ascii_hexdigit(), "g", 1);
        fs::write(&path, text + "00  gone.iso\n00  ../out\n").unwrap();
        fs::write(dir.path().join("extra"), "").unwrap();
        let expected = [
            "SHA256SUMS: line 4 is no checksum",
            "gone.iso: is missing",
            "x.raw: is not what SHA256SUMS says",
            "extra: is not in SHA256SUMS",
            "x.raw: manifest.json and SHA256SUMS say different things",
        ];
        assert_eq!(problems(dir.path()).unwrap(), expected);
    }

    #[test]
    fn the_stage_that_made_something_else_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let entry = Entry {
            content: Content::Directory,
            mode: 0,
            owner: "root".to_owned(),
            group: "root".to_owned(),
        };
        let overlay = Overlay { files: [("laid".to_owned(), entry)].into(), ..Overlay::default() };
        // Hashing whole disks would take most of the test's time.
        let release = |name: &str, rootfs: &str, files: &[(&str, &str)]| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            made_up(&folder.join("x.raw"), files);
            describe(&folder, rootfs, &format!("digest of {files:?}"));
            folder
        };
        let one = release("one", "00", &[("installed", "1"), ("laid", "1")]);
        let other = |rootfs: &str, files: &[(&str, &str)]| {
            let folder = release("other", rootfs, files);
            let found = deviation(&one, &folder, &overlay, Architecture::Amd64).unwrap();
            fs::remove_dir_all(&folder).unwrap();
            found.map(|it| (it.stage, it.place))
        };
        let said = |stage: &str, place: &str| Some((stage.to_owned(), place.to_owned()));
        assert_eq!(deviation(&one, &one, &overlay, Architecture::Amd64).unwrap(), None);
        assert_eq!(other("11", &[("installed", "2"), ("laid", "2")]), said("install", "bytes /installed"));
        assert_eq!(other("11", &[("installed", "1"), ("laid", "2")]), said("layer", "bytes /laid"));
        assert_eq!(other("00", &[("installed", "1")]), said("disk", "only-first /laid"));
    }
}
