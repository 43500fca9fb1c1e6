//! Door to the catalogue: the files that the builder laid into the image, read once at start.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::node::service::Service;
use crate::node::{Catalogue, Effect, Problem};

mod yaml;

/// More than any honest file has; a bigger one is refused, not read.
const FILE_LIMIT_BYTES: u64 = 64 * 1024;
/// More services than any node carries.
const SERVICES_LIMIT: usize = 256;

/// What the image says, and everything in it that cannot be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What could be read.
    pub catalogue: Catalogue,
    /// What could not.
    pub problems: Vec<Problem>,
}

/// Reads `<dir>/*.yaml`, one service each, and `image.yaml` beside `dir`. A bad file costs its own service only.
pub fn read(dir: &Path) -> Found {
    let mut found = Found::default();
    let image = dir.parent().unwrap_or(dir).join("image.yaml");
    match read_limited(&image).map_err(|error| format!("cannot read `{}`: {error}", image.display())) {
        Ok(text) => match yaml::parse(&image, &text) {
            Ok(read) => found.catalogue.image = read,
            Err(cause) => found.miss_image(cause),
        },
        Err(cause) => found.miss_image(cause),
    }
    match yaml_files(dir) {
        Ok(paths) => paths.iter().for_each(|path| match read_service(path) {
            Ok(service) => {
                found.catalogue.services.insert(service.name.to_string(), service);
            }
            Err(cause) => found.problems.push(Problem { effect: hidden(path), cause }),
        }),
        Err(error) => found.problems.push(Problem {
            effect: Effect::ServicesUnknown,
            cause: format!("cannot read the folder `{}`: {error}", dir.display()),
        }),
    }
    found
}

impl Found {
    fn miss_image(&mut self, cause: String) {
        self.problems.push(Problem { effect: Effect::ImageUnknown, cause });
    }
}

fn hidden(path: &Path) -> Effect {
    Effect::ServiceHidden(path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
}

fn read_service(path: &Path) -> Result<Service, String> {
    let text = read_limited(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let service: Service = yaml::parse(path, &text)?;
    // One name, one file: so no two files can claim one service.
    if path.file_stem().is_some_and(|stem| stem.to_str() == Some(&service.name)) {
        return Ok(service);
    }
    let at = yaml::place_of_name(path, &text);
    Err(format!("{at}: the service is called `{}`, so its file must be `{0}.yaml`", &*service.name))
}

fn yaml_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    for entry in dir.read_dir()? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.extension().is_some_and(|extension| extension == "yaml") && !hidden {
            files.insert(path);
        }
    }
    if files.len() > SERVICES_LIMIT {
        return Err(io::Error::other(format!("{} files are more than {SERVICES_LIMIT}", files.len())));
    }
    Ok(files.into_iter().collect())
}

/// Reads a small text file; a big one is an error.
fn read_limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_LIMIT_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_LIMIT_BYTES {
        return Err(io::Error::other(format!("it is larger than {FILE_LIMIT_BYTES} bytes")));
    }
    Ok(text)
}

/// What ci/fuzz reaches: the text of a catalogue's file.
#[cfg(fuzzing)]
pub fn fuzz(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("fuzz.yaml");
    drop(yaml::parse::<crate::node::Image>(path, text));
    if let Ok(service) = yaml::parse::<Service>(path, text) {
        assert!(!service.name.is_empty() && !service.units.is_empty());
    }
    yaml::place_of_name(path, text);
}

#[cfg(test)]
mod tests;
