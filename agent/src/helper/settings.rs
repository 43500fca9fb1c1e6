//! What the owner has set, as files of variables (`EnvironmentFile=` of systemd.exec(5)).
//!
//! A file has only what somebody has set: what its image calls the default is in a file of the image, which systemd
//! reads first, so that a new image can bring a new one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{Mode, OFlags};

use crate::node::service::{Service, Text};
use crate::node::setting::Value;

/// No honest file is longer.
const FILE_LIMIT_BYTES: u64 = 256 * 1024;

/// The file of a service's settings.
pub fn path(dir: &Path, service: &Service) -> PathBuf {
    dir.join(format!("{}.env", &*service.name))
}

/// The file as it is; `None` where nothing was ever set.
pub fn text(path: &Path) -> anyhow::Result<Option<String>> {
    match File::open(path) {
        Ok(file) => limited(file).map(Some).with_context(|| format!("reading `{}`", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("opening `{}`", path.display())),
    }
}

fn limited(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(FILE_LIMIT_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// The values in such a file. What the service does not know any more, or would not accept, is as if never set.
pub fn parse(service: &Service, text: &str) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    for line in text.lines() {
        let Some((variable, quoted)) = line.split_once('=') else { continue };
        let Some(setting) = service.settings.iter().find(|setting| setting.variable() == variable) else {
            continue;
        };
        if let Some(Ok(value)) = unquoted(quoted).map(|text| setting.check(&text)) {
            values.insert(setting.name.to_string(), value);
        }
    }
    values
}

/// These values as such a file.
pub fn render(service: &Service, values: &BTreeMap<String, Value>) -> String {
    let line = |setting: &crate::node::setting::Setting| {
        let value = values.get(&*setting.name)?;
        Some(format!("{}={}\n", setting.variable(), quoted(&value.to_string())))
    };
    service.settings.iter().filter_map(line).collect()
}

/// Within double quotes, systemd and the shell agree on what a backslash stands before.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '`' | '$') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted + "\""
}

fn unquoted(text: &str) -> Option<String> {
    let mut letters = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        text.push(if letter == '\\' { letters.next()? } else { letter });
    }
    Some(text)
}

/// What the service drew for itself, as far as it is there.
pub fn shown(service: &Service) -> BTreeMap<String, String> {
    let one = |shown: &crate::node::service::Shown| {
        let text = service_file(Path::new(&*shown.file)).ok()?;
        let head = format!("{}=", &*shown.key);
        let value = text.lines().find_map(|line| line.strip_prefix(&head))?;
        Some((shown.name.to_string(), value.chars().filter(|c| Text::shows(*c)).take(1000).collect()))
    };
    service.shown.iter().filter_map(one).collect()
}

/// Reads a file in a folder where a service may write. It could put a link there to what only root may read; so no
/// part of the path may be one. Step by step, because containers often know no `openat2`.
fn service_file(path: &Path) -> io::Result<String> {
    let names: Vec<_> = path.iter().skip(1).collect();
    let Some((file, folders)) = names.split_last() else {
        return Err(io::Error::other("it is not a file"));
    };
    let folder_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = rustix::fs::openat(rustix::fs::CWD, "/", folder_flags, Mode::empty())?;
    for folder in folders {
        at = rustix::fs::openat(&at, *folder, folder_flags, Mode::empty())?;
    }
    // Not waiting: it may be a pipe that nobody writes to.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(&at, *file, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    limited(file)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::symlink;

    use super::{parse, render, service_file};
    use crate::durable;
    use crate::node::service::Service;
    use crate::node::setting::Value;

    fn radio() -> Service {
        let json = r#"{"name": "radio", "title": "R", "summary": "S", "role": "streaming",
            "units": ["radio.service"], "start": "on-demand", "settings": [
                {"name": "station-name", "title": "T", "kind": "text", "default": "x", "max-length": 60},
                {"name": "open", "title": "G", "kind": "switch", "default": true}]}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mean = r#"a "b" \ `id` $(id) ${HOME} 'c' # ; | & <x>"#.to_owned();
        let values: BTreeMap<String, Value> =
            [("station-name".to_owned(), Value::Text(mean)), ("open".to_owned(), Value::Switch(false))]
                .into();
        let text = render(&radio(), &values);
        assert_eq!(text.lines().count(), 2);
        assert_eq!(
            text,
            "STATION_NAME=\"a \\\"b\\\" \\\\ \\`id\\` \\$(id) \\${HOME} 'c' # ; | & <x>\"\nOPEN=\"no\"\n"
        );
        assert_eq!(parse(&radio(), &text), values);
    }

    #[test]
    fn what_cannot_be_is_as_if_never_set() {
        let text = "STATION_NAME=bare\nOPEN=\"perhaps\"\nPATH=\"/tmp\"\n\nnonsense\nOPEN=\"no\nOPEN=\"\\\"\n";
        assert_eq!(parse(&radio(), text), BTreeMap::new());
    }

    #[test]
    fn no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        std::fs::create_dir(dir.join("real")).unwrap();
        durable::write(&dir.join("real/passwords"), "source=abc\n", 0o600).unwrap();
        symlink(dir.join("real"), dir.join("folder")).unwrap();
        symlink(dir.join("real/passwords"), dir.join("file")).unwrap();
        assert_eq!(service_file(&dir.join("real/passwords")).unwrap(), "source=abc\n");
        for bad in ["folder/passwords", "file", "real", "absent"] {
            assert!(service_file(&dir.join(bad)).is_err(), "{bad}");
        }
    }
}
