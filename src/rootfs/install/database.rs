//! dpkg's database: what dpkg would have written when it unpacked a package (its
//! `lib/dpkg/dbmodify.c` and `trigger` code read it back).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;

use super::deb::Deb;

/// Where the database lies.
pub const FOLDER: &str = "/var/lib/dpkg";

/// Makes an empty database.
pub fn create() -> anyhow::Result<()> {
    for name in ["info", "updates", "triggers", "alternatives", "parts"] {
        fs::create_dir_all(Path::new(FOLDER).join(name)).context("making dpkg's database")?;
    }
    for (name, text) in [("status", ""), ("info/format", "1\n")] {
        fs::write(Path::new(FOLDER).join(name), text).context("making dpkg's database")?;
    }
    Ok(())
}

/// Lays the files about `deb` down; `paths` are what it installed, in its order.
pub fn describe(deb: &Deb, paths: &str) -> anyhow::Result<()> {
    let info = Path::new(FOLDER).join("info");
    let name = deb.qualified();
    for member in &deb.members {
        let path = info.join(format!("{name}.{}", member.name));
        fs::write(&path, &member.bytes).with_context(|| format!("writing `{}`", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(member.mode))
            .and_then(|()| File::options().write(true).open(&path))
            .and_then(|file| file.set_modified(UNIX_EPOCH + Duration::from_secs(member.mtime)))
            .with_context(|| format!("writing `{}`", path.display()))?;
    }
    fs::write(info.join(format!("{name}.list")), paths).with_context(|| format!("listing `{name}`"))
}

/// What `deb` installed, where it did.
pub fn list(deb: &Deb) -> anyhow::Result<Option<Vec<String>>> {
    let path = Path::new(FOLDER).join("info").join(format!("{}.list", deb.qualified()));
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.lines().map(str::to_owned).collect())),
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err).with_context(|| format!("reading `{}`", path.display())),
    }
}

/// The paragraph of a package that is unpacked and not configured.
pub fn status(deb: &Deb) -> String {
    let mut text = String::new();
    for (field, value) in deb.control.fields() {
        text += &format!("{field}: {value}\n");
        if field == "Package" {
            text += "Status: install ok unpacked\n";
        }
    }
    let lines = deb.lines("conffiles");
    if !lines.is_empty() {
        text += "Conffiles:\n";
    }
    for line in lines {
        // A flag may stand before the path; in the database it stands behind.
        match line.split_once(' ') {
            Some((flag, path)) => text += &format!(" {} newconffile {flag}\n", path.trim_start()),
            None => text += &format!(" {line} newconffile\n"),
        }
    }
    text + "\n"
}

/// The configuration files that the package brings.
pub fn conffiles(deb: &Deb) -> Vec<String> {
    deb.lines("conffiles").into_iter().filter(|line| line.starts_with('/')).collect()
}

/// Adds paragraphs to the status file. dpkg must not be running.
pub fn add(paragraphs: &[String]) -> anyhow::Result<()> {
    let path = Path::new(FOLDER).join("status");
    let text = fs::read_to_string(&path).context("reading dpkg's status")?;
    fs::write(&path, text + &paragraphs.concat()).context("writing dpkg's status")
}

/// Who wants to hear of what: a trigger's name, or a path, and the packages.
#[derive(Debug, Default)]
pub struct Interests(BTreeMap<String, Vec<String>>);

impl Interests {
    /// Adds what the `triggers` file of `deb` asks for.
    pub fn add(&mut self, deb: &Deb) {
        for line in deb.lines("triggers") {
            let mut words = line.split_whitespace();
            let (Some(word), Some(name)) = (words.next(), words.next()) else { continue };
            let ending = match word {
                "interest" | "interest-await" => "",
                "interest-noawait" => "/noawait",
                _ => continue,
            };
            self.0.entry(name.to_owned()).or_default().push(format!("{}{ending}", deb.qualified()));
        }
    }

    /// Writes them where dpkg keeps them: paths in one file, each named trigger in its own.
    pub fn write(&self) -> anyhow::Result<()> {
        let folder = Path::new(FOLDER).join("triggers");
        let mut files = String::new();
        for (name, packages) in &self.0 {
            if name.starts_with('/') {
                packages.iter().for_each(|package| files += &format!("{name} {package}\n"));
            } else {
                let text = packages.iter().map(|package| format!("{package}\n")).collect::<String>();
                fs::write(folder.join(name), text).context("writing dpkg's triggers")?;
            }
        }
        fs::write(folder.join("File"), files).context("writing dpkg's triggers")
    }

    /// The paths that packages of `configured` want to hear of and `touched` lies at or below,
    /// each with the package.
    pub fn touched(
        &self,
        configured: impl Fn(&str) -> bool,
        touched: impl Fn(&str) -> bool,
    ) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for (path, packages) in self.0.iter().filter(|(name, _)| name.starts_with('/')) {
            let packages = packages.iter().map(|it| it.trim_end_matches("/noawait"));
            let heard = packages.filter(|package| configured(package)).collect::<Vec<_>>();
            if !heard.is_empty() && touched(path) {
                found.extend(heard.into_iter().map(|package| (path.as_str(), package)));
            }
        }
        found
    }
}
